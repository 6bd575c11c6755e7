"""One reading of a file: windows of buffers become batches of events.

The buffers are taken in the order of their first record's time. With all buffers loaded that begin before
a time H, every record before H is in the window; events up to H less a margin make the next batch,
and stacks logged within the margin are looked up for them (:func:`tracer.etl.walk.peek`).
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.errors import Damage, DamageCode
from tracer.etl import order, walk
from tracer.etl.census import Counters
from tracer.etl.classify import Classifier
from tracer.etl.headers import BufferFlag, Compression
from tracer.etl.logfile import LogFile
from tracer.etl.tables import EventStacks, Walked, event_owners, event_tables
from tracer.etl.threaded import ahead
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
MOST_BYTES: Final = 256 << 20
"""A window may grow to this size for buffers that overlap in time (256 CPUs with a buffer of 1 MiB each); beyond,
order gives way to memory."""
_SLACK: Final = 1 << 16
"""Room beyond a window's size for aligning what is moved over from the window before."""
_END: Final = walk.NO_HORIZON
_BEGIN: Final = np.iinfo(np.int64).min


class Reading:
    """The state of one pass over a file."""

    def __init__(
        self, read_into: ReadInto, head: LogFile, buffers: npt.NDArray[np.void], classifier: Classifier,
        counters: Counters, stacks: StackTable, *, window_bytes: int, threads: int,
    ) -> None:  # fmt: skip
        self._head = head
        self._buffers = buffers
        self._classifier = classifier
        self._counters = counters
        self._stacks = stacks
        self._keys = KeyTable()
        self._counting_only = not any(classifier.layouts)
        self._size = window_bytes
        self._queue = np.lexsort((buffers["sequence"], buffers["first_time"]))
        sizes = np.maximum(buffers["stride"], buffers["valid"])[self._queue]
        self._sizes = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        # Where all fits into one window there is nothing to do at the same time.
        self._pipelined = threads > 1 and int(self._sizes[-1]) > window_bytes
        self._next = 0
        self._peeked = int(_BEGIN)
        self._done = 0
        self._records = 0
        self._short_payloads = 0
        self._wild_times = 0
        self._overlaps = 0
        self.last_time = head.clock.origin
        packed = buffers["flag"] & BufferFlag.COMPRESSED
        # One window is decoded, one waits, one is being read.
        self._helper = ThreadPoolExecutor(1, "poolscope-decompress") if threads > 1 and packed.any() else None
        self.window = Window(
            read_into, window_bytes + _SLACK, buffers, head.compression or Compression.XPRESS,
            arenas=3 if self._pipelined else 1, helper=self._helper,
        )  # fmt: skip

    @property
    def damage(self) -> list[Damage]:
        """Places that could not be read so far."""
        found = list(self.window.damage)
        if self._short_payloads:
            text = f"{self._short_payloads:,} records end inside a field of their payload; the rest of it reads as zero"
            found.append(Damage(0, DamageCode.PAYLOAD_SHORT, text, 0))
        if self._wild_times:
            text = f"{self._wild_times:,} records say a time more than 292 years from the trace's start"
            found.append(Damage(0, DamageCode.TIME_BACKWARD, text, 0))
        if self._overlaps:
            text = f"buffers of more than {MOST_BYTES:,} bytes overlap in time: events are not in time order"
            found.append(Damage(0, DamageCode.TIME_BACKWARD, text, 0))
        return found

    def batches(self) -> Generator[Batch]:
        """All batches, in time order.

        With more than one thread they pass through a pipeline: the next window is read and put in order
        while this one is decoded and the one before is with the caller.
        """
        if self._pipelined:
            return ahead(self._decoded(ahead(self._windows())))
        return self._decoded(self._windows())

    def _decoded(self, windows: Generator[Walked]) -> Generator[Batch]:
        with closing(windows):
            for walked in windows:
                tables, short = event_tables(walked, self._classifier.layouts, self._head.clock)
                self._short_payloads += short
                until = self._head.clock.ns_of(walked.until)
                yield Batch(tables, _late(walked.loose), until, walked.bytes_read, walked.records)

    def _windows(self) -> Generator[Walked]:
        try:
            while self._next < len(self._queue) or len(self.window.segments):
                limit = self._load()
                horizon = self._horizon(limit)
                if horizon is None:
                    continue
                n_events, n_stacks = self._walk(horizon, limit)
                yield self._walked(n_events, n_stacks, horizon)
                self.window.move_on()
        finally:
            if self._helper is not None:
                self._helper.shutdown()

    def _load(self) -> int:
        """Fill the window; gives the raw time before which every record is in it."""
        # At least a part of what is there already, so that moving the rest of wide buffers over stays cheap.
        room = max(self._size - self.window.filled, self.window.filled // 4) + int(self._sizes[self._next])
        last = max(self._next + 1, int(np.searchsorted(self._sizes, room, side="right")) - 1)
        last = min(last, len(self._queue))
        self.window.load(self._queue[self._next : last])
        self._next = last
        return _END if last == len(self._queue) else int(self._buffers["first_time"][self._queue[last]])

    def _horizon(self, limit: int) -> int | None:
        """Raw time up to which events go out now; ``None`` to load more first."""
        if limit == _END:
            return _END
        if self.window.filled > MOST_BYTES:
            self._overlaps += 1
            return _END
        span = limit - max(self._peeked, int(self._buffers["first_time"][self._queue[0]]))
        return limit - min(self._head.clock.raw(MARGIN_NS), span // _MARGIN_SHARE) if span > 0 else None

    def _walk(self, horizon: int, limit: int) -> tuple[int, int]:
        """Walk to the horizon and peek beyond; gives the number of events and of stack records."""
        window, arena, tables, counters = self.window, self.window.arena, self._classifier, self._counters
        state = np.array([0, 0, 0, self._records, tables.providers], np.int64)
        while True:
            result = walk.walk(
                arena.bytes, arena.words2, arena.words4, arena.words8, window.segments, horizon, self._peeked,
                tables.hook_row, tables.row_slot, tables.row_hook, tables.provider_keys, tables.provider_counts,
                tables.provider_table, tables.provider_rows, counters.by_header, counters.by_hook,
                arena.events, arena.stacks, state,
            )  # fmt: skip
            tables.providers = int(state[4])
            if result == walk.COMPLETE:
                break
            if result == walk.PROVIDERS_FULL:
                tables.grow_providers()
            else:
                arena.grow_index()
        ahead_of_time = np.array([0, state[2]], np.int64)
        while horizon != _END and not walk.peek(
            arena.words2, arena.words4, arena.words8, window.segments, horizon, limit, self._peeked,
            tables.hook_row, tables.row_slot, arena.stacks, ahead_of_time,
        ):  # fmt: skip
            arena.grow_index()
        if horizon != _END:
            self._peeked = horizon
        self._records = int(state[3])
        return int(state[1]), int(ahead_of_time[1])

    def _walked(self, n_events: int, n_stacks: int, horizon: int) -> Walked:
        """Join the stacks, order the events, resolve the stack keys."""
        arena = self.window.arena
        events = arena.events[:n_events]
        if self._counting_only:
            return self._counted(events, horizon)
        stacks = EventStacks(n_events)
        loose = self._join(events, n_stacks, stacks)
        times = order.time_order(events)
        slots = np.zeros(len(self._classifier.layouts) + 1, np.int64)
        rows, places = np.empty(n_events, np.int32), np.empty(n_events, np.int64)
        order.group_by_slot(events, times, slots, np.empty_like(slots), rows, places, self._done)
        self._resolve(events, times, rows[slots[walk.SLOT_DEFINITION] : slots[walk.SLOT_DEFINITION + 1]], loose, stacks)
        self._done += n_events
        if n_events:
            self._note_times(events["time"], int(events["time"][times[0]]), int(events["time"][times[-1]]))
        return Walked(
            words4=arena.words4, segments=self.window.segments.copy(), events=events, slots=slots, rows=rows,
            places=places, stacks=stacks, loose=loose, until=self.last_time if horizon == _END else horizon,
            bytes_read=self.window.bytes_read, records=self._records,
        )  # fmt: skip

    def _counted(self, events: npt.NDArray[np.void], horizon: int) -> Walked:
        """A window of which only the counts are wanted: no order, no stacks, no tables."""
        if len(events):
            self._note_times(events["time"], int(events["time"].min()), int(events["time"].max()))
        none = np.zeros(0, np.int32)
        return Walked(
            words4=self.window.arena.words4, segments=self.window.segments, events=events[:0],
            slots=np.zeros(len(self._classifier.layouts) + 1, np.int64), rows=none, places=none.astype(np.int64),
            stacks=EventStacks(0), loose=np.zeros(0, LOOSE_STACK), until=self.last_time if horizon == _END else horizon,
            bytes_read=self.window.bytes_read, records=self._records,
        )  # fmt: skip

    def _note_times(self, times: npt.NDArray[np.int64], first: int, last: int) -> None:
        """Remember the last time, and how many cannot be told in nanoseconds."""
        self.last_time = max(self.last_time, last)
        least, most = self._head.clock.representable
        if first < least or last > most:
            self._wild_times += int(np.count_nonzero((times < least) | (times > most)))

    def _join(self, events: npt.NDArray[np.void], n_stacks: int, stacks: EventStacks) -> npt.NDArray[np.void]:
        """Intern the stacks and give them to the events just before them; what is left over is returned."""
        loose = np.empty(n_stacks, LOOSE_STACK)
        state = np.zeros(2, np.int64)
        table, arena = self._stacks, self.window.arena
        while not join(
            arena.words4, arena.words8, self.window.segments, events, arena.stacks, n_stacks,
            table.buckets, table.memo, table.hashes, table.starts, table.lengths, table.frame_pool, table.used,
            stacks.kernel, stacks.user, stacks.thread, stacks.process, loose, state,
        ):  # fmt: skip
            table.reserve()
        return loose[: int(state[1])]

    def _resolve(
        self, events: npt.NDArray[np.void], times: npt.NDArray[np.int32], definitions: npt.NDArray[np.int32],
        loose: npt.NDArray[np.void], stacks: EventStacks,
    ) -> None:  # fmt: skip
        """Find events of loose stacks by time, and the frames of stack keys."""
        arena = self.window.arena
        if np.any(loose["event"] < 0):
            cpus, threads = np.empty(len(events), np.uint16), np.empty(len(events), np.uint32)
            event_owners(arena.words4, events, len(events), self.window.segments, cpus, threads)
            join_by_time(
                events, events["time"][times], times, cpus, threads,
                stacks.kernel, stacks.user, stacks.thread, stacks.process, loose, len(loose),
            )  # fmt: skip
        resolve_all(
            self._stacks, self._keys, arena.words8, walk.POINTER_BYTES, events, definitions, loose,
            stacks.kernel, stacks.user, max(_BEGIN, self.last_time - self._head.clock.raw(_FORGET_NS)),
        )  # fmt: skip


def _late(loose: npt.NDArray[np.void]) -> LateStacks:
    """Stacks whose event is not in this window."""
    late = loose[loose["event"] < 0]
    return LateStacks(
        late["event_time"].copy(), late["thread"].copy(), late["process"].copy(), late["cpu"].copy(),
        late["stack"].copy(), late["is_user"].astype(np.bool_),
    )  # fmt: skip
