"""How old a completed request may be before it counts as not retired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from analyzers.holders.age_limits import usual_ns
from analyzers.requests.tables import NEVER
from analyzers.trends.bins import EDGES
from tests.analyzers.holders.made import MS, RUNS, STEP, MadeRequests, T, U, changed, loop
from tests.analyzers.thread_events import IDLE, PREEMPTED, WAITING, Event, Ready, Switch
from tracer.events.thread import WaitReason

pytestmark = pytest.mark.unjitted

SLOW = int(np.searchsorted(EDGES, 8 * MS))
COMPLETED = loop(1).requests[0].completed_ns
OFF_SINCE_BEFORE = COMPLETED - 20_000


SILENT = loop(1, thread_user_ns=NEVER)


def is_recent(scene: MadeRequests, age: int) -> bool:
    """Whether the first request is, so long after its completion."""
    return bool(replace(scene, at_ns=scene.requests[0].completed_ns + age).seen().recent[0])


def limit(scene: MadeRequests) -> int:
    """The age in ns up to which its first request is recent."""
    low, high = 0, 1 << 40
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if is_recent(scene, middle) else (low, middle - 1)
    return low


def usual(bins: Sequence[int]) -> float | None:
    return usual_ns(replace(loop(1), retired=bins).snapshot().counts)


def test_usual_is_the_time_in_which_all_but_one_in_a_thousand_retired() -> None:
    assert usual([0] * 999 + [30]) == EDGES[1]
    assert usual([0] * 990 + [30] * 10) == EDGES[31]
    assert usual([0] * 19) is None
    assert usual([0] * 20) == EDGES[1]


def test_four_times_the_usual_is_recent_and_never_less_than_a_millisecond() -> None:
    assert limit(replace(SILENT, retired=[SLOW] * 30)) == 4 * EDGES[SLOW + 1]
    assert limit(replace(SILENT, retired=[0] * 30)) == MS


def test_a_thread_that_was_in_user_mode_since_has_run_stage_two_however_long_that_takes_others() -> None:
    assert limit(replace(loop(1), retired=[SLOW] * 30)) == MS


def test_twice_the_longest_time_that_one_of_its_own_thread_took_is_recent() -> None:
    """A thread that waits alertably now and then has that."""
    assert limit(loop(1, longest_ns=30 * MS)) == 60 * MS
    assert limit(loop(1, longest_ns=MS // 4)) == MS


def test_without_usual_times_a_thread_that_hardly_ran_since_gets_ten_milliseconds() -> None:
    scene = replace(SILENT, retired=())
    off = (*RUNS, Switch(COMPLETED + 1_000, 0, U, T, PREEMPTED))
    seen = Ready(COMPLETED, U)
    assert limit(scene) == MS
    assert limit(replace(scene, events=(*off, Switch(COMPLETED + 9_000, 0, T, U)))) == MS
    assert limit(replace(scene, events=(*off, seen))) == 10 * MS


def starved(*, readied: bool = True) -> tuple[Event, ...]:
    """The thread leaves its CPU before the completion and gets none until the end."""
    ready = (Ready(OFF_SINCE_BEFORE + 5_000, T),) if readied else ()
    return (*RUNS, Switch(OFF_SINCE_BEFORE, 0, U, T, WAITING, WaitReason.WR_RESOURCE), *ready)


def served(count: int) -> list[Event]:
    """Ready threads that get a CPU 10 µs later."""
    events: list[Event] = []
    for time in range(0, count * 20_000, 20_000):
        events += [Ready(time, 48), Switch(time + 10_000, 1, 48, IDLE), Switch(time + 15_000, 1, IDLE, 48, WAITING)]
    return events


def test_a_thread_that_is_kept_off_the_cpu_for_two_turns_of_others_is_no_case() -> None:
    assert limit(replace(loop(1), events=starved())) == 62_500_000


def test_where_all_others_get_their_cpu_at_once_it_is_one_after_ten_milliseconds() -> None:
    for count, expected in ((19, 62_500_000), (20, 10 * MS)):
        assert limit(replace(loop(1), events=(*served(count), *starved()))) == expected


def test_a_machine_on_which_threads_wait_long_for_their_cpu_is_given_more_time() -> None:
    slow = (Ready(0, 48), *starved(), Switch(30 * MS, 1, 48, IDLE))
    assert limit(replace(loop(1), events=slow)) == 4 * 30 * MS


def test_where_the_trace_does_not_tell_who_is_ready_a_waiting_thread_may_be() -> None:
    waits = starved(readied=False)
    assert limit(replace(loop(1), events=waits)) == 62_500_000
    assert limit(replace(loop(1), events=(*waits, Ready(3 * STEP, U)))) == MS


def test_a_thread_that_has_just_come_back_to_the_cpu_had_no_chance_yet() -> None:
    back = replace(loop(1), events=(*starved(), Switch(80 * MS, 0, T, U)))
    assert replace(back, at_ns=80 * MS + 99_000).seen().recent[0]
    assert not replace(back, at_ns=80 * MS + 101_000).seen().recent[0]


def test_what_is_not_completed_is_not_recent() -> None:
    assert not changed(loop(1), completed_ns=NEVER).seen().recent[0]
