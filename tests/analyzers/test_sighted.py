"""Who is found on CPUs on which nothing was switched, and when nothing is said."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from analyzers.activity import Activity, Since
from analyzers.findings import ThreadSince
from analyzers.sighted import Sighted
from analyzers.who import Running
from tests.analyzers.event_tables import event_table
from tests.analyzers.switch_events import IDLE, inferred, owners, pool, switches
from tests.analyzers.thread_events import NO_LATE_STACKS, WAITING, Switch
from tests.analyzers.thread_events import batch as by_hand
from tracer.columns import UNKNOWN_ID, EventTable, Who
from tracer.trace import Batch

pytestmark = pytest.mark.unjitted

T, U, V = 40, 44, 48
ELSEWHERE = by_hand([Switch(0, 0, 10, IDLE)]).tables["context_switch"]
"""A switch on another CPU shows that the session logs switches."""


def found(*rows: tuple[int, int, int], who: Who = Who.STACK, kind: str = "pool") -> EventTable:
    """Events as (place in the trace, CPU, thread); the time is ten times the place."""
    places, cpus, threads = (np.array(column) for column in zip(*rows, strict=True))
    return event_table(kind, 0x0E20, {}, time=places * 10, order=places, cpu=cpus, thread=threads, who=who)


def batch(**tables: EventTable) -> Batch:
    kinds: Mapping[str, EventTable] = {
        {"switched": "context_switch"}.get(name, name): table for name, table in tables.items()
    }
    return Batch(kinds, NO_LATE_STACKS, 0, 0, 0)


def sighted(*batches: Batch) -> Sighted:
    result = Sighted()
    for each in batches:
        result.feed(each)
    return result


def there(told: Sighted) -> dict[int, int]:
    """By CPU: who is known to have it."""
    return {int(cpu): int(told.now[cpu]) for cpu in np.flatnonzero(told.now != UNKNOWN_ID)}


def test_whoever_is_found_on_a_cpu_without_a_switch_has_it() -> None:
    told = sighted(batch(pool=found((1, 3, T), (4, 3, T), (2, 5, U)), switched=ELSEWHERE))
    assert there(told) == {3: T, 5: U}
    assert told.since_ns[[3, 5]].tolist() == [10, 20]


@pytest.mark.parametrize("kind", ["irp", "afd"])
def test_an_events_own_header_tells_as_well(kind: str) -> None:
    assert there(sighted(batch(**{kind: found((1, 3, T), who=Who.HEADER, kind=kind), "switched": ELSEWHERE}))) == {3: T}


def test_what_is_itself_inferred_tells_nothing() -> None:
    assert there(sighted(batch(pool=found((1, 3, T), who=Who.CONTEXT_SWITCH), switched=ELSEWHERE))) == {}


def test_a_session_that_shows_no_switch_at_all_may_not_log_any() -> None:
    told = sighted(batch(pool=found((1, 3, T))))
    assert there(told) == {}
    told.feed(batch(switched=ELSEWHERE))
    assert there(told) == {3: T}


def test_where_two_are_found_switches_were_lost_and_nobody_is_known() -> None:
    told = sighted(batch(pool=found((1, 3, T), (2, 5, U)), switched=ELSEWHERE), batch(pool=found((9, 3, V))))
    assert there(told) == {5: U}


def test_one_thread_on_two_cpus_is_known_on_neither_but_the_idle_thread_may_be() -> None:
    told = sighted(batch(pool=found((1, 3, T), (2, 5, T), (3, 6, IDLE), (4, 7, IDLE)), switched=ELSEWHERE))
    assert there(told) == {6: IDLE, 7: IDLE}


def test_a_switch_ends_what_is_known_of_a_cpu_and_only_what_came_before_it_counts() -> None:
    told = sighted(batch(pool=found((1, 3, T), (8, 3, U)), switched=switches((0, 0, 10, IDLE), (5, 3, U, T))))
    assert there(told) == {}
    running = np.full(len(told.now), UNKNOWN_ID, np.uint32)
    told.begin(running)
    assert running[3] == T
    told.feed(batch(pool=found((9, 3, V))))
    running[3] = U
    told.begin(running)
    assert running[3] == U


def test_events_that_nobody_claims_on_such_a_cpu_are_that_threads() -> None:
    running, told = Running(), Sighted()
    early, late = pool((1, 3)), pool((6, 3))
    running.follow(early, ELSEWHERE, told)
    told.feed(batch(pool=found((4, 3, T)), switched=ELSEWHERE))
    running.follow(late, None, told)
    assert owners(late) == inferred(T)
    assert running.before_first_switch(early.cpu, early.time).tolist() == [T]


def since(thread: int, time: int, *batches: Batch) -> Since:
    told = Sighted()
    activity = Activity(sighted=told)
    for each in batches:
        told.feed(each)
        activity.feed(each)
    return activity.since(np.array([thread], np.uint32), np.array([time]), at_ns=5_000_100)


SEEN = batch(pool=found((10, 3, T)), switched=ELSEWHERE)


def test_a_thread_found_there_has_run_ever_since() -> None:
    answer = since(T, 100, SEEN)
    assert answer.words(0) == "has run on CPU 3 ever since, for 5.00 ms (no thread was switched in there)"
    assert (bool(answer.unbroken[0]), int(answer.stay_ns[0])) == (True, 100)


@pytest.mark.parametrize(("thread", "time"), [(T, 99), (U, 100)])
def test_before_it_was_found_and_of_others_nothing_is_said(thread: int, time: int) -> None:
    assert since(thread, time, SEEN).code(0) is ThreadSince.UNKNOWN


def test_a_thread_whose_switches_are_there_is_told_from_them() -> None:
    table = by_hand([Switch(0, 0, T, IDLE), Switch(20, 0, IDLE, T, WAITING)]).tables["context_switch"]
    gone = batch(switched=table, pool=found((1, 3, T)))
    assert since(T, 15, gone).code(0) is ThreadSince.WAITED
