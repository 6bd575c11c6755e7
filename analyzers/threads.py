"""Which process a thread belongs to, as of a time: thread ids are used again."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.by_time import first_after
from analyzers.processes import IDLE_PROCESS
from tracer.columns import UNKNOWN_ID, EventTable
from tracer.events.thread import START
from tracer.jit import kernel

IDLE_THREAD: Final = 0
"""The id that the idle threads of all CPUs share; no thread event tells about them."""
_UNKNOWN: Final = UNKNOWN_ID


class Threads:
    """The threads seen so far."""

    def __init__(self) -> None:
        self._ids: list[npt.NDArray[np.uint32]] = []
        self._times: list[npt.NDArray[np.int64]] = []
        self._is_start: list[npt.NDArray[np.bool_]] = []
        self._processes: list[npt.NDArray[np.uint32]] = []

    def feed(self, table: EventTable) -> None:
        """Take one batch's thread events (starts, ends, rundowns)."""
        self._ids.append(table.array("thread").astype(np.uint32))
        self._times.append(table.time)
        self._is_start.append(table.event == START)
        self._processes.append(table.array("process").astype(np.uint32))

    def process_of(self, threads: npt.NDArray[np.uint32], times: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
        """Process id (uint32) of each thread at each time; UNKNOWN_ID where no event tells."""
        result = np.full(len(threads), UNKNOWN_ID, np.uint32)
        if self._ids:
            ids, at = np.concatenate(self._ids), np.concatenate(self._times)
            order = np.lexsort((at, ids))
            is_start, processes = np.concatenate(self._is_start)[order], np.concatenate(self._processes)[order]
            _find_owners(ids[order], at[order], is_start, processes, threads, times, result)
        result[threads == IDLE_THREAD] = IDLE_PROCESS
        return result


@kernel
def _find_owners(
    ids: npt.NDArray[np.uint32],
    at: npt.NDArray[np.int64],
    is_start: npt.NDArray[np.bool_],
    processes: npt.NDArray[np.uint32],
    threads: npt.NDArray[np.uint32],
    times: npt.NDArray[np.int64],
    owners: npt.NDArray[np.uint32],
) -> None:
    """By thread and time; the events are by thread, then time.

    The next event of the thread tells, where that is an end or a rundown; a start is that of another
    thread with the same id, so then the event before tells, if there is one.
    """
    for i in range(threads.shape[0]):
        low = first_after(ids, at, threads[i], times[i])
        if low < ids.shape[0] and ids[low] == threads[i] and not is_start[low]:
            owners[i] = processes[low]
        elif low > 0 and ids[low - 1] == threads[i]:
            owners[i] = processes[low - 1]
        else:
            owners[i] = _UNKNOWN
