"""Which process a thread was found in: events that name both, by their stack or their own header.

Where a rundown is missing these tell what it would have. Thread ids are used again, so a pair is true at its time; how
far around that, :mod:`analyzers.threads` says.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.ledger.tables import keyed_row, table_of
from tracer.columns import UNKNOWN_ID
from tracer.jit import kernel
from tracer.trace import Batch

_FIRST_ROWS: Final = 1 << 8
_UNKNOWN: Final = UNKNOWN_ID
_NONE: Final = -1

_PAIR: Final = np.dtype([("thread", "<u4"), ("process", "<u4"), ("first", "<i8"), ("last", "<i8")])
"""A thread and its process: when it was first and last found so before it was found in another."""
_STATE_ROW: Final = 0
"""The event to go on with, where the last call had to stop."""
_STATE_THREADS: Final = 1
_STATE_PAIRS: Final = 2


@kernel
def _note(
    thread: npt.NDArray[np.uint32],
    process: npt.NDArray[np.uint32],
    time: npt.NDArray[np.int64],
    pairs: npt.NDArray[np.void],
    newest: npt.NDArray[np.int32],
    keys: npt.NDArray[np.uint64],
    table: npt.NDArray[np.int32],
    state: npt.NDArray[np.int64],
) -> bool:
    """Note the pairs of some events; false where there is no room for the next one.

    ``newest``: by thread, the row of its newest pair.
    """
    for i in range(state[_STATE_ROW], thread.shape[0]):
        if process[i] == _UNKNOWN or thread[i] == _UNKNOWN or thread[i] == 0:
            continue
        row = keyed_row(table, keys, state[_STATE_THREADS], np.uint64(thread[i]))
        if row < 0 or state[_STATE_PAIRS] == pairs.shape[0]:
            state[_STATE_ROW] = i
            return False
        if row == state[_STATE_THREADS]:
            newest[row] = _NONE
            state[_STATE_THREADS] += 1
        at = np.int64(newest[row])
        if at < 0 or pairs[at]["process"] != process[i]:
            at = state[_STATE_PAIRS]
            newest[row] = at
            state[_STATE_PAIRS] += 1
            pairs[at]["thread"] = thread[i]
            pairs[at]["process"] = process[i]
            pairs[at]["first"] = time[i]
            pairs[at]["last"] = time[i]
        pairs[at]["first"] = min(pairs[at]["first"], time[i])
        pairs[at]["last"] = max(pairs[at]["last"], time[i])
    state[_STATE_ROW] = 0
    return True


class ThreadPairs:
    """The pairs seen so far. Feed it every batch; its size depends on the number of threads, not of events."""

    def __init__(self, rows: int = _FIRST_ROWS) -> None:
        """``rows``: how many threads and pairs there is room for at first, a power of two."""
        self._pairs = np.zeros(rows, _PAIR)
        self._newest = np.zeros(rows, np.int32)
        self._keys = np.zeros(rows, np.uint64)
        self._table = np.full(2 * rows, _NONE, np.int32)
        self._state = np.zeros(3, np.int64)

    def feed(self, batch: Batch) -> None:
        """Take the events of one batch that name thread and process."""
        for table in batch.tables.values():
            while not _note(
                table.thread, table.process, table.time, self._pairs, self._newest, self._keys, self._table, self._state
            ):
                self._make_room()

    def _make_room(self) -> None:
        if self._state[_STATE_PAIRS] == len(self._pairs):
            self._pairs = np.concatenate((self._pairs, np.zeros_like(self._pairs)))
        if self._state[_STATE_THREADS] == len(self._keys):
            self._keys = np.concatenate((self._keys, np.zeros_like(self._keys)))
            self._newest = np.concatenate((self._newest, np.zeros_like(self._newest)))
            self._table = table_of(self._keys, int(self._state[_STATE_THREADS]))

    @property
    def columns(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Threads, processes and times: of each pair when it was first seen, and when last."""
        pairs = self._pairs[: self._state[_STATE_PAIRS]]
        times = np.concatenate((pairs["first"], pairs["last"]))
        return np.tile(pairs["thread"], 2), np.tile(pairs["process"], 2), times
