"""Files that belong together or do not: parts of sessions, and recordings of one machine at one time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from analyzers.analysis import Analysis
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from fixtures.etl.writer import EtlWriter
from fixtures.settings import Settings
from fixtures.simulate import Simulation, simulate
from tests.tracer.traces import kernel_payload
from tracer.etl.file import EtlFile
from tracer.etl.joining.belonging import Group
from tracer.etl.joining.source import JoinedFiles
from tracer.events import pool

SECOND: Final = 10_000_000
"""Ticks of the default clock."""
START: Final = 1_000_000
BEGAN: Final = 133_700_000_000_000_000
"""Raw time and FILETIME at which a trace of the default options begins."""
SMALL: Final = 0x2000
"""Bytes of a buffer: small ones, so that a short trace has many."""


def pool_records(
    times: Sequence[int], *, cpu: int = 0, first: int = 0, hook: int = pool.ALLOC, size: int = 64
) -> list[Record]:
    """A pool event at each time (ticks since the start), each of another block, numbered from ``first``."""
    return [
        _record(hook, START + at, cpu, {"type": 0, "tag": 0x31676154, "bytes": size, "entry": 0x1000 + 0x100 * number})
        for number, at in enumerate(times, first)
    ]


def _record(hook: int, time: int, cpu: int, values: dict[str, Any]) -> Record:
    from tracer.etl.headers import HeaderType

    return Record(HeaderType.PERFINFO64, time, kernel_payload(hook, 8, values), cpu=cpu, hook=hook, version=2)


def written(path: Path, records: Sequence[Record], **options: Any) -> Path:
    """A file of these records; of session ``s`` on two processors, unless said otherwise."""
    given: dict[str, Any] = {"session": "s", "log_file": "f", "processors": 2, "flush_ns": 0, **options}
    path.write_bytes(EtlWriter(TraceOptions(**given)).write(sorted(records, key=lambda record: record.time)))
    return path


def files(folder: Path, parts: Sequence[bytes], name: str = "pool_{:06}.etl") -> list[Path]:
    """The parts as files, in their order."""
    paths = [folder / name.format(number) for number in range(1, len(parts) + 1)]
    for path, part in zip(paths, parts, strict=True):
        path.write_bytes(part)
    return paths


def simulated(scenario: str, seed: int = 3, **settings: Any) -> Simulation:
    """A simulation whose file has many small buffers."""
    return simulate(scenario, seed, Settings(buffer_size=SMALL, **settings))


def analysed(source: EtlFile | JoinedFiles) -> Snapshot:
    """All of a source, analysed."""
    with source:
        analysis = Analysis(source, TagNames(()))
        for batch in source.batches(Analysis.KINDS):
            analysis.feed(batch)
        return analysis.snapshot()


def joined(group: Group) -> Snapshot:
    """The files of a group, analysed as one trace."""
    return analysed(JoinedFiles.open(group))


def alone(path: Path) -> Snapshot:
    """One file, analysed."""
    return analysed(EtlFile.open(path))


def conclusions(snapshot: Snapshot) -> list[object]:
    """The findings, without numbers of stacks and places in files, which are other ones in other files."""
    return [
        replace(finding, stack=0, user_stack=0, evidence=(), path=()) for finding in snapshot.diagnosis.findings
    ]  # fmt: skip
