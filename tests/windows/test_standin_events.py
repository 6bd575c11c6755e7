"""The stand-in for advapi32 as a consumer sees it: what is delivered, when, and how it ends."""

from __future__ import annotations

import ctypes
import struct
import time
import uuid
from collections import Counter
from collections.abc import Callable

import pytest

from fixtures.etl.records import ExtendedItem, Record
from fixtures.simulate import Simulation
from tests.windows import controller
from tests.windows.controller import CONSUME, MASK, REAL_TIME, STACKS, Consumer, control, enable, inform, started
from tests.windows.standin import StandIn
from tests.windows.stream import CLASSES, POOL, STACK_WALK, TICKS_A_SECOND, busy_stream, packed, stream_file
from tracer.etl.headers import HeaderType
from tracer.events import afd

Play = Callable[[bytes], None]

INVALID_HANDLE, INVALID_PARAMETER, CANCELLED, NO_SUCH_SESSION, CLOSE_PENDING = 6, 87, 1223, 4201, 7007
BAD_LENGTH, ALREADY_ENABLED = 24, 4206
ALLOC, FREE = 0x20, 0x22
ALL_KINDS = struct.pack("<8I", 0x10007, 0x0100_0254, *[0] * 6)
POOL_ALONE = struct.pack("<8I", 0, 0x40, *[0] * 6)
LOST_EVENT = uuid.UUID("6a399ae0-4bc6-4de9-870b-3657f8947e7e")
MEMORY = uuid.UUID("82958ca9-b6cd-47f8-a3a8-03ae85a4bc24")
IO = uuid.UUID("3d5c43e3-0f1c-4202-b817-174c0070dc79")


def stack_list(*opcodes: int) -> bytes:
    return b"".join(POOL.bytes_le + bytes([opcode]) + bytes(7) for opcode in opcodes)


def consumed(standin: StandIn, name: str, mode: int = CONSUME | controller.RAW_TIMES) -> Consumer:
    """All that the session gets of the stream; the session is stopped then."""
    consumer = Consumer(name, mode)
    consumer.thread.start()
    until(lambda: standin.count("exhausted") == 1)
    assert control(name, controller.STOP) == 0
    consumer.thread.join()
    consumer.close()
    return consumer


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def kernel_counts(simulation: Simulation) -> Counter[tuple[uuid.UUID, int]]:
    return Counter((CLASSES[r.hook >> 8], r.hook & 0xFF) for r in simulation.records if r.hook >> 8 in CLASSES)


def test_with_every_kind_enabled_the_whole_trace_arrives_but_for_the_stacks(
    standin: StandIn, play: Play, loop: Simulation, loop_stream: bytes
) -> None:
    play(loop_stream)
    handle = started("mine")
    assert inform(standin, handle, MASK, ALL_KINDS) == 0
    counts = consumed(standin, "mine").counts()
    expected = kernel_counts(loop)
    del expected[STACK_WALK, ALLOC]
    assert counts == expected


def test_stacks_arrive_of_the_events_that_were_listed(standin: StandIn, play: Play, loop_stream: bytes) -> None:
    play(loop_stream)
    handle = started("mine")
    inform(standin, handle, MASK, POOL_ALONE)
    inform(standin, handle, STACKS, stack_list(FREE))
    events = consumed(standin, "mine").events
    frees = {event.time for event in events if (event.provider, event.opcode) == (POOL, FREE)}
    owners = [struct.unpack_from("<q", event.payload)[0] for event in events if event.provider == STACK_WALK]
    assert owners
    assert set(owners) <= frees


def test_a_list_of_no_length_ends_stacks(standin: StandIn, play: Play, loop_stream: bytes) -> None:
    play(loop_stream)
    handle = started("mine")
    inform(standin, handle, MASK, POOL_ALONE)
    for events in (stack_list(FREE), b""):
        assert inform(standin, handle, STACKS, events) == 0
    assert {event.provider for event in consumed(standin, "mine").events} == {POOL}


def test_several_sessions_at_once_are_not_processed(standin: StandIn) -> None:
    handles = (ctypes.c_uint64 * 65)()
    process = standin.dll.ProcessTrace
    assert [process(handles, count, None, None) for count in (0, 2, 65)] == [BAD_LENGTH, ALREADY_ENABLED, BAD_LENGTH]


def test_a_session_that_is_no_system_logger_gets_no_kernel_event(
    standin: StandIn, play: Play, loop_stream: bytes
) -> None:
    play(loop_stream)
    handle = started("mine", REAL_TIME)
    assert inform(standin, handle, MASK, ALL_KINDS) == INVALID_PARAMETER
    assert consumed(standin, "mine").events == []


@pytest.mark.parametrize("offered", [True, False])
def test_system_providers_give_the_kinds_of_their_keywords_where_the_build_has_them(
    standin: StandIn, play: Play, loop_stream: bytes, offered: bool
) -> None:
    play(loop_stream)
    standin.set(system_providers=offered)
    handle = started("mine")
    enable(handle, MEMORY, 0x8)
    enable(handle, IO, 0x200)
    assert {event.provider for event in consumed(standin, "mine").events} == (
        {POOL, CLASSES[0x06]} if offered else set()
    )


def test_a_manifest_provider_gives_its_events_by_level_and_keyword(
    standin: StandIn, play: Play, loop: Simulation, loop_stream: bytes
) -> None:
    play(loop_stream)
    keyword = next(r.keyword for r in loop.records if r.provider == afd.PROVIDER and r.keyword)
    enable(started("mine", REAL_TIME), afd.PROVIDER, keyword)
    events = consumed(standin, "mine").events
    wanted = [r for r in loop.records if r.provider == afd.PROVIDER and (not r.keyword or r.keyword & keyword)]
    assert Counter(event.id for event in events) == Counter(r.id for r in wanted)
    assert sorted(event.payload for event in events) == sorted(r.payload for r in wanted)


def test_a_disabled_provider_gives_nothing_more(standin: StandIn, play: Play, loop_stream: bytes) -> None:
    play(loop_stream)
    handle = started("mine", REAL_TIME)
    enable(handle, afd.PROVIDER)
    enable(handle, afd.PROVIDER, code=0)
    assert consumed(standin, "mine").events == []


def test_a_pool_tag_filter_lets_its_tags_through_alone(standin: StandIn, play: Play, loop_stream: bytes) -> None:
    play(loop_stream)
    filter_ = struct.pack("<HB5xQII", 1, 0, 0, 32, 0) + b"Afd\xc5" + b"Irp "  # AfdE, protected
    handle = started("mine")
    assert enable(handle, MEMORY, 0x8, filter_=filter_) == 0
    inform(standin, handle, STACKS, stack_list(ALLOC))
    events = consumed(standin, "mine").events
    allocated = {event.time for event in events if event.opcode == ALLOC and event.provider == POOL}
    assert {event.payload[4:8] for event in events if event.provider == POOL} == {b"Afd\xc5", b"Irp "}
    owners = {struct.unpack_from("<q", event.payload)[0] for event in events if event.provider == STACK_WALK}
    assert owners == allocated


def test_times_are_moved_to_now_or_kept_and_given_raw_or_as_filetimes(
    standin: StandIn, play: Play, loop_stream: bytes
) -> None:
    first = {}
    for rebase, raw in [(0, True), (0, False), (1, True), (1, False)]:
        standin.reset()
        play(loop_stream)
        standin.set(rebase=rebase)
        inform(standin, started("mine"), MASK, ALL_KINDS)
        times = [event.time for event in consumed(standin, "mine", CONSUME | controller.RAW_TIMES * raw).events]
        assert times == sorted(times)
        first[rebase, raw] = times[0]
    assert first[0, True] == struct.unpack_from("<q", loop_stream, 16)[0]
    assert first[0, False] == 133_700_000_000_000_000
    assert abs(first[1, False] - (time.time_ns() // 100 + 116_444_736_000_000_000)) < 60 * TICKS_A_SECOND
    assert first[1, True] != first[0, True]


def test_process_trace_waits_until_the_session_is_stopped_and_then_finds_none(
    standin: StandIn, play: Play, loop_stream: bytes
) -> None:
    play(loop_stream)
    started("mine")
    consumer = Consumer("mine")
    consumer.thread.start()
    until(lambda: standin.count("exhausted") == 1)
    assert consumer.thread.is_alive()
    standin.stop("mine")
    consumer.thread.join()
    assert consumer.status == 0
    assert consumer.process() == NO_SUCH_SESSION
    assert consumer.close() == 0
    assert standin.count("stopped") == 0


def test_closing_a_handle_ends_process_trace(standin: StandIn, play: Play, loop_stream: bytes) -> None:
    play(loop_stream)
    started("mine")
    consumer = Consumer("mine")
    consumer.thread.start()
    until(lambda: standin.count("exhausted") == 1)
    assert consumer.close() == CLOSE_PENDING
    consumer.thread.join()
    assert consumer.status == 0
    assert (standin.count("open"), standin.count("ours")) == (0, 1)
    assert (consumer.close(), consumer.process()) == (INVALID_HANDLE, INVALID_HANDLE)


def test_opening_a_session_that_does_not_run_is_noticed_by_process_trace(standin: StandIn) -> None:
    consumer = Consumer("nobody's")
    assert consumer.process() == NO_SUCH_SESSION
    assert consumer.close() == 0


def test_an_open_that_is_refused_gives_the_invalid_handle(standin: StandIn) -> None:
    standin.refuse("OpenTraceW", 5)
    started("mine")
    assert Consumer("mine").handle == 0xFFFFFFFFFFFFFFFF


def test_what_an_event_points_to_is_gone_when_its_callback_has_returned(
    standin: StandIn, play: Play, loop_stream: bytes
) -> None:
    play(loop_stream)
    inform(standin, started("mine"), MASK, POOL_ALONE)
    consumer = Consumer("mine")
    seen = []

    def between_buffers(logfile: object) -> int:
        seen.append(ctypes.string_at(consumer.pointers[-1], 4))
        return 1

    consumer.logfile.BufferCallback = consumer.et.EVENT_TRACE_BUFFER_CALLBACK(between_buffers)
    consumer.reopen()
    consumer.thread.start()
    until(lambda: standin.count("exhausted") == 1)
    control("mine", controller.STOP)
    consumer.thread.join()
    assert set(seen) == {b"\xdd" * 4}


def test_extended_items_come_with_their_data_and_a_stack_only_where_it_was_asked_for(
    standin: StandIn, play: Play
) -> None:
    stack = ExtendedItem(0x06, struct.pack("<3Q", 0, 0xFFFFF80000001000, 0x7FF612345678))
    key = ExtendedItem(0x0D, struct.pack("<Q", 77))
    record = Record(HeaderType.EVENT64, 5, b"payload", 1, 9, 8, provider=afd.PROVIDER, id=1000, extended=(stack, key))
    play(stream_file([packed(record)], 5, 10, 2))
    for property_, expected in [(0, (key,)), (0x4, (stack, key))]:
        standin.reset()
        enable(started("mine", REAL_TIME), afd.PROVIDER, property_=property_)
        (event,) = consumed(standin, "mine").events
        assert event.items == tuple((item.type, item.data) for item in expected)
        assert (event.id, event.thread, event.cpu, event.payload) == (1000, 9, 1, b"payload")
        assert event.flags & 1


def test_lost_records_are_counted_told_and_not_delivered(standin: StandIn, play: Play) -> None:
    play(busy_stream(100_000, blocks=1_000))
    standin.set(lose_after=500, lose_count=100)
    inform(standin, started("mine"), MASK, POOL_ALONE)
    events = consumed(standin, "mine").events
    asked = controller.Properties()
    assert standin.count("lost") == 50  # every second record of the stream is a stack, which was not enabled
    assert [event.opcode for event in events if event.provider == LOST_EVENT] == [33]
    assert sum(event.provider == POOL for event in events) == 2_000 - 50
    assert control("mine", controller.QUERY, asked) == NO_SUCH_SESSION


def test_a_consumer_that_is_too_slow_loses_what_the_sessions_buffers_do_not_hold(standin: StandIn, play: Play) -> None:
    play(busy_stream(200_000, blocks=20_000))
    standin.set(speed=1_000)
    properties = controller.Properties()
    properties.it.BufferSize, properties.it.MaximumBuffers = 4, 16
    assert controller.start("mine", properties)[0] == 0
    inform(standin, properties.it.Wnode.HistoricalContext, MASK, POOL_ALONE)
    consumer = Consumer("mine")
    take = consumer._take

    def slowly(pointer: object) -> None:
        time.sleep(0.001)
        take(pointer)

    consumer.logfile.EventRecordCallback = consumer.et.EVENT_RECORD_CALLBACK(slowly)
    consumer.reopen()
    consumer.thread.start()
    until(lambda: standin.count("exhausted") == 1)
    asked = controller.Properties()
    control("mine", controller.QUERY, asked)
    control("mine", controller.STOP)
    consumer.thread.join()
    assert asked.it.EventsLost == standin.count("lost") > 0
    assert asked.it.RealTimeBuffersLost > 0
    assert sum(event.provider == POOL for event in consumer.events) == 40_000 - asked.it.EventsLost


def test_a_session_can_be_taken_away_after_a_number_of_records(standin: StandIn, play: Play) -> None:
    play(busy_stream(100_000))
    standin.set(take_away_after=1_000, loop=1)
    inform(standin, started("mine"), MASK, POOL_ALONE)
    consumer = Consumer("mine")
    consumer.thread.start()
    consumer.thread.join()
    assert consumer.status == 0
    assert len(consumer.events) >= 1_000
    assert control("mine", controller.STOP) == NO_SUCH_SESSION


def test_a_looped_stream_goes_on_with_later_times(standin: StandIn, play: Play) -> None:
    play(busy_stream(100_000, blocks=50))
    standin.set(loop=1, rebase=0)
    handle = started("mine")
    inform(standin, handle, MASK, POOL_ALONE)
    inform(standin, handle, STACKS, stack_list(ALLOC, FREE))
    consumer = Consumer("mine")
    consumer.thread.start()
    until(lambda: len(consumer.events) > 1_000)
    control("mine", controller.STOP)
    consumer.thread.join()
    times = [event.time for event in consumer.events]
    assert times == sorted(set(times))
    pairs = zip(consumer.events[::2], consumer.events[1::2], strict=False)
    assert all(struct.unpack_from("<q", stack.payload)[0] == event.time for event, stack in pairs)


def test_buffers_may_arrive_cpu_by_cpu(standin: StandIn, play: Play, loop_stream: bytes) -> None:
    play(loop_stream)
    standin.set(by_cpu=1)
    inform(standin, started("mine"), MASK, ALL_KINDS)
    events = consumed(standin, "mine").events
    times = [event.time for event in events]
    assert times != sorted(times)
    for cpu in range(4):
        own = [event.time for event in events if event.cpu == cpu]
        assert own == sorted(own)


def test_a_consumer_that_wants_no_more_buffers_cancels(standin: StandIn, play: Play, loop_stream: bytes) -> None:
    play(loop_stream)
    inform(standin, started("mine"), MASK, ALL_KINDS)
    consumer = Consumer("mine")
    consumer.logfile.BufferCallback = consumer.et.EVENT_TRACE_BUFFER_CALLBACK(lambda _: 0)
    consumer.reopen()
    assert consumer.process() == CANCELLED
    assert 0 < len(consumer.events) <= 256
