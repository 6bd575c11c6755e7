"""Our side of every measurement: the pipeline from a file to its outstanding allocations."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analyzers.analysis import Analysis
from analyzers.pool_tables import PoolTotals
from analyzers.tags import TagNames
from benchmarks.best import best_of, timed
from benchmarks.generate import Expected
from benchmarks.machine import peak_memory, pin
from benchmarks.peers import Walk
from benchmarks.size import MIB
from tracer.etl.file import EtlFile


class WrongResultError(Exception):
    """The pipeline's ledger is not what the generator wrote: its speed says nothing."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage through a trace: seconds in reading (batches), matching (feed), the snapshot, and the verdicts.

    ``cpu``: of all threads, without the verdicts.
    """

    batches: float
    feed: float
    snapshot: float
    verdicts: float
    cpu: float
    totals: PoolTotals
    records: int

    @property
    def matched(self) -> float:
        """Seconds from opening the file to what is outstanding; the verdicts come after that."""
        return self.batches + self.feed + self.snapshot


@dataclass(frozen=True, slots=True)
class Effort:
    """Of one passage: ``cpu`` as there, and the peak resident bytes of its process; ``pinned`` to two cores."""

    cpu: float
    peak: int
    pinned: bool


@dataclass(frozen=True, slots=True)
class Speed:
    """The best of several passages beside the best plain read; ``pinned``: to as many cores as threads.

    ``total`` (reading and matching) and ``verdicts`` are each the least of all passages, as ``read`` is.
    """

    read: float
    total: float
    verdicts: float
    best: Passage
    pinned: bool


def plain_read(path: Path) -> int:
    """Read the file into one buffer of 1 MiB; gives its size."""
    buffer = bytearray(MIB)
    total = 0
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            total += count
    return total


def analyze(path: Path, threads: int) -> Passage:
    """Everything from opening the file to the snapshot."""
    clock = time.perf_counter
    feeding = 0.0
    began, cpu = clock(), time.process_time()
    with EtlFile.open(path, threads=threads) as source:
        analysis = Analysis(source, TagNames.load())
        for batch in source.batches(Analysis.KINDS):
            at = clock()
            analysis.feed(batch)
            feeding += clock() - at
        at = clock()
        analysis.snapshot(diagnosed=False)
        ended, cpu = clock(), time.process_time() - cpu
        snapshot = analysis.snapshot()
        judged = clock() - ended - (ended - at)
        batches = at - began - feeding
        return Passage(batches, feeding, ended - at, judged, cpu, snapshot.pool.totals, snapshot.census.total)


def check(found: Passage, expected: Expected) -> None:
    """``WrongResultError`` where the ledger differs from what was written."""
    totals = found.totals
    for name, got, want in (
        ("records", found.records, expected.records),
        ("allocations", totals.allocations, expected.allocations),
        ("frees", totals.frees, expected.frees),
        ("matched", totals.matched, expected.matched),
        ("frees without allocation", totals.frees_without_allocation, expected.frees_without_allocation),
        ("outstanding", totals.outstanding_count, expected.outstanding_count),
        ("outstanding bytes", totals.outstanding_bytes, expected.outstanding_bytes),
    ):
        if got != want:
            raise WrongResultError(f"wrong result: {name} {got}, not {want}")


def measure_speed(path: Path, warm_up: Path, expected: Expected, threads: int, runs: int) -> Speed:
    """Reads and passages in turn, so that both see the same machine; a small trace first to warm the kernels."""
    pinned = pin(threads)
    analyze(warm_up, threads)
    plain_read(path)
    read = total = verdicts = float("inf")
    best: Passage | None = None
    for _ in range(runs):
        read = min(read, timed(lambda: plain_read(path))[0])
        found = analyze(path, threads)
        check(found, expected)
        verdicts = min(verdicts, found.verdicts)
        if found.matched < total:
            total, best = found.matched, found
    if best is None:
        raise ValueError(f"{runs} runs measure nothing")
    return Speed(read, total, verdicts, best, pinned)


def measure_memory(path: Path, expected: Expected) -> int:
    """Peak resident bytes of a process that does nothing else than one passage with two threads."""
    check(analyze(path, 2), expected)
    return peak_memory()


def measure_effort(path: Path, warm_up: Path, expected: Expected) -> Effort:
    """One passage with two threads on two cores, after a small trace to warm the kernels."""
    pinned = pin(2)
    analyze(warm_up, 2)
    found = analyze(path, 2)
    check(found, expected)
    return Effort(found.cpu, peak_memory(), pinned)


def measure_walks(path: Path) -> tuple[Walk, Walk]:
    """Kernels warm: the walk alone (records counted), and all batches (decoded, with stacks, in time order)."""
    return _best_walk(lambda: _scan(path)), _best_walk(lambda: _batches(path))


def _best_walk(walk: Callable[[], int]) -> Walk:
    walk()
    seconds, records = best_of(walk, most_runs=200, most_seconds=1.0)
    return Walk(records, seconds)


def _batches(path: Path) -> int:
    with EtlFile.open(path) as source:
        for _ in source.batches():
            pass
        return source.census.total


def _scan(path: Path) -> int:
    with EtlFile.open(path) as source:
        source.scan()
        return source.census.total


if __name__ == "__main__":
    analyze(Path(sys.argv[1]), 2)  # a start from nothing, timed from outside
