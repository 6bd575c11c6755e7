"""Drivers that forget to free: on an error path, in a worker thread, in paged and in session pool, two at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt, driver_forgets
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.machine import Thread
from benchmarks.accuracy.scripted.script import SESSION_PAGED, Block
from benchmarks.accuracy.scripted.sites import Lifetimes, Site, lognormal, one, same_driver, site, steady
from benchmarks.accuracy.scripted.stage import Stage

_RAREST: Final = 0.002
_MOST_OVER_RAREST: Final = 150.0
"""Of a driver's allocations, 0.2 % to 30 % are forgotten."""
_FORGOTTEN: Final = 30
"""As many at least, so that there is something to see."""


def on_error_path(stage: Stage) -> tuple[Guilt, ...]:
    """Every call may fail, and then its context stays."""
    return (forgetful(stage, stage.site(), stage.budget),)


def in_paged_pool(stage: Stage) -> tuple[Guilt, ...]:
    """The same in paged pool."""
    return (forgetful(stage, stage.site(paged=True), stage.budget),)


def in_worker(stage: Stage) -> tuple[Guilt, ...]:
    """The driver works in the kernel's own worker threads."""
    workers = [stage.machine.worker() for _ in range(stage.rng.randrange(1, 5))]
    return (forgetful(stage, site(stage.machine, workers), stage.budget),)


def in_session_pool(stage: Stage) -> tuple[Guilt, ...]:
    """A display driver's allocations belong to a session."""
    owner = stage.machine.process(session=stage.rng.choice((1, 2)))
    threads = [stage.machine.thread(owner) for _ in range(2)]
    of = replace(site(stage.machine, threads), type=SESSION_PAGED, session=owner.session)
    return (forgetful(stage, of, stage.budget),)


def two_at_once(stage: Stage) -> tuple[Guilt, ...]:
    """Two drivers that know nothing of each other."""
    return tuple(forgetful(stage, stage.site(), stage.budget // 2) for _ in range(2))


def with_two_tags(stage: Stage) -> tuple[Guilt, ...]:
    """One driver forgets a context and the name that belongs to it."""
    first = stage.site()
    second = same_driver(stage.machine, first)
    guilt = [forgetful(stage, of, stage.budget // 2) for of in (first, second)]
    blocks = tuple(block for each in guilt for block in each.blocks)
    return (replace(guilt[0], blocks=blocks),)


def from_the_middle(stage: Stage) -> tuple[Guilt, ...]:
    """All is well until something changes."""
    return (forgetful(stage, stage.site(), stage.budget, since=stage.share(0.3, 0.7)),)


def forgetful(stage: Stage, of: Site, count: int, *, since: float = 0.0) -> Guilt:
    """``count`` allocations through the trace, of which some are forgotten after ``since`` (a share of the trace)."""
    rng = stage.rng
    rate = _RAREST * _MOST_OVER_RAREST ** rng.random()
    count = max(count, 2 * _FORGOTTEN)
    rate = max(rate, _FORGOTTEN / (count * (1 - since)))
    lifetimes = usual(stage)
    forgotten: list[Block] = []
    for _ in range(count):
        at = rng.random() * stage.duration
        fails = at >= since * stage.duration and rng.random() < rate
        block = one(stage.script, of, at, math.inf if fails else lifetimes())
        forgotten += [block] if fails else []
    return driver_forgets(of.image, forgotten, "missing-free")


def usual(stage: Stage) -> Lifetimes:
    """Lifetimes of what is freed: short beside the trace."""
    median = stage.duration * 10 ** stage.rng.uniform(-5, -2.5)
    return lognormal(stage.rng, median, stage.rng.uniform(0.2, 1.2), stage.duration * 0.1)


def growing(stage: Stage) -> tuple[Guilt, ...]:
    """Nobody ever frees; at a rate that may swing."""
    of = stage.site()
    count = min(stage.budget, int(40 * 50 ** stage.rng.random()))
    return (driver_forgets(of.image, _unfreed(stage, of, count, of.threads), "growth", "missing-free"),)


def slow_under_churn(stage: Stage) -> tuple[Guilt, ...]:
    """Few blocks that stay, of a driver whose other blocks come and go by the thousand."""
    of = stage.site()
    busy = replace(same_driver(stage.machine, of), tag=of.tag if stage.rng.random() < 0.5 else of.tag ^ 1 << 24)
    steady(stage.script, busy, stage.budget, usual(stage))
    blocks = _unfreed(stage, of, stage.rng.randrange(30, 90), of.threads)
    return (driver_forgets(of.image, blocks, "growth", "missing-free"),)


def _unfreed(stage: Stage, of: Site, count: int, threads: Sequence[Thread]) -> tuple[Block, ...]:
    """At random moments, or ever so often: the load swings by up to half."""
    of = replace(of, threads=tuple(threads))
    swing, turns = stage.share(0, 0.5), stage.rng.randrange(1, 6)
    out: list[Block] = []
    while len(out) < count:
        share = stage.rng.random()
        if stage.rng.random() * (1 + swing) <= 1 + swing * math.sin(math.tau * turns * share):
            out.append(one(stage.script, of, share * stage.duration, math.inf))
    return tuple(out)


KINDS: Final = (
    TraceKind("error-path", on_error_path, leaking=True),
    TraceKind("error-path-paged", in_paged_pool, leaking=True),
    TraceKind("error-path-worker", in_worker, leaking=True),
    TraceKind("error-path-session", in_session_pool, leaking=True),
    TraceKind("two-leaks", two_at_once, leaking=True),
    TraceKind("two-tags", with_two_tags, leaking=True),
    TraceKind("from-the-middle", from_the_middle, leaking=True),
    TraceKind("growth", growing, leaking=True),
    TraceKind("slow-under-churn", slow_under_churn, leaking=True),
)
