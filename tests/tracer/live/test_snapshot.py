"""What was there before a capture is named: by events or, where none come, by asking the machine, and it is said so."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from analyzers.analysis import Analysis
from analyzers.snapshot import Snapshot as Analysed
from fixtures.etl.records import Record
from fixtures.kernel.machine import START_TICKS
from fixtures.settings import Settings
from fixtures.simulate import Simulation, simulate
from tests.analyzers.against_truth import NO_NAMES, analysed
from tests.tracer.live.clock import Clock
from tests.tracer.live.delivery import Delivery, split
from tests.tracer.live.fake_api import STARTED, FakeApi
from tests.tracer.traces import UNJITTED
from tracer.columns import EventTable
from tracer.etl.file import EtlFile
from tracer.etl.headers import HeaderType
from tracer.events import image, process, thread
from tracer.live.api import ClockReading, RunningImage, RunningProcess, Snapshot
from tracer.live.capture import Capture
from tracer.live.plan import CapturePlan
from tracer.live.snapshot import KINDS, ring_of
from tracer.live.steps import StartStep
from tracer.live.window import REORDER_SECONDS
from tracer.trace import Listed

pytestmark = pytest.mark.skipif(UNJITTED, reason="too many records for plain Python")

SECOND = 10_000_000
"""Ticks of the simulated machine's performance counter, and of FILETIME."""
BEGIN = Record(HeaderType.SYSTEM64, START_TICKS, hook=0)
RUNDOWN = {
    "process": {process.RUNDOWN_START, process.RUNDOWN_END},
    "thread": {thread.RUNDOWN_START, thread.RUNDOWN_END},
    "image": {image.RUNDOWN_START, image.RUNDOWN_END},
    "load": {image.LOAD},
}
UNLISTED = frozenset(KINDS)
WORDS = {"process": "processes", "thread": "threads", "image": "images"}


@pytest.fixture(scope="module")
def loop() -> Simulation:
    return simulate("winsock-loop", 7, Settings(iterations=45))


@pytest.fixture(scope="module")
def path(loop: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("loop") / "trace.etl"
    loop.write(written)
    return written


def there(path: Path, taken: int) -> Snapshot:
    """What a trace's rundown lists, as the machine would tell it."""
    listed: dict[str, list[EventTable]] = {kind: [] for kind in KINDS}
    with EtlFile.open(path) as source:
        for batch in source.batches(KINDS):
            for kind, table in batch.tables.items():
                listed[kind].append(table)

    def rows(kind: str) -> list[tuple[EventTable, int]]:
        return [(table, row) for table in listed[kind] for row in np.flatnonzero(table.event == KINDS[kind]).tolist()]

    def number(table: EventTable, name: str, row: int) -> int:
        return int(table.array(name)[row])

    processes = tuple(
        RunningProcess(number(t, "process", row), number(t, "parent", row), t.blob("image_name").ansi(row))
        for t, row in rows("process")
    )
    threads = tuple((number(t, "thread", row), number(t, "process", row)) for t, row in rows("thread"))
    images = tuple(
        RunningImage(
            number(t, "base", row), number(t, "size", row), number(t, "process", row), t.blob("file_name").utf16(row)
        )
        for t, row in rows("image")
    )
    assert processes
    assert threads
    assert images
    return Snapshot(ClockReading(taken, STARTED + 2 * SECOND), processes, threads, images)


def unlisted(simulation: Simulation, kinds: Collection[str]) -> tuple[list[Record], list[Record]]:
    """The kernel's and the sockets' records without the rundown of some kinds."""
    gone = set().union(*(RUNDOWN[kind] for kind in kinds))
    kernel, sockets = split(simulation.records)
    return [record for record in kernel if record.hook not in gone], sockets


def captured(
    simulation: Simulation, snapshot: Snapshot, kinds: Collection[str] = UNLISTED
) -> tuple[Analysed, Capture, FakeApi]:
    """What is told of a capture whose session lists nothing of some kinds."""
    kernel, sockets = unlisted(simulation, kinds)
    api = FakeApi(Delivery([BEGIN, *kernel]), Delivery(sockets), processors=simulation.settings.cpus)
    api.there = snapshot
    with Capture.open(CapturePlan(), api, Clock()) as capture:
        analysis = Analysis(capture, NO_NAMES)
        for batch in capture.batches(Analysis.KINDS):
            analysis.feed(batch)
            if not capture.wait(0.2):
                capture.stop()
        return analysis.snapshot(), capture, api


def after(simulation: Simulation) -> int:
    return max(record.time for record in simulation.records) + SECOND // 10


def concluded(live: Analysed) -> str:
    """What is told by names: of processes and drivers, and the verdicts, without places in a file."""
    text = repr((live.pool.by_process, live.pool.by_driver, live.diagnosis))
    return re.sub(r"\b(offset|stack|user_stack)=-?\d+", "", text)


def test_a_capture_whose_session_lists_nothing_tells_what_one_with_a_rundown_tells(
    loop: Simulation, path: Path
) -> None:
    expected = analysed(path)
    live, _, _ = captured(loop, there(path, after(loop)))
    assert concluded(live) == concluded(expected)
    assert live.names.process_names() == expected.names.process_names()
    assert live.damage == ()


def test_without_events_and_without_an_answer_it_does_not(loop: Simulation, path: Path) -> None:
    live, capture, _ = captured(loop, Snapshot(ClockReading(after(loop), STARTED)))
    assert concluded(live) != concluded(analysed(path))
    assert capture.info.listed is None
    assert capture.notes == ("Windows does not tell which processes, threads and images were there before",)


@pytest.mark.parametrize("answers", [True, False])
def test_images_that_only_the_answer_tells_are_evidence_all_the_same(
    loop: Simulation, path: Path, answers: bool
) -> None:
    taken = after(loop)
    there_is = there(path, taken) if answers else Snapshot(ClockReading(taken, STARTED))
    live, _, _ = captured(loop, there_is, kinds={*UNLISTED, "load"})
    assert live.coverage is not None
    assert live.coverage.images is answers


def test_what_was_asked_for_is_told_as_that_and_counted_as_no_event(loop: Simulation, path: Path) -> None:
    taken = after(loop)
    live, capture, _ = captured(loop, there(path, taken))
    assert live.info.listed == Listed(UNLISTED, (taken - START_TICKS) * 100)
    [note] = capture.notes
    assert note == (
        "processes, threads and images that were there before are named from a snapshot taken "
        f"{(taken - START_TICKS) / SECOND:.1f} s after the start: no event told them"
    )
    hooks = set().union(*(RUNDOWN[kind] for kind in KINDS))
    assert not hooks & set(live.census.kernel_events)
    kernel, sockets = unlisted(loop, UNLISTED)
    assert live.census.total == len(kernel) + len(sockets) + 1


def test_a_session_that_lists_what_runs_is_believed_and_nobody_is_asked(loop: Simulation, path: Path) -> None:
    live, capture, api = captured(loop, there(path, after(loop)), kinds=())
    assert "snapshot" not in api.log
    assert (capture.notes, live.info.listed) == ((), None)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_only_what_was_not_listed_is_taken_from_the_answer(loop: Simulation, path: Path, kind: str) -> None:
    live, capture, _ = captured(loop, there(path, after(loop)), kinds={kind})
    assert live.info.listed is not None
    assert live.info.listed.kinds == {kind}
    assert capture.steps[-1] == StartStep("snapshot", "CreateToolhelp32Snapshot", WORDS[kind], 0, "granted")
    assert concluded(live) == concluded(analysed(path))
    assert len(capture.notes) == 1


def answered(capture: Capture) -> bool:
    """Whether the machine's answer was taken: how long it takes for one is no part of what is tested."""
    return any(step.call == "CreateToolhelp32Snapshot" for step in capture.steps)


def test_the_machine_is_asked_two_seconds_after_the_start_and_no_sooner(loop: Simulation, path: Path) -> None:
    kernel, _ = unlisted(loop, UNLISTED)
    clock, gone_on = Clock(), threading.Event()
    api = FakeApi(Delivery([BEGIN, *kernel[:100], kernel[100]], pauses={100: lambda: not gone_on.is_set()}))
    api.there = there(path, kernel[99].time + 1)
    listed: list[float] = []
    with Capture.open(CapturePlan(), api, clock) as capture:
        for batch in capture.batches(KINDS):
            processes = batch.tables.get("process")
            if processes is not None and process.RUNDOWN_START in processes.event:
                listed.append(clock.now)
                gone_on.set()
            if "snapshot" in api.log:
                assert clock.now >= 2.0
            if capture.census.total >= 100 and (clock.now < 2.0 or answered(capture)):
                clock.now += 0.25
            if clock.now > 2.0 + 2 * REORDER_SECONDS:
                capture.stop()
    assert listed
    assert 2.0 + REORDER_SECONDS <= listed[0] <= 2.0 + REORDER_SECONDS + 1
    assert api.log.count("snapshot") == 1


def test_an_answer_that_does_not_come_is_no_end_of_the_capture() -> None:
    api = FakeApi(Delivery([BEGIN]))
    waits = threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tracer.live.rundown.LONGEST_SECONDS", 0.0)
        patch.setattr(api, "snapshot", waits.wait)
        with Capture.open(CapturePlan(), api, Clock()) as capture:
            for _ in capture.batches():
                if not capture.wait(0.2):
                    capture.stop()
    waits.set()
    assert capture.notes == ("Windows does not tell which processes, threads and images were there before",)
    assert capture.steps[-1].outcome == "left-out"


def test_drivers_whose_addresses_are_hidden_are_left_out_and_told(loop: Simulation) -> None:
    live, capture, _ = captured(loop, Snapshot(ClockReading(after(loop), STARTED), hidden=180))
    assert live.info.listed is None
    assert any("hides the addresses of 180 of its drivers" in note for note in capture.notes)


def test_a_rundown_of_ten_thousand_threads_fits_and_a_name_without_end_is_left_out() -> None:
    many = Snapshot(
        ClockReading(7, 0), (RunningProcess(4, 0, "System"), RunningProcess(8, 4, "n" * 70_000)),
        tuple((number, 4) for number in range(4, 40_004, 4)),
    )  # fmt: skip
    assert ring_of(many, KINDS).written == 10_001
    assert ring_of(many, {"process"}).written == 1
    assert ring_of(many, ()).waiting == 0
