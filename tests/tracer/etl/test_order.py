"""Time order is what a stable sort gives, for any times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracer.traces import examples
from tracer.etl.order import NO_HORIZON, Order
from tracer.etl.rows import EVENT, RUN

pytestmark = pytest.mark.unjitted

TIMES = st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 5) | st.sampled_from([-(2**63), 2**63 - 1, 2**44, 2**55])
SLOTS = 5


def ordered(times: list[int], slots: list[int], *, cut: int = 0, base: int = 0) -> Order:
    """The order of events that stand in two runs, the first of them of the higher CPU and ``cut`` events long."""
    events = np.zeros(len(times), EVENT)
    events["time"], events["slot"] = times, slots
    runs = np.array([(0, cut, 3, 0), (cut, len(times), 2, 0)], RUN)
    order = Order(SLOTS)
    order.take(events["time"], events["slot"], runs, NO_HORIZON, base)
    order.sort(events["time"], events["slot"])
    return order


@given(times=st.lists(TIMES, max_size=60), cut=st.integers(0, 60))
@settings(max_examples=examples(200))
def test_time_order_is_that_of_a_stable_sort_by_cpu_then_time(times: list[int], cut: int) -> None:
    cut = min(cut, len(times))
    by_cpu = [*range(cut, len(times)), *range(cut)]
    assert ordered(times, [0] * len(times), cut=cut).by_time.tolist() == sorted(by_cpu, key=times.__getitem__)


@given(rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=40), base=st.integers(0, 10**12))
@settings(max_examples=examples(100))
def test_events_are_grouped_by_slot_and_keep_their_order(rows: list[tuple[int, int]], base: int) -> None:
    found = ordered([time for time, _ in rows], [slot for _, slot in rows], base=base)
    in_time = found.by_time.tolist()
    for slot in range(SLOTS):
        want = [i for i in in_time if rows[i][1] == slot]
        part = slice(found.slots[slot], found.slots[slot + 1])
        assert found.by_slot[part].tolist() == want
        assert (found.places[part] - base).tolist() == [in_time.index(i) for i in want]


def test_events_at_or_beyond_the_horizon_stay_in_their_run() -> None:
    events = np.zeros(6, EVENT)
    events["time"] = [1, 5, 9, 2, 6, 3]
    runs = np.array([(0, 3, 0, 0), (3, 6, 1, 0)], RUN)
    order = Order(SLOTS)
    order.take(events["time"], events["slot"], runs, 6, 0)
    order.sort(events["time"], events["slot"])
    assert order.by_time.tolist() == [0, 3, 1]
    assert runs["first"].tolist() == [2, 4]
