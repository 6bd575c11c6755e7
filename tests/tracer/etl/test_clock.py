"""Raw times to nanoseconds and FILETIMEs, against Python's unbounded integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.etl.clock import MAX_FREQUENCY, Clock, clock_of
from tracer.etl.headers import ClockType
from tracer.etl.ticks import times_ns

LEAST, MOST = -(2**63), 2**63 - 1
RAW = st.integers(LEAST, MOST) | st.sampled_from([LEAST, MOST, 0])


@given(raw=st.lists(RAW, max_size=8), origin=RAW, frequency=st.integers(1, MAX_FREQUENCY))
def test_nanoseconds_are_exact_or_the_nearest_that_int64_holds(raw: list[int], origin: int, frequency: int) -> None:
    clock = Clock(ClockType.QPC, frequency, origin, 0)
    least, most = clock.representable
    assert LEAST <= least <= origin <= most <= MOST
    want = [(min(max(time, least), most) - origin) * 10**9 // frequency for time in raw]
    assert all(LEAST <= time <= MOST for time in want)
    assert times_ns(clock, np.array(raw, np.int64)).tolist() == want
    assert [clock.ns_of(time) for time in raw] == want


@given(seconds=st.integers(0, 290 * 365 * 86_400), frequency=st.integers(1, MAX_FREQUENCY))
def test_all_times_within_290_years_are_representable(seconds: int, frequency: int) -> None:
    clock = Clock(ClockType.QPC, frequency, 0, 0)
    raw = seconds * frequency
    assert raw > clock.representable[1] or clock.ns_of(raw) == seconds * 10**9
    assert raw <= clock.representable[1] or raw > MOST


@pytest.mark.parametrize(
    ("kind", "ticks_a_second"),
    [
        (ClockType.QPC, 3_117_777),
        (ClockType.RAW, 3_117_777),
        (ClockType.SYSTEM_TIME, 10**7),
        (ClockType.CPU_CYCLES, 2_712 * 10**6),
    ],
)
def test_each_clock_has_its_own_rule(kind: ClockType, ticks_a_second: int) -> None:
    clock = clock_of(kind, 3_117_777, 2_712, 500, 133_700_000_000_000_000)
    assert clock.frequency == ticks_a_second
    assert clock.ns_of(500 + ticks_a_second) == 10**9
    assert clock.filetime(500 + ticks_a_second) == 133_700_000_010_000_000
    assert clock.raw(10**9) == ticks_a_second
    assert clock.ns_of(499) < 0


@pytest.mark.parametrize("frequency", [0, -1, MAX_FREQUENCY + 1, MOST])
def test_a_frequency_that_cannot_be_is_taken_for_ten_megahertz(frequency: int) -> None:
    assert clock_of(ClockType.QPC, frequency, 0, 0, 0).frequency == 10_000_000
    assert clock_of(ClockType.CPU_CYCLES, 1, 0, 0, 0).frequency == 10_000_000


def test_an_unknown_clock_is_taken_for_a_performance_counter() -> None:
    assert clock_of(77, 1_000, 0, 0, 0).name == "qpc"
