"""Clean: load that rises and falls: bursts, sawteeth, days and nights, batches, queues."""

from __future__ import annotations

import math
from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.sites import lognormal, one, steady
from benchmarks.accuracy.scripted.stage import Stage


def sawtooth(stage: Stage) -> tuple[Guilt, ...]:
    """A cache grows and is emptied, three times or more; the trace ends somewhere on a slope."""
    of = stage.site()
    period = stage.duration / stage.share(3.1, 12.0)
    for _ in range(stage.budget):
        at = stage.rng.random() * stage.duration
        emptied = (at // period + 1) * period
        one(stage.script, of, at, emptied - at + stage.rng.random() * period * 0.01)
    return ()


def burst(stage: Stage, *, at_end: bool) -> tuple[Guilt, ...]:
    """Many at once, of a site whose blocks live a while; in the middle, or so late that few are freed in time."""
    of = stage.site()
    life = stage.duration * stage.share(0.02, 0.08)
    lifetimes = lognormal(stage.rng, life, 0.4, life * 4)
    steady(stage.script, of, stage.budget // 2, lifetimes)
    begins = stage.duration - life * stage.share(0.5, 1.5) if at_end else stage.duration * stage.share(0.3, 0.6)
    for _ in range(stage.budget // 2):
        one(stage.script, of, begins + stage.rng.random() * life * 0.3, lifetimes())
    return ()


def burst_in_the_middle(stage: Stage) -> tuple[Guilt, ...]:
    """All over before the end."""
    return burst(stage, at_end=False)


def burst_at_the_end(stage: Stage) -> tuple[Guilt, ...]:
    """Still there when the trace ends, no older than others were."""
    return burst(stage, at_end=True)


def day_and_night(stage: Stage) -> tuple[Guilt, ...]:
    """Load as a sine; the trace may end as it rises."""
    of, days, begins = stage.site(), stage.share(1.5, 8.0), stage.rng.random()
    lifetimes = lognormal(stage.rng, stage.duration * 10 ** stage.rng.uniform(-3, -1.5), 0.8, stage.duration * 0.3)
    for _ in range(stage.budget):
        share = stage.rng.random()
        if stage.rng.random() * 1.9 < 1 + 0.9 * math.sin(math.tau * (days * share + begins)):
            one(stage.script, of, share * stage.duration, lifetimes())
    return ()


def batches(stage: Stage) -> tuple[Guilt, ...]:
    """A job now and then; its blocks go when it is done, and the trace may end within a job."""
    of, period = stage.site(), stage.duration / stage.share(4.2, 25.0)
    runs = max(1, int(stage.duration / period) + 1)
    for _ in range(stage.budget):
        begins = stage.rng.randrange(runs) * period
        at = begins + stage.rng.random() * period * 0.4
        one(stage.script, of, at, begins + period * (0.42 + 0.05 * stage.rng.random()) - at)
    return ()


def queue(stage: Stage) -> tuple[Guilt, ...]:
    """A queue grows while its server is slow and shrinks when it catches up: first in, first out."""
    of, turn = stage.site(), stage.share(0.35, 0.65)
    count = stage.budget
    arrivals = sorted(stage.rng.random() for _ in range(count))
    left = 0.0
    for arrival in arrivals:
        pace = 1.8 if arrival < turn else 0.45
        left = max(left + pace / count, arrival + 0.2 / count)
        one(stage.script, of, arrival * stage.duration, (left - arrival) * stage.duration)
    return ()


KINDS: Final = (
    TraceKind("sawtooth", sawtooth, leaking=False),
    TraceKind("burst-middle", burst_in_the_middle, leaking=False),
    TraceKind("burst-end", burst_at_the_end, leaking=False),
    TraceKind("day-and-night", day_and_night, leaking=False),
    TraceKind("batches", batches, leaking=False),
    TraceKind("queue", queue, leaking=False),
)
