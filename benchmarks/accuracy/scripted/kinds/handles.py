"""Kernel objects of programs side by side: one closes its handles, another keeps them, on one path in the kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt, reference_kept
from benchmarks.accuracy.scripted.kinds.driver_leaks import usual
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.machine import Stack, Thread
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.scripted.script import NONPAGED, PAGED, Block
from benchmarks.accuracy.scripted.stage import Stage

_TYPES: Final = (
    ("Even", 0x70, NONPAGED), ("Sema", 0x70, NONPAGED), ("Muta", 0xA0, NONPAGED), ("Time", 0x160, NONPAGED),
    ("Toke", 0x5C0, PAGED), ("Sect", 0x90, PAGED), ("Key ", 0xA0, PAGED), ("IoCo", 0xB0, NONPAGED),
)  # fmt: skip
"""Types of objects by tag, with a size, and the kind of pool that they are in."""
_FORGOTTEN: Final = 40
"""As many at least, so that there is something to see."""


@dataclass(frozen=True, slots=True)
class _Opener:
    """How a program comes to an object of a type, and how it closes it."""

    tag: int
    size: int
    type: int
    opens: Stack
    closes: Stack

    @classmethod
    def of(cls, stage: Stage) -> _Opener:
        """Of one type, on the kernel's only path."""
        name, size, pool_type = stage.rng.choice(_TYPES)
        call = stage.machine.functions(
            "ExAllocatePoolWithTag", "ObpAllocateObject", "ObCreateObject", f"NtCreate{name}"
        )
        close = stage.machine.functions("ExFreePoolWithTag", "ObpFreeObject", "ObfDereferenceObject", "NtClose")
        return cls(tag_of(name, protected=True), size, pool_type, call, close)

    def one(self, stage: Stage, thread: Thread, at: float, lifetime: float) -> Block:
        """An object; infinite: its handle is never closed."""
        user = stage.machine.user_call(thread.process, "control")
        block = stage.script.allocate(at, thread, Block(self.tag, self.size, self.type, user=user), self.opens)
        if lifetime < math.inf:
            stage.script.free(at + lifetime, thread, block, self.closes)
        return block


def one_program_keeps_them(stage: Stage) -> tuple[Guilt, ...]:
    """Every program closes its handles but one, which keeps all of them, or some."""
    opener = _Opener.of(stage)
    _closing(stage, opener, [stage.threads() for _ in range(stage.rng.randrange(1, 4))])
    threads, share = stage.threads(2), stage.rng.choice((1.0, 1.0, stage.share(0.05, 0.8)))
    count, lifetimes, kept = max(stage.budget // 4, _FORGOTTEN), usual(stage), list[Block]()
    share = max(share, _FORGOTTEN / count)
    for number in range(count):
        at, forgotten = stage.duration * (number + stage.rng.random()) / count, stage.rng.random() < share
        block = opener.one(stage, stage.rng.choice(threads), at, math.inf if forgotten else lifetimes())
        kept += [block] if forgotten else []
    return (reference_kept({thread.process for thread in threads}, kept),)


def all_are_closed(stage: Stage) -> tuple[Guilt, ...]:
    """Programs close what they open; one opens most of what it needs at its start, and keeps that."""
    opener = _Opener.of(stage)
    programs = [stage.threads() for _ in range(stage.rng.randrange(2, 5))]
    _closing(stage, opener, programs)
    begins, lasts = stage.share(0.0, 0.4), stage.share(0.03, 0.1)
    owner = stage.machine.process(int(begins * stage.duration))
    starting = stage.machine.thread(owner, int(begins * stage.duration))
    for _ in range(stage.rng.randrange(20, 200)):
        opener.one(stage, starting, stage.duration * (begins + 0.001 + lasts * stage.rng.random()), math.inf)
    return ()


def _closing(stage: Stage, opener: _Opener, programs: Sequence[tuple[Thread, ...]]) -> None:
    lifetimes = usual(stage)
    for _ in range(stage.budget // 2):
        thread = stage.rng.choice(stage.rng.choice(programs))
        opener.one(stage, thread, stage.rng.random() * stage.duration, lifetimes())


KINDS: Final = (
    TraceKind("handle-leak", one_program_keeps_them, leaking=True),
    TraceKind("handles-closed", all_are_closed, leaking=False),
)
