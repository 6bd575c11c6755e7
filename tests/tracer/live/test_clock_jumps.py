"""Clocks that jump while a capture runs: it goes on, says what it saw, and accuses nobody of having slept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from analyzers.analysis import Analysis
from analyzers.snapshot import Snapshot
from fixtures.etl.records import Record
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import NO_NAMES
from tests.tracer.live.clock import Clock
from tests.tracer.live.delivery import BEGIN, Delivery, split
from tests.tracer.live.fake_api import FakeApi
from tracer.errors import DamageCode
from tracer.live.capture import Capture
from tracer.live.plan import CapturePlan

HOUR = 3600 * 10_000_000
"""In ticks of the simulated machine's clock."""


def captured(records: Sequence[Record]) -> Snapshot:
    """What a capture of these says, all of which were there before it looked."""
    kernel, sockets = split(records)
    api = FakeApi(Delivery([BEGIN, *kernel]), Delivery(sockets))
    delivered = len(kernel) + len(sockets) + 1
    with Capture.open(CapturePlan(), api) as capture:
        analysis = Analysis(capture, NO_NAMES)
        for batch in capture.batches(Analysis.KINDS):
            analysis.feed(batch)
            if capture.census.total >= delivered:
                capture.stop()
            capture.wait(0.01)
        return analysis.snapshot()


def moved(records: Sequence[Record], at: float, ticks: int) -> list[Record]:
    """The records, those of the last part of the time moved."""
    moment = records[0].time + int((records[-1].time - records[0].time) * at)
    return [each if each.time <= moment else replace(each, time=each.time + ticks) for each in records]


@pytest.mark.parametrize("scenario", ["slow-clients", "winsock-loop-fixed"])
def test_a_sleep_of_hours_is_placed_in_time_and_accuses_nobody(scenario: str) -> None:
    awake = simulate(scenario, 7, Settings(iterations=40)).records
    snapshot = captured(moved(awake, 0.9, 3 * HOUR))
    [still] = snapshot.info.standstills
    assert abs(still.to_ns - still.from_ns - 3 * 3_600 * 10**9) < 10**9
    assert 0 < still.from_ns < 10**9
    assert snapshot.diagnosis.findings == ()
    assert snapshot.damage == ()
    assert captured(awake).info.standstills == ()


def test_a_leak_is_found_over_a_sleep() -> None:
    records = moved(simulate("winsock-loop", 7, Settings(iterations=60)).records, 0.5, 3 * HOUR)
    [finding] = captured(records).diagnosis.findings
    assert finding.verdict == "pending-apc"


def test_a_clock_that_jumps_back_is_told_and_no_age_is_negative() -> None:
    records = moved(simulate("winsock-loop", 7, Settings(iterations=60)).records, 0.5, -HOUR // 2)
    snapshot = captured(records)
    assert {place.code for place in snapshot.damage} == {DamageCode.TIME_BACKWARD}
    assert snapshot.info.duration_ns >= 0
    assert (snapshot.at_ns - snapshot.pool.outstanding.time_ns >= 0).all()
    assert (snapshot.diagnosis.held_requests.age_ns >= 0).all()


def test_events_from_before_the_start_are_taken_in_their_order() -> None:
    records = simulate("winsock-loop", 7, Settings(iterations=60)).records
    early = [replace(each, time=each.time - HOUR // 3600) for each in records[:200]]
    snapshot = captured([*early, *records[200:]])
    assert snapshot.at_ns >= 0
    assert snapshot.info.duration_ns >= 10**9


def test_a_capture_for_a_time_ends_though_nothing_comes_after_a_sleep() -> None:
    clock = Clock()
    api = FakeApi(Delivery([BEGIN]), Delivery([]))
    with Capture.open(CapturePlan(seconds=60), api, clock) as capture:
        batches = capture.batches(())
        next(batches)
        clock.now = 8 * 3600.0  # time.monotonic goes on while Windows sleeps
        for _ in batches:
            capture.wait(0.01)
    assert api.ours == []
