"""Snapshots of a made-up machine with as many outstanding allocations as wanted; nothing here was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from analyzers.pool_tables import Frame, GroupRow, Outstanding, PoolSnapshot, PoolTotals, SiteTable, TagTable
from analyzers.processes import Process
from analyzers.snapshot import Snapshot
from analyzers.trends.bins import BINS
from analyzers.trends.history import STEPS, SiteHistory
from tracer.arrays import I32, I64, U64
from tracer.columns import Who
from tracer.trace import SIMULATED_SESSION, ByteCount, Census, Loss, TraceInfo

TAGS: Final = 300
SITES: Final = 4_000
PROCESSES: Final = 200
_FRAMES: Final = 8
_NONPAGED_NX: Final = 512
_SECOND: Final = 1_000_000_000
_DRIVERS: Final = tuple(f"driver{number}.sys" for number in range(60))
_BASE: Final = 0xFFFFF80000000000


class MadeUpNames:
    """Every id has a name."""

    def process(self, pid: int, at_ns: int | None = None) -> str:
        """Of the program."""
        del at_ns
        return f"program{pid % 50}.exe"

    def lives(self, pid: int) -> Sequence[Process]:
        """One, from before the trace."""
        return [Process(pid, self.process(pid), 0)]

    def images(self) -> frozenset[tuple[str, str]]:
        """None."""
        return frozenset()

    def builds(self) -> Mapping[str, frozenset[tuple[int, int]]]:
        """None."""
        return {}

    def process_names(self) -> frozenset[tuple[int, str]]:
        """Those of the first ids."""
        return frozenset((pid, self.process(pid)) for pid in range(PROCESSES))

    def frames(self, stack: int, process: int = 0) -> tuple[Frame, ...]:
        """Stacks share their outer frames, as real ones do."""
        del process
        if stack < 0:
            return ()
        return tuple(_frame(stack >> depth, depth) for depth in range(_FRAMES))

    def frames_of(self, stacks: I32) -> tuple[list[Frame], I64, I64]:
        """The frames of many stacks, one after another."""
        every = [self.frames(stack) for stack in stacks.tolist()]
        flat = [frame for one in every for frame in one]
        return flat, np.arange(len(flat)), np.cumsum([0, *map(len, every)], dtype=np.int64)

    def addresses(self, stacks: I32) -> tuple[U64, I64]:
        """The same for many stacks, one after another, and where each begins."""
        known = stacks >= 0
        depth = np.arange(_FRAMES, dtype=np.uint64)
        codes = stacks[known].astype(np.uint64)[:, None] >> depth
        frames = np.uint64(_BASE) + (depth << np.uint64(28)) + codes * np.uint64(16)
        return frames.ravel(), np.concatenate(([0], np.cumsum(np.where(known, _FRAMES, 0)))).astype(np.int64)


def snapshot(count: int, moment: int = 0, sites: int = SITES) -> Snapshot:
    """``count`` allocations are outstanding at every ``moment``; which ones, and the totals, change with it."""
    rng = np.random.default_rng(moment)
    outstanding = _outstanding(rng, count, moment, sites)
    per_site = np.bincount(outstanding.site, minlength=sites)
    bytes_per_site = np.bincount(outstanding.site, outstanding.size, sites).astype(np.int64)
    freed = 1_000_000 + 100_000 * moment
    totals = PoolTotals(count + freed, freed, freed, 0, 0, count, int(bytes_per_site.sum()))
    pool = PoolSnapshot(
        totals=totals,
        tags=_tags(per_site, bytes_per_site, freed // sites),
        sites=_sites(per_site, bytes_per_site, freed // sites),
        history=_history(per_site, bytes_per_site),
        outstanding=outstanding,
        by_process=(GroupRow("program0.exe", 0, count, totals.outstanding_bytes),),
        by_driver=(GroupRow(_DRIVERS[0], 0, count, totals.outstanding_bytes),),
    )
    at_ns = (60 + moment) * _SECOND
    return Snapshot(
        info=_info(at_ns),
        census=Census(0, {}, {}, {}),
        loss=Loss(0, 0, ()),
        damage=(),
        bytes=ByteCount(0, 0, 0, 0),
        pool=pool,
        names=MadeUpNames(),
        at_ns=at_ns,
        partial=False,
    )


def _outstanding(rng: np.random.Generator, count: int, moment: int, sites: int) -> Outstanding:
    process = rng.integers(0, PROCESSES, count, dtype=np.uint32) * np.uint32(4)
    return Outstanding(
        address=np.uint64(0xFFFF9A8000000010) + (np.arange(count, dtype=np.uint64) + np.uint64(moment)) * np.uint64(64),
        size=rng.integers(16, 4096, count, dtype=np.uint64),
        time_ns=np.sort(rng.integers(0, (60 + moment) * _SECOND, count)),
        type=np.full(count, _NONPAGED_NX, np.uint32),
        thread=process + rng.integers(1, 50, count, dtype=np.uint32) * np.uint32(1_000),
        process=process,
        cpu=rng.integers(0, 8, count, dtype=np.uint16),
        who=np.full(count, Who.STACK, np.uint8),
        site=rng.integers(0, sites, count, dtype=np.int32),
        user_stack=np.full(count, -1, np.int32),
        offset=np.arange(count, dtype=np.int64) * 64,
    )


def _tags(count: I64, size: I64, freed: int) -> TagTable:
    tag_of_site = np.arange(len(count)) % TAGS
    outstanding = np.bincount(tag_of_site, count, TAGS).astype(np.int64)
    held = np.bincount(tag_of_site, size, TAGS).astype(np.int64)
    freed_of_tag = np.full(TAGS, freed * len(count) // TAGS, np.int64)
    names = [f"T{number:03}" for number in range(TAGS)]
    return TagTable(
        tag=np.array([int.from_bytes(name.encode("ascii"), "little") for name in names], np.uint32),
        paged=np.arange(TAGS) % 3 == 0,
        allocations=outstanding + freed_of_tag,
        frees=freed_of_tag,
        outstanding_count=outstanding,
        outstanding_bytes=held,
        peak_bytes=held,
        driver=tuple(_DRIVERS[number % len(_DRIVERS)] for number in range(TAGS)),
        description=("made up",) * TAGS,
    )


def _sites(count: I64, size: I64, freed: int) -> SiteTable:
    rows = np.arange(len(count))
    return SiteTable(
        tag_row=(rows % TAGS).astype(np.int32),
        stack=rows.astype(np.int32),
        allocations=count + freed,
        allocated_bytes=size,
        frees=np.full(len(rows), freed, np.int64),
        outstanding_count=count,
        outstanding_bytes=size,
        first_ns=np.zeros(len(rows), np.int64),
        last_ns=np.full(len(rows), 50 * _SECOND, np.int64),
        driver=tuple(_frame(row, 0).module for row in rows.tolist()),
        frame=np.array([_frame(row, 0).address for row in rows.tolist()], np.uint64),
    )


def _history(count: I64, size: I64) -> SiteHistory:
    """Everything was allocated evenly, and what was freed lived long enough to be counted nowhere."""
    made = np.repeat((count // STEPS).astype(np.int32)[:, None], STEPS, axis=1)
    held = np.repeat((size // STEPS)[:, None], STEPS, axis=1)
    return SiteHistory(
        made, np.zeros_like(made), held, made, held, np.zeros((len(count), BINS), np.int32), _SECOND, STEPS
    )


def _frame(code: int, depth: int) -> Frame:
    return Frame(_BASE + (depth << 28) + code * 16, _DRIVERS[(code + depth) % len(_DRIVERS)], code * 16)


def _info(at_ns: int) -> TraceInfo:
    return TraceInfo(
        path="made-up.etl",
        bytes=0,
        session=SIMULATED_SESSION,
        start=133_900_000_000_000_000,
        end=133_900_000_000_000_000 + at_ns // 100,
        duration_ns=at_ns,
        os_build=26100,
        pointer_size=8,
        processors=8,
        buffers=0,
        compressed_buffers=0,
        clock="qpc",
        clock_frequency=10_000_000,
        mode=("sequential",),
        finalised=True,
        simulated=True,
    )
