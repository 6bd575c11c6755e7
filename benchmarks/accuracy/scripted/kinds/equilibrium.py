"""Clean: what lives longer than the trace. It is allocated all along, and as many from before are freed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.scripted.sites import Site, block_of, lognormal, one, steady
from benchmarks.accuracy.scripted.stage import Stage


def long_sessions(stage: Stage) -> tuple[Guilt, ...]:
    """Most are freed at once, some last for many times the trace: sessions beside requests, as many as ever."""
    of = stage.site()
    short = lognormal(stage.rng, stage.duration * 10 ** stage.rng.uniform(-5, -3), 0.8, stage.duration * 0.05)
    steady(stage.script, of, stage.budget, short)
    mean = stage.duration * stage.share(2.0, 20.0)
    of = of if stage.rng.random() < 0.7 else replace(of, stack=of.stack[:1] + of.stack[2:])
    for _ in range(int(stage.budget * stage.share(0.03, 0.15))):
        one(stage.script, of, stage.rng.random() * stage.duration, stage.rng.expovariate(1 / mean))
        _free_old(stage, of, stage.rng.random() * stage.duration)
    return ()


def cache_that_is_full(stage: Stage) -> tuple[Guilt, ...]:
    """Full before the trace begins, and larger than what the trace brings: the oldest goes for each that comes."""
    of = stage.site()
    for _ in range(min(2_000, max(60, stage.budget // 2))):
        at = stage.rng.random() * stage.duration
        _free_old(stage, of, at - 1_000)
        one(stage.script, of, at, math.inf)
    return ()


def trimmed_late(stage: Stage) -> tuple[Guilt, ...]:
    """A working set grows nearly all the time, and is trimmed in the end, by most of it."""
    of, trimmed, kept = stage.site(), stage.share(0.85, 0.97) * stage.duration, stage.share(0.0, 0.2)
    for _ in range(min(4_000, stage.budget)):
        at = stage.rng.random() * stage.duration
        goes = at < trimmed and stage.rng.random() >= kept
        one(stage.script, of, at, trimmed - at + stage.rng.random() * stage.duration * 0.005 if goes else math.inf)
    return ()


def long_teeth(stage: Stage) -> tuple[Guilt, ...]:
    """Deferred frees: emptied every so often, once to three times in the trace, also of what is from before."""
    of, period = stage.site(), stage.duration / stage.share(1.1, 3.0)
    first = stage.share(0.02, 0.98) * period
    for _ in range(stage.budget):
        at = stage.rng.random() * (stage.duration + period) - period
        emptied = first + math.ceil((at - first) / period) * period + stage.rng.random() * period * 0.01
        if at >= 0:
            one(stage.script, of, at, emptied - at)
        elif emptied > 0:
            _free_old(stage, of, emptied)
    return ()


def high_water(stage: Stage) -> tuple[Guilt, ...]:
    """Free blocks go to a list of the driver's own, and more are made only where that is empty: ever more rarely."""
    of, begins = stage.site(), 10 ** stage.rng.uniform(-3, -1.7)
    for _ in range(stage.rng.randrange(40, 400)):
        one(stage.script, of, stage.duration * begins ** stage.rng.random(), math.inf)
    return ()


def start_in_the_middle(stage: Stage) -> tuple[Guilt, ...]:
    """A service starts while the trace runs, keeps what it needs, and goes about its work."""
    of, begins = stage.site(), stage.share(0.25, 0.6)
    lasts = stage.share(0.05, 0.2)
    for _ in range(min(2_000, stage.budget // 2)):
        one(stage.script, of, stage.duration * (begins + lasts * stage.rng.random()), math.inf)
    daily = lognormal(stage.rng, stage.duration * 0.002, 1.0, stage.duration * 0.05)
    steady(stage.script, of, stage.budget // 2, daily, since=begins)
    return ()


def _free_old(stage: Stage, of: Site, at: float) -> None:
    """Free a block that was there before the trace."""
    block: Block = block_of(of, stage.rng)
    stage.script.free(at, stage.rng.choice(of.threads), block, stage.rng.choice(of.frees))


KINDS: Final = (
    TraceKind("long-sessions", long_sessions, leaking=False),
    TraceKind("cache-is-full", cache_that_is_full, leaking=False),
    TraceKind("trimmed-late", trimmed_late, leaking=False),
    TraceKind("long-teeth", long_teeth, leaking=False),
    TraceKind("high-water", high_water, leaking=False),
    TraceKind("start-in-the-middle", start_in_the_middle, leaking=False),
)
