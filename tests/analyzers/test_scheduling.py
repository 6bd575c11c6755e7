"""Which thread an event is charged to, how that is known, and when nothing is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analyzers.activity import Activity, ActivitySince
from analyzers.findings import ThreadSince
from analyzers.scheduling import CpuTimeline
from analyzers.threads import Threads
from tests.analyzers.event_tables import event_table
from tests.analyzers.thread_events import WAITING, Switch
from tests.analyzers.thread_events import batch as by_hand
from tracer.columns import UNKNOWN_ID, EventTable, Who
from tracer.trace import NO_LATE_STACKS, Batch

pytestmark = pytest.mark.unjitted

IDLE = 0
T, U, V = 40, 44, 48
PROCESS = 1252
KINDS = pytest.mark.parametrize("kind", ["pool", "irp", "afd"])


def switches(*rows: tuple[int, int, int, int]) -> EventTable:
    """Context switches as (place in the trace, CPU, new thread, old thread); the time is ten times the place."""
    places, cpus, new, old = (np.array(column) for column in zip(*rows, strict=True))
    fields = {"new_thread": new.astype(np.uint32), "old_thread": old.astype(np.uint32)}
    return event_table("context_switch", 0x0524, fields, time=places * 10, order=places, cpu=cpus)


ELSEWHERE = switches((0, 0, 10, IDLE))
"""A switch on another CPU shows that the session logs switches."""


def events(*rows: tuple[int, int], kind: str = "pool", **columns: Any) -> EventTable:
    """Events as (place in the trace, CPU)."""
    places, cpus = (np.array(column) for column in zip(*rows, strict=True))
    return event_table(kind, 0x0E20, {}, time=places * 10, order=places, cpu=cpus, **columns)


def found(*rows: tuple[int, int, int], who: Who = Who.STACK, kind: str = "pool") -> EventTable:
    """Events as (place in the trace, CPU, thread)."""
    return events(*(row[:2] for row in rows), kind=kind, thread=[row[2] for row in rows], who=who)


def batch(*tables: EventTable) -> Batch:
    return Batch({table.kind: table for table in tables}, NO_LATE_STACKS, 0, 0, 0)


def stamped(*batches: Batch) -> CpuTimeline:
    timeline = CpuTimeline(Threads())
    for each in batches:
        timeline.stamp(each)
    return timeline


def owners(table: EventTable) -> list[tuple[int, Who]]:
    return [(int(thread), Who(int(who))) for thread, who in zip(table.thread, table.who, strict=True)]


def inferred(*threads: int) -> list[tuple[int, Who]]:
    return [(thread, Who.CONTEXT_SWITCH) for thread in threads]


UNTOLD = [(UNKNOWN_ID, Who.UNKNOWN)]


def settled(timeline: CpuTimeline, table: EventTable) -> list[tuple[int, Who]]:
    timeline.settle(table.thread, table.process, table.who, table.cpu, table.time)
    return owners(table)


def holders(timeline: CpuTimeline) -> dict[int, int]:
    """By CPU."""
    return {int(cpu): int(timeline.holders[cpu]) for cpu in np.flatnonzero(timeline.holders != UNKNOWN_ID)}


@KINDS
def test_an_event_belongs_to_the_thread_switched_in_last_on_its_cpu(kind: str) -> None:
    table = events((2, 0), (3, 1), (5, 0), kind=kind)
    stamped(batch(table, switches((0, 0, 10, IDLE), (1, 1, 20, IDLE), (4, 0, 30, 10))))
    assert owners(table) == inferred(10, 20, 30)


def test_events_of_every_kind_are_stamped_by_the_same_switches() -> None:
    tables = [events((place, 0), kind=kind) for place, kind in ((5, "pool"), (1, "irp"), (3, "afd"))]
    stamped(batch(*tables, switches((0, 0, 10, IDLE), (2, 0, 20, 10), (4, 0, 30, 20))))
    assert [owners(table) for table in tables] == [inferred(30), inferred(10), inferred(20)]


def test_what_a_switch_tells_holds_in_the_batches_after_it() -> None:
    table = events((5, 0))
    stamped(batch(switches((0, 0, 10, IDLE))), batch(), batch(table))
    assert owners(table) == inferred(10)


def test_the_switches_after_the_last_event_of_a_batch_count_for_the_next() -> None:
    table = events((3, 0))
    stamped(batch(events((0, 0)), switches((1, 0, 10, IDLE), (2, 0, 20, 10))), batch(table))
    assert owners(table) == inferred(20)


def test_the_idle_thread_is_a_thread_like_others() -> None:
    """A DPC on an idle CPU allocates on the back of thread 0."""
    table = events((1, 0))
    stamped(batch(table, switches((0, 0, IDLE, 10))))
    assert owners(table) == inferred(IDLE)


@pytest.mark.parametrize("who", [Who.STACK, Who.HEADER])
def test_a_thread_that_the_trace_tells_is_left_alone(who: Who) -> None:
    table = events((1, 0), thread=77, who=who)
    stamped(batch(table, switches((0, 0, 10, IDLE))))
    assert owners(table) == [(77, who)]


def test_an_event_on_a_cpu_without_a_switch_is_unknown() -> None:
    table = events((1, 1))
    timeline = stamped(batch(table, switches((0, 0, 10, IDLE))))
    assert owners(table) == settled(timeline, table) == UNTOLD


def test_before_the_first_switch_of_a_cpu_the_thread_that_it_takes_off_was_running() -> None:
    table = events((0, 3))
    timeline = stamped(batch(table))
    assert owners(table) == UNTOLD
    timeline.stamp(batch(switches((5, 3, 20, 10), (6, 3, 30, 20))))
    assert settled(timeline, table) == inferred(10)


def test_an_event_just_before_the_first_switch_may_have_its_time() -> None:
    table = events((5, 0))
    timeline = stamped(batch(table, switches((6, 0, 20, 10))))
    table.time[:] = 60
    assert settled(timeline, table) == inferred(10)


def test_what_is_after_the_first_switch_is_not_guessed_from_it() -> None:
    table = events((7, 0))
    timeline = stamped(batch(table, switches((5, 0, UNKNOWN_ID, 10))))
    assert settled(timeline, table) == UNTOLD


def test_an_inferred_thread_brings_its_process_and_a_process_that_is_told_stays() -> None:
    threads = Threads()
    fields = {"thread": np.array([T], np.uint32), "process": np.array([PROCESS], np.uint32)}
    threads.feed(event_table("thread", 0x0503, fields, time=[0]))
    timeline, table = CpuTimeline(threads), events((1, 0), (2, 0))
    timeline.stamp(batch(table, switches((0, 0, T, IDLE))))
    table.process[1] = 8
    assert settled(timeline, table) == inferred(T, T)
    assert table.process.tolist() == [PROCESS, 8]


def test_whoever_is_found_on_a_cpu_without_a_switch_has_it() -> None:
    timeline = stamped(batch(found((1, 3, T), (4, 3, T), (2, 5, U)), ELSEWHERE))
    assert holders(timeline) == {3: T, 5: U}
    assert timeline.held_since_ns[[3, 5]].tolist() == [10, 20]


@KINDS
def test_an_events_own_header_tells_as_well(kind: str) -> None:
    assert holders(stamped(batch(found((1, 3, T), who=Who.HEADER, kind=kind), ELSEWHERE))) == {3: T}


def test_what_is_itself_inferred_tells_nothing() -> None:
    assert holders(stamped(batch(found((1, 3, T), who=Who.CONTEXT_SWITCH), ELSEWHERE))) == {}


def test_a_session_that_shows_no_switch_at_all_may_not_log_any() -> None:
    timeline = stamped(batch(found((1, 3, T))))
    assert holders(timeline) == {}
    timeline.stamp(batch(ELSEWHERE))
    assert holders(timeline) == {3: T}


def test_where_two_are_found_switches_were_lost_and_nobody_is_known() -> None:
    timeline = stamped(batch(found((1, 3, T), (2, 5, U)), ELSEWHERE), batch(found((9, 3, V))))
    assert holders(timeline) == {5: U}


def test_one_thread_on_two_cpus_is_known_on_neither_but_the_idle_thread_may_be() -> None:
    timeline = stamped(batch(found((1, 3, T), (2, 5, T), (3, 6, IDLE), (4, 7, IDLE)), ELSEWHERE))
    assert holders(timeline) == {6: IDLE, 7: IDLE}


def test_a_switch_ends_what_is_known_of_a_cpu_and_only_what_came_before_it_counts() -> None:
    early, late, later = events((2, 3), kind="irp"), events((6, 3), kind="afd"), events((9, 3))
    timeline = stamped(batch(found((1, 3, T), (8, 3, U)), early, late, switches((0, 0, 10, IDLE), (5, 3, U, T))))
    assert holders(timeline) == {}
    assert owners(early) == inferred(T)
    assert owners(late) == inferred(U)
    timeline.stamp(batch(later, found((7, 3, V), kind="irp")))
    assert owners(later) == inferred(U)


def test_events_that_nobody_claims_on_such_a_cpu_are_that_threads() -> None:
    early, late = events((1, 3)), events((6, 3))
    timeline = stamped(batch(early, ELSEWHERE), batch(found((4, 3, T), kind="irp"), late))
    assert owners(early) == UNTOLD
    assert owners(late) == settled(timeline, early) == inferred(T)


def since(thread: int, time: int, *batches: Batch) -> ActivitySince:
    timeline = CpuTimeline(Threads())
    activity = Activity(timeline=timeline)
    for each in batches:
        timeline.stamp(each)
        activity.feed(each)
    return activity.since(np.array([thread], np.uint32), np.array([time]), at_ns=5_000_100)


SEEN = batch(found((10, 3, T)), by_hand([Switch(0, 0, 10, IDLE)]).tables["context_switch"])


def test_a_thread_found_there_has_run_ever_since() -> None:
    answer = since(T, 100, SEEN)
    assert answer.words(0) == "has run on CPU 3 ever since, for 5.00 ms (no thread was switched in there)"
    assert (bool(answer.unbroken[0]), int(answer.stay_ns[0])) == (True, 100)


@pytest.mark.parametrize(("thread", "time"), [(T, 99), (U, 100)])
def test_before_it_was_found_and_of_others_nothing_is_said(thread: int, time: int) -> None:
    assert since(thread, time, SEEN).code(0) is ThreadSince.UNKNOWN


def test_a_thread_whose_switches_are_there_is_told_from_them() -> None:
    table = by_hand([Switch(0, 0, T, IDLE), Switch(20, 0, IDLE, T, WAITING)]).tables["context_switch"]
    assert since(T, 15, batch(table, found((1, 3, T)))).code(0) is ThreadSince.WAITED
