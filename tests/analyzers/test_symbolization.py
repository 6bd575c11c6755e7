"""Names for the addresses of a trace: which are asked for, and where they stand afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from analyzers.analysis import Analysis
from analyzers.findings import Diagnosis
from analyzers.pool_tables import Frame, PoolSnapshot
from analyzers.snapshot import Snapshot
from analyzers.symbolization import Symbols, stacks_after, stacks_before
from analyzers.tags import TagNames
from tests.analyzers.named_trace import KEPT, NAMED, write_named
from tests.tracer.symbols.named import DEBUG, FILE, FOLDER
from tracer.etl.file import EtlFile
from tracer.symbols.path import parse_symbol_path
from tracer.symbols.resolver import Asked, ModuleNames, Resolver
from tracer.symbols.symbol import Inlined, Source, Symbol


class Answers(Resolver):
    """Names everything ``Fn``, and notes what it was asked."""

    def __init__(self, source: Source = Source.PDB) -> None:
        self.asked: list[Asked] = []
        self.source = source

    def resolve(self, asked: Iterable[Asked]) -> list[ModuleNames]:
        every = list(asked)
        self.asked += every
        named = Symbol("Fn", 1) if self.source is not Source.NONE else None
        return [ModuleNames(self.source, "x.pdb", (), (named,) * len(each.addresses)) for each in every]


def read(path: Path, symbols: Symbols | None) -> Analysis:
    with EtlFile.open(path) as source:
        analysis = Analysis(source, TagNames(()), symbols=symbols)
        for batch in source.batches(Analysis.KINDS):
            analysis.feed(batch)
    return analysis


def stack(snapshot: Snapshot) -> tuple[Frame, ...]:
    return snapshot.names.frames(snapshot.diagnosis.findings[0].stack)


def texts(frames: Sequence[Frame]) -> list[str]:
    return [str(frame) for frame in frames]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return write_named(tmp_path / "named.etl")


@pytest.fixture
def of_pdb(tmp_path: Path) -> Iterator[Callable[[], Resolver]]:
    if sys.platform == "win32":
        pytest.skip("tests/windows reads PDB files by dbghelp")
    pytest.importorskip("symbolic")
    with Resolver(parse_symbol_path(str(FOLDER), tmp_path / "store"), tmp_path / "cache") as resolver:
        yield lambda: resolver


def test_a_finding_names_functions_by_the_pdb_that_the_trace_s_identity_asks_for(
    trace: Path, of_pdb: Callable[[], Resolver]
) -> None:
    symbols = Symbols(of_pdb)
    snapshot = read(trace, symbols).snapshot()
    frames = stack(snapshot)
    assert texts(frames[1:4]) == NAMED
    assert texts([frames[0], frames[4]]) == ["ntoskrnl.exe+0x5010", "ntoskrnl.exe+0x7020"]
    assert frames[1].symbol == Symbol("CtAllocateContext", 0x15, r"C:\contoso\contosodev.c", 20)
    assert [(each.image.name, each.source, each.named) for each in symbols.found().images] == [
        ("ntoskrnl.exe", Source.NONE, 0),
        ("contosodev.sys", Source.PDB, 3),
    ]


def test_what_separates_is_named_in_the_words_of_the_verdict(trace: Path, of_pdb: Callable[[], Resolver]) -> None:
    symbols = Symbols(of_pdb)
    [finding] = read(trace, symbols).snapshot().diagnosis.findings
    assert finding.separates is not None
    assert str(finding.separates.frame) == "contosodev!CtDispatch+0x14"
    assert any("contosodev!CtDispatch+0x14" in reason.says for reason in finding.evidence)


def test_without_symbols_frames_have_none(trace: Path) -> None:
    assert texts(stack(read(trace, None).snapshot()))[1] == "contosodev.sys+0x1065"


def test_each_image_is_asked_for_once_by_its_identity_with_return_addresses(trace: Path) -> None:
    answers = Answers()
    read(trace, Symbols(lambda: answers)).snapshot()
    driver = [each for each in answers.asked if each.module.image.name == "contosodev.sys"]
    assert [each.module.image for each in driver] == [FILE]
    assert driver[0].addresses.tolist() == sorted(address & 0xFFFF for address in KEPT[1:4])
    assert driver[0].is_return.all()


def test_a_second_snapshot_looks_for_nothing_again(trace: Path) -> None:
    answers = Answers(Source.NONE)
    analysis = read(trace, Symbols(lambda: answers))
    analysis.snapshot()
    asked = len(answers.asked)
    analysis.snapshot()
    assert len(answers.asked) == asked


def test_aside_nothing_is_looked_for_until_somebody_does(trace: Path) -> None:
    answers = Answers()
    symbols = Symbols(lambda: answers, is_aside=True)
    analysis = read(trace, symbols)
    assert texts(stack(analysis.snapshot()))[1] == "contosodev.sys+0x1065"
    assert (answers.asked, symbols.version) == ([], 0)
    assert symbols.wanted == len(set(KEPT))
    assert symbols.resolve()
    assert (symbols.version, symbols.wanted) == (2, 0)
    assert texts(stack(analysis.snapshot()))[1] == "contosodev!Fn+0x1"


def test_an_image_whose_event_has_another_time_stamp_is_not_the_identity_s(tmp_path: Path) -> None:
    answers = Answers()
    read(write_named(tmp_path / "other.etl", stamp=7), Symbols(lambda: answers)).snapshot()
    [image] = [each.module.image for each in answers.asked if each.module.image.name == "contosodev.sys"]
    assert (image.debug, image.time_date_stamp) == (None, 7)


def test_an_event_without_time_stamp_takes_the_identity_at_its_place_if_the_sizes_are_alike(tmp_path: Path) -> None:
    answers = Answers()
    read(write_named(tmp_path / "none.etl", stamp=0), Symbols(lambda: answers)).snapshot()
    [image] = [each.module.image for each in answers.asked if each.module.image.name == "contosodev.sys"]
    assert image.debug == DEBUG


@pytest.mark.parametrize(
    ("name", "is_given"), [("contosodev.sys", True), ("contosodev.pdb", False), ("none.sys", False)]
)
def test_an_image_s_file_on_this_machine_is_used_if_it_is_the_one_that_was_loaded(
    trace: Path, name: str, is_given: bool
) -> None:
    answers = Answers()
    read(trace, Symbols(lambda: answers, local_path=lambda _: FOLDER / name)).snapshot()
    [driver] = [each.module for each in answers.asked if each.module.image.name == "contosodev.sys"]
    assert driver.path == (FOLDER / name if is_given else None)


def test_of_very_many_sites_those_that_hold_most_are_named() -> None:
    held = np.arange(5000)
    sites = SimpleNamespace(outstanding_bytes=held, outstanding_count=held, stack=held.astype(np.int32))
    assert stacks_before(cast(PoolSnapshot, SimpleNamespace(sites=sites))).tolist() == list(range(5000 - 2048, 5000))


def test_sites_that_hold_nothing_or_have_no_stack_are_not_named() -> None:
    sites = SimpleNamespace(
        outstanding_bytes=np.array([0, 8, 8]),
        outstanding_count=np.array([0, 1, 1]),
        stack=np.array([1, 2, -1], np.int32),
    )
    assert stacks_before(cast(PoolSnapshot, SimpleNamespace(sites=sites))).tolist() == [2]


def test_the_first_findings_stacks_are_named_with_the_program_s_calls_each_with_its_process() -> None:
    findings = [SimpleNamespace(stack=at, user_stack=at if at < 2 else -1, process_id=None) for at in range(200)]
    stacks, users = stacks_after(cast(Diagnosis, SimpleNamespace(findings=findings)))
    assert (stacks.tolist(), users) == (list(range(64)), [(0, 0), (1, 0)])


def test_frames_are_written_as_debuggers_write_them() -> None:
    at = Symbol("KiDeliverApc", 0)
    assert str(Frame(1, "ntkrnlmp.exe", 0x10, at, Source.PDB)) == "nt!KiDeliverApc"
    assert str(Frame(1, "no-ending", 0x10, Symbol("F", 2), Source.MAP)) == "no-ending!F+0x2"
    assert str(Frame(1, "", 0x10)) == "0x1"


def test_inlined_functions_are_told_before_the_one_they_are_in() -> None:
    inlined = (Inlined("Inner", "", 0), Inlined("Outer", "", 0))
    assert Frame(1, "a.sys", 1, Symbol("F", 2, inlined=inlined), Source.PDB).functions == ("Inner", "Outer", "F")
    assert Frame(1, "a.sys", 1).functions == ()
