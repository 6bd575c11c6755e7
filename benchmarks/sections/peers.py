"""Records a second beside other readers, on real traces where they are at hand and on a simulated one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.apart import apart
from benchmarks.peers import PEERS, Walk, walk_peer
from benchmarks.pipeline import measure_walk
from benchmarks.plan import Plan
from benchmarks.table import Bound, Row, Unit
from benchmarks.traces import Traces

LIMITS: Final = {"dissect.etl": 100.0, "etl-parser": 1000.0}
"""Peer → how many times its records a second ours must be."""
FEW_RECORDS: Final = 1_000
"""A file with fewer is opened, not walked: shown, and held to no limit."""
SAMPLES: Final = Path(__file__).parents[2] / "../shared/samples"


def rows(plan: Plan, traces: Traces) -> Iterator[Row]:
    """For each peer: every sample, the samples it reads together, and a slice of simulated trace."""
    samples = sorted(SAMPLES.glob("*.etl"))
    simulated = traces.get(plan.peer_size, plan.warm_up_outstanding).path
    ours = {path: apart(measure_walk, path) for path in (*samples, simulated)}
    for peer in PEERS:
        yield from _peer(peer, samples, simulated, ours, plan.peer_seconds)


def _peer(peer: str, samples: list[Path], simulated: Path, ours: dict[Path, Walk], most: float) -> Iterator[Row]:
    section = f"records a second beside {peer}"
    if not samples:
        yield Row(section, "real traces", problem=f"none at {SAMPLES}")
    theirs: dict[Path, Walk] = {}
    for path in (*samples, simulated):
        try:
            theirs[path] = apart(walk_peer, peer, path, most)
        except ImportError as error:
            yield Row(section, peer, problem=f'{error}: python -m pip install -e ".[bench]"')
            return
        yield _row(section, peer, path.stem, ours[path], theirs[path])
    both = [path for path in samples if theirs[path].records and not theirs[path].stopped]
    if both:
        yield _row(section, peer, f"its {len(both)} real traces together", *(_sum(w, both) for w in (ours, theirs)))


def _row(section: str, peer: str, name: str, ours: Walk, theirs: Walk) -> Row:
    limit = LIMITS[peer] if theirs.records >= FEW_RECORDS else None
    note = f"{peer}: {Unit.RECORDS_PER_SECOND.text(theirs.rate)}"
    if not theirs.records or theirs.stopped:
        limit, note = None, f"{peer} reads {theirs.records:,} of {ours.records:,} {theirs.stopped}".rstrip()
    elif limit is None:
        note += f"; only {theirs.records} records"
    ratio = ours.rate / theirs.rate if theirs.records else None
    return Row(section, name, ours.rate, Unit.RECORDS_PER_SECOND, ratio, peer, Bound.AT_LEAST, limit, note)


def _sum(walks: dict[Path, Walk], paths: list[Path]) -> Walk:
    return Walk(sum(walks[path].records for path in paths), sum(walks[path].seconds for path in paths))
