"""What the callback writes into a ring, what finds no room, and what the worker makes of it."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.etl.records import ExtendedItem, Record, pack
from tests.tracer.live.delivery import FLAG_CLASSIC, Delivery
from tests.tracer.live.fake_api import STARTED, FakeApi
from tests.tracer.traces import UNJITTED, examples, kernel_payload
from tracer.columns import NO_STACK, EventTable, Who
from tracer.errors import DamageCode
from tracer.etl.headers import ExtendedType, HeaderType
from tracer.events import afd, pool
from tracer.live import callback, native, size_pass
from tracer.live.capture import Capture
from tracer.live.demux import deal
from tracer.live.plan import CapturePlan
from tracer.live.ring import LARGEST_ENTRY, Ring
from tracer.live.ring_reader import Taker, rehearse
from tracer.live.window import NOTHING
from tracer.trace import Batch

pytestmark = pytest.mark.unjitted

SMALLEST = 2 * LARGEST_ENTRY + 16
STACK = struct.pack("<Q3Q", 77, 0xFFFFF80000001000, 0xFFFFF80000002000, 0xFFFFF80000003000)


def alloc(time: int, *, tag: int = 0x45646641, cpu: int = 0, thread: int = 8, **more: Any) -> Record:
    payload = kernel_payload(pool.ALLOC, 8, {"type": 512, "tag": tag, "bytes": 64, "entry": 0xFFFF_E000_0000 + time})
    return Record(
        HeaderType.SYSTEM64, time, payload, cpu=cpu, thread=thread, process=4, hook=pool.ALLOC, version=2, **more
    )  # fmt: skip


def captured(
    kernel: Delivery, sockets: Delivery | None = None, plan: CapturePlan | None = None, *,
    ring_bytes: int = SMALLEST * 8, during: Callable[[Capture], None] | None = None,
) -> tuple[list[Batch], Capture]:  # fmt: skip
    """All batches of a capture of what the sessions deliver, and the capture after its end."""
    batches = []
    with Capture.open(plan or CapturePlan(), FakeApi(kernel, sockets), ring_bytes=ring_bytes) as capture:
        if during is not None:
            during(capture)
        for batch in capture.batches():
            batches.append(batch)
            if not capture.wait(0.1):
                capture.stop()
    return batches, capture


def tables(batches: list[Batch], kind: str) -> list[EventTable]:
    return [batch.tables[kind] for batch in batches if kind in batch.tables]


def times(batches: list[Batch], kind: str = "pool") -> list[int]:
    return [time for table in tables(batches, kind) for time in table.raw_time.tolist()]


def test_records_go_round_the_ring_and_keep_their_order() -> None:
    ahead, count = 500, 3_000 if UNJITTED else 20_000
    events = [alloc(1000 + i, cpu=i % 3) for i in range(count)]
    held: list[Capture] = []

    def full() -> bool:
        return not held or held[0].waiting_bytes > SMALLEST // 2

    delivery = Delivery(events, pauses=dict.fromkeys(range(ahead, len(events), ahead), full))
    batches, capture = captured(delivery, ring_bytes=SMALLEST, during=held.append)
    assert times(batches) == [1000 + i for i in range(count)]
    assert capture.loss.events_lost == 0
    assert capture.census.total == count
    assert capture.bytes.records == count * 56


def test_what_finds_no_room_is_counted_and_has_its_place_in_time() -> None:
    """The worker sleeps while too much comes, then takes what is there, and events go on."""
    each = 8 + 80 + 24
    room = SMALLEST // each
    begun: list[Capture] = []
    events = [alloc(10_000 * i) for i in range(2 * room + 50)]

    def nobody_took() -> bool:
        return not begun or begun[0].waiting_bytes > each

    def sleeps(capture: Capture) -> None:
        while capture.waiting_bytes < room * each or capture._consumers[0].ring.unreported[0] < room:
            pass
        begun.append(capture)

    batches, capture = captured(Delivery(events, pauses={2 * room: nobody_took}), ring_bytes=SMALLEST, during=sleeps)
    kept, lost = len(times(batches)), capture.loss.events_lost
    assert kept + lost == len(events)
    assert lost == room
    (gap,) = capture.loss.gaps
    assert gap.reason == "ring-full"
    assert (gap.from_ns, gap.to_ns) == (room * 1_000_000, (2 * room - 1) * 1_000_000)
    assert times(batches)[room - 1 : room + 1] == [10_000 * (room - 1), 10_000 * 2 * room]


def test_losses_at_the_very_end_are_told_too() -> None:
    events = [alloc(i) for i in range(3 * SMALLEST // 112)]

    def until_full(capture: Capture) -> None:
        while capture._consumers[0].ring.written + capture._consumers[0].ring.unreported[0] < len(events):
            pass

    batches, capture = captured(Delivery(events), ring_bytes=SMALLEST, during=until_full)
    assert len(times(batches)) + capture.loss.events_lost == len(events)
    assert capture.loss.events_lost > 0
    assert capture.loss.gaps[0].to_ns == 100 * (len(events) - 1)


def test_two_sessions_are_merged_by_time() -> None:
    kernel = [alloc(2 * i) for i in range(300)]
    create = struct.pack("<IIQQ", 0, 0, 1, 2)
    sockets = [
        Record(HeaderType.EVENT64, 2 * i + 1, create, thread=8, process=4, provider=afd.PROVIDER, id=1003, cpu=1)
        for i in range(300)
    ]  # fmt: skip
    batches, _ = captured(Delivery(kernel), Delivery(sockets))
    order = np.concatenate([t.order for kind in ("pool", "afd") for t in tables(batches, kind)])
    raw = np.concatenate([t.raw_time for kind in ("pool", "afd") for t in tables(batches, kind)])
    assert np.array_equal(raw[np.argsort(order)], np.arange(600))


def test_a_stack_may_come_as_an_extended_item_of_a_kernel_event() -> None:
    item = ExtendedItem(ExtendedType.STACK64, STACK)
    batches, capture = captured(Delivery([alloc(5), alloc(6, extended=(item,)), alloc(7)]))
    (table,) = tables(batches, "pool")
    assert [stack != NO_STACK for stack in table.stack.tolist()] == [False, True, False]
    assert capture.stacks.frames(int(table.stack[1])).tolist() == list(struct.unpack_from("<3Q", STACK, 8))
    assert table.who.tolist() == [Who.HEADER, Who.STACK, Who.HEADER]


def test_events_of_other_tags_are_left_out_with_their_stacks() -> None:
    frames = struct.pack("<QII3Q", 20, 4, 8, *struct.unpack_from("<3Q", STACK, 8))
    stack = Record(HeaderType.SYSTEM64, 21, frames, thread=8, process=4, hook=0x1820, version=2)
    events = [alloc(10), alloc(20, tag=0x20707249), stack, alloc(30, tag=0xC5646641)]
    batches, capture = captured(Delivery(events), plan=CapturePlan(tags=(b"AfdE",)))
    assert times(batches) == [10, 30]
    assert capture.loss.events_lost == 0
    assert capture.census.kernel_events == {pool.ALLOC: 2}
    assert sum(len(batch.late_stacks.stack) for batch in batches) == 0


def test_a_classic_event_of_an_unknown_class_is_counted_by_its_provider() -> None:
    provider = uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")
    event = Record(HeaderType.FULL64, 3, b"abc", thread=8, process=4, provider=provider, opcode=9, level=2, version=1)
    _, capture = captured(Delivery([alloc(1), event]))
    assert capture.census.providers == {provider: 1}
    assert capture.census.by_header == {"SYSTEM64": 1, "FULL64": 1}


def test_the_time_begins_near_the_start_of_the_capture_whatever_the_first_event_says() -> None:
    """The clock of the played Windows is at 0 when the capture begins, and counts 10 MHz."""
    second = 10_000_000
    filetime = Record(HeaderType.SYSTEM64, 134_398_586_306_033_510, hook=0)
    stray = Record(HeaderType.SYSTEM64, -90_000 * second, hook=0x0020, version=2)
    batches, capture = captured(Delivery([filetime, stray, alloc(3 * second), alloc(4 * second)]))
    assert [time for table in tables(batches, "pool") for time in table.time.tolist()] == [0, 1_000_000_000]
    assert capture.info.start == STARTED + 3 * second
    assert capture.info.duration_ns == 1_000_000_000


def test_a_kernel_event_is_known_by_its_class_even_without_the_classic_flag() -> None:
    delivery = Delivery([alloc(1)])
    for event in delivery._events:
        event.record.EventHeader.Flags &= ~FLAG_CLASSIC
    batches, _ = captured(delivery)
    assert times(batches) == [1]


def test_a_record_that_comes_too_late_is_told() -> None:
    """The clock goes on by ten seconds with every look, so that nothing is waited for."""
    now = iter(range(0, 1 << 30, 10))
    gone: list[int] = []
    api = FakeApi(Delivery([alloc(100), alloc(200), alloc(50)], pauses={2: lambda: not gone}))
    found: list[Batch] = []
    with Capture.open(CapturePlan(), api, lambda: float(next(now))) as capture:
        for batch in capture.batches():
            found.append(batch)
            if times(found) == [100, 200]:
                gone.append(1)
            if not capture.wait(0.1):
                capture.stop()
        (damage,) = capture.damage
    assert damage.code is DamageCode.TIME_BACKWARD
    assert damage.what.startswith("1 records came so late")
    assert times(found) == [100, 200, 50]


def test_losses_that_the_session_counts_are_placed_between_two_looks() -> None:
    now = [0.0]
    more: list[int] = []
    api = FakeApi(Delivery([alloc(100), alloc(200), alloc(900)], pauses={2: lambda: not more}))
    with Capture.open(CapturePlan(sockets=False), api, lambda: now[0]) as capture:
        for _ in capture.batches():
            capture.wait(0.05)
            now[0] += 0.6
            if capture.census.total == 2 and now[0] > 5:
                next(iter(api.sessions_by_name.values())).lost = 7
                more.append(1)
            if now[0] > 12:
                capture.stop()
        assert capture.loss.events_lost == 7
        (gap,) = capture.loss.gaps
    assert gap.reason == "events-lost"
    assert (gap.from_ns, gap.to_ns) in [(10_000, 80_000), (10_000, 10_000)]


def test_a_ring_too_small_for_two_records_is_refused() -> None:
    with pytest.raises(ValueError, match="two records"):
        Ring(LARGEST_ENTRY)


@settings(max_examples=examples(60))
@given(
    st.lists(
        st.tuples(st.binary(max_size=200), st.lists(st.binary(max_size=40), max_size=3), st.integers(0, 2047)),
        max_size=40,
    )
)
def test_manifest_events_come_through_byte_for_byte(drawn: list[tuple[bytes, list[bytes], int]]) -> None:
    provider = uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")
    events = [
        Record(
            HeaderType.EVENT64, i, payload, cpu=cpu, thread=i, process=2, provider=provider, id=7, version=3, level=4,
            extended=tuple(ExtendedItem(ExtendedType.SID, data) for data in items), keyword=1 << 63 | i,
        )
        for i, (payload, items, cpu) in enumerate(drawn)
    ]  # fmt: skip
    assert segments_of(events) == expected_segments(events)


def segments_of(events: list[Record]) -> dict[int, bytes]:
    """By CPU what the worker's arena holds of these events."""

    ring, taker = Ring(SMALLEST), Taker(np.zeros(0, np.uint32))
    Delivery(events).run(callback.event_callback(), ring.context, lambda: False)
    taker.take(ring, -1, (0, 0))
    assert ring.waiting == 0
    raw = taker.arena.words.bytes1
    return {int(s["cpu"]): raw[int(s["begin"]) : int(s["end"])].tobytes() for s in taker.segments}


def expected_segments(events: list[Record]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for event in events:
        data = pack(event)
        found[event.cpu] = found.get(event.cpu, b"") + data.ljust(-(-len(data) // 8) * 8, b"\0")
    return found


@pytest.mark.skipif(UNJITTED, reason="nothing is compiled")
def test_what_takes_records_is_compiled_before_any_comes() -> None:
    rehearse()
    kernels: tuple[Any, ...] = (deal, size_pass.measure)
    compiled = [len(each._entries) for each in kernels]
    Taker(np.zeros(0, np.uint32)).take(Ring(SMALLEST), NOTHING, (0, 1))
    assert [len(each._entries) for each in kernels] == compiled
    assert min(compiled) >= 1


def test_records_are_read_behind_a_fence_and_let_go_of_behind_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """On ARM64 a load may go ahead of the one that saw the record, and a store ahead of the loads before it."""
    steps: list[str] = []

    class Watched(Ring):
        @property
        def head(self) -> int:
            steps.append("head")
            return super().head

        def release(self, tail: int) -> None:
            steps.append("release")
            super().release(tail)

    monkeypatch.setattr("tracer.live.ring_reader.fence", lambda: steps.append("fence"))
    monkeypatch.setattr(size_pass, "measure", lambda *_: steps.append("read"))
    monkeypatch.setattr("tracer.live.ring_reader.deal", lambda *_: steps.append("read"))
    Taker(np.zeros(0, np.uint32)).take(Watched(SMALLEST), 0, (0, 0))
    assert steps == ["head", "fence", "read", "read", "fence", "release"]


@pytest.mark.skipif(UNJITTED, reason="plain Python has no fences")
def test_the_fence_is_one_of_the_machine() -> None:
    from numba.core.registry import cpu_target

    from tracer.kernels import compiler

    fence: Any = native.fence
    library = compiler._StepLibrary(cpu_target.target_context.codegen(), "fence")
    compiler._compile(fence.called, (), library)
    assert "fence acq_rel" in str(library._final_module)
