"""Which process a thread was found in: events that name both, by their stack or their own header.

Where a rundown is missing these tell what it would have. Thread ids are used again, so a pair is true at its time; how
far around that, :mod:`analyzers.threads` says.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analyzers.hashing import doubled, empty_index, put, row_of
from tracer.arrays import I64, U32, Structured
from tracer.columns import UNKNOWN_ID
from tracer.jit import kernel
from tracer.trace import Batch

_FIRST_ROWS: Final = 1 << 8
_UNKNOWN: Final = UNKNOWN_ID
_THREAD: Final = np.uint64(1)
"""What keys of the index are of."""

_PAIR: Final = np.dtype([("thread", "<u4"), ("process", "<u4"), ("first", "<i8"), ("last", "<i8")])
"""A thread and its process: when it was first and last found so before it was found in another."""
_COUNTS: Final = np.dtype([("next", "<i8"), ("pairs", "<i8")])
"""The event to go on with, where the last call had to stop; pairs in use."""


class _Named(NamedTuple):
    """Threads and processes that events name, and when."""

    thread: U32
    process: U32
    time: I64


class _PairTables(NamedTuple):
    """Pairs from batch to batch; ``newest``: by thread, the row of its newest pair; ``counts``: one row."""

    pairs: Structured
    newest: Structured
    counts: Structured


@kernel
def _note(named: _Named, tables: _PairTables) -> bool:
    """Note the pairs of some events; false where there is no room for the next one."""
    thread, process, time = named.thread, named.process, named.time
    counts = tables.counts[0]
    for i in range(counts["next"], thread.shape[0]):
        if process[i] == _UNKNOWN or thread[i] == _UNKNOWN or thread[i] == 0:
            continue
        at = row_of(tables.newest, _THREAD, np.uint64(thread[i]))
        if at < 0 or tables.pairs[at]["process"] != process[i]:
            at = np.int64(counts["pairs"])
            if at == tables.pairs.shape[0]:
                counts["next"] = i
                return False
            counts["pairs"] += 1
            put(tables.newest, _THREAD, np.uint64(thread[i]), at)
            tables.pairs[at]["thread"] = thread[i]
            tables.pairs[at]["process"] = process[i]
            tables.pairs[at]["first"] = time[i]
            tables.pairs[at]["last"] = time[i]
        pair = tables.pairs[at]
        pair["first"] = min(pair["first"], time[i])
        pair["last"] = max(pair["last"], time[i])
    counts["next"] = 0
    return True


class ThreadPairs:
    """The pairs seen so far. Feed it every batch; its size depends on the number of threads, not of events."""

    def __init__(self, rows: int = _FIRST_ROWS) -> None:
        """``rows``: how many pairs there is room for at first, a power of two."""
        self._tables = _PairTables(np.zeros(rows, _PAIR), empty_index(2 * rows), np.zeros(1, _COUNTS))

    def feed(self, batch: Batch) -> None:
        """Take the events of one batch that name thread and process."""
        for table in batch.tables.values():
            while not _note(_Named(table.thread, table.process, table.time), self._tables):
                tables = self._tables
                pairs = np.concatenate((tables.pairs, np.zeros_like(tables.pairs)))
                self._tables = tables._replace(pairs=pairs, newest=doubled(tables.newest))

    @property
    def columns(self) -> tuple[U32, U32, I64]:
        """Threads, processes and times: of each pair when it was first seen, and when last."""
        pairs = self._tables.pairs[: self._tables.counts[0]["pairs"]]
        times = np.concatenate((pairs["first"], pairs["last"]))
        return np.tile(pairs["thread"], 2), np.tile(pairs["process"], 2), times
