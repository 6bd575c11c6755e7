"""Clean: what takes its time, and may not be over when the trace ends. Until then it looks like a leak."""

from __future__ import annotations

from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt
from benchmarks.accuracy.scripted.kinds.driver_leaks import usual
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.sites import Site, lognormal, one, site, steady
from benchmarks.accuracy.scripted.stage import Stage


def job(stage: Stage) -> tuple[Guilt, ...]:
    """A long job of a driver keeps what it makes until it is done; others of the kind come and go meanwhile."""
    of, lasts = stage.site(), stage.spell()
    steady(stage.script, of, stage.budget // 2, usual(stage))
    begins = stage.duration * stage.share(0.05, 0.8)
    done, seen = begins + lasts, min(lasts, stage.duration - begins)
    for _ in range(stage.budget // 2):
        at = begins + stage.rng.random() * seen
        one(stage.script, of, at, done - at + lasts * 0.01 * stage.rng.random())
    return ()


def cache_fills(stage: Stage) -> tuple[Guilt, ...]:
    """A program starts, and its cache fills up to a limit; from then on one goes for each that comes."""
    of, begins, until_full = *_of_new_program(stage), stage.spell()
    room = int(50 * 30 ** stage.rng.random())
    pace = max(until_full / room, (stage.duration - begins) / stage.budget)
    room = max(8, int(until_full / pace))
    for number in range(int((stage.duration - begins) / pace)):
        at = begins + pace * (number + stage.rng.random())
        one(stage.script, of, at, pace * room)
    return ()


def held_open(stage: Stage) -> tuple[Guilt, ...]:
    """A program starts, and holds each of its sessions open for a while: until the first end there are ever more."""
    of, begins, lasts = *_of_new_program(stage), stage.spell()
    lifetimes = lognormal(stage.rng, lasts, stage.share(0.1, 0.8), 10 * lasts)
    for _ in range(stage.budget):
        one(stage.script, of, begins + stage.rng.random() * (stage.duration - begins), lifetimes())
    return ()


def freed_on_timer(stage: Stage) -> tuple[Guilt, ...]:
    """A timer frees what is no longer used, all at once; some is freed in time."""
    of, every = stage.site(), stage.spell()
    in_time, lifetimes = stage.rng.choice((0.0, stage.share(0.3, 0.95))), usual(stage)
    first = every * stage.rng.random()
    for _ in range(stage.budget):
        at = stage.rng.random() * stage.duration
        due = first + every * max(0, -int((first - at) // every)) - at
        one(stage.script, of, at, lifetimes() if stage.rng.random() < in_time else due + 1_000)
    return ()


def _of_new_program(stage: Stage) -> tuple[Site, float]:
    """A site in calls of a program that starts in the first half of the trace, and when that begins to call."""
    started = int(stage.duration * stage.share(0.0, 0.5))
    owner = stage.machine.process(started)
    return site(stage.machine, [stage.machine.thread(owner, started)]), started + stage.duration * 0.001


KINDS: Final = (
    TraceKind("long-job", job, leaking=False, unended=True),
    TraceKind("cache-fills", cache_fills, leaking=False, unended=True),
    TraceKind("sessions-held-open", held_open, leaking=False, unended=True),
    TraceKind("freed-on-timer", freed_on_timer, leaking=False, unended=True),
)
