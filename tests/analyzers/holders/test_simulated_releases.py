"""IRPs of simulated machines: what released each is told by the functions on its freeing stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.analysis import Analysis
from analyzers.holders.release_stacks import Release
from analyzers.symbolization import Symbols
from analyzers.tags import TagNames
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tracer.etl.file import EtlFile
from tracer.symbols.map_file import MapFile
from tracer.symbols.path import parse_symbol_path
from tracer.symbols.resolver import Resolver

SETTINGS = Settings(iterations=80, kernel_queues=False)
"""Without queue events, as what is seen to be taken out of a port is over before its IRP is freed."""


def ways(scenario: str, folder: Path, *, names: bool = True) -> dict[Release, int]:
    """How many IRPs were released by what."""
    trace, names_path = folder / "t.etl", folder / "t.map"
    simulate(scenario, 4, SETTINGS).write(trace, map_path=names_path)
    places = parse_symbol_path("", folder, network=False)
    symbols = Symbols(lambda: Resolver(places, folder, map_file=MapFile(names_path))) if names else None
    with EtlFile.open(trace) as source:
        analysis = Analysis(source, TagNames(()), symbols=symbols)
        for batch in source.batches(Analysis.KINDS):
            analysis.feed(batch)
    context = analysis.snapshot().context
    assert context is not None
    count = context.held.evidence.by_name.released.count.sum(axis=0).tolist()
    return {release: count[release] for release in Release if count[release]}


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("alertable-drains", {Release.USER_APC}),
        ("thread-exit-rundown", {Release.EXIT}),
        ("port-closed", {Release.PORT_CLOSED}),
        ("starved-thread-ends", {Release.SPECIAL_APC}),
    ],
)
def test_each_way_of_a_simulated_machine_is_told(scenario: str, expected: set[Release], tmp_path: Path) -> None:
    found = ways(scenario, tmp_path)
    assert expected <= found.keys()
    assert Release.UNKNOWN not in found


def test_without_names_none_is(tmp_path: Path) -> None:
    assert ways("alertable-drains", tmp_path, names=False) == {}
