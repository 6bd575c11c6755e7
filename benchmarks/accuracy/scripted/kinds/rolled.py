"""Sessions that went on in other files: what is freed in one of them may have been allocated in another."""

from __future__ import annotations

from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt
from benchmarks.accuracy.scripted.kinds.driver_leaks import forgetful
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.sites import one
from benchmarks.accuracy.scripted.stage import Stage

_LAST_ALLOCATED: Final = 0.45
_FIRST_FREED: Final = 0.55


def freed_in_another_file(stage: Stage) -> tuple[Guilt, ...]:
    """All of it is allocated in the first half and freed in the second: the first file alone looks like a leak."""
    of = stage.site()
    for _ in range(min(stage.budget, 2_000)):
        at = stage.share(0.0, _LAST_ALLOCATED) * stage.duration
        one(stage.script, of, at, stage.share(_FIRST_FREED, 0.98) * stage.duration - at)
    return ()


def forgotten_in_every_file(stage: Stage) -> tuple[Guilt, ...]:
    """A driver forgets some of its blocks, from the first file to the last."""
    return (forgetful(stage, stage.site(), stage.budget),)


KINDS: Final = (
    TraceKind("rolled-leak", forgotten_in_every_file, leaking=True, files=3),
    TraceKind("rolled-clean", freed_in_another_file, leaking=False, files=2),
)
