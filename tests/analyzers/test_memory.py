"""What an outstanding allocation costs in memory: the ledger with a snapshot beside it, at their peak."""

from __future__ import annotations

import tracemalloc

import numpy as np

from analyzers.ledger import Ledger
from analyzers.modules import Modules
from analyzers.pool import PoolView
from analyzers.pool_tables import PoolSnapshot
from analyzers.processes import Processes
from analyzers.scheduling import CpuTimeline
from analyzers.tags import TagNames
from analyzers.threads import Threads
from tests.analyzers.event_tables import event_table, stack_table, strings
from tracer.arrays import I64
from tracer.columns import Column, EventTable, Who

LIMIT = 200
"""Bytes for each outstanding allocation, all together."""
COUNT = 400_000
BATCH = 1 << 14
STACKS = 100


class Known:
    """Two processes with a thread each, and no images."""

    def __init__(self) -> None:
        self.processes, self.threads, self.modules = Processes(), Threads(), Modules()
        ids = {"process": np.array([8, 12], np.uint32), "parent": np.array([4, 4], np.uint32)}
        names: dict[str, Column] = {"image_name": strings(["a.exe", "b.exe"], "cp1252")}
        self.processes.feed(event_table("process", 0x0303, names | ids, time=[0, 0]))
        fields = {"thread": np.array([40, 44], np.uint32), "process": np.array([8, 12], np.uint32)}
        self.threads.feed(event_table("thread", 0x0503, fields, time=[0, 0]))


def allocations(first: int) -> EventTable:
    """A batch whose threads were inferred, so that the snapshot has to find every process."""
    rows: I64 = np.arange(first, min(first + BATCH, COUNT))
    fields: dict[str, Column] = {
        "type": np.full(len(rows), 512, np.uint32),
        "tag": (rows % 50).astype(np.uint32),
        "bytes": np.full(len(rows), 64, np.uint64),
        "entry": (64 + rows * 64).astype(np.uint64),
    }
    thread, stack = 40 + rows % 2 * 4, rows % STACKS
    return event_table("pool", 0x0E20, fields, time=rows, thread=thread, stack=stack, who=Who.CONTEXT_SWITCH)


def test_ledger_and_snapshot_stay_under_200_bytes_for_each_outstanding_allocation() -> None:
    known, stacks = Known(), stack_table([[0xFFFFF80000000000 + i] for i in range(STACKS)])
    ledger = Ledger()
    view = PoolView(ledger, known, CpuTimeline(known.threads), TagNames(()), stacks)
    view.snapshot()
    tracemalloc.start()
    try:
        held: PoolSnapshot | None = None
        for first in range(0, COUNT, BATCH):
            ledger.feed(allocations(first))
        held = view.snapshot()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held.totals.outstanding_count == COUNT
    assert {(row.name, row.count) for row in held.by_process} == {("a.exe", COUNT // 2), ("b.exe", COUNT // 2)}
    assert peak / COUNT < LIMIT
