"""Which thread an allocation is charged to, and how that is known."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.who import Running
from tests.analyzers.switch_events import IDLE, inferred, owners, pool, switches
from tracer.columns import UNKNOWN_ID, Who

pytestmark = pytest.mark.unjitted


def test_an_event_belongs_to_the_thread_switched_in_last_on_its_cpu() -> None:
    events = pool((2, 0), (3, 1), (5, 0))
    Running().follow(events, switches((0, 0, 10, IDLE), (1, 1, 20, IDLE), (4, 0, 30, 10)))
    assert owners(events) == inferred(10, 20, 30)


def test_what_a_switch_tells_holds_in_the_batches_after_it() -> None:
    running = Running()
    running.follow(None, switches((0, 0, 10, IDLE)))
    running.follow(None, None)
    events = pool((5, 0))
    running.follow(events, None)
    assert owners(events) == inferred(10)


def test_the_switches_after_the_last_pool_event_of_a_batch_count_for_the_next() -> None:
    running = Running()
    running.follow(pool((0, 0)), switches((1, 0, 10, IDLE), (2, 0, 20, 10)))
    events = pool((3, 0))
    running.follow(events, None)
    assert owners(events) == inferred(20)


def test_the_idle_thread_is_a_thread_like_others() -> None:
    """A DPC on an idle CPU allocates on the back of thread 0."""
    events = pool((1, 0))
    Running().follow(events, switches((0, 0, IDLE, 10)))
    assert owners(events) == inferred(IDLE)


@pytest.mark.parametrize("who", [Who.STACK, Who.HEADER])
def test_a_thread_that_the_trace_tells_is_left_alone(who: Who) -> None:
    events = pool((1, 0), thread=77, who=who)
    Running().follow(events, switches((0, 0, 10, IDLE)))
    assert owners(events) == [(77, who)]


def test_an_event_on_a_cpu_without_a_switch_is_unknown() -> None:
    events = pool((1, 1))
    running = Running()
    running.follow(events, switches((0, 0, 10, IDLE)))
    assert owners(events) == [(UNKNOWN_ID, Who.UNKNOWN)]
    assert running.before_first_switch(events.cpu, events.time).tolist() == [UNKNOWN_ID]


def test_before_the_first_switch_of_a_cpu_the_thread_that_it_takes_off_was_running() -> None:
    events = pool((0, 3))
    running = Running()
    running.follow(events, None)
    assert owners(events) == [(UNKNOWN_ID, Who.UNKNOWN)]
    running.follow(None, switches((5, 3, 20, 10), (6, 3, 30, 20)))
    assert running.before_first_switch(events.cpu, events.time).tolist() == [10]


def test_an_event_just_before_the_first_switch_may_have_its_time() -> None:
    events = pool((5, 0))
    running = Running()
    running.follow(events, switches((6, 0, 20, 10)))
    assert running.before_first_switch(events.cpu, np.array([60])).tolist() == [10]


def test_what_is_after_the_first_switch_is_not_guessed_from_it() -> None:
    running = Running()
    running.follow(None, switches((5, 0, UNKNOWN_ID, 10)))
    assert running.before_first_switch(np.array([0], np.uint16), np.array([70])).tolist() == [UNKNOWN_ID]
