"""Drivers that are unloaded during the trace, and others that come to where they were."""

from __future__ import annotations

import math
from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt, driver_forgets
from benchmarks.accuracy.scripted.kinds.driver_leaks import usual
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.machine import Image
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.scripted.sites import Site, one, same_driver, site
from benchmarks.accuracy.scripted.stage import Stage

_BETWEEN: Final = 0.01
"""Share of the trace from the last allocation to the unload, and to the load of another driver."""


def leaves_blocks(stage: Stage) -> tuple[Guilt, ...]:
    """A driver frees most of what it allocates, and is unloaded with a few left."""
    of, until = stage.site(), stage.share(0.2, 0.8)
    if stage.rng.random() < 0.5:
        stage.machine.loads[of.image] = stage.duration * 0.02
    left = _work(stage, of, 0.03, until, stage.rng.randrange(12, 120))
    _unload(stage, of.image, until)
    return (driver_forgets(of.image, left, "missing-free"),)


def leaves_nothing(stage: Stage) -> tuple[Guilt, ...]:
    """It frees everything before it goes."""
    of, until = stage.site(), stage.share(0.2, 0.8)
    _work(stage, of, 0.0, until, 0)
    _unload(stage, of.image, until)
    return ()


def before_another(stage: Stage) -> tuple[Guilt, ...]:
    """It leaves blocks; another driver comes to its base and frees all of its own."""
    of, until = stage.site(), stage.share(0.3, 0.6)
    left = _work(stage, of, 0.0, until, stage.rng.randrange(12, 300))
    other = _next(stage, of, until)
    _work(stage, other, until + 3 * _BETWEEN, 1.0, 0)
    return (driver_forgets(of.image, left, "missing-free"),)


def after_another(stage: Stage) -> tuple[Guilt, ...]:
    """It frees everything; another driver comes to its base, and forgets through the same addresses."""
    of, until = stage.site(), stage.share(0.2, 0.4)
    _work(stage, of, 0.0, until, 0)
    other = _next(stage, of, until)
    begin = until + 3 * _BETWEEN
    blocks = [one(stage.script, other, _at(stage, begin, 1.0), math.inf) for _ in range(stage.rng.randrange(60, 400))]
    return (driver_forgets(other.image, blocks, "growth", "missing-free"),)


def _at(stage: Stage, begin: float, end: float) -> float:
    return stage.share(begin, end) * stage.duration


def _work(stage: Stage, of: Site, begin: float, end: float, left: int) -> list[Block]:
    """Blocks between two shares of the trace, all freed before the second but for those that are left."""
    lifetimes, last = usual(stage), end * stage.duration
    for _ in range(stage.budget // 4):
        at = _at(stage, begin, end)
        one(stage.script, of, at, min(lifetimes(), (last - at) * 0.99))
    return [one(stage.script, of, _at(stage, begin, end), math.inf) for _ in range(left)]


def _unload(stage: Stage, image: Image, until: float) -> None:
    stage.machine.unloads[image] = (until + _BETWEEN) * stage.duration


def _next(stage: Stage, of: Site, until: float) -> Site:
    """The driver that comes to the base of one that goes, in half of all cases with its tag and addresses."""
    _unload(stage, of.image, until)
    image = stage.machine.mapped_over(of.image)
    stage.machine.loads[image] = (until + 2 * _BETWEEN) * stage.duration
    if stage.rng.random() < 0.5:
        return Site(image, of.tag, of.sizes, of.type, of.session, of.stack, of.frees, of.threads)
    return same_driver(stage.machine, site(stage.machine, of.threads, image=image))


KINDS: Final = (
    TraceKind("unloaded-with-blocks", leaves_blocks, leaking=True),
    TraceKind("unloaded-clean", leaves_nothing, leaking=False),
    TraceKind("same-base-first-leaks", before_another, leaking=True),
    TraceKind("same-base-second-leaks", after_another, leaking=True),
)
