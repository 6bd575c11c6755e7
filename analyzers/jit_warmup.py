"""Every kernel that an analysis needs, run once over nothing, so that it is compiled and on disk.

``python -m analyzers.jit_warmup`` does it in a process of its own, while another one compiles what reading needs.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from types import SimpleNamespace
from typing import Any, Final, cast

import numpy as np

from analyzers import hashing
from analyzers.activity import Activity
from analyzers.address_lookup import nearest_below
from analyzers.analysis import Analysis
from analyzers.ledger.histories import FIRST_SHIFT, Histories
from analyzers.ledger.rows import COUNTERS
from analyzers.retention.intervals import Spans, find_span_owners
from analyzers.tags import TagNames
from analyzers.threads import Threads
from analyzers.trends.history import STEPS
from tracer.columns import BlobColumn, Column, EventTable
from tracer.events.registry import LAYOUTS
from tracer.stacks.table import StackTable
from tracer.trace import NO_LATE_STACKS, Batch, Census, Loss, Source, TraceInfo

_COMMON: Final[dict[str, Any]] = {
    "time": np.int64, "raw_time": np.int64, "order": np.int64, "cpu": np.uint16, "thread": np.uint32,
    "process": np.uint32, "who": np.uint8, "event": np.uint16, "stack": np.int32, "user_stack": np.int32,
    "offset": np.int64,
}  # fmt: skip


def no_events(kind: str) -> EventTable:
    """A table of a kind with all columns that its layouts have, and no rows."""
    fields: dict[str, Column] = {
        field.name: BlobColumn.empty(0) if field.dtype is None else np.zeros(0, field.dtype)
        for layout in LAYOUTS
        if layout.kind == kind
        for field in layout.fields
    }
    common: dict[str, Any] = {name: np.zeros(0, dtype) for name, dtype in _COMMON.items()}
    return EventTable(kind=kind, fields=fields, **common)


def rehearse() -> None:
    """Run what takes events, what makes a snapshot of them, and what verdicts ask of the past."""
    info = TraceInfo("", 0, "", 0, 0, 0, 0, 8, 1, 0, 0, "", 0, (), finalised=True, simulated=False)
    source = SimpleNamespace(
        stacks=StackTable(), info=info, census=Census(0, {}, {}, {}), loss=Loss(0, 0, ()), damage=(), bytes=None
    )
    analysis = Analysis(cast(Source, source), TagNames(()))
    nothing = {kind: no_events(kind) for kind in Analysis.KINDS - Activity.KINDS}  # which knows what to do without
    analysis.feed(Batch(nothing, NO_LATE_STACKS, until_ns=0, bytes_read=0, records=0))
    analysis.snapshot(diagnosed=False)
    _ask_of_the_past()
    _outgrow_the_first_rows()


def _ask_of_the_past() -> None:
    rows, ids, times = np.zeros(0, np.int32), np.zeros(0, np.uint32), np.zeros(0, np.int64)
    addresses = np.zeros(0, np.uint64)
    threads = Threads()
    threads.feed(no_events("thread"))
    threads.process_of(ids, times)
    Activity().since(ids, times)
    nearest_below(addresses, addresses, rows)
    find_span_owners(ids, times, np.zeros(0, np.bool_), ids, times, Spans(ids, times, times, rows), rows)


def _outgrow_the_first_rows() -> None:
    counts = np.zeros(1, COUNTERS)[0]
    counts["step_shift"] = FIRST_SHIFT
    Histories(1).reach(STEPS << FIRST_SHIFT, counts)
    addresses = np.full(2, hashing.EMPTY, np.uint64)
    hashing.refill_buckets(addresses, addresses)
    hashing.doubled(hashing.empty_index(2))


def _rehearse_for_another_process() -> None:
    """Until the other end of stdin is gone, which the system closes with its process, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other process
    threading.Thread(target=leave_with_the_other, daemon=True).start()
    gc.disable()  # a sixth of the time to compile
    rehearse()


def leave_with_the_other() -> None:
    """Wait until the other process is gone, and end this one."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    _rehearse_for_another_process()
