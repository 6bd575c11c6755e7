"""Which evidence a trace holds, and what would record the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
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
    assert snapshot.context is not None
    return coverage(source.info, source.census, source.loss, snapshot.pool, snapshot.context.requests)


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


def _counted(
    *, walked: int = 100, freed_walked: int = 100, unmatched: int = 0, mode: tuple[str, ...] = (), skipped: int = 0
) -> Coverage:
    """Of 100 allocations and 100 frees: how many have a stack, and how many frees come without their allocation."""
    totals = SimpleNamespace(frees=100, frees_without_allocation=unmatched, replaced_without_free=0, events=200)
    sites = SimpleNamespace(allocations=np.array([walked, 100 - walked]), stack=np.array([0, -1]))
    pool = SimpleNamespace(sites=sites, totals=totals, frees_with_stack=freed_walked, signs=None)
    info = SimpleNamespace(mode=mode, listed=None, rolled=None, buffers=10, bytes=40_000)
    loss = SimpleNamespace(complete_from_ns=0, events_lost=0, buffers_lost=0, gaps=(), inferred=None)
    requests = SimpleNamespace(seen_irp=True, seen_afd=True, seen_queues=True)
    census = SimpleNamespace(kernel_events={}, total=200)
    return coverage(*(cast(Any, each) for each in (info, census, loss, pool, requests, None, skipped)))


def test_events_in_bytes_that_could_not_be_read_are_lost() -> None:
    assert _counted().lost == 0
    assert _counted(skipped=1_000).lost == 0.025


@pytest.mark.parametrize(
    ("walked", "stacks", "some"), [(49, False, True), (51, True, True), (89, True, True), (91, True, False)]
)
def test_stacks_count_as_there_where_half_of_the_allocations_have_one(walked: int, stacks: bool, some: bool) -> None:
    found = _counted(walked=walked)
    assert (found.stacks, found.some_stacks) == (stacks, some)


@pytest.mark.parametrize(("walked", "stacks"), [(9, False), (11, True)])
def test_those_of_frees_do_where_a_tenth_has_one_as_late_ones_are_not_counted(walked: int, stacks: bool) -> None:
    assert _counted(freed_walked=walked).free_stacks is stacks


@pytest.mark.parametrize(("unmatched", "wrapped"), [(19, False), (21, True)])
def test_a_circular_file_with_many_frees_without_allocation_shows_only_an_end(unmatched: int, wrapped: bool) -> None:
    assert _counted(unmatched=unmatched, mode=("circular",)).wrapped is wrapped
    assert not _counted(unmatched=unmatched).wrapped
