"""One reading of a file: windows of buffers become batches of events.

The buffers are taken in the order of their first record's time. With all buffers loaded that begin before
a time H, every record before H is in the window; events up to H less a margin make the next batch,
and stacks logged within the margin are looked up for them (:func:`tracer.etl.walk.peek`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.columns import NO_STACK, UNKNOWN_ID, EventTable
from tracer.errors import Damage, DamageCode
from tracer.etl import order, walk
from tracer.etl.census import Counters
from tracer.etl.classify import Classifier
from tracer.etl.headers import Compression
from tracer.etl.logfile import LogFile
from tracer.etl.tables import event_owners, joined, slot_table
from tracer.etl.window import ReadInto, Window
from tracer.stacks.join import LOOSE_STACK, join, join_by_time
from tracer.stacks.keys import KeyTable, resolve_all
from tracer.stacks.table import StackTable
from tracer.trace import Batch, LateStacks

MARGIN_NS: Final = 20_000_000
"""A kernel stack is logged up to 0.14 ms after its event (measured); 20 ms leave room for slow machines."""
_MARGIN_SHARE: Final = 8
"""A margin is never more than this part of a window's time, so that windows make progress."""
_FORGET_NS: Final = 10_000_000_000
"""A reference to a stack key comes up to 0.4 s after its event (measured); older lives of keys are forgotten."""
_MOST_WINDOWS: Final = 8
"""A window may grow to this many times its size for buffers that overlap in time; beyond, order gives way to memory."""
_BYTES_PER_EVENT: Final = 64
_END: Final = np.iinfo(np.int64).max
_BEGIN: Final = np.iinfo(np.int64).min


class Reading:
    """The state of one pass over a file."""

    def __init__(
        self, read_into: ReadInto, head: LogFile, buffers: npt.NDArray[np.void], classifier: Classifier,
        counters: Counters, stacks: StackTable, window_bytes: int,
    ) -> None:  # fmt: skip
        self._head = head
        self._buffers = buffers
        self._classifier = classifier
        self._counters = counters
        self._stacks = stacks
        self._keys = KeyTable()
        self._size = window_bytes
        self._queue = np.lexsort((buffers["sequence"], buffers["first_time"]))
        self._next = 0
        self._events = np.empty(max(256, window_bytes // _BYTES_PER_EVENT), walk.EVENT_INDEX)
        self._stack_rows = np.empty(max(256, window_bytes // (2 * _BYTES_PER_EVENT)), walk.STACK_INDEX)
        self._peeked = np.full(2, _BEGIN, np.int64)
        self._done = 0
        self._records = 0
        self._providers = classifier.providers
        self.short_payloads = 0
        self.last_time = head.clock.origin
        self.window = Window(read_into, window_bytes, buffers, head.compression or Compression.XPRESS)
        self.seconds = dict.fromkeys(("load", "walk", "stacks", "order", "decode"), 0.0)

    @property
    def damage(self) -> list[Damage]:
        """Places that could not be read so far."""
        found = list(self.window.damage)
        if self.short_payloads:
            text = f"{self.short_payloads:,} records ended inside a field of their payload; the rest of them reads as zero"
            found.append(Damage(0, DamageCode.PAYLOAD_SHORT, text, 0))
        return found

    def batches(self) -> Iterator[Batch]:
        """All batches, in time order."""
        while self._next < len(self._queue) or len(self.window.segments):
            limit = self._load()
            horizon = self._horizon(limit)
            if horizon is None:
                continue
            n_events, n_stacks = self._walk(horizon, limit)
            yield self._batch(n_events, n_stacks, horizon)
            self.window.drop_finished()

    def _load(self) -> int:
        """Fill the window; gives the raw time before which every record is in it."""
        began = time.perf_counter()
        strides = self._buffers["stride"]
        room = self._size - self.window.filled
        last = self._next
        while last < len(self._queue) and (last == self._next or room > 0):
            row = self._queue[last]
            room -= max(int(strides[row]), int(self._buffers["valid"][row]))
            if room < 0 and last > self._next:
                break
            last += 1
        self.window.load(self._queue[self._next : last])
        self._next = last
        self.seconds["load"] += time.perf_counter() - began
        return _END if last == len(self._queue) else int(self._buffers["first_time"][self._queue[last]])

    def _horizon(self, limit: int) -> int | None:
        """Raw time up to which events go out now; ``None`` to load more first."""
        if limit == _END:
            return _END
        before = max(int(self._peeked[0]), int(self._buffers["first_time"][self._queue[0]]), -(1 << 62))
        span = limit - before
        if span > 0:
            return limit - min(self._head.clock.raw(MARGIN_NS), span // _MARGIN_SHARE)
        return limit if self.window.filled > _MOST_WINDOWS * self._size else None

    def _walk(self, horizon: int, limit: int) -> tuple[int, int]:
        """Walk to the horizon and peek beyond; gives the number of events and of stack records."""
        began = time.perf_counter()
        window, tables, counters = self.window, self._classifier, self._counters
        state = np.array([0, 0, 0, self._records, tables.providers], np.int64)
        while True:
            result = walk.walk(
                window.bytes, window.words2, window.words4, window.words8, window.segments, horizon, self._peeked,
                tables.hook_row, tables.row_slot, tables.row_hook, tables.provider_keys, tables.provider_counts,
                tables.provider_table, tables.provider_rows, counters.by_header, counters.by_hook, self._events, self._stack_rows, state,
            )  # fmt: skip
            tables.providers = int(state[4])
            if result == walk.COMPLETE:
                break
            if result == walk.PROVIDERS_FULL:
                tables.grow_providers()
            else:
                self._events = _doubled(self._events)
                self._stack_rows = _doubled(self._stack_rows)
        n_stacks = int(state[2])
        if horizon != _END:
            n_stacks = walk.peek(
                window.words2, window.words4, window.words8, window.segments, horizon, limit,
                tables.hook_row, tables.row_slot, self._stack_rows, n_stacks,
            )  # fmt: skip
            self._peeked[:] = horizon, limit
        self._records = int(state[3])
        self.seconds["walk"] += time.perf_counter() - began
        return int(state[1]), n_stacks

    def _batch(self, n_events: int, n_stacks: int, horizon: int) -> Batch:
        events = self._events[:n_events]
        kernel_stack, user_stack = (np.full(n_events, NO_STACK, np.int32) for _ in range(2))
        thread, process = (np.full(n_events, UNKNOWN_ID, np.uint32) for _ in range(2))
        by_event = (kernel_stack, user_stack, thread, process)
        loose = self._join(events, n_stacks, by_event)
        began = time.perf_counter()
        times = self._order(events)
        slots = np.zeros(len(self._classifier.layouts) + 1, np.int64)
        rows, places = np.empty(n_events, np.int32), np.empty(n_events, np.int64)
        order.group_by_slot(events, times, slots, rows, places, self._done)
        self.seconds["order"] += time.perf_counter() - began
        definitions = rows[slots[walk.SLOT_DEFINITION] : slots[walk.SLOT_DEFINITION + 1]]
        self._resolve(events, times, definitions, loose, by_event)
        tables = self._tables(events, rows, places, slots, by_event)
        self._done += n_events
        if n_events:
            self.last_time = max(self.last_time, int(events["time"][times[-1]]))
        until = self.last_time if horizon == _END else horizon
        return Batch(tables, _late(loose), self._head.clock.ns_of(until), self.window.bytes_read, self._records)

    def _join(
        self, events: npt.NDArray[np.void], n_stacks: int,
        by_event: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.uint32], npt.NDArray[np.uint32]],
    ) -> npt.NDArray[np.void]:  # fmt: skip
        """Intern the stacks and give them to the events just before them; what is left over is returned."""
        began = time.perf_counter()
        loose = np.empty(n_stacks, LOOSE_STACK)
        state = np.zeros(2, np.int64)
        table, window = self._stacks, self.window
        while not join(
            window.words4, window.segments, events, self._stack_rows, n_stacks,
            table.buckets, table.hashes, table.starts, table.lengths, table.frame_pool, table.used,
            *by_event, loose, state,
        ):  # fmt: skip
            table.reserve()
        self.seconds["stacks"] += time.perf_counter() - began
        return loose[: int(state[1])]

    def _order(self, events: npt.NDArray[np.void]) -> npt.NDArray[np.int32]:
        """Event indexes in time order."""
        bounds = np.empty(4096, np.int64)
        while (runs := order.runs_of(events, len(events), bounds)) < 0:
            bounds = np.empty(min(4 * len(bounds), len(events) + 2), np.int64)
        result = np.empty(len(events), np.int32)
        cursor, keys, heap = (np.empty(max(1, runs), np.int64) for _ in range(3))
        order.merge(events, bounds, runs, cursor, keys, heap, result)
        return result

    def _resolve(
        self, events: npt.NDArray[np.void], times: npt.NDArray[np.int32], definitions: npt.NDArray[np.int32],
        loose: npt.NDArray[np.void],
        by_event: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.uint32], npt.NDArray[np.uint32]],
    ) -> None:  # fmt: skip
        """Find events of loose stacks by time, and the frames of stack keys."""
        began = time.perf_counter()
        window = self.window
        if np.any(loose["event"] < 0):
            cpus, threads = np.empty(len(events), np.uint16), np.empty(len(events), np.uint32)
            event_owners(window.words4, events, len(events), window.segments, cpus, threads)
            join_by_time(events["time"][times], times, cpus, threads, *by_event, loose, len(loose))
        forget = self._head.clock.raw(_FORGET_NS)
        resolve_all(
            self._stacks, self._keys, window.words4, walk.POINTER_BYTES, events, definitions, loose,
            by_event[0], by_event[1], self.last_time - forget,
        )  # fmt: skip
        self.seconds["stacks"] += time.perf_counter() - began

    def _tables(
        self, events: npt.NDArray[np.void], rows: npt.NDArray[np.int32], places: npt.NDArray[np.int64],
        slots: npt.NDArray[np.int64],
        by_event: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.uint32], npt.NDArray[np.uint32]],
    ) -> dict[str, EventTable]:  # fmt: skip
        began = time.perf_counter()
        parts: dict[str, list[EventTable]] = {}
        for slot, layout in enumerate(self._classifier.layouts):
            first, last = int(slots[slot]), int(slots[slot + 1])
            if layout is None or first == last:
                continue
            table, short = slot_table(
                layout, self._head.clock, self.window.words4, self.window.segments, events,
                rows[first:last], places[first:last], by_event,
            )  # fmt: skip
            self.short_payloads += short
            parts.setdefault(layout.kind, []).append(table)
        tables = {kind: joined(found) for kind, found in parts.items()}
        self.seconds["decode"] += time.perf_counter() - began
        return tables


def _doubled(index: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    grown = np.empty(2 * len(index), index.dtype)
    grown[: len(index)] = index
    return grown


def _late(loose: npt.NDArray[np.void]) -> LateStacks:
    """Stacks whose event is not in this window."""
    late = loose[loose["event"] < 0]
    return LateStacks(
        late["event_time"].copy(), late["thread"].copy(), late["process"].copy(), late["cpu"].copy(),
        late["stack"].copy(), late["is_user"].astype(np.bool_),
    )  # fmt: skip
