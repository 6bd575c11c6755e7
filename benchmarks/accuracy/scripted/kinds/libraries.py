"""Drivers that allocate for others: callers that free and callers that forget, through the same code."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt, driver_forgets
from benchmarks.accuracy.scripted.kinds.driver_leaks import usual
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.machine import Image, Stack
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.scripted.sites import Site, calls_below, one, site, steady
from benchmarks.accuracy.scripted.stage import Stage

_LIBRARIES: Final = ("netio.sys", "ndis.sys", "fltmgr.sys")
_LEFT: Final = (40, 400)
"""Blocks that a guilty caller leaves, from and to."""


def one_caller_forgets(stage: Stage) -> tuple[Guilt, ...]:
    """A library of Windows' own, one caller that never frees, and others that do."""
    return _callers(stage, _windows(stage), 1)


def of_a_third_party(stage: Stage) -> tuple[Guilt, ...]:
    """The library is a third party's."""
    return _callers(stage, stage.machine.driver(), 1)


def two_callers_forget(stage: Stage) -> tuple[Guilt, ...]:
    """Two drivers that know nothing of each other forget what the same library gave them."""
    return _callers(stage, _windows(stage), 2)


def all_callers_free(stage: Stage) -> tuple[Guilt, ...]:
    """Nobody forgets anything."""
    return _callers(stage, _windows(stage), 0)


def one_place_forgets(stage: Stage) -> tuple[Guilt, ...]:
    """One driver that allocates everything through a function of its own; one of the places that call it forgets."""
    of = stage.site()
    gate = _gate(stage, of.image)
    ways = [replace(of, stack=(*gate, of.image.frame(stage.rng), *calls_below(stage.machine))) for _ in range(3)]
    for way in ways[1:]:
        steady(stage.script, way, stage.budget // 3, usual(stage))
    return (driver_forgets(of.image, _left(stage, ways[0])),)


def _callers(stage: Stage, library: Image, guilty: int) -> tuple[Guilt, ...]:
    gate, first = _gate(stage, library), site(stage.machine, stage.threads(), image=library)
    innocent = [library, *(stage.machine.driver() for _ in range(stage.rng.randrange(1, 3)))]
    for caller in innocent:
        steady(stage.script, _through(stage, first, gate, caller), stage.budget // (2 * len(innocent)), usual(stage))
    found = []
    for _ in range(guilty):
        caller = stage.machine.driver()
        found.append(driver_forgets(caller, _left(stage, _through(stage, first, gate, caller))))
    return tuple(found)


def _windows(stage: Stage) -> Image:
    return stage.machine.drivers[stage.rng.choice(_LIBRARIES)]


def _gate(stage: Stage, image: Image) -> Stack:
    """The pool's code, and the function of an image through which it allocates."""
    return (stage.machine.kernel.frame(stage.rng), *(image.frame(stage.rng) for _ in range(stage.rng.randrange(1, 3))))


def _through(stage: Stage, of: Site, gate: Stack, caller: Image) -> Site:
    """What a caller has a library allocate, on threads of its own."""
    own = [caller.frame(stage.rng) for _ in range(stage.rng.randrange(1, 3))]
    return replace(of, stack=(*gate, *own, *calls_below(stage.machine)), threads=stage.threads())


def _left(stage: Stage, of: Site) -> list[Block]:
    count = min(stage.rng.randrange(*_LEFT), stage.budget // 2)
    return [one(stage.script, of, stage.rng.random() * stage.duration, math.inf) for _ in range(count)]


KINDS: Final = (
    TraceKind("library-caller", one_caller_forgets, leaking=True),
    TraceKind("library-of-a-third-party", of_a_third_party, leaking=True),
    TraceKind("library-two-callers", two_callers_forget, leaking=True),
    TraceKind("library-all-free", all_callers_free, leaking=False),
    TraceKind("one-place-of-a-wrapper", one_place_forgets, leaking=True),
)
