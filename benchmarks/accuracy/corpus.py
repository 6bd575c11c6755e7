"""Which traces are played: every kind with every spoiling, from both writers, each with a seed of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count, islice
from typing import Final

from benchmarks.accuracy import from_kernel
from benchmarks.accuracy.scripted import playing
from benchmarks.accuracy.scripted.kinds import KINDS
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.accuracy.truth import Truth
from fixtures.scenarios import SCENARIOS

TRACES: Final = 510
TRACES_TO_CALIBRATE: Final = 4_000
"""Some 500 findings of each writer in each half. Of 180 that are right just as often as said the error is 0.045, by
chance: too much to tell it from one of 0.05."""
_SPOILT: Final = tuple(spoiling for spoiling in Spoiling if spoiling not in {Spoiling.NONE, Spoiling.CUT})
_SCRIPTED_OF_EACH: Final = 3
_KERNEL_OF_EACH: Final = 2
"""Of five traces, three are the scripted writer's and two the simulated kernel's."""


class Writer(StrEnum):
    """Who makes a trace."""

    KERNEL = "kernel"
    SCRIPTED = "scripted"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of what it plays."""
        return (*SCENARIOS, *from_kernel.UNENDED) if self is Writer.KERNEL else tuple(KINDS)

    @property
    def ended(self) -> tuple[str, ...]:
        """The kinds whose traces tell what leaks and what does not: the others are not over when theirs end."""
        return tuple(SCENARIOS) if self is Writer.KERNEL else tuple(n for n, each in KINDS.items() if not each.unended)


_UNENDED_TIMES: Final = {Writer.KERNEL: 0.5, Writer.SCRIPTED: 1.0}
"""How often a round has each unended kind: in traces of one length, about one of them for eight to ten that leak."""
_LIKE_GROWTH: Final = frozenset({"cache-fills", "sessions-held-open"})
_GROWTH_TIMES: Final = 2
"""And these so much oftener: every program that starts looks like that, so that growth of a few seconds is as likely a
start as a leak. That is by rule (``analyzers.policy.LengthLimits``), not measured."""
_APART: Final = 100_000
"""Between seeds of one round: an even number, as every second seed is of one half."""


@dataclass(frozen=True, slots=True)
class Case:
    """One trace of the corpus."""

    writer: Writer
    kind: str
    seed: int
    spoiling: Spoiling

    def play(self) -> tuple[bytes, Truth]:
        """The file's bytes and what is true about it."""
        if self.writer is Writer.KERNEL:
            return from_kernel.play(self.kind, self.seed, self.spoiling)
        return playing.play(self.kind, self.seed, self.spoiling)

    @property
    def files(self) -> int:
        """Over how many files the session was rolled; one where it was not."""
        rolls = self.writer is Writer.SCRIPTED and self.spoiling is not Spoiling.WRAPPED
        return KINDS[self.kind].files if rolls else 1

    @property
    def again(self) -> str:
        """The command that plays this one alone."""
        return (
            f"python -m benchmarks.accuracy --writer {self.writer} --only {self.kind} "
            f"--spoiling {self.spoiling} --seed {self.seed} --traces 1"
        )


def cases(
    writers: Sequence[Writer], only: Sequence[str], spoilings: Sequence[Spoiling], seed: int, count: int
) -> list[Case]:
    """``count`` cases; those of one writer go round its kinds, every second round spoilt in another way.

    All ended kinds, or those of ``only``.
    """
    wanted = {
        writer: [kind for kind in writer.kinds if kind in only] if only else list(writer.ended) for writer in writers
    }
    wanted = {writer: kinds for writer, kinds in wanted.items() if kinds}
    out: list[Case] = []
    for writer, share in _shares(list(wanted), count):
        kinds = wanted[writer]
        for number in range(share):
            turn, place = divmod(number, len(kinds))
            spoiling = spoilings[turn % len(spoilings)] if spoilings else _spoiling(turn, place)
            out.append(Case(writer, kinds[place], seed + turn, spoiling))
    return out


def calibrating(only: Sequence[str], seed: int, number: int) -> list[Case]:
    """``number`` cases from which it is learnt how often findings are right: as many of each writer, of all its kinds.

    Those of a writer go round its kinds, unended ones too: one round whole, one cut short, one spoilt in another way.
    """
    return [case for writer in Writer for case in islice(_rounds(writer, only, seed), number // len(Writer))]


def _rounds(writer: Writer, only: Sequence[str], seed: int) -> Iterator[Case]:
    kinds = [kind for kind in writer.kinds if not only or kind in only]
    for turn in count() if kinds else ():
        for place, kind in enumerate(kinds):
            spoilt = _SPOILT[(turn // 3 + place) % len(_SPOILT)]
            spoiling = (Spoiling.NONE, Spoiling.CUT, spoilt)[turn % 3]
            for number in range(1 if kind in writer.ended else _unended(writer, kind, seed + turn)):
                yield Case(writer, kind, seed + turn + number * _APART, spoiling)


def _unended(writer: Writer, kind: str, seed: int) -> int:
    times = _UNENDED_TIMES[writer] * (_GROWTH_TIMES if kind in _LIKE_GROWTH else 1)
    return int(times + random.Random(f"{kind} {seed}").random())


def _shares(writers: list[Writer], count: int) -> list[tuple[Writer, int]]:
    if len(writers) < 2:
        return [(writer, count) for writer in writers]
    scripted = count * _SCRIPTED_OF_EACH // (_SCRIPTED_OF_EACH + _KERNEL_OF_EACH)
    return [(Writer.KERNEL, count - scripted), (Writer.SCRIPTED, scripted)]


def _spoiling(turn: int, place: int) -> Spoiling:
    """Whole in even rounds; in odd ones each kind has another spoiling, and the next in the next odd round."""
    return _SPOILT[(turn // 2 + place) % len(_SPOILT)] if turn % 2 else Spoiling.NONE
