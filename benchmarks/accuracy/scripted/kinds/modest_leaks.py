"""Leaks that are harder to see: of few blocks, in batches, from many stacks and threads, going on since long ago."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt, driver_forgets
from benchmarks.accuracy.scripted.kinds.driver_leaks import forgetful, usual
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.scripted.sites import Site, block_of, calls_below, driver_stack, lognormal, one, steady
from benchmarks.accuracy.scripted.stage import Stage


def few_blocks(stage: Stage) -> tuple[Guilt, ...]:
    """Two to four dozen are forgotten in all."""
    of = stage.site()
    steady(stage.script, of, stage.budget // 2, usual(stage))
    return (driver_forgets(of.image, _spread(stage, [of], stage.rng.randrange(24, 48))),)


def in_batches(stage: Stage) -> tuple[Guilt, ...]:
    """A job now and then forgets all that belongs to it; others do not."""
    of, jobs = stage.site(), stage.rng.randrange(20, 120)
    left: list[Block] = []
    for job in range(jobs):
        begins = stage.duration * (job + stage.rng.random()) / jobs
        fails, lasts = stage.rng.random() < 0.4, stage.duration * 0.2 / jobs
        for _ in range(stage.rng.randrange(3, 12)):
            at = begins + stage.rng.random() * lasts
            block = one(stage.script, of, at, math.inf if fails else begins + lasts - at)
            left += [block] if fails and at < stage.duration else []
    return (driver_forgets(of.image, left),)


def from_many_stacks(stage: Stage) -> tuple[Guilt, ...]:
    """One tag, a dozen ways to it, threads of several processes, blocks of a page and more."""
    first = stage.site()
    threads = [thread for _ in range(stage.rng.randrange(2, 6)) for thread in stage.threads(8)]
    sizes = first.sizes if stage.rng.random() < 0.5 else (0x1000, 0x2340, 0x8000)
    ways = [
        replace(
            first,
            stack=driver_stack(stage.machine, first.image, calls_below(stage.machine)),
            threads=tuple(threads),
            sizes=sizes,
        )
        for _ in range(stage.rng.randrange(6, 14))
    ]
    for way in ways:
        steady(stage.script, way, stage.budget // 2 // len(ways), usual(stage))
    return (driver_forgets(first.image, _spread(stage, ways, max(120, stage.budget // 8))),)


def since_long_ago(stage: Stage) -> tuple[Guilt, ...]:
    """It leaked before the trace, too, and what others of its kind hold is freed early in the trace."""
    of = stage.site()
    for _ in range(stage.rng.randrange(10, 60)):
        at = stage.rng.expovariate(1.0) * stage.duration * 0.005
        stage.script.free(at, stage.rng.choice(of.threads), block_of(of, stage.rng), stage.rng.choice(of.frees))
    return (forgetful(stage, of, stage.budget),)


def beside_long_sessions(stage: Stage) -> tuple[Guilt, ...]:
    """Of another driver, while a service holds sessions for a tenth of the trace."""
    lasting = lognormal(stage.rng, stage.duration * 0.1, 0.4, stage.duration * 0.3)
    steady(stage.script, stage.site(), stage.budget // 4, lasting)
    return (forgetful(stage, stage.site(), stage.budget // 2),)


def _spread(stage: Stage, ways: list[Site], count: int) -> list[Block]:
    """As many that are never freed, at random moments and by random ways."""
    return [
        one(stage.script, stage.rng.choice(ways), stage.rng.random() * stage.duration, math.inf) for _ in range(count)
    ]


KINDS: Final = (
    TraceKind("few-blocks", few_blocks, leaking=True),
    TraceKind("in-batches", in_batches, leaking=True),
    TraceKind("from-many-stacks", from_many_stacks, leaking=True),
    TraceKind("since-long-ago", since_long_ago, leaking=True),
    TraceKind("beside-long-sessions", beside_long_sessions, leaking=True),
)
