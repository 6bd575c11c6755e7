"""Records a second beside other readers, on real traces where they are at hand and on a simulated one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.apart import apart
from benchmarks.peers import PEERS, Walk, walk_peer
from benchmarks.pipeline import measure_walks
from benchmarks.plan import Plan
from benchmarks.table import Bound, Row, Unit
from benchmarks.traces import Traces

LIMITS: Final = {"dissect.etl": 100.0, "etl-parser": 1000.0}
"""Peer → how many times its records a second ours must be."""
FEW_RECORDS: Final = 10_000
"""Opening a file costs us about a millisecond, as much as walking this many records: a file with fewer is shown, and
held to no limit."""
Ours = tuple[Walk, Walk]
"""The walk alone, which is what the peers do; and all batches, which is more (order, stacks, payloads)."""
SAMPLES: Final = Path(__file__).parents[2] / "../shared/samples"


def rows(plan: Plan, traces: Traces) -> Iterator[Row]:
    """For each peer: every sample, the samples it reads together, and a slice of simulated trace."""
    samples = sorted(SAMPLES.glob("*.etl"))
    simulated = traces.get(plan.peer_size, plan.warm_up_outstanding).path
    ours = {path: apart(measure_walks, path) for path in (*samples, simulated)}
    for peer in PEERS:
        yield from _peer(peer, samples, simulated, ours, plan.peer_seconds)


def _peer(peer: str, samples: list[Path], simulated: Path, ours: dict[Path, Ours], most: float) -> Iterator[Row]:
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
    both = [path for path in samples if theirs[path].records >= FEW_RECORDS and not theirs[path].stopped]
    if len(both) > 1:
        scan, batches = zip(*(ours[path] for path in both), strict=True)
        name = f"its {len(both)} larger real traces together"
        yield _row(section, peer, name, (_sum(scan), _sum(batches)), _sum(theirs[path] for path in both))


def _row(section: str, peer: str, name: str, ours: Ours, theirs: Walk) -> Row:
    scan, batches = ours
    if not theirs.records or theirs.stopped:
        note = f"{peer} reads {theirs.records:,} of {scan.records:,} {theirs.stopped}".rstrip()
        return Row(section, name, scan.rate, Unit.RECORDS_PER_SECOND, note=note)
    enough = theirs.records >= FEW_RECORDS
    decoded = f"with all events decoded {batches.rate / theirs.rate:.3g} ×"
    return Row(
        section,
        name,
        scan.rate,
        Unit.RECORDS_PER_SECOND,
        ratio=scan.rate / theirs.rate,
        to=peer,
        bound=Bound.AT_LEAST,
        limit=LIMITS[peer] if enough else None,
        note=f"{peer}: {Unit.RECORDS_PER_SECOND.text(theirs.rate)}; {decoded}"
        + ("" if enough else f"; only {theirs.records} records"),
    )


def _sum(walks: Iterable[Walk]) -> Walk:
    every = list(walks)
    return Walk(sum(walk.records for walk in every), sum(walk.seconds for walk in every))
