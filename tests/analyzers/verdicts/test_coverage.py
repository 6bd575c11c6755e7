"""Which evidence a trace holds, and what would record the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analyzers.analysis import Analysis
from analyzers.verdicts.coverage import Coverage, Stacks, coverage
from fixtures.settings import Settings, StackMode
from fixtures.simulate import simulate
from tests.analyzers.against_truth import NO_NAMES
from tracer.etl.file import EtlFile
from tracer.live.profile import xperf_command

WHOLE = Coverage(stacks=True, context_switches=True, requests=True, sockets=True, wrapped=False, lost=0.0)


def _of(path: Path, **settings: object) -> Coverage:
    simulate("undrained-port", 5, replace(Settings(iterations=30), **settings)).write(path / "trace.etl")  # type: ignore[arg-type]
    with EtlFile.open(path / "trace.etl") as source:
        analysis = Analysis(source, NO_NAMES)
        for batch in source.batches(Analysis.KINDS):
            analysis.feed(batch)
        snapshot = analysis.snapshot()
    assert snapshot.grounds is not None
    return coverage(source.info, source.census, source.loss, snapshot.pool, snapshot.grounds.requests)


def test_a_whole_trace_lacks_nothing(tmp_path: Path) -> None:
    found = _of(tmp_path)
    assert (found.stacks_on, found.missing, found.record, found.judged) == (Stacks.ALL, False, "", True)


@pytest.mark.parametrize(
    ("setting", "kind"),
    [
        ("context_switches", "context_switches"),
        ("ready_threads", "ready_threads"),
        ("irp_events", "requests"),
        ("afd_events", "sockets"),
        ("kernel_queues", "queues"),
    ],
)
def test_a_kind_that_was_not_recorded_is_missing(setting: str, kind: str, tmp_path: Path) -> None:
    found = _of(tmp_path, **{setting: False})
    assert not getattr(found, kind)
    assert found.record == xperf_command()


def test_frees_may_lack_the_stacks_that_allocations_have(tmp_path: Path) -> None:
    assert _of(tmp_path, free_stacks=False).stacks_on is Stacks.ALLOCATIONS
    assert _of(tmp_path, stacks=StackMode.NONE).stacks_on is Stacks.NONE


def test_the_command_is_one_and_asks_for_all_that_decides() -> None:
    command = replace(WHOLE, queues=False).record
    assert command.startswith("xperf -on ")
    assert command.count("xperf") == 1
    flags = command.split()[2].split("+")
    assert {"PROC_THREAD", "LOADER", "CSWITCH", "DISPATCHER", "KQUEUE", "DRIVERS", "POOL"} <= set(flags)
    assert "-start sockets -on Microsoft-Windows-Winsock-AFD:" in command
