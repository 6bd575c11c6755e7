"""What the session says it lost, placed in time where the buffers show it.

A buffer flagged EVENTS_LOST or BUFFER_LOST tells that events of its CPU were dropped before it was
flushed, after the buffer of that CPU before it. A hole in the sequence numbers, which count over all CPUs,
is a whole buffer that did not reach the file.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.etl.clock import Clock
from tracer.etl.headers import BufferFlag, LogFileMode
from tracer.etl.logfile import LogFile
from tracer.trace import Gap, Loss

MAX_GAPS: Final = 10_000
"""Gaps listed one by one; a hostile file cannot make the list grow without bound."""


def loss_of(head: LogFile, buffers: npt.NDArray[np.void], last_ns: int) -> Loss:
    """The losses a file shows: its header's counters, its buffers' flags, its sequence numbers."""
    gaps = [*_flagged(head.clock, buffers, last_ns), *_holes(head, buffers)]
    gaps.sort(key=lambda gap: (gap.from_ns, gap.to_ns, gap.cpu))
    return Loss(head.events_lost, head.buffers_lost, tuple(gaps[:MAX_GAPS]))


def _flagged(clock: Clock, buffers: npt.NDArray[np.void], last_ns: int) -> list[Gap]:
    """From the first record of the CPU's buffer before the flagged one to the first record of the one after it."""
    ordered = buffers[np.lexsort((buffers["sequence"], buffers["first_time"], buffers["cpu"]))]
    cpu, flag, times = ordered["cpu"], ordered["flag"], ordered["first_time"]
    gaps: list[Gap] = []
    for row in np.flatnonzero(flag & (BufferFlag.EVENTS_LOST | BufferFlag.BUFFER_LOST))[:MAX_GAPS]:
        before = row - 1 if row and cpu[row - 1] == cpu[row] else row
        followed = row + 1 < len(cpu) and cpu[row + 1] == cpu[row]
        start = clock.ns_of(int(times[before]))
        stop = clock.ns_of(int(times[row + 1])) if followed else last_ns
        reason = "buffer-lost" if flag[row] & BufferFlag.BUFFER_LOST else "events-lost"
        gaps.append(Gap(start, max(start, stop), int(cpu[row]), reason))
    return gaps


def _holes(head: LogFile, buffers: npt.NDArray[np.void]) -> list[Gap]:
    """Gaps between sequence numbers; the front of a wrapped file is no loss but what the file was told to forget."""
    ordered = buffers[np.argsort(buffers["sequence"], kind="stable")]
    steps = np.diff(ordered["sequence"])
    gaps: list[Gap] = []
    wraps = bool(head.mode & (LogFileMode.CIRCULAR | LogFileMode.BUFFERING))
    for row in np.flatnonzero(steps > 1)[:MAX_GAPS]:
        if wraps and ordered["sequence"][row] < max(1, head.start_buffers):
            continue
        ends = sorted(head.clock.ns_of(int(ordered["first_time"][i])) for i in (row, row + 1))
        gaps.append(Gap(ends[0], ends[1], -1, f"sequence-gap:{int(steps[row]) - 1}"))
    return gaps
