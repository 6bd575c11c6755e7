"""Snapshots from Windows' pool counters: every tag since boot, no single allocation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from analyzers.pool_tables import Frame, Outstanding, PoolSnapshot, PoolTotals, SiteTable, TagTable
from analyzers.processes import Process
from analyzers.snapshot import Snapshot
from analyzers.tags import TagName, TagNames
from analyzers.trends.bins import BINS
from analyzers.trends.history import STEPS, SiteHistory
from tracer.arrays import I32, I64, U64
from tracer.columns import UNKNOWN_ID
from tracer.data_classes import dataclass
from tracer.live.counters import PoolCounters
from tracer.trace import ByteCount, Census, Loss, TraceInfo


class Nameless:
    """Counters know no process and no stack (a :class:`~analyzers.pool_tables.Names`)."""

    def process(self, pid: int, at_ns: int | None = None) -> str:
        """Empty."""
        del pid, at_ns
        return ""

    def lives(self, pid: int) -> Sequence[Process]:
        """One without a name."""
        return [Process(pid, "", UNKNOWN_ID)]

    def process_names(self) -> frozenset[tuple[int, str]]:
        """None."""
        return frozenset()

    def images(self) -> frozenset[tuple[str, str]]:
        """None."""
        return frozenset()

    def builds(self) -> Mapping[str, frozenset[tuple[int, int]]]:
        """None."""
        return {}

    def frames(self, stack: int, process: int = 0) -> tuple[Frame, ...]:
        """None."""
        del stack, process
        return ()

    def frames_of(self, stacks: I32) -> tuple[list[Frame], I64, I64]:
        """None, of each."""
        return [], np.zeros(0, np.int64), np.zeros(len(stacks) + 1, np.int64)

    def addresses(self, stacks: I32) -> tuple[U64, I64]:
        """None, of each."""
        return np.zeros(0, np.uint64), np.zeros(len(stacks) + 1, np.int64)


class CounterSnapshots:
    """Turns samples of the counters into snapshots; the first one is what all growth is measured from."""

    def __init__(self, first: PoolCounters, tags: TagNames) -> None:
        self._first = first
        self._first_ns = 0
        self._peak: dict[tuple[int, bool], int] = {}
        self._lookup = cache(tags.lookup)

    def since(self, sample: PoolCounters, at_ns: int) -> None:
        """Measure growth from another sample, taken at that time."""
        self._first, self._first_ns = sample, at_ns

    def snapshot(self, now: PoolCounters, info: TraceInfo, at_ns: int, *, partial: bool = False) -> Snapshot:
        """The pool at ``at_ns`` nanoseconds since the first sample; peaks are those of all samples so far."""
        return Snapshot(
            info=info,
            census=Census(0, {}, {}, {}),
            loss=Loss(0, 0, ()),
            damage=(),
            bytes=ByteCount(0, 0, 0, 0),
            pool=self._pool(now),
            names=Nameless(),
            at_ns=at_ns,
            partial=partial,
            baseline=self._first,
            baseline_ns=self._first_ns,
            counted=True,
        )

    def _pool(self, now: PoolCounters) -> PoolSnapshot:
        names = [self._lookup(int(tag)) for tag in now.tag]
        tags = TagTable(
            tag=now.tag,
            paged=now.paged,
            allocations=now.allocations,
            frees=now.frees,
            outstanding_count=now.count,
            outstanding_bytes=now.bytes,
            peak_bytes=self._peaks(now),
            driver=tuple(_of(name, "driver") for name in names),
            description=tuple(_of(name, "description") for name in names),
        )
        return PoolSnapshot(_totals(now), tags, _no_sites(), _no_history(), _nothing(), (), ())

    def _peaks(self, now: PoolCounters) -> I64:
        for key, size in zip(zip(now.tag.tolist(), now.paged.tolist(), strict=True), now.bytes.tolist(), strict=True):
            self._peak[key] = max(size, self._peak.get(key, size))
        peaks = [self._peak[key] for key in zip(now.tag.tolist(), now.paged.tolist(), strict=True)]
        return np.array(peaks, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """By row of a tag table: allocations and bytes that were there when events, or counting, began; int64."""

    count: I64
    bytes: I64


def before(snapshot: Snapshot) -> Before | None:
    """What was allocated before the snapshot's events; ``None`` where the pool's counters were not asked for."""
    baseline, tags = snapshot.baseline, snapshot.pool.tags
    if baseline is None:
        return None
    rows = baseline.rows_of(tags.tag, tags.paged)
    return Before(baseline.taken("count", rows), baseline.taken("bytes", rows))


def _of(name: TagName | None, field: str) -> str:
    return "" if name is None else str(getattr(name, field))


def _totals(now: PoolCounters) -> PoolTotals:
    """What is there counts; Windows' counters of allocations and frees run over, so that frees follow from the rest."""
    allocations, count = int(now.allocations.sum()), int(now.count.sum())
    frees = max(allocations - count, 0)
    return PoolTotals(frees + count, frees, frees, 0, 0, count, int(now.bytes.sum()))


def _no_sites() -> SiteTable:
    i32, i64 = np.zeros(0, np.int32), np.zeros(0, np.int64)
    return SiteTable(i32, i32, i64, i64, i64, i64, i64, i64, i64, (), np.zeros(0, np.uint64))


def _no_history() -> SiteHistory:
    counts, sizes = np.zeros((0, STEPS), np.int32), np.zeros((0, STEPS), np.int64)
    return SiteHistory(counts, counts, sizes, counts, sizes, np.zeros((0, BINS), np.int32), 1, 1)


def _nothing() -> Outstanding:
    u64, u32, i64, i32 = np.zeros(0, np.uint64), np.zeros(0, np.uint32), np.zeros(0, np.int64), np.zeros(0, np.int32)
    return Outstanding(
        address=u64, size=u64, time_ns=i64, type=u32, thread=u32, process=u32, cpu=np.zeros(0, np.uint16),
        who=np.zeros(0, np.uint8), site=i32, user_stack=i32, offset=i64,
    )  # fmt: skip
