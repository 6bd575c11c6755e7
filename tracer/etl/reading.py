"""One reading of a file: buffers are walked as they come, and events go out as batches when their time has come.

The buffers are taken in the order of their first record's time. With all buffers walked that begin before
a time H, every record before H has been seen; events up to H less a margin make the next batch, so that stacks
logged within the margin have found them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import closing
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

import numpy as np

from tracer.arrays import I64, Structured
from tracer.data_classes import dataclass
from tracer.errors import Damage, DamageCode
from tracer.etl import walk
from tracer.etl.census import Counters
from tracer.etl.classify import Classifier
from tracer.etl.headers import MAX_PROCESSORS, BufferFlag, Compression
from tracer.etl.loading import COUNTED_LOAD_BYTES, LOAD_BYTES, Loader, ReadInto
from tracer.etl.logfile import LogFile
from tracer.etl.order import NO_HORIZON, Order
from tracer.etl.pending import Pending
from tracer.etl.rows import SLOT_DEFINITION, SLOT_NONE, Stored
from tracer.etl.stack_join import join_by_time
from tracer.etl.tables import event_tables
from tracer.etl.threaded import ahead
from tracer.events import pool
from tracer.stacks.keys import KeyTable, resolve_all
from tracer.stacks.table import StackTable
from tracer.trace import NO_LATE_STACKS, Batch, ByteCount, LateStacks, Usage

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

MARGIN_NS: Final = 20_000_000
"""A kernel stack is logged up to 0.14 ms after its event (measured); 20 ms leave room for slow machines."""
_MARGIN_SHARE: Final = 8
"""A margin is never more than this part of a window's time, so that windows make progress."""
_FORGET_NS: Final = 10_000_000_000
"""A reference to a stack key comes up to 0.4 s after its event (measured); older lives of keys are forgotten."""
MOST_BYTES: Final = 256 << 20
"""Events that wait may fill as much for buffers that overlap in time (256 CPUs with a buffer of 1 MiB each); beyond,
order gives way to memory."""
_BEGIN: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """Events that go out together, before they are decoded."""

    stored: Stored
    order: Order
    late: LateStacks
    until_ns: int
    bytes_read: int
    records: int


@dataclass(frozen=True, slots=True, eq=False)
class BufferSource:
    """Where a file's buffers come from. ``shifts``: by CPU, ticks by which its clock is behind; None: all have one.

    ``buffers`` have their first times corrected by that.
    """

    read_into: ReadInto
    head: LogFile
    buffers: Structured
    shifts: I64 | None = None


_WITHOUT_DECODER: Final = 2
"""With so many threads whoever takes batches decodes them."""
_HELPED_BYTES: Final = 4 << 20
"""Compressed buffers, unpacked, from which other threads help: fewer take less time than to make them ready."""
_MOST_HELPERS: Final = 7
"""More would wait for the one thread that walks what they unpacked, and each makes a load 2 MiB larger."""


def _pool(threads: int) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # brings logging: only compressed buffers need it

    return ThreadPoolExecutor(threads, "poolscope-decompress")


class Reading:
    """The state of one pass over a file."""

    def __init__(
        self, source: BufferSource, classifier: Classifier, counters: Counters, stacks: StackTable, *,
        window_bytes: int, threads: int, keys: KeyTable | None = None,
    ) -> None:  # fmt: skip
        """``keys``: those of the session, where other files hold more of it."""
        head, buffers = source.head, source.buffers
        self._head = head
        self._buffers = buffers
        self._classifier = classifier
        self._counters = counters
        self._stacks = stacks
        self._keys = KeyTable() if keys is None else keys
        self._counting_only = not any(classifier.layouts)
        self._window_bytes = window_bytes
        self._shifts = np.zeros(MAX_PROCESSORS, np.int64) if source.shifts is None else source.shifts
        self._queue = np.lexsort((buffers["sequence"], buffers["first_time"]))
        sizes = np.maximum(buffers["stride"], buffers["valid"])[self._queue]
        self._sizes = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        # Where all fits into one window, or nothing is decoded, there is nothing to do at the same time.
        self._pipelined = threads > 1 and int(self._sizes[-1]) > window_bytes and not self._counting_only
        self._has_decoder = self._pipelined and threads > _WITHOUT_DECODER
        self._next = 0
        self._handed_on = int(_BEGIN)  # raw time up to which events went out
        self._done = 0
        self._short_payloads = 0
        self._sizes_said = pool.Sizes()
        self._taken = np.zeros(len(classifier.layouts), np.int64)  # events that went out, by slot
        self._overlaps = 0
        self._pending = Pending()
        self._state["last_time"] = head.clock.origin
        self._order = Order(len(classifier.layouts))
        self._spare: SimpleQueue[_Window] = SimpleQueue()  # decoded: their arrays are used again
        packed = buffers["flag"] & BufferFlag.COMPRESSED
        many = int(sizes[packed[self._queue] != 0].sum()) > _HELPED_BYTES
        helpers = max(1, min(threads - 1, _MOST_HELPERS))
        self._pool = _pool(helpers) if threads > 1 and many else None
        self._loader = Loader(
            source.read_into, buffers, head.compression or Compression.XPRESS, self._pool, helpers,
            COUNTED_LOAD_BYTES if self._counting_only else LOAD_BYTES,
        )  # fmt: skip

    @property
    def _state(self) -> np.void:
        """The row of :data:`~tracer.etl.rows.WALK_STATE`."""
        state: np.void = self._pending.state[0]
        return state

    @property
    def last_time(self) -> int:
        """Raw time of the last event read so far."""
        return int(self._state["last_time"])

    @property
    def byte_count(self) -> ByteCount:
        """Where the bytes of the buffers walked so far went."""
        state = self._state
        return ByteCount(*(int(state[name]) for name in ("headers", "record_bytes", "padding", "skipped")))

    @property
    def usage(self) -> Usage:
        """What became of the records so far."""
        layouts, taken = self._classifier.layouts, self._taken.tolist()
        given: Counter[str] = Counter()
        for layout, count in zip(layouts, taken, strict=True):
            if layout is not None and count:
                given[layout.kind] += count
        return Usage(
            versions=self._classifier.versions(),
            given=given,
            definitions=taken[SLOT_DEFINITION],
            passed_over=taken[SLOT_NONE],
            stacks=int(self._state["stacks"]),
            bare_stacks=int(self._state["bare_stacks"]),
            short=self._short_payloads,
        )

    @property
    def damage(self) -> list[Damage]:
        """Places that could not be read so far."""
        found = list(self._loader.damage)
        if self._short_payloads:
            text = f"{self._short_payloads:,} records end before their fields do; what is missing reads as zero"
            found.append(Damage(0, DamageCode.PAYLOAD_SHORT, text, 0))
        if many := self._sizes_said.odd:
            text = f"{many:,} pool events, the first of them here, say a size that cannot be; it counts as 0"
            found.append(Damage(self._sizes_said.first, DamageCode.PAYLOAD_IMPOSSIBLE, text, 0))
        if self._state["wild"]:
            text = f"{int(self._state['wild']):,} records say a time more than 292 years from the trace's start"
            found.append(Damage(0, DamageCode.TIME_BACKWARD, text, 0))
        if self._overlaps:
            text = f"buffers of more than {MOST_BYTES:,} bytes overlap in time: events are not in time order"
            found.append(Damage(0, DamageCode.TIME_BACKWARD, text, 0))
        return found

    def batches(self) -> Generator[Batch]:
        """All batches, in time order.

        With two threads the next window is read while this one is decoded and used, with three decoding is a thread's
        too.
        """
        windows = ahead(self._windows()) if self._pipelined else self._windows()
        batches = self._decoded(windows)
        return ahead(batches) if self._has_decoder else batches

    def _decoded(self, windows: Generator[_Window]) -> Generator[Batch]:
        with closing(windows):
            for window in windows:
                yield self._batch(window)

    def _windows(self) -> Generator[_Window]:
        try:
            while self._next < len(self._queue) or self._pending.count:
                limit = self._load()
                horizon = self._horizon(limit)
                if horizon is None:
                    continue
                window = self._cut(horizon)
                if self._pipelined:
                    self._leave()
                yield window
                if not self._pipelined:
                    self._pending.compact()
        finally:
            if self._pool is not None:
                self._pool.shutdown()

    def _load(self) -> int:
        """Walk the next buffers; gives the raw time before which every record has been seen."""
        # At least a part of what waits, so that moving it on stays cheap.
        room = max(self._window_bytes, self._pending.bytes // 4) + int(self._sizes[self._next])
        last = max(self._next + 1, int(np.searchsorted(self._sizes, room, side="right")) - 1)
        last = min(last, len(self._queue))
        while self._next < last:
            self._next += self._loader.load(self._queue, self._next, last)
            self._walk()
        return NO_HORIZON if last == len(self._queue) else int(self._buffers["first_time"][self._queue[last]])

    def _horizon(self, limit: int) -> int | None:
        """Raw time up to which events go out now; ``None`` to load more first."""
        if limit == NO_HORIZON:
            return NO_HORIZON
        if self._pending.bytes > MOST_BYTES:
            self._overlaps += 1
            return NO_HORIZON
        span = limit - max(self._handed_on, int(self._buffers["first_time"][self._queue[0]]))
        return limit - min(self._head.clock.raw(MARGIN_NS), span // _MARGIN_SHARE) if span > 0 else None

    def _walk(self) -> None:
        """Walk what was loaded."""
        classifier, stacks, pending = self._classifier, self._stacks, self._pending
        state = self._state
        state["segment"] = state["notable"] = 0
        state["providers"] = classifier.providers
        self._loader.segments["shift"] = self._shifts[self._loader.segments["cpu"]]
        pending.reserve_runs(len(self._loader.segments))
        while True:
            result = walk.walk(
                self._loader.arena.words, self._loader.segments, self._counting_only, self._head.clock.representable,
                classifier.tables, self._counters, stacks.arrays, pending.arrays,
            )  # fmt: skip
            classifier.providers = int(state["providers"])
            if result == walk.COMPLETE:
                break
            if result == walk.PROVIDERS_FULL:
                classifier.grow_providers()
            elif result == walk.ROWS_FULL:
                pending.grow()
            else:
                stacks.reserve()
        self._loader.settle(int(state["notable"]))

    def _cut(self, horizon: int) -> _Window:
        """Take the events before ``horizon``, with their stacks."""
        pending, order, late = self._pending, self._order, NO_LATE_STACKS
        until = self._head.clock.ns_of(self.last_time if horizon == NO_HORIZON else horizon)
        if not self._counting_only:
            order.take(pending.stored.times, pending.stored.slots, pending.live_runs, horizon, self._done)
            late = self._join(horizon)
            self._done += order.count
            if horizon != NO_HORIZON:
                self._handed_on = horizon
        bytes_read, records = self._loader.bytes_read, int(self._state["records"])
        return _Window(pending.stored, order, late, until, bytes_read, records)

    def _leave(self) -> None:
        """Leave the arrays to the window that was made of them, and go on with others."""
        try:
            spare = self._spare.get_nowait()
        except Empty:
            self._pending.leave(None)
            self._order = Order(len(self._classifier.layouts))
        else:
            self._pending.leave(spare.stored)
            self._order = spare.order

    def _batch(self, window: _Window) -> Batch:
        """Order and decode a window, never in the thread that reads: that one has more to do."""
        stored, order = window.stored, window.order
        order.sort(stored.times, stored.slots)
        layouts, clock = self._classifier.layouts, self._head.clock
        tables, short = event_tables(stored.events, stored.kept, order, layouts, clock)
        self._short_payloads += short
        self._taken += np.diff(order.slots)
        if "pool" in tables:
            self._sizes_said.check(tables["pool"])
        if self._pipelined:
            self._spare.put(window)
        return Batch(tables, window.late, window.until_ns, window.bytes_read, window.records)

    def _next_batch(self, horizon: int) -> Batch:
        """The events before ``horizon`` at once, in this thread."""
        batch = self._batch(self._cut(horizon))
        self._pending.compact()
        return batch

    def _join(self, horizon: int) -> LateStacks:
        """Find events of loose stacks by time, and the frames of stack keys; gives what came too late."""
        pending, order = self._pending, self._order
        events, times, slots, kept = pending.stored
        loose = pending.due_stacks(horizon, last=horizon == NO_HORIZON)
        if not len(loose) and not order.has_definitions:
            return NO_LATE_STACKS
        order.sort(times, slots)
        if np.any(loose["event"] < 0):
            by_time = order.by_time
            join_by_time(events, by_time, times[by_time], loose)
        definitions = order.by_slot[order.slots[SLOT_DEFINITION] : order.slots[SLOT_DEFINITION + 1]]
        resolve_all(
            self._stacks, self._keys, kept, events, definitions, loose,
            max(_BEGIN, self.last_time - self._head.clock.raw(_FORGET_NS)),
        )  # fmt: skip
        late = loose[loose["event"] < 0]
        return _late(late) if len(late) else NO_LATE_STACKS


def _late(late: Structured) -> LateStacks:
    """Stacks whose event went out before."""
    return LateStacks(
        late["event_time"].copy(), late["thread"].copy(), late["process"].copy(), late["cpu"].copy(),
        late["stack"].copy(), late["is_user"].astype(np.bool_),
    )  # fmt: skip
