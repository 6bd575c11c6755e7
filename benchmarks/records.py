"""A window of simulated events as the bytes of records, all events at once.

Every record here has an 8-byte multiple of a size, so a CPU's records are one array of
64-bit words; the shapes are those of the reader's own declarations.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from benchmarks.sites import Sites
from benchmarks.workload import Window
from tracer.arrays import I64, U16, U64, Structured
from tracer.etl.headers import PERFINFO_HEADER, RECORD_ALIGNMENT, TRACE_MARKER, HeaderType
from tracer.events import pool, stack, thread
from tracer.events.layout import KernelId, Layout
from tracer.events.registry import layout_for

POINTER_SIZE: Final = 8
WORD: Final = RECORD_ALIGNMENT
POOL_VERSION: Final = 2
STACK_VERSION: Final = 2
SWITCH_VERSION: Final = 4
SWITCH_PRIORITY: Final = 8


def layout_of(hook: int, version: int) -> Layout:
    """The layout of a kernel event; ``LookupError`` where none is declared."""
    found = layout_for(KernelId(hook), version)
    if found is None:
        raise LookupError(f"no layout for hook {hook:04X}")
    return found


def record_dtype(layout: Layout) -> np.dtype[np.void]:
    """A PERFINFO64 record with the fields of the layout up to its first blob."""
    fixed = [(field.name, field.dtype) for field in layout.fields if field.dtype is not None]
    return np.dtype([("header", PERFINFO_HEADER), ("payload", np.dtype(fixed))])


POOL_RECORD: Final = record_dtype(layout_of(pool.ALLOC, POOL_VERSION))
STACK_RECORD: Final = record_dtype(layout_of(stack.STACK, STACK_VERSION))
"""Without its frames."""
SWITCH_RECORD: Final = record_dtype(layout_of(thread.CONTEXT_SWITCH, SWITCH_VERSION))

TIME_WORD: Final = (PERFINFO_HEADER.itemsize - PERFINFO_HEADER["time"].itemsize) // WORD
"""Where a record's time, the last field of its header, stands: in words from the record's start."""


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Records of one CPU: their ``words``, and the index of the word behind each record (``ends``)."""

    words: U64
    ends: I64


def words_of(dtype: np.dtype[np.void]) -> int:
    """Size of a record in words."""
    return dtype.itemsize // WORD


class Encoder:
    """Turns windows into records. ``process_of`` gives the process of a thread id."""

    def __init__(self, sites: Sites, process_of: dict[int, int]) -> None:
        self._sites = sites
        self._processes = np.zeros(max(process_of) + 1, np.uint32)
        self._processes[list(process_of)] = list(process_of.values())

    def encode(self, window: Window) -> list[Records]:
        """Records of each CPU, in time order."""
        is_switch = window.hook == thread.CONTEXT_SWITCH
        pools, switches = np.flatnonzero(~is_switch), np.flatnonzero(is_switch)
        stacks = window.site[pools] + np.where(window.hook[pools] == pool.FREE, len(self._sites.size), 0)
        frame_count = self._sites.frame_count[stacks]
        size = np.full(len(window.time), words_of(SWITCH_RECORD), np.int64)
        size[pools] = words_of(POOL_RECORD) + words_of(STACK_RECORD) + frame_count
        end = np.cumsum(size)
        start = end - size
        words = np.empty(int(end[-1]), np.uint64)
        stack_start = start[pools] + words_of(POOL_RECORD)
        _put(words, start[pools], self._pool(window, pools))
        _put(words, start[switches], self._switch(window, switches))
        _put(words, stack_start, self._stack(window, pools, frame_count))
        self._put_frames(words, stack_start + words_of(STACK_RECORD), stacks, frame_count)
        ends = np.sort(np.concatenate((end, stack_start)))
        return _by_cpu(words, ends, np.append(start, end[-1])[window.first])

    def _pool(self, window: Window, rows: I64) -> Structured:
        records = np.zeros(len(rows), POOL_RECORD)
        _fill_header(records, window.hook[rows], POOL_VERSION, window.time[rows])
        payload, site = records["payload"], window.site[rows]
        payload["type"] = self._sites.type[site]
        payload["tag"] = self._sites.tag[site]
        payload["bytes"] = self._sites.size[site]
        payload["entry"] = window.address[rows]
        return records

    def _stack(self, window: Window, rows: I64, frame_count: I64) -> Structured:
        records = np.zeros(len(rows), STACK_RECORD)
        _fill_header(records, np.uint16(stack.STACK), STACK_VERSION, window.stack_time[rows])
        records["header"]["size"] += (frame_count * POINTER_SIZE).astype(np.uint16)
        payload = records["payload"]
        payload["event_time"] = window.time[rows]
        payload["thread"] = window.thread[rows]
        payload["process"] = self._processes[window.thread[rows]]
        return records

    def _switch(self, window: Window, rows: I64) -> Structured:
        records = np.zeros(len(rows), SWITCH_RECORD)
        _fill_header(records, window.hook[rows], SWITCH_VERSION, window.time[rows])
        payload = records["payload"]
        payload["new_thread"] = window.thread[rows]
        payload["old_thread"] = window.previous[rows]
        payload["new_priority"] = payload["old_priority"] = SWITCH_PRIORITY
        payload["old_wait_reason"] = thread.WaitReason.WR_QUEUE
        payload["old_state"] = thread.ThreadState.WAITING
        return records

    def _put_frames(self, words: U64, start: I64, stacks: I64, count: I64) -> None:
        step = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        words[np.repeat(start, count) + step] = self._sites.frames[
            np.repeat(self._sites.frame_start[stacks], count) + step
        ]


def _fill_header(records: Structured, hook: U16 | np.uint16, version: int, time: I64) -> None:
    header = records["header"]
    header["version"] = version
    header["header_type"] = HeaderType.PERFINFO64
    header["marker"] = TRACE_MARKER
    header["size"] = records.dtype.itemsize
    header["type"] = hook & np.uint16(0xFF)
    header["group"] = hook >> np.uint16(8)
    header["time"] = time


def _put(words: U64, start: I64, records: Structured) -> None:
    count = words_of(records.dtype)
    words[start[:, None] + np.arange(count)] = records.view(np.uint64).reshape(-1, count)


def _by_cpu(words: U64, ends: I64, first_word: I64) -> list[Records]:
    """``first_word``: where each CPU's words begin, and the end of the last."""
    out = []
    for begin, end in pairwise(first_word):
        own = ends[np.searchsorted(ends, begin, "right") : np.searchsorted(ends, end, "right")]
        out.append(Records(words[begin:end], own - begin))
    return out
