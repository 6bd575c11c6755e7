"""Time order is what a stable sort gives, for any times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracer.traces import examples
from tracer.etl import walk
from tracer.etl.order import group_by_slot, time_order

pytestmark = pytest.mark.unjitted

TIMES = st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 5) | st.sampled_from([-(2**63), 2**63 - 1, 2**44, 2**55])


def events_at(times: list[int]) -> np.ndarray:
    events = np.zeros(len(times), walk.EVENT_INDEX)
    events["time"] = times
    return events


@given(times=st.lists(TIMES, max_size=60))
@settings(max_examples=examples(200))
def test_time_order_is_that_of_a_stable_sort(times: list[int]) -> None:
    events = events_at(times)
    assert time_order(events).tolist() == np.argsort(events["time"], kind="stable").tolist()


@given(rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=40), base=st.integers(0, 10**12))
@settings(max_examples=examples(100))
def test_events_are_grouped_by_slot_and_keep_their_order(rows: list[tuple[int, int]], base: int) -> None:
    events = events_at([time for time, _ in rows])
    events["slot"] = [slot for _, slot in rows]
    order = time_order(events)
    slots, fill = np.zeros(6, np.int64), np.zeros(6, np.int64)
    grouped, places = np.zeros(len(rows), np.int32), np.zeros(len(rows), np.int64)
    group_by_slot(events, order, slots, fill, grouped, places, base)
    for slot in range(5):
        want = [i for i in order.tolist() if rows[i][1] == slot]
        assert grouped[slots[slot] : slots[slot + 1]].tolist() == want
        assert (places[slots[slot] : slots[slot + 1]] - base).tolist() == [order.tolist().index(i) for i in want]
