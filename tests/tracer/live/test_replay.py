"""A trace played through callback, ring and capture gives what reading its file gives."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzers.analysis import Analysis
from analyzers.snapshot import Snapshot
from fixtures.settings import Settings, StackMode
from fixtures.simulate import Simulation, simulate
from tests.analyzers.against_truth import NO_NAMES, analysed, concluded
from tests.tracer.live.clock import Clock
from tests.tracer.live.delivery import BEGIN, Delivery, split
from tests.tracer.live.fake_api import FakeApi
from tests.tracer.traces import UNJITTED
from tracer.arrays import I32
from tracer.columns import BlobColumn, EventTable
from tracer.etl.file import EtlFile
from tracer.live.capture import Capture
from tracer.live.plan import CapturePlan
from tracer.live.window import REORDER_SECONDS
from tracer.stacks.table import StackTable
from tracer.trace import Batch

pytestmark = pytest.mark.skipif(UNJITTED, reason="too many records for plain Python")

Rows = list[tuple[Any, ...]]


def api_of(simulation: Simulation) -> FakeApi:
    kernel, sockets = split(simulation.records)
    return FakeApi(Delivery([BEGIN, *kernel]), Delivery(sockets), processors=simulation.settings.cpus)


def follow(capture: Capture, taker: Any, kinds: Any = None) -> None:
    """Take everything that the fake delivers, then stop."""
    for batch in capture.batches(kinds):
        taker(batch)
        if not capture.wait(0.2):
            capture.stop()


def followed(simulation: Simulation) -> Snapshot:
    with Capture.open(CapturePlan(), api_of(simulation), Clock()) as capture:
        analysis = Analysis(capture, NO_NAMES)
        follow(capture, analysis.feed, Analysis.KINDS)
        return analysis.snapshot()


def followed_in_two(simulation: Simulation, share: float) -> tuple[Snapshot, int]:
    """The same where nothing came for seconds after about this share of the kernel's events, so that what had come
    went out; and how many events that were."""
    kernel, sockets = split(simulation.records)
    first = _between_two_times([record.time for record in kernel], int(share * len(kernel)))
    earlier = sum(record.time < kernel[first].time for record in sockets)
    clock, went_out = Clock(), threading.Event()
    api = FakeApi(
        Delivery([BEGIN, *kernel], pauses={first + 1: lambda: not went_out.is_set()}),
        Delivery(sockets, pauses={earlier: lambda: not went_out.is_set()}),
        processors=simulation.settings.cpus,
    )
    with Capture.open(CapturePlan(), api, clock) as capture:
        analysis = Analysis(capture, NO_NAMES)
        sent = 0
        for batch in capture.batches(Analysis.KINDS):
            analysis.feed(batch)
            if went_out.is_set():
                if not capture.wait(0.2):
                    capture.stop()
                continue
            sent += sum(len(table) for table in batch.tables.values())
            if clock() > 2 * REORDER_SECONDS:  # the second of these sends all that had come at the first
                went_out.set()
            elif batch.records == 1 + first + earlier:
                clock.now += REORDER_SECONDS
        return analysis.snapshot(), sent


def _between_two_times(times: list[int], position: int) -> int:
    """The first position from this one on that no time before it reaches: nothing behind a cut there is late."""
    latest = np.maximum.accumulate(times)
    earliest = np.minimum.accumulate(times[::-1])[::-1]
    return next(at for at in range(max(position, 1), len(times)) if latest[at - 1] < earliest[at])


class Rowed:
    """All events of a source, as sorted rows of plain values, with their frames instead of stack ids."""

    def __init__(self, stacks: StackTable) -> None:
        self._stacks = stacks
        self.tables: dict[str, Rows] = {}
        self.late = 0

    def take(self, batch: Batch) -> None:
        self.late += len(batch.late_stacks.stack)
        for kind, table in batch.tables.items():
            self.tables.setdefault(kind, []).extend(self._rows(table))

    def _rows(self, table: EventTable) -> Rows:
        common = ("time", "raw_time", "cpu", "event", "thread", "process", "who")
        columns: list[list[Any]] = [getattr(table, name).tolist() for name in common]
        columns += [self._frames(table.stack), self._frames(table.user_stack)]
        for name in sorted(table.fields):
            column = table.fields[name]
            if isinstance(column, BlobColumn):
                columns.append([column.bytes(row) for row in range(len(column))])
            else:
                columns.append(column.tolist())
        return list(zip(*columns, strict=True))

    def _frames(self, ids: I32) -> list[Any]:
        return [tuple(self._stacks.frames(stack).tolist()) if stack >= 0 else () for stack in ids.tolist()]


@pytest.mark.parametrize("pointer_size", [8, 4])
def test_every_event_comes_with_the_same_fields_and_the_same_stack(tmp_path: Path, pointer_size: int) -> None:
    simulation = simulate("winsock-loop", 3, Settings(iterations=25, cpus=3, pointer_size=pointer_size))
    simulation.write(tmp_path / "trace.etl")
    with EtlFile.open(tmp_path / "trace.etl", threads=1) as source:
        from_file = Rowed(source.stacks)
        for batch in source.batches():
            from_file.take(batch)
        kernel_events = dict(source.census.kernel_events)
    with Capture.open(CapturePlan(), api_of(simulation), Clock()) as capture:
        live = Rowed(capture.stacks)
        follow(capture, live.take)
        told = capture.census
    assert from_file.late == live.late == 0
    for kind in from_file.tables.keys() - {"group_mask"}:
        assert sorted(live.tables[kind], key=repr) == sorted(from_file.tables[kind], key=repr), kind
    kernel_events = {hook: count for hook, count in kernel_events.items() if hook >> 8}
    assert {hook: count for hook, count in told.kernel_events.items() if hook >> 8} == kernel_events


@pytest.mark.parametrize(
    ("scenario", "settings"),
    [
        ("winsock-loop", Settings(iterations=45)),
        ("missing-free", Settings(iterations=220, cpus=8)),
        ("winsock-loop-fixed", Settings(iterations=45, stacks=StackMode.KEYED)),
        ("winsock-loop", Settings(iterations=30, cpus=2, pointer_size=4)),
    ],
)
def test_the_findings_are_those_of_the_file(tmp_path: Path, scenario: str, settings: Settings) -> None:
    simulation = simulate(scenario, 7, settings)
    simulation.write(tmp_path / "trace.etl")
    expected, found = analysed(tmp_path / "trace.etl"), followed(simulation)
    assert found.pool.totals == expected.pool.totals
    assert concluded(found) == concluded(expected)
    assert found.info.duration_ns == expected.info.duration_ns
    assert found.damage == ()


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_the_findings_are_those_of_the_file_wherever_the_first_events_end(tmp_path: Path, share: float) -> None:
    simulation = simulate("winsock-loop", 7, Settings(iterations=45))
    simulation.write(tmp_path / "trace.etl")
    expected, (found, sent) = analysed(tmp_path / "trace.etl"), followed_in_two(simulation, share)
    assert 0 < sent < len(simulation.records)
    assert found.pool.totals == expected.pool.totals
    assert concluded(found) == concluded(expected)
    assert found.damage == ()


def test_the_comparison_sees_a_difference(tmp_path: Path) -> None:
    one, other = (simulate("winsock-loop", 7, Settings(iterations=count)) for count in (30, 31))
    one.write(tmp_path / "trace.etl")
    assert concluded(analysed(tmp_path / "trace.etl")) != concluded(followed(other))
