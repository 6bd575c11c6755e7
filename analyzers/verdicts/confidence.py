"""How sure a verdict is: a starting value, lowered by everything that could make it wrong.

Every doubt stands here once, with its words; ``docs/verdicts.md`` explains them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from math import exp, log
from typing import Final

from analyzers.findings import OF_REQUESTS, Verdict
from analyzers.policy import CALIBRATION, DOUBTS, PARTS, SURENESS
from tracer.data_classes import dataclass

_BASE: Final = {
    Verdict.PENDING_APC: SURENESS.pending_apc,
    Verdict.UNDRAINED_PORT: SURENESS.undrained_port,
    Verdict.DRIVER_KEPT: SURENESS.driver_kept,
    Verdict.MISSING_FREE: SURENESS.missing_free,
}


class Doubt(Enum):
    """What lowers a confidence, in words; :class:`~analyzers.policy.DoubtFactors` says by how much."""

    NO_STACKS = "none of them has a call stack, so only the tag tells the driver"
    FEW_STACKS = "only some of them have a call stack, and the tag alone tells whose the others are"
    NO_DRIVER = "neither a stack nor the tag tells which driver allocates them"
    NO_CALLS = "none of them has a call stack, so the program's calls are not known"
    NO_PROCESS = "no event tells which process asked for them"
    NO_SWITCHES = "the trace has no context switches: what threads did is not known, who allocated less sure"
    NO_REQUESTS = "the trace has no I/O request events, so a request that holds the memory would not be seen"
    WRAPPED = "the file overwrote its beginning"
    ROLLED = "they may be freed in other files of the recording, which were not given"
    ENDED = "it stopped before the trace's end, when the program's activity did"
    NOT_RISING = "the trend of its outstanding bytes is not clear"
    CALLER_FREES = "its driver frees others that it gets in the same way, so the one that allocates may be at fault"
    SENDS = "its driver calls the one that allocates through Windows, and may only pass requests on"
    OTHERS_FREED = "only other programs free theirs, so how long this program's should live is not known"
    ANYBODY = "any program may hold a handle to such an object, not only the one that created it"
    MAY_REST = "lookaside lists may hold as many unused IRPs"
    RUNNING = "threads that it started still run, and a running thread keeps its object without any handle"
    UNLOADED_AT_END = "its driver was unloaded just before the trace's end, and others may yet free them"
    ONE_LOST = "so few of so many would stay as well if their frees had been lost, and so few lost events show no sign"
    BY_LIBRARY = "another driver allocated them for it, and may free them later"
    THREAD_INFERRED = "the issuing thread is inferred from context switches"
    THREADS_INFERRED = "the issuing thread of some of them is inferred from context switches"

    @property
    def factor(self) -> float:
        """What it leaves of a confidence."""
        left: float = getattr(DOUBTS, self.name.lower())
        return left

    @property
    def says(self) -> str:
        """Why it lowers the confidence."""
        return self.value


@dataclass(frozen=True, slots=True)
class Weight:
    """A doubt whose factor depends on the case; ``says``: empty where it is not worth a word."""

    factor: float
    says: str


@dataclass(frozen=True, slots=True)
class Confidence:
    """A value in (0, 1) and what lowered it."""

    value: float
    doubts: tuple[str, ...]


def confidence(
    verdict: Verdict, doubts: Sequence[Doubt | Weight], *, count: int, explained: float, by_count: bool = True
) -> Confidence:
    """How often such a finding is right: the product of all that lowers it, by :func:`calibrated`.

    ``count``: allocations accused; ``explained``: how many of them lost events may explain at most. ``by_count``: few
    of them may be chance.
    """
    value = base(verdict) * (for_count(count) if by_count else 1.0)
    says = [doubt.says for doubt in doubts if doubt.says]
    for doubt in doubts:
        value *= doubt.factor
    most = 1.0
    if explained:
        value *= 1 - SURENESS.by_loss * min(explained / max(count, 1), 1.0)
        most = SURENESS.mostly_lost if explained > PARTS.most * count else most
        says.append(f"events were lost: they may explain up to {explained:,.0f} of the {count:,} allocations")
    return Confidence(round(min(calibrated(verdict, value), most), 3), tuple(says))


def of_gone(*, at_end: bool, by_library: bool, one_lost: bool, count: int, explained: float) -> Confidence:
    """That a driver which was unloaded leaked ``count`` blocks: as sure of one as of many, however short the trace is.

    ``explained``: how many of them lost events may explain at most; ``one_lost``: all of them, without any sign.
    """
    held = {Doubt.UNLOADED_AT_END: at_end, Doubt.ONE_LOST: one_lost, Doubt.BY_LIBRARY: by_library}
    doubts = [doubt for doubt, holds in held.items() if holds]
    return confidence(Verdict.MISSING_FREE, doubts, count=count, explained=explained, by_count=False)


def base(verdict: Verdict) -> float:
    """What the product begins with where nothing speaks against it; without a number of its own, that of *growth*."""
    return _BASE.get(verdict, SURENESS.growth)


def family_of(verdict: Verdict) -> str:
    """Verdicts whose products of doubts mean the same have one line: what they are called in the policy."""
    return "held" if verdict in OF_REQUESTS else "missing_free" if verdict is Verdict.MISSING_FREE else "growth"


def calibrated(verdict: Verdict, product: float) -> float:
    """The share of findings with this product of doubts, in (0, 1), that are right (``docs/accuracy.md``).

    A straight line between log-odds (Platt 1999), which never puts what is more doubtful before what is less.
    """
    slope, shift = _line(family_of(verdict))
    return min(1 / (1 + exp(-shift - slope * log(product / (1 - product)))), CALIBRATION.most)


def _line(family: str) -> tuple[float, float]:
    slope: float = getattr(CALIBRATION, f"{family}_slope")
    shift: float = getattr(CALIBRATION, f"{family}_shift")
    return slope, shift


def for_count(count: int) -> float:
    """Small numbers may be chance: 8 allocations give 0.83, 50 give 0.96."""
    return 1 - SURENESS.by_few * SURENESS.few / (count + SURENESS.few)


def is_said(value: float) -> bool:
    """Whether an accusation that is so sure is made."""
    return value >= SURENESS.least


def is_likely(value: float) -> bool:
    """Whether a finding that is so sure comes before those that are not, whatever their size."""
    return value >= SURENESS.likely
