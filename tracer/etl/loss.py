"""What the session says it lost, placed in time where the buffers show it.

A buffer flagged EVENTS_LOST or BUFFER_LOST tells that events of its CPU were dropped before it was
flushed, after the buffer of that CPU before it. A hole in the sequence numbers, which count over all CPUs,
is a whole buffer that did not reach the file; but sessions leave numbers unused, too (real traces show it), and where
the counters account for every buffer that was written nothing is missing.

A file that continues another, because its session began a new one when the first was full
(EVENT_TRACE_FILE_MODE_NEWFILE) or was given another name, goes on with the numbers of the first.

A file that overwrites its oldest buffers (circular, or a buffer in memory) loses nothing by that: it was told to
forget. But CPUs fill their buffers at different rates, so that what is left reaches further back on some than on
others: each has a front of its own that is gone.

Where only a counter tells of a loss, it may lie anywhere: the gap is as long as the file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from tracer.arrays import I64, Rows, Structured, unique
from tracer.etl.clock import Clock
from tracer.etl.headers import BufferFlag, LogFileMode
from tracer.etl.logfile import LogFile
from tracer.trace import Gap, Loss

MAX_GAPS: Final = 10_000
"""Gaps listed one by one; a hostile file cannot make the list grow without bound."""
_FEW_OF_NEW_FILE: Final = 1
"""Buffers before the first of a file in NEWFILE mode up to which a number that was not used explains them: real
sessions leave out one at their start, and no file is full with one buffer."""
_FEW_UNUSED: Final = 16
"""The same for other modes, in which nothing but the numbers tells of an earlier file: a machine's CPUs may each drop a
buffer at the start."""
_OVERWRITTEN: Final = "overwritten"
_OF_BUFFERS: Final = frozenset({"buffer-lost", "sequence-gap"})
"""What shows where a lost buffer was."""
_LOSS_FLAGS: Final = BufferFlag.EVENTS_LOST | BufferFlag.BUFFER_LOST


def loss_of(head: LogFile, buffers: Structured, last_ns: int, *, goes_on: bool = False) -> Loss:
    """The losses a file shows: its header's counters, its buffers' flags, its sequence numbers.

    ``goes_on``: whether it is known to continue another file, however few buffers that has.
    """
    first_ns = min(head.clock.ns_of(int(buffers["first_time"].min())), last_ns) if len(buffers) else 0
    complete_ns = _complete_from(head, buffers, last_ns)
    gaps = [*_flagged(head.clock, buffers, last_ns), *_holes(head, buffers, first_ns, last_ns, goes_on=goes_on)]
    gaps += _unplaced(head, gaps, first_ns, last_ns)
    gaps.sort(key=lambda gap: (gap.from_ns, gap.to_ns, gap.cpu))
    front = _overwritten(head, buffers, first_ns, complete_ns)
    return Loss(head.events_lost, head.buffers_lost, tuple(_listed(gaps)), complete_ns, overwritten=tuple(front))


def _listed(gaps: list[Gap]) -> list[Gap]:
    """As many as are listed one by one; the last of them reaches over all that are not."""
    if len(gaps) <= MAX_GAPS:
        return gaps
    last = gaps[MAX_GAPS - 1]
    end_ns = max(gap.to_ns for gap in gaps[MAX_GAPS - 1 :])
    return [*gaps[: MAX_GAPS - 1], replace(last, to_ns=end_ns, cpu=-1)]


def _unplaced(head: LogFile, gaps: list[Gap], first_ns: int, last_ns: int) -> list[Gap]:
    """What only the header's counters tell: somewhere in the file, on whatever CPU."""
    reasons = {gap.reason.partition(":")[0] for gap in gaps}
    counted = ((head.events_lost, "events-lost", {"events-lost"}), (head.buffers_lost, "buffer-lost", _OF_BUFFERS))
    return [Gap(first_ns, last_ns, -1, reason) for count, reason, placed in counted if count and not reasons & placed]


def _overwritten(head: LogFile, buffers: Structured, first_ns: int, complete_ns: int) -> list[Gap]:
    """By CPU: from the start of the file to the oldest buffer that is left; else to where all are complete."""
    if not complete_ns:
        return []
    kept = buffers[buffers["sequence"] >= _first_overwritten(head)]
    order = kept[np.lexsort((kept["first_time"], kept["cpu"]))]
    cpus, first = np.unique(order["cpu"], return_index=True)
    begins = [head.clock.ns_of(int(time)) for time in order["first_time"][first]]
    known = [Gap(first_ns, max(to, first_ns), int(cpu), _OVERWRITTEN) for cpu, to in zip(cpus, begins, strict=True)]
    others = [] if len(cpus) >= head.processors else [Gap(first_ns, max(complete_ns, first_ns), -1, _OVERWRITTEN)]
    return known + others


def _flagged(clock: Clock, buffers: Structured, last_ns: int) -> list[Gap]:
    """From the first record of the CPU's buffer before the flagged one to the first record of the one after it."""
    ordered = buffers[np.lexsort((buffers["sequence"], buffers["first_time"], buffers["cpu"]))]
    cpu, flag, times = ordered["cpu"], ordered["flag"], ordered["first_time"]
    gaps: list[Gap] = []
    flagged = np.flatnonzero(flag & _LOSS_FLAGS)
    for row in flagged[:MAX_GAPS]:
        before = row - 1 if row and cpu[row - 1] == cpu[row] else row
        followed = row + 1 < len(cpu) and cpu[row + 1] == cpu[row]
        start = clock.ns_of(int(times[before]))
        stop = clock.ns_of(int(times[row + 1])) if followed else last_ns
        reason = "buffer-lost" if flag[row] & BufferFlag.BUFFER_LOST else "events-lost"
        gaps.append(Gap(start, max(start, stop), int(cpu[row]), reason))
    if len(flagged) > MAX_GAPS:
        gaps.append(Gap(clock.ns_of(int(times.min())), last_ns, -1, "events-lost"))
    return gaps


def _holes(head: LogFile, buffers: Structured, first_ns: int, last_ns: int, *, goes_on: bool) -> list[Gap]:
    """Gaps between sequence numbers; the front of a wrapped file is no loss but what the file was told to forget."""
    ordered = buffers[np.argsort(buffers["sequence"], kind="stable")]
    steps = np.diff(ordered["sequence"])
    front = ordered["sequence"][:-1] < _first_overwritten(head)
    holes = (steps > 1) & ~(front & (_overwrites(head) or goes_on or continues(head, buffers)))
    if int((steps[holes] - 1).sum()) <= _unused_numbers(head, buffers):
        return []
    rows = np.flatnonzero(holes)[:MAX_GAPS]
    begins, ends = _around(head, ordered, rows, first_ns, last_ns)
    return [
        Gap(begin, max(begin, end), -1, f"sequence-gap:{missing}", missing)
        for begin, end, missing in zip(begins.tolist(), ends.tolist(), (steps[rows] - 1).tolist(), strict=True)
    ]


def _around(head: LogFile, ordered: Structured, rows: Rows, first_ns: int, last_ns: int) -> tuple[I64, I64]:
    """When the buffers after each of these, by number, may have been filled.

    A CPU fills one after another: a missing one of it lies between its last before and its first after the hole, and
    nothing tells which CPU's it was. It was flushed before the next in number was.
    """
    clock, cpus = head.clock, unique(ordered["cpu"])
    unseen = len(cpus) < head.processors
    begins = np.full(len(rows), first_ns if unseen else last_ns)
    ends = np.full(len(rows), last_ns if unseen else first_ns)
    for cpu in cpus:
        mine = ordered[ordered["cpu"] == cpu]
        at = np.array([first_ns, *(clock.ns_of(int(time)) for time in mine["first_time"]), last_ns], np.int64)
        after = np.searchsorted(mine["sequence"], ordered["sequence"][rows], side="right")
        begins, ends = np.minimum(begins, at[after]), np.maximum(ends, at[after + 1])
    if not head.mode & LogFileMode.RELOG:
        flushed = [clock.ns_of(int(time)) for time in ordered["flushed"][rows + 1]]
        ends = np.where(np.array(flushed, np.int64) > begins, np.minimum(ends, flushed), ends)
    return begins, ends


def _unused_numbers(head: LogFile, buffers: Structured) -> int:
    """How many sequence numbers no buffer ever had, by a closed session's own count; 0 where anything tells of loss."""
    if not head.end or head.events_lost or head.buffers_lost or np.any(buffers["flag"] & _LOSS_FLAGS):
        return 0
    numbers = int(buffers["sequence"].max(initial=-1)) + 1
    here = numbers - _elsewhere(head, buffers)
    return (here if head.buffers_written <= here else numbers) - head.buffers_written


def continues(head: LogFile, buffers: Structured) -> bool:
    """Whether the buffers before the file's first are in another file: its numbers begin where another's end."""
    return _elsewhere(head, buffers) > 0


def all_written(head: LogFile, buffers: Structured) -> bool:
    """Whether the file has all buffers that its header counts, or that an earlier file has had of them."""
    return len(buffers) + _elsewhere(head, buffers) >= head.buffers_written


def _elsewhere(head: LogFile, buffers: Structured) -> int:
    """How many buffers an earlier file of the session has, by the numbers of this one's; 0 where it is the first."""
    after = buffers["sequence"][buffers["sequence"] >= _first_overwritten(head)]
    new_file = bool(head.mode & LogFileMode.NEWFILE)
    cut = head.end and len(buffers) < head.buffers_written  # buffers of the front may be what is missing
    if _overwrites(head) or not len(after) or (cut and not new_file):
        return 0
    before = int(after.min()) - _first_overwritten(head)
    return before if before > max(_FEW_OF_NEW_FILE if new_file else _FEW_UNUSED, head.buffers_lost) else 0


def _overwrites(head: LogFile) -> bool:
    return bool(head.mode & (LogFileMode.CIRCULAR | LogFileMode.BUFFERING))


def _first_overwritten(head: LogFile) -> int:
    """Sequence number of the first buffer that may be overwritten: those with the header stay at the front."""
    return max(1, head.start_buffers)


def _complete_from(head: LogFile, buffers: Structured, last_ns: int) -> int:
    """Nanoseconds from which on no event was overwritten; 0 where none was.

    Buffers are numbered as they are flushed, and hold only what happened before. So the time at which the oldest one
    left was flushed is after all that was overwritten. Where the last buffer of every CPU is there, it is enough that
    each CPU's oldest one has begun, as a CPU fills one after another. So it is where there is a buffer of each, or two
    of one in a session that was stopped: what is flushed then, one of each CPU that logged anything, comes last.
    """
    kept = buffers[buffers["sequence"] >= _first_overwritten(head)]
    if not _overwrites(head) or not len(kept) or kept["sequence"].min() <= _first_overwritten(head):
        return 0
    by_flush = int(kept["flushed"][np.argmin(kept["sequence"])])
    by_flush_ns = last_ns if head.mode & LogFileMode.RELOG else head.clock.ns_of(by_flush)
    oldest = kept[np.lexsort((kept["sequence"], kept["cpu"]))]
    cpus, first = np.unique(oldest["cpu"], return_index=True)
    bounds = [last_ns, max(by_flush_ns, 0)]
    processors = max(head.processors, len(unique(buffers["cpu"])))
    if len(cpus) >= processors or (head.end and len(cpus) < len(kept)):
        bounds.append(head.clock.ns_of(int(oldest["first_time"][first].max())))
    return min(bounds)
