"""What kinds of evidence a trace holds, and what is missing."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from analyzers.drain import Drain
from analyzers.loss_model import replaced_share
from analyzers.policy import COVERAGE
from analyzers.pool_tables import PoolSnapshot
from analyzers.requests.tables import RequestSnapshot
from tracer.data_classes import dataclass
from tracer.events import image, thread
from tracer.trace import Census, Loss, TraceInfo

_IMAGES: Final = (image.LOAD, image.RUNDOWN_START, image.RUNDOWN_END)


class Stacks(StrEnum):
    """Which pool events came with their call stacks."""

    ALL = "all"
    ALLOCATIONS = "allocations"
    SOME = "some"
    """Of allocations, too."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which evidence is there.

    ``pool``: whether there are pool events, without which nothing can be said. ``stacks``, ``free_stacks``: of most
    allocations and of frees; ``some_stacks``: of a part of the allocations only. ``requests``: driver (IRP) events;
    ``sockets``: Winsock (AFD) events; ``queues``: what goes into completion ports and out. ``lost``: share of events
    that were lost, 0 for none. ``complete_from_ns``: from when on the events of all CPUs are there
    (:class:`tracer.trace.Loss`). ``rolled``: the recording may go on in files that were not read;
    ``part``: it has such files, later or earlier ones. ``drain``: at its end, ``None`` for none.
    """

    stacks: bool
    context_switches: bool
    requests: bool
    sockets: bool
    wrapped: bool
    lost: float
    complete_from_ns: int = 0
    pool: bool = True
    free_stacks: bool = True
    ready_threads: bool = True
    queues: bool = True
    images: bool = True
    rolled: bool = False
    part: bool = False
    some_stacks: bool = False
    drain: Drain | None = None

    @property
    def stacks_on(self) -> Stacks:
        """Which pool events have stacks."""
        if self.some_stacks:
            return Stacks.SOME
        if not self.stacks:
            return Stacks.NONE
        return Stacks.ALL if self.free_stacks else Stacks.ALLOCATIONS

    @property
    def judged(self) -> bool:
        """Whether anything can be said of what is outstanding."""
        return self.pool

    @property
    def missing(self) -> bool:
        """Whether any kind of evidence is missing."""
        kinds = (self.pool, self.stacks, self.free_stacks, self.context_switches, self.ready_threads, self.requests)
        return not all((*kinds, self.sockets, self.queues, self.images))

    @property
    def record(self) -> str:
        """The command that records what is missing, empty where nothing is: always the same, as it records all."""
        from tracer.live.profile import xperf_command

        return xperf_command() if self.missing else ""


def coverage(
    info: TraceInfo,
    census: Census,
    loss: Loss,
    pool: PoolSnapshot,
    requests: RequestSnapshot,
    drain: Drain | None = None,
    skipped: int = 0,
) -> Coverage:
    """What the trace holds, from its counts; ``skipped``: bytes of it that could not be read."""
    made, walked = int(pool.sites.allocations.sum()), int(pool.sites.allocations[pool.sites.stack >= 0].sum())
    stacks = walked / made if made else 1.0
    totals, kernel = pool.totals, census.kernel_events
    return Coverage(
        stacks=stacks >= COVERAGE.few_stacks,
        context_switches=bool(kernel.get(thread.CONTEXT_SWITCH)),
        requests=requests.seen_irp,
        sockets=requests.seen_afd,
        wrapped=loss.complete_from_ns > 0
        or ("circular" in info.mode and totals.frees_without_allocation > COVERAGE.wrapped * max(totals.frees, 1)),
        lost=lost_share(info, census, loss, pool, skipped),
        complete_from_ns=loss.complete_from_ns,
        pool=totals.events > 0,
        free_stacks=pool.frees_with_stack >= COVERAGE.few_free_stacks * totals.frees,
        ready_threads=bool(kernel.get(thread.READY)),
        queues=requests.seen_queues,
        images=any(kernel.get(hook) for hook in _IMAGES) or (info.listed is not None and "image" in info.listed.kinds),
        rolled=info.rolled is not None and info.rolled.goes_on,
        part=info.rolled is not None,
        some_stacks=0 < stacks < COVERAGE.walked,
        drain=drain,
    )


def lost_share(info: TraceInfo, census: Census, loss: Loss, pool: PoolSnapshot, skipped: int = 0) -> float:
    """The largest of what counters, missing buffers, skipped bytes and replaced allocations say; 0.0 to 1.0.

    In a file that was overwritten allocations are replaced because the free was in a buffer that is gone: that says
    nothing of the time from which on all are there.
    """
    by_replaced = 0.0 if loss.complete_from_ns else replaced_share(pool)
    by_books = 0.0 if loss.inferred is None else loss.inferred.share
    return min(max(reported_share(info, census, loss, skipped), by_replaced, by_books), 1.0)


def reported_share(info: TraceInfo, census: Census, loss: Loss, skipped: int = 0) -> float:
    """The largest of what counters, missing buffers and skipped bytes say."""
    by_counter = loss.events_lost / max(loss.events_lost + census.total, 1)
    by_buffers = loss.buffers_lost / max(loss.buffers_lost + info.buffers, 1)
    holes = sum(gap.buffers for gap in loss.gaps)
    return max(by_counter, by_buffers, holes / max(holes + info.buffers, 1), skipped / max(info.bytes, 1))
