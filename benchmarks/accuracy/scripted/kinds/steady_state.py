"""Clean: what comes and goes at random with lifetimes of every length, and what a trace's edges cut."""

from __future__ import annotations

import math
from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.scripted.sites import lognormal, one, pareto, steady
from benchmarks.accuracy.scripted.stage import Stage


def lognormal_churn(stage: Stage) -> tuple[Guilt, ...]:
    """Lifetimes of a wide lognormal distribution, up to the trace's length."""
    for _ in range(2):
        median = stage.duration * 10 ** stage.rng.uniform(-4, -1.3)
        steady(stage.script, stage.site(), stage.budget // 2, lognormal(stage.rng, median, 1.8, stage.duration))
    return ()


def pareto_churn(stage: Stage) -> tuple[Guilt, ...]:
    """Lifetimes with a heavy tail."""
    for _ in range(2):
        shortest = stage.duration * 10 ** stage.rng.uniform(-4.5, -2.5)
        lifetimes = pareto(stage.rng, shortest, stage.rng.uniform(0.8, 1.6), stage.duration)
        steady(stage.script, stage.site(), stage.budget // 2, lifetimes)
    return ()


def long_lived_churn(stage: Stage) -> tuple[Guilt, ...]:
    """Half of the trace long on average: much of what is freed is older than the trace, much is never seen freed."""
    lifetimes = lognormal(stage.rng, stage.duration * stage.share(0.1, 0.3), 0.5, stage.duration)
    steady(stage.script, stage.site(), stage.budget, lifetimes)
    return ()


def before_the_trace(stage: Stage) -> tuple[Guilt, ...]:
    """Most frees are of blocks that were there already."""
    of = stage.site()
    for _ in range(stage.budget):
        block = Block(of.tag, stage.rng.choice(of.sizes), of.type)
        at = stage.rng.random() * stage.duration
        stage.script.free(at, stage.rng.choice(of.threads), block, stage.rng.choice(of.frees))
    steady(stage.script, of, stage.budget // 4, lognormal(stage.rng, stage.duration * 0.01, 1.0, stage.duration * 0.2))
    return ()


def warm_up(stage: Stage) -> tuple[Guilt, ...]:
    """A service starts: much is allocated for good in the first part, then nothing more but its daily work."""
    of, until = stage.site(), stage.share(0.05, 0.35)
    for _ in range(min(2_000, stage.budget // 2)):
        one(stage.script, of, stage.rng.random() * until * stage.duration, math.inf)
    daily = stage.site()
    steady(
        stage.script, daily, stage.budget // 2, lognormal(stage.rng, stage.duration * 0.003, 1.0, stage.duration * 0.1)
    )
    return ()


def cache_that_levels_off(stage: Stage) -> tuple[Guilt, ...]:
    """Filled up to a limit, then one goes for each that comes, or nothing comes any more."""
    of, full = stage.site(), stage.share(0.3, 0.8)
    size = int(50 * 30 ** stage.rng.random())
    filled = sorted(stage.rng.random() * full * stage.duration for _ in range(size))
    if stage.rng.random() < 0.4:
        for at in filled:
            one(stage.script, of, at, math.inf)
        return ()
    turnover = stage.rng.randrange(size // 4, size * 3)
    later = sorted(stage.share(full, 1.0) * stage.duration for _ in range(turnover))
    moments = filled + later
    for position, at in enumerate(moments):
        evicted = moments[position + size] if position + size < len(moments) else math.inf
        one(stage.script, of, at, evicted - at + 1_000)
    return ()


KINDS: Final = (
    TraceKind("churn-lognormal", lognormal_churn, leaking=False),
    TraceKind("churn-pareto", pareto_churn, leaking=False),
    TraceKind("churn-long-lived", long_lived_churn, leaking=False),
    TraceKind("pre-trace-frees", before_the_trace, leaking=False),
    TraceKind("warm-up", warm_up, leaking=False),
    TraceKind("cache-levels-off", cache_that_levels_off, leaking=False),
)
