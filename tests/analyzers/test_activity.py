"""What a thread did since a moment: told from context switches, and not guessed where they are missing."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.activity import Activity, ActivitySince
from analyzers.findings import ThreadSince
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.thread_events import (
    GONE,
    IDLE,
    PREEMPTED,
    WAITING,
    Event,
    Life,
    Ready,
    Switch,
    activity,
    batch,
)
from tracer.etl.file import EtlFile
from tracer.events.thread import END, RUNDOWN_END, RUNDOWN_START, START, WaitReason

pytestmark = pytest.mark.unjitted

T, U = 40, 44


def since(tracked: Activity, time: int, thread: int = T, at: int | None = None) -> ActivitySince:
    return tracked.since(np.array([thread], np.uint32), np.array([time]), at_ns=at)


def words(tracked: Activity, time: int, thread: int = T, at: int | None = None) -> str:
    return since(tracked, time, thread, at).words(0)


def test_a_thread_that_never_left_its_cpu_has_run_ever_since() -> None:
    tracked = activity(Switch(100, 2, T, IDLE), Switch(200, 0, U, IDLE))
    assert words(tracked, 150, at=41_200_150) == "has run on CPU 2 ever since, for 41.2 ms"
    assert since(tracked, 150).unbroken[0]


def test_a_thread_that_came_to_the_cpu_after_the_moment_ran_but_not_all_the_time() -> None:
    tracked = activity(Switch(50, 2, U, T, PREEMPTED), Switch(100, 2, T, U))
    assert words(tracked, 70) == "has not waited since; it last ran on CPU 2"
    assert not since(tracked, 70).unbroken[0]


def test_a_preempted_thread_ran_and_did_not_wait() -> None:
    tracked = activity(Switch(10, 0, T, IDLE), Switch(100, 0, U, T, PREEMPTED))
    assert since(tracked, 50).code(0) is ThreadSince.RAN
    assert since(tracked, 50).ready[0]


def test_waits_since_the_moment_are_counted_and_the_last_one_is_named() -> None:
    events: list[Event] = []
    for time in range(100, 700, 200):
        events += [Switch(time, 0, T, IDLE), Switch(time + 50, 0, IDLE, T, WAITING, WaitReason.WR_QUEUE, user=1)]
    tracked = activity(*events)
    assert words(tracked, 0) == "has waited 3 times since, last for WrQueue (user mode)"
    assert words(tracked, 150) == "has waited 2 times since, last for WrQueue (user mode)"
    assert words(tracked, 549) == "has waited once since, last for WrQueue (user mode)"
    assert since(tracked, 549).last_out_ns[0] == 550


def test_more_waits_than_are_remembered_are_at_least_so_many() -> None:
    events: list[Event] = []
    for time in range(0, 2_000, 100):
        events += [Switch(time, 0, T, IDLE), Switch(time + 50, 0, IDLE, T, WAITING, WaitReason.DELAY_EXECUTION)]
    assert words(activity(*events), 10).startswith(
        "has waited at least 16 times since, last for DelayExecution (kernel"
    )


def test_a_thread_off_the_cpu_since_before_the_moment_has_not_run_and_its_wait_is_named() -> None:
    tracked = activity(Switch(10, 0, T, IDLE), Switch(20, 0, IDLE, T, WAITING, WaitReason.EXECUTIVE))
    assert words(tracked, 30) == "has not run since; it waits for Executive (kernel mode)"
    assert (since(tracked, 30).last_out_ns[0], since(tracked, 30).last_out_offset[0]) == (20, 8)


@pytest.mark.parametrize("state", [PREEMPTED, WAITING])
def test_a_ready_thread_that_gets_no_cpu_waits_for_one(state: int) -> None:
    readied = [Ready(25, T)] if state == WAITING else []
    tracked = activity(Switch(10, 0, T, IDLE), Switch(20, 0, U, T, state), *readied)
    assert words(tracked, 30) == "has not run since; it is ready and waits for a CPU"


def test_a_wait_that_began_before_the_moment_is_no_wait_since() -> None:
    tracked = activity(
        Switch(10, 0, T, IDLE), Switch(20, 0, IDLE, T, WAITING), Ready(40, T), Switch(50, 1, T, IDLE)
    )  # fmt: skip
    assert since(tracked, 30).code(0) is ThreadSince.RAN


def test_an_ended_thread_has_exited_and_the_event_is_pointed_at() -> None:
    tracked = activity(Switch(10, 3, T, IDLE), Life(1_200_000_000, END, T, cpu=3))
    assert words(tracked, 50) == "exited at +1.200000 s"
    assert (since(tracked, 50).exit_cpu[0], since(tracked, 50).exit_offset[0]) == (3, 8)


def test_a_switch_from_a_terminated_thread_tells_of_its_end_where_the_event_is_missing() -> None:
    tracked = activity(Switch(10, 0, T, IDLE), Switch(90, 0, IDLE, T, GONE))
    assert since(tracked, 50).exit_ns[0] == 90


def test_an_ended_thread_that_still_runs_stays_ended_at_its_event() -> None:
    tracked = activity(
        Switch(10, 0, T, IDLE), Life(50, END, T), Switch(60, 0, IDLE, T, WAITING), Switch(70, 0, T, IDLE)
    )
    assert since(tracked, 20).exit_ns[0] == 50


def test_an_id_that_is_used_again_belongs_to_another_thread() -> None:
    tracked = activity(Switch(10, 0, T, IDLE), Switch(50, 0, IDLE, T, GONE), Life(60, START, T), Switch(70, 1, T, IDLE))
    assert since(tracked, 20).exit_ns[0] == 50
    assert since(tracked, 80).unbroken[0]


def test_an_id_whose_end_is_missing_was_given_away_at_its_next_start() -> None:
    tracked = activity(Switch(10, 0, T, IDLE), Switch(20, 0, IDLE, T, WAITING), Life(60, START, T))
    assert words(tracked, 30) == "exited; its id was given to another thread"


def test_a_thread_switched_to_after_its_end_is_another_one() -> None:
    tracked = activity(Switch(10, 0, T, IDLE), Switch(50, 0, IDLE, T, GONE), Switch(70, 1, T, IDLE))
    assert since(tracked, 20).code(0) is ThreadSince.EXITED
    assert since(tracked, 75).unbroken[0]


@pytest.mark.parametrize("rundown", [RUNDOWN_START, RUNDOWN_END])
def test_a_rundown_shows_that_an_id_is_in_use_again(rundown: int) -> None:
    tracked = activity(Life(50, END, T), Life(90, rundown, T))
    assert since(tracked, 20).code(0) is ThreadSince.EXITED
    assert since(tracked, 60).code(0) is ThreadSince.UNKNOWN


def test_a_start_logged_by_the_new_thread_itself_does_not_take_it_off_the_cpu() -> None:
    tracked = activity(Switch(10, 0, T, IDLE), Life(12, START, T, cpu=0), Switch(90, 1, U, IDLE))
    assert since(tracked, 20).unbroken[0]


def test_the_first_switch_of_a_cpu_tells_who_ran_there_before() -> None:
    tracked = activity(Switch(500, 0, IDLE, T, WAITING, WaitReason.WR_QUEUE))
    assert words(tracked, 100) == "has waited once since, last for WrQueue (kernel mode)"
    assert since(tracked, 100).stay_ns[0] == 0


def test_a_thread_without_a_switch_is_unknown() -> None:
    assert words(activity(Life(0, RUNDOWN_START, T), Switch(5, 0, U, IDLE)), 10) == "did what no event shows"


def test_a_thread_seen_on_a_cpu_that_never_switched_since_is_still_there() -> None:
    tracked = activity(Switch(100, 1, U, IDLE))
    ids, times = np.array([T, T, T], np.uint32), np.array([60, 160, 160])
    answer = tracked.since(ids, times, seen_ns=np.array([50, 50, 50]), seen_cpu=np.array([0, 1, 0]), at_ns=2_000_160)
    assert [answer.code(row) for row in range(3)] == [ThreadSince.RAN, ThreadSince.UNKNOWN, ThreadSince.RAN]
    assert answer.words(2) == ("has run on CPU 0 ever since, for 2.00 ms (no thread was switched in there)")


def test_without_context_switches_a_silent_cpu_tells_nothing() -> None:
    answer = activity(Life(0, RUNDOWN_START, T)).since(
        np.array([T], np.uint32), np.array([60]), seen_ns=np.array([50]), seen_cpu=np.array([0])
    )
    assert answer.code(0) is ThreadSince.UNKNOWN


def test_the_idle_thread_of_all_cpus_is_no_thread() -> None:
    assert since(activity(Switch(10, 0, IDLE, T), Switch(20, 1, IDLE, U)), 15, IDLE).code(0) is ThreadSince.UNKNOWN


def test_a_thread_whose_switch_out_is_missing_is_not_said_to_run_on() -> None:
    tracked = activity(Switch(10, 0, T, IDLE), Switch(90, 0, IDLE, U, WAITING))
    assert since(tracked, 50).code(0) is ThreadSince.UNKNOWN
    assert since(tracked, 5).code(0) is ThreadSince.RAN


def test_switches_of_one_time_on_two_cpus_may_come_in_either_order() -> None:
    there, away = Switch(100, 1, T, IDLE), Switch(100, 0, IDLE, T, PREEMPTED)
    for pair in ((there, away), (away, there)):
        assert since(activity(Switch(10, 0, T, IDLE), *pair), 150).unbroken[0]


def test_an_interrupted_wait_that_goes_on_is_counted_as_an_echo() -> None:
    """What a kernel APC does to a waiting thread: readied, switched in, out again for the same reason."""
    wait = (WAITING, WaitReason.USER_REQUEST, 1)
    start = (Switch(10, 0, T, IDLE), Switch(20, 0, IDLE, T, *wait), Ready(30, T), Switch(40, 0, T, IDLE))
    assert since(activity(*start, Switch(50, 0, IDLE, T, *wait)), 0).echoes[0] == 1
    assert since(activity(*start, Switch(50, 0, IDLE, T, WAITING, WaitReason.WR_QUEUE, 1)), 0).echoes[0] == 0
    assert since(activity(*start), 0).switches[0] == 2


def test_the_longest_stay_on_one_cpu_is_kept() -> None:
    tracked = activity(
        Switch(10, 0, T, IDLE), Switch(20, 0, IDLE, T, PREEMPTED),
        Switch(30, 1, T, IDLE), Switch(90, 1, IDLE, T, PREEMPTED),
        Switch(100, 0, T, IDLE), Switch(110, 0, IDLE, T, PREEMPTED),
    )  # fmt: skip
    answer = since(tracked, 0)
    assert (answer.long_from_ns[0], answer.long_to_ns[0], answer.stay_ns[0], answer.cpu[0]) == (30, 100, 100, 0)


def test_the_longest_time_from_ready_to_running_is_kept() -> None:
    tracked = activity(Ready(10, T), Switch(60, 0, T, IDLE), Switch(70, 0, IDLE, T, WAITING), Ready(80, T))
    assert (tracked.longest_ready_ns, tracked.seen_readies, tracked.ready_waits) == (50, True, 1)


@st.composite
def schedules(draw: st.DrawFn) -> list[Event]:
    """A machine's true switches: no thread on two CPUs, each ready one switched in from where it is off the CPU."""
    running = {0: IDLE, 1: IDLE, 2: IDLE}
    off = {T, U, 48, 52, 56}
    events: list[Event] = []
    time = 0
    for _ in range(draw(st.integers(0, 50))):
        time += draw(st.integers(1, 3))
        cpu = draw(st.sampled_from(sorted(running)))
        new, old = draw(st.sampled_from([IDLE, *sorted(off)])), running[cpu]
        if new == old:
            continue
        state = draw(st.sampled_from([WAITING, PREEMPTED]))
        if draw(st.booleans()) and new != IDLE:
            events.append(Ready(time, new))
        events.append(Switch(time, cpu, new, old, state, draw(st.integers(0, 2)), draw(st.integers(0, 1))))
        off = (off - {new}) | ({old} - {IDLE})
        running[cpu] = new
    return events


def columns(tracked: Activity, times: Sequence[int]) -> list[list[object]]:
    pairs = [(thread, time) for thread in (T, U, 48, 52, 56) for time in times]
    ids, at = np.array([pair[0] for pair in pairs], np.uint32), np.array([pair[1] for pair in pairs])
    answer = tracked.since(ids, at, at_ns=1_000)
    values = (getattr(answer, field.name) for field in dataclasses.fields(answer) if field.name != "at_ns")
    return [column.tolist() for column in values]


@given(schedules(), st.lists(st.integers(0, 100), max_size=6))
def test_where_batches_are_cut_makes_no_difference(events: list[Event], cuts: list[int]) -> None:
    times = range(0, 160, 7)
    inside = [min(cut, len(events)) for cut in cuts]
    assert columns(activity(*events, cuts=inside), times) == columns(activity(*events, rows=256), times)


def plainly(events: Sequence[Event], thread: int, time: int) -> tuple[ThreadSince, int]:
    """The same from the whole history: each change of the thread between CPU and no CPU."""
    history: dict[int, list[tuple[int, bool, bool]]] = defaultdict(list)
    for event in events:
        if isinstance(event, Switch):
            history[event.old].append((event.time, False, event.state == WAITING))
            history[event.new].append((event.time, True, False))
    mine = history[thread]
    waits = sum(1 for at, entered, waited in mine if at > time and waited and not entered)
    ran = any(at > time for at, _, _ in mine) or (bool(mine) and mine[-1][1])
    if waits:
        return ThreadSince.WAITED, waits
    if not mine:
        return ThreadSince.UNKNOWN, 0
    return (ThreadSince.RAN if ran else ThreadSince.NEVER_RAN), 0


@given(schedules())
def test_answers_are_those_of_the_whole_history(events: list[Event]) -> None:
    tracked = activity(*events)
    for thread in (T, U, 48, 52, 56):
        for time in range(0, 160, 5):
            answer = since(tracked, time, thread)
            what, waits = plainly(events, thread, time)
            assert (answer.code(0), int(answer.waits[0])) == (what, min(waits, 16))


def test_no_batch_without_such_events_costs_a_row() -> None:
    tracked = Activity()
    tracked.feed(batch(()))
    assert not tracked.seen_switches
    assert since(tracked, 0).code(0) is ThreadSince.UNKNOWN


def test_the_looping_thread_of_the_simulated_case_runs_on_and_its_server_waits(tmp_path: Path) -> None:
    simulation = simulate("winsock-loop", 3, Settings(cpus=4, iterations=20))
    simulation.write(tmp_path / "loop.etl")
    tracked, last = Activity(), 0
    with EtlFile.open(tmp_path / "loop.etl", window_bytes=1 << 15) as source:
        for each in source.batches(Activity.KINDS):
            tracked.feed(each)
            last = max(last, *(int(table.time[-1]) for table in each.tables.values()), 0)
    client = simulation.truth["leaks"][0]["thread_id"]
    assert since(tracked, last // 2, client).code(0) is ThreadSince.RAN
