"""Kernel objects that stay: the program that opened them is named, the kernel never, a driver for its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analyzers import advice
from analyzers.findings import Accused, Cause, Finding, Fits, Verdict
from analyzers.snapshot import Snapshot
from analyzers.tags.callers import tag_number
from analyzers.tags.objects import HANDLE_TABLE, OBJECTS, object_words
from analyzers.verdicts.explanations import Memory, Signs, explanations
from benchmarks.accuracy.scripted.guilt import Guilt, reference_kept
from benchmarks.accuracy.scripted.kinds import KINDS
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.scripted.script import PAGED, Block
from benchmarks.accuracy.scripted.stage import Stage
from benchmarks.accuracy.spoilings import Spoiling
from tests.analyzers.against_truth import analysed
from tests.analyzers.verdicts.scripted_pool import MS, NT, POOL, PoolScript, of_tag
from tui.findings.headline import headline

EVEN = tag_number("Even")
KEPT = 120


def _play(kind: str, path: Path, seed: int = 1) -> Snapshot:
    data, _ = play(kind, seed, Spoiling.NONE)
    (path / "trace.etl").write_bytes(data)
    return analysed(path / "trace.etl")


def _side_by_side(stage: Stage, *, driver: bool) -> tuple[Guilt, ...]:
    """AppA.exe closes each event after a moment; AppB.exe, or a driver, keeps all of its events."""
    stage.conditions = replace(stage.conditions, duration_ns=20 * 10**9, user_stacks=1.0)
    stage.script.duration_ns = stage.duration
    machine = stage.machine
    closing, keeping = (machine.process() for _ in range(2))
    closing.name, keeping.name = "AppA.exe", "AppB.exe"
    opens = machine.functions("ExAllocatePoolWithTag", "ObpAllocateObject", "NtCreateEvent")
    if driver:
        opens = (*opens, machine.driver().frame(stage.rng), *machine.functions("IofCallDriver"))
    kept = []
    for owner in (closing, keeping):
        thread = machine.thread(owner)
        for number in range(KEPT):
            at = stage.duration * (number + 0.5) / KEPT
            block = stage.script.allocate(at, thread, Block(tag_of("Even", protected=True), 0x70), opens)
            if owner is closing:
                stage.script.free(at + 400_000, thread, block, machine.functions("ObpFreeObject", "NtClose"))
            else:
                kept.append(block)
    return (reference_kept((keeping,), kept),)


def _seen(path: Path, monkeypatch: pytest.MonkeyPatch, *, driver: bool = False) -> tuple[Snapshot, Finding]:
    monkeypatch.setitem(
        KINDS, "side", TraceKind("side", lambda stage: _side_by_side(stage, driver=driver), leaking=True)
    )
    snapshot = _play("side", path)
    [finding] = snapshot.diagnosis.findings
    return snapshot, finding


def test_the_program_that_keeps_its_events_is_named_not_the_kernel_nor_one_that_closes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, finding = _seen(tmp_path, monkeypatch)
    assert (finding.accused, finding.process, finding.driver, finding.tag) == (Accused.PROCESS, "AppB.exe", "", EVEN)
    assert finding.verdict is Verdict.MISSING_FREE
    assert finding.count == pytest.approx(KEPT, abs=2)
    assert "event objects: a handle or reference leak" in headline(finding, snapshot.diagnosis)
    assert [(each.why, each.fits) for each in finding.explanations] == [
        (Cause.HANDLE, Fits.YES),
        (Cause.REFERENCE, Fits.UNKNOWN),
    ]
    assert all(each.told_apart_by for each in finding.explanations)
    for word in ("handle count of AppB.exe", "!handle", "!htrace"):
        assert word in finding.advice
    assert "Verifier" not in finding.advice
    assert any("by other programs" in each.says for each in finding.evidence)
    assert any("how long this program's should live is not known" in doubt for doubt in finding.doubts)


def test_the_user_mode_stack_names_the_module_that_opened_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, finding = _seen(tmp_path, monkeypatch)
    assert finding.user_stack >= 0
    assert any(each.rule == "user-modules" for each in finding.evidence)


def test_objects_that_a_driver_s_own_frame_creates_are_its_reference_leak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, finding = _seen(tmp_path, monkeypatch, driver=True)
    assert finding.accused is Accused.DRIVER
    assert finding.driver not in {"", "nt"}
    assert "that it created: a reference leak" in headline(finding, snapshot.diagnosis)
    assert "!obtrace" in finding.advice
    assert "ObDereferenceObject" in finding.advice


@pytest.mark.parametrize("tag", OBJECTS)
def test_each_object_is_called_by_its_kind_and_the_advice_is_handles(tag: int) -> None:
    words = object_words(tag)
    assert words == f"{OBJECTS[tag]} objects"
    says = advice.handles("app.exe", 8, tag, ("app.dll",))
    assert words in says
    assert "on thread 8 (through app.dll)" in says
    assert words in advice.references("flt.sys", "flt.sys+0x10", tag)


def _many_with_their_table(stage: Stage) -> tuple[Guilt, ...]:
    """A program that keeps 5,120 events: every 256 handles its handle table grows by a block."""
    owner = stage.machine.process()
    thread = stage.machine.thread(owner)
    functions = stage.machine.functions
    opens = functions("ExAllocatePoolWithTag", "ObpAllocateObject", "NtCreateEvent")
    grows = functions("ExAllocatePoolWithTag", "ExpAllocateHandleTableEntrySlow", "NtCreateEvent")
    kept = []
    for number in range(5_120):
        at = stage.duration * (number + 0.5) / 5_120
        kept.append(stage.script.allocate(at, thread, Block(tag_of("Even", protected=True), 0x70), opens))
        if number % 256 == 0:
            kept.append(stage.script.allocate(at + 1, thread, Block(tag_of("Obtb"), 0x1000, PAGED), grows))
    return (reference_kept((owner,), kept),)


def test_a_handle_table_that_grows_with_the_objects_is_the_same_cause_and_shows_open_handles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "table", TraceKind("table", _many_with_their_table, leaking=True))
    [finding] = _play("table", tmp_path).diagnosis.findings
    assert finding.tag == EVEN
    assert {share.tag for share in finding.groups} == {EVEN, HANDLE_TABLE}
    [shown] = [each.says for each in finding.evidence if each.rule == "handle-table"]
    assert "keeps handles open" in shown
    assert not [each for each in finding.evidence if each.rule == "in-step"]


def test_objects_that_anybody_opens_may_be_another_programs() -> None:
    [handle, reference] = explanations(Signs(Memory.HANDLES, 100, kind="process objects", anybody=True))
    assert (handle.why, reference.why) == (Cause.HANDLE, Cause.REFERENCE)
    assert "another program" in reference.says
    [_, own] = explanations(Signs(Memory.HANDLES, 100, kind="event objects"))
    assert "another program" not in own.says


@pytest.mark.parametrize("seed", range(3))
def test_programs_that_close_their_handles_are_not_accused(seed: int, tmp_path: Path) -> None:
    assert not _play("handles-closed", tmp_path, seed).diagnosis.findings


def test_no_tag_stands_for_two_kinds_of_rule() -> None:
    from analyzers.tags.callers import IO_MANAGER, SOCKETS

    assert not set(OBJECTS) & (IO_MANAGER | SOCKETS)
    assert len(np.unique(list(OBJECTS))) == len(OBJECTS)


@pytest.mark.parametrize("ends", [True, False])
def test_objects_of_threads_that_still_run_are_a_doubt(ends: bool, tmp_path: Path) -> None:
    script = PoolScript()
    for number in range(100):
        at = (200 + 200 * number) * MS
        script.allocate(at, b"Thre", (*POOL, NT + 0x6000))
        script.thread(at + 20_000, "start", 1000 + 4 * number)
        if ends:
            script.thread(at + MS, "end", 1000 + 4 * number)
    [finding] = of_tag(script.analysed(tmp_path, until=21_000), b"Thre")
    assert finding.count == 100
    assert any("still run" in doubt for doubt in finding.doubts) is not ends
