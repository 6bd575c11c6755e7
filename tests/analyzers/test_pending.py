"""Which requests are taken for waiting for their completion APC, and above all which are not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.activity import Activity
from analyzers.apcs.groups import PendingGroup, pending_groups
from analyzers.apcs.limits import usual_ns
from analyzers.apcs.packets import packets_of
from analyzers.apcs.pending import RULE, Doubt, PendingCounts, PendingRows, pending_rows
from analyzers.findings import ThreadSince
from analyzers.requests.tables import Completion, Queued
from tests.analyzers.apc_tables import PACKET_BYTES, UNFINISHED, Block, Request, pool_of, snapshot_of
from tests.analyzers.thread_events import (
    IDLE,
    PREEMPTED,
    WAITING,
    Event,
    Life,
    Ready,
    Switch,
    activity,
)
from tracer.columns import UNKNOWN_ID, Who
from tracer.events.irp import MajorFunction
from tracer.events.thread import END, WaitReason

pytestmark = pytest.mark.unjitted

T, U = 40, 44
BASE = 0xFFFF9A8000000000
MS = 1_000_000
STEP = 2 * MS
END_NS = 100 * MS
RUNS_ALL_THE_TIME = (Switch(10, 0, T, IDLE),)
USUAL = [3] * 25
"""Retired requests that took some microseconds."""


def address(number: int) -> int:
    return BASE + number * 0x1000


def loop(count: int, thread: int = T, first: int = 0, **columns: Any) -> tuple[list[Request], list[Block]]:
    """Requests of one thread, one after the other, each with a new packet, completed 50 µs after their issue."""
    requests, blocks = [], []
    for number in range(first, first + count):
        start = (number + 1) * STEP
        blocks.append(Block(address(number), start, thread))
        requests.append(Request(address(number) + 0x10, start + 1_000, start + 51_000, thread, **columns))
    return requests, blocks


def buffers(blocks: Sequence[Block], tag: bytes = b"IoSB") -> list[Block]:
    """One more allocation for each packet, made right after it."""
    return [Block(block.address + 0x800, block.made + 400, block.thread, tag, 0x40) for block in blocks]


def judged(
    requests: Sequence[Request],
    blocks: Sequence[Block],
    *events: Event,
    retired: Sequence[int] = USUAL,
    at: int = END_NS,
    **more: Any,
) -> PendingRows:
    snapshot = snapshot_of(requests, retired)
    packets = packets_of(pool_of(blocks), snapshot.requests)
    return pending_rows(snapshot, activity(*events), at, packets, **more)


def groups(requests: Sequence[Request], blocks: Sequence[Block], *events: Event, **more: Any) -> list[PendingGroup]:
    pending = judged(requests, blocks, *events, **more)
    return list(pending_groups(pending, snapshot_of(requests, more.get("retired", USUAL))))


def counted(pending: PendingRows) -> dict[str, int]:
    """The counts that are not 0."""
    fields = dataclasses.fields(PendingCounts)
    return {field.name: value for field in fields if (value := getattr(pending.counts, field.name))}


def test_a_thread_whose_requests_each_need_a_new_packet_and_never_retire_has_pending_apcs() -> None:
    requests, blocks = loop(30)
    pending = judged(requests, blocks, *RUNS_ALL_THE_TIME)
    assert pending.rows.tolist() == list(range(30))
    assert pending.rule == RULE
    assert {pending.since.code(row) for row in range(30)} == {ThreadSince.RAN}
    assert pending.age_ns[0] == END_NS - STEP - 51_000


def test_the_last_of_them_is_kept_with_the_doubt_that_it_may_rest_on_a_list() -> None:
    pending = judged(*loop(5), *RUNS_ALL_THE_TIME)
    assert [Doubt.MAY_REST_ON_LIST in Doubt(int(each)) for each in pending.doubts] == [False] * 4 + [True]


def test_requests_retired_onto_a_lookaside_list_are_not_accused() -> None:
    """A burst: the packets were all new, the requests retired without a pool event, and no new one was needed since."""
    requests, blocks = [], []
    for number in range(16):
        blocks.append(Block(address(number), STEP + number * 1_000, T))
        requests.append(Request(address(number), STEP + number * 1_000 + 500, 2 * STEP + number, T))
    assert counted(judged(requests, blocks, *RUNS_ALL_THE_TIME)) == {"may_rest": 16}
    assert judged(requests, blocks, *RUNS_ALL_THE_TIME).counts.not_judged == 16


def test_packets_on_the_list_of_another_cpu_are_not_accused() -> None:
    """The thread ran elsewhere for a while, and left them there: that its first CPU's list is empty tells nothing."""
    requests, blocks = loop(8)
    away = [Switch(10, 0, T, IDLE)]
    for number in range(8):
        gone = (number + 1) * STEP + 60_000
        away += [Switch(gone, 0, IDLE, T, PREEMPTED), Switch(gone + 5, 1, T, IDLE)]
        away += [Switch(gone + 60_000, 1, IDLE, T, PREEMPTED), Switch(gone + 60_005, 0, T, IDLE)]
    assert counted(judged(requests, blocks, *away)) == {"may_rest": 8}


def test_a_long_stay_on_one_cpu_in_the_past_is_enough() -> None:
    requests, blocks = loop(12)
    moved = (Switch(90 * MS, 0, IDLE, T, PREEMPTED), Switch(90 * MS + 5, 1, T, IDLE))
    assert len(judged(requests, blocks, *RUNS_ALL_THE_TIME, *moved)) == 12


@pytest.mark.parametrize("tag", [b"IoSB", b"Mdl ", b"Io  "])
def test_a_request_that_still_owns_a_buffer_is_not_retired(tag: bytes) -> None:
    requests, blocks = loop(1)
    assert len(judged(requests, [*blocks, *buffers(blocks, tag)], *RUNS_ALL_THE_TIME)) == 1


def test_a_buffer_belongs_to_the_next_request_that_its_thread_issued() -> None:
    """The first packet rests on a list; the buffer made since is that of the second request, still in flight."""
    requests, blocks = loop(2)
    requests[1] = dataclasses.replace(requests[1], completed=UNFINISHED)
    assert counted(judged(requests, [*blocks, *buffers(blocks[1:])], *RUNS_ALL_THE_TIME)) == {
        "in_flight": 1,
        "may_rest": 1,
    }


@pytest.mark.parametrize("other", [b"AfdE", b"File"])
def test_what_a_thread_allocates_otherwise_before_a_request_is_no_part_of_it(other: bytes) -> None:
    requests, blocks = loop(1)
    assert counted(judged(requests, [*blocks, *buffers(blocks, other)], *RUNS_ALL_THE_TIME)) == {"may_rest": 1}


def test_a_packet_that_a_driver_keeps_for_itself_needs_no_apc() -> None:
    requests, blocks = loop(12)
    own = [dataclasses.replace(block, driver="usbport.sys") for block in blocks]
    assert counted(judged(requests, [*own, *buffers(own, b"Mdl ")], *RUNS_ALL_THE_TIME)) == {"may_rest": 12}


def test_a_drivers_packet_with_a_system_buffer_is_taken_with_a_doubt() -> None:
    requests, blocks = loop(45)
    own = [dataclasses.replace(block, driver="filter.sys") for block in blocks]
    pending = judged(requests, [*own, *buffers(own)], *RUNS_ALL_THE_TIME)
    assert all(Doubt.DRIVERS_PACKET in Doubt(int(each)) for each in pending.doubts)
    (group,) = pending_groups(pending, snapshot_of(requests, USUAL))
    assert group.strength == pytest.approx(0.5)


@pytest.mark.parametrize("major", [MajorFunction.READ, MajorFunction.WRITE, MajorFunction.INTERNAL_DEVICE_CONTROL])
def test_paging_requests_are_released_by_who_completes_them_and_are_not_accused(major: int) -> None:
    assert counted(judged(*loop(12, major=major), *RUNS_ALL_THE_TIME)) == {"may_rest": 12}


@pytest.mark.parametrize(
    ("columns", "count"),
    [
        ({"completion": Completion.INLINE}, "inline"),
        ({"major": MajorFunction.CLEANUP}, "inline"),
        ({"major": MajorFunction.CLOSE}, "inline"),
        ({"completion": Completion.NONE}, "in_flight"),
        ({"queued": Queued.WAITING}, "queued"),
        ({"queued": Queued.TAKEN}, "queued"),
    ],
)
def test_requests_that_wait_for_no_apc_are_counted_as_what_they_are(columns: dict[str, Any], count: str) -> None:
    requests, blocks = loop(12, **columns)
    assert counted(judged(requests, [*blocks, *buffers(blocks)], *RUNS_ALL_THE_TIME)) == {count: 12}


@pytest.mark.parametrize("thread", [UNKNOWN_ID, IDLE])
def test_a_request_that_no_thread_is_known_to_have_issued_is_not_judged(thread: int) -> None:
    requests, blocks = loop(12, thread=thread)
    assert counted(judged(requests, [*blocks, *buffers(blocks)], *RUNS_ALL_THE_TIME)) == {"no_thread": 12}


def test_an_exited_thread_has_no_apc_pending() -> None:
    requests, blocks = loop(12)
    ended = Life(END_NS - MS, END, T)
    assert counted(judged(requests, [*blocks, *buffers(blocks)], *RUNS_ALL_THE_TIME, ended)) == {"exited": 12}


def test_packets_from_before_the_trace_are_not_judged() -> None:
    requests, _ = loop(12)
    assert counted(judged(requests, [], *RUNS_ALL_THE_TIME)) == {"not_held": 12}
    younger = [Block(request.irp, request.issued + 1, T) for request in requests]
    assert counted(judged(requests, younger, *RUNS_ALL_THE_TIME)) == {"not_held": 12}


def test_requests_completed_in_the_last_moments_are_recent() -> None:
    requests, blocks = loop(20)
    at = requests[-1].completed + MS // 2
    held = [*blocks, *buffers(blocks)]
    assert counted(judged(requests, held, *RUNS_ALL_THE_TIME, at=requests[0].completed + MS // 2)) == {"recent": 20}
    pending = judged(requests, held, *RUNS_ALL_THE_TIME, at=at)
    assert [Doubt.BEHIND_OTHERS in Doubt(int(each)) for each in pending.doubts] == [False] * 19 + [True]


def test_a_recent_request_is_pending_only_behind_others_of_its_own_thread() -> None:
    requests, blocks = loop(19)
    other, packet = loop(1, U, first=19)
    pending = judged([*requests, *other], [*blocks, *packet], *RUNS_ALL_THE_TIME, at=other[0].completed + MS // 2)
    assert counted(pending) == {"pending": 19, "recent": 1}


def test_what_is_recent_follows_the_times_that_retired_requests_took() -> None:
    requests, blocks = loop(20)
    held = [*blocks, *buffers(blocks)]
    slow = [27] * 30  # 8 to 12 ms
    assert usual_ns(snapshot_of(requests, slow).counts) == 1.5 * (1 << 23) * 4 / 3
    pending = judged(requests, held, *RUNS_ALL_THE_TIME, retired=slow)
    behind = [Doubt.BEHIND_OTHERS in Doubt(int(each)) for each in pending.doubts]
    assert behind == [END_NS - request.completed <= 4 * (1 << 24) for request in requests]


def test_one_slow_retirement_in_a_thousand_is_not_usual() -> None:
    assert usual_ns(snapshot_of([], [0] * 999 + [30]).counts) == 1_536
    assert usual_ns(snapshot_of([], [0] * 990 + [30] * 10).counts) == 1.5 * (1 << 25)
    assert usual_ns(snapshot_of([], [0] * 19).counts) is None


def test_without_usual_times_a_thread_that_hardly_ran_since_gets_ten_milliseconds() -> None:
    requests, blocks = loop(1)
    held = [*blocks, *buffers(blocks)]
    completed = requests[0].completed
    off = (*RUNS_ALL_THE_TIME, Switch(completed + 1_000, 0, U, T, PREEMPTED))
    back = (*off, Switch(completed + 9_000, 0, T, U))
    for events, limit in ((RUNS_ALL_THE_TIME, MS), (back, MS), (off, 10 * MS)):
        for at, name in ((completed + limit, "recent"), (completed + limit + 1, "pending")):
            assert counted(judged(requests, held, *events, retired=[], at=at)) == {name: 1}


def starved(ready: bool) -> tuple[Event, ...]:
    """The thread leaves its CPU before its first request completes, and gets none until the end."""
    readied = (Ready(STEP + 30_000, T),) if ready else ()
    return (*RUNS_ALL_THE_TIME, Switch(STEP + 20_000, 0, U, T, WAITING, WaitReason.WR_RESOURCE), *readied)


def test_a_thread_that_is_kept_off_the_cpu_for_two_turns_of_others_is_no_case() -> None:
    requests, blocks = loop(1)
    held = [*blocks, *buffers(blocks)]
    assert counted(judged(requests, held, *starved(True), at=60 * MS)) == {"recent": 1}
    assert counted(judged(requests, held, *starved(True), at=70 * MS)) == {"pending": 1}


def test_a_machine_on_which_threads_wait_long_for_their_cpu_is_given_more_time() -> None:
    requests, blocks = loop(1)
    slow = (Ready(0, 48), Switch(30 * MS, 1, 48, IDLE))
    events = (slow[0], *starved(True), slow[1])
    assert counted(judged(requests, [*blocks, *buffers(blocks)], *events, at=110 * MS)) == {"recent": 1}


def served(count: int) -> list[Event]:
    """Ready threads that get a CPU 10 µs later."""
    events: list[Event] = []
    for time in range(0, count * 20_000, 20_000):
        events += [Ready(time, 48), Switch(time + 10_000, 1, 48, IDLE), Switch(time + 15_000, 1, IDLE, 48, WAITING)]
    return events


def test_where_all_others_get_their_cpu_at_once_a_thread_that_gets_none_is_a_case_after_ten_milliseconds() -> None:
    requests, blocks = loop(1)
    held = [*blocks, *buffers(blocks)]
    for count, at, name in ((20, 12 * MS, "recent"), (20, 13 * MS, "pending"), (19, 13 * MS, "recent")):
        assert counted(judged(requests, held, *served(count), *starved(True), at=at)) == {name: 1}


def test_a_thread_that_gets_no_cpu_for_less_than_two_turns_is_a_weaker_case() -> None:
    requests, blocks = loop(1)
    held = [*blocks, *buffers(blocks)]
    short, long = (groups(requests, held, *served(20), *starved(True), at=at)[0] for at in (20 * MS, 80 * MS))
    assert short.strength < long.strength


def test_where_the_trace_does_not_tell_who_is_ready_a_waiting_thread_may_be() -> None:
    requests, blocks = loop(1)
    held = [*blocks, *buffers(blocks)]
    assert counted(judged(requests, held, *starved(False), at=60 * MS)) == {"recent": 1}
    assert counted(judged(requests, held, *starved(False), Ready(3 * STEP, U), at=60 * MS)) == {"pending": 1}


def test_a_thread_that_has_just_come_back_to_the_cpu_had_no_chance_yet() -> None:
    requests, blocks = loop(1)
    held = [*blocks, *buffers(blocks)]
    back = Switch(80 * MS, 0, T, U)
    assert counted(judged(requests, held, *starved(True), back, at=80 * MS + 50_000)) == {"recent": 1}
    assert counted(judged(requests, held, *starved(True), back, at=80 * MS + 150_000)) == {"pending": 1}


def test_requests_that_later_ones_of_their_thread_overtook_are_held_by_no_apc() -> None:
    requests, blocks = loop(12)
    last = np.full(12, requests[8].completed + 5)
    held = [*blocks, *buffers(blocks)]
    pending = judged(requests, held, *RUNS_ALL_THE_TIME, last_retired_ns=last)
    assert (counted(pending), pending.rows.tolist()) == ({"overtaken": 9, "pending": 3}, [9, 10, 11])


@pytest.mark.parametrize(("retired", "left"), [(2, {"pending": 12}), (20, {"overtaken": 9, "pending": 3})])
def test_where_events_were_lost_a_few_that_look_retired_excuse_no_thread(retired: int, left: dict[str, int]) -> None:
    requests, blocks = loop(12)
    snapshot = snapshot_of(requests, USUAL)
    table = dataclasses.replace(
        snapshot.requests,
        thread_completed=np.full(12, 12 + retired, np.uint32),
        thread_retired=np.full(12, retired, np.uint32),
    )
    packets = packets_of(pool_of([*blocks, *buffers(blocks)]), table)
    pending = pending_rows(
        dataclasses.replace(snapshot, requests=table), activity(*RUNS_ALL_THE_TIME), END_NS, packets,
        np.full(12, requests[8].completed + 5), lost=0.05,
    )  # fmt: skip
    assert counted(pending) == left


def test_a_thread_without_a_switch_that_issued_on_a_silent_cpu_has_run_all_the_time() -> None:
    pending = judged(*loop(12, cpu=3), Switch(5, 0, U, IDLE))
    assert pending.since.unbroken.all()
    assert len(pending) == 12


def test_without_context_switches_only_requests_that_own_more_are_taken_and_with_a_doubt() -> None:
    requests, blocks = loop(12)
    assert counted(judged(requests, blocks)) == {"may_rest": 12}
    pending = judged(requests, [*blocks, *buffers(blocks)])
    assert all(Doubt.NO_SWITCHES in Doubt(int(each)) for each in pending.doubts)
    assert len(pending) == 12


@pytest.mark.parametrize(
    ("completion", "who", "doubt"),
    [
        (Completion.ELSEWHERE, Who.STACK, Doubt.NONE),
        (Completion.ON_THE_CPU, Who.STACK, Doubt.COMPLETED_ON_THE_CPU),
        (Completion.UNKNOWN, Who.STACK, Doubt.COMPLETER_UNKNOWN),
        (Completion.ELSEWHERE, Who.CONTEXT_SWITCH, Doubt.ISSUER_INFERRED),
    ],
)
def test_what_is_inferred_or_missing_is_marked(completion: Completion, who: Who, doubt: Doubt) -> None:
    requests, blocks = loop(12, completion=completion, who=who)
    pending = judged(requests, [*blocks, *buffers(blocks)], *RUNS_ALL_THE_TIME)
    assert {Doubt(int(each)) for each in pending.doubts} == {doubt}


def strength(*events: Event, count: int = 30, retired: Sequence[int] = USUAL, **columns: Any) -> float:
    requests, blocks = loop(count, **columns)
    (group,) = groups(requests, [*blocks, *buffers(blocks)], *events, retired=retired)
    return group.strength


def waits(user: int) -> tuple[Event, ...]:
    events: list[Event] = [*RUNS_ALL_THE_TIME]
    for time in range(STEP, END_NS, STEP):
        events += [
            Switch(time + 800_000, 0, IDLE, T, WAITING, WaitReason.USER_REQUEST, user),
            Switch(time + 900_000, 0, T, IDLE),
        ]
    return tuple(events)


def test_a_thread_that_never_left_its_cpu_while_requests_piled_up_is_the_clearest_case() -> None:
    requests, blocks = loop(30)
    (group,) = groups(requests, [*blocks, *buffers(blocks)], *RUNS_ALL_THE_TIME)
    assert (group.thread, group.process, group.since, group.strength) == (T, 8, ThreadSince.RAN, 1.0)
    assert group.says == "has run on CPU 0 ever since, for 97.9 ms, without leaving it"
    assert group.oldest_age_ns > group.newest_age_ns > 0
    assert group.doubts == ()
    assert len(group.supports) == 2
    assert len(group) == 30


def test_a_thread_that_waited_since_is_a_weaker_case_and_weaker_still_in_user_mode() -> None:
    assert strength(*RUNS_ALL_THE_TIME) > 0.9 > strength(*waits(0)) > strength(*waits(1)) > 0


def test_a_thread_that_waits_all_the_time_is_a_weaker_case_than_one_that_gets_no_cpu() -> None:
    ready = strength(*starved(True), count=1)
    waiting = strength(*starved(False), Ready(3 * STEP, U), count=1)
    assert ready > waiting


@pytest.mark.parametrize(
    "columns",
    [{"completion": Completion.ON_THE_CPU}, {"completion": Completion.UNKNOWN}, {"who": Who.CONTEXT_SWITCH}],
)
def test_missing_evidence_makes_a_case_weaker(columns: dict[str, Any]) -> None:
    assert strength(*RUNS_ALL_THE_TIME, **columns) < strength(*RUNS_ALL_THE_TIME)


def test_few_requests_unknown_usual_times_and_no_context_switches_make_a_case_weaker() -> None:
    full = strength(*RUNS_ALL_THE_TIME)
    assert full > strength(*RUNS_ALL_THE_TIME, count=5) > strength(*RUNS_ALL_THE_TIME, count=2)
    assert full > strength(*RUNS_ALL_THE_TIME, retired=[])
    assert full > strength()


def test_requests_that_all_completed_at_once_are_a_weaker_case() -> None:
    requests, blocks = loop(20)
    at_once = [dataclasses.replace(each, completed=45 * MS + row) for row, each in enumerate(requests)]
    held = [*blocks, *buffers(blocks)]
    (group,) = groups(at_once, held, *RUNS_ALL_THE_TIME)
    assert any("short time" in doubt for doubt in group.doubts)


def test_each_guilty_thread_is_a_group_of_its_own_and_an_innocent_one_is_none() -> None:
    first, second = loop(20), loop(10, U, first=20, cpu=1)
    innocent, resting = loop(1, thread=48, first=40, cpu=2)
    requests, blocks = [*first[0], *second[0], *innocent], [*first[1], *second[1], *resting]
    events = (*RUNS_ALL_THE_TIME, Switch(11, 1, U, IDLE), Switch(12, 2, 48, IDLE))
    assert [(group.thread, len(group)) for group in groups(requests, blocks, *events)] == [(T, 20), (U, 10)]


def test_a_guilty_thread_does_not_draw_in_what_it_left_on_a_list_before() -> None:
    """A leak that starts in the middle: the packets of an earlier burst came back, later ones did not."""
    early, at_rest = [], []
    for number in range(4):
        at_rest.append(Block(address(100 + number), 1_000 + number, T, size=0x90))
        early.append(Request(address(100 + number), 2_000 + number, 3_000 + number, T))
    requests, blocks = loop(20, first=5)
    pending = judged([*early, *requests], [*at_rest, *blocks], *RUNS_ALL_THE_TIME)
    assert counted(pending) == {"may_rest": 4, "pending": 20}


def test_no_requests_are_no_groups() -> None:
    pending = judged([], [], *RUNS_ALL_THE_TIME)
    assert (len(pending), counted(pending), pending_groups(pending, snapshot_of([]))) == (0, {}, ())


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Request], list[Block]]:
    requests, blocks = [], []
    for number in range(draw(st.integers(0, 12))):
        start = (number + 1) * STEP
        thread = draw(st.sampled_from([T, U, IDLE, UNKNOWN_ID]))
        if draw(st.booleans()):
            blocks.append(Block(address(number), start, thread, size=draw(st.sampled_from([0x100, PACKET_BYTES]))))
        completed = draw(st.sampled_from([UNFINISHED, start + 40_000, END_NS - 10]))
        completion = draw(st.sampled_from(list(Completion)))
        queued = draw(st.sampled_from(list(Queued)))
        requests.append(Request(address(number), start + 900, completed, thread, completion, queued))
    return requests, [*blocks, *(each for each in buffers(blocks) if draw(st.booleans()))]


@given(stories())
def test_every_unretired_request_is_counted_once_and_only_sound_ones_are_pending(
    story: tuple[list[Request], list[Block]],
) -> None:
    requests, blocks = story
    pending = judged(requests, blocks, *RUNS_ALL_THE_TIME, Switch(20, 1, U, IDLE))
    assert sum(counted(pending).values()) == len(requests)
    assert pending.counts.pending == len(pending)
    for row in pending.rows:
        request = requests[row]
        assert request.completed != UNFINISHED
        assert request.completion not in {Completion.INLINE, Completion.NONE}
        assert (request.queued, request.thread in {T, U}) == (Queued.NO, True)
    strengths = [group.strength for group in pending_groups(pending, snapshot_of(requests, USUAL))]
    assert all(0 < each <= 1 for each in strengths)


def test_it_does_not_matter_in_how_many_batches_the_threads_were_followed() -> None:
    requests, blocks = loop(20)
    events = waits(1)
    snapshot = snapshot_of(requests, USUAL)
    packets = packets_of(pool_of([*blocks, *buffers(blocks)]), snapshot.requests)

    def outcome(told: Activity) -> list[Any]:
        pending = pending_rows(snapshot, told, END_NS, packets)
        said = [dataclasses.replace(group, members=0) for group in pending_groups(pending, snapshot)]  # type: ignore[arg-type]
        return [pending.rows.tolist(), pending.doubts.tolist(), pending.proof.tolist(), pending.counts, *map(str, said)]

    assert outcome(activity(*events, cuts=range(len(events)))) == outcome(activity(*events))
