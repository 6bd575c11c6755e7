"""What a fleet keeps of one trace: a row of itself, a row for each finding, and the drivers of its machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any, Final, NamedTuple, Self

from analyzers.analysis import TraceNames
from analyzers.findings import Accused, Finding
from analyzers.machine_facts import DriverFile
from analyzers.modules import KERNEL, KERNEL_FILE, KERNEL_NAME
from analyzers.pool_tables import Frame
from analyzers.pooltag import tag_hex, tag_text
from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tracer.errors import PoolscopeError
from tracer.trace import filetime_text

FROM_TRACE: Final = "trace"
FROM_FOLDER: Final = "folder"


class DriverVersion(NamedTuple):
    """A driver of a machine: its file's name, in lower case, and its version (:attr:`DriverFile.label`)."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One trace of a fleet; times are ISO 8601 UTC or nanoseconds, sizes bytes.

    ``hash``: BLAKE2b of the file's bytes, empty where it could not be read to its end. ``machine``: the computer's
    name; where the trace does not say it, the folder of its file, and ``machine_from`` says so. ``judged``: it has what
    it takes to find a leak; ``complete``: nothing of it is lost or damaged. ``leaked_bytes``: what its findings accuse.
    ``error_code`` and its words: why there is nothing else in the row.
    """

    hash: str
    path: str
    bytes: int
    machine: str = ""
    machine_from: str = FROM_FOLDER
    os_build: int = 0
    started: str = ""
    duration_ns: int = 0
    session: str = ""
    simulated: bool = False
    judged: bool = False
    complete: bool = False
    allocations: int = 0
    frees: int = 0
    outstanding_count: int = 0
    outstanding_bytes: int = 0
    findings: int = 0
    leaked_bytes: int = 0
    error_code: str = ""
    error_what: str = ""
    error_where: str = ""
    error_why: str = ""
    error_next: str = ""
    drivers: tuple[DriverVersion, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether nothing was learned of it."""
        return bool(self.error_code)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self) | {"drivers": [list(each) for each in self.drivers]}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError for what is no such row."""
        drivers = tuple(_driver(*map(str, each)) for each in document["drivers"])
        return cls(**_typed(cls, document) | {"drivers": drivers})


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding of a trace, the one with this ``hash``.

    ``driver``: its file, in lower case, empty for none; ``site``: the function, or module and offset, that is at fault
    or called; ``path``: of the driver's file on its machine. The numbers are those of ``poolscope analyze``.
    """

    hash: str
    rank: int
    verdict: str
    accused: str
    driver: str
    driver_version: str
    driver_path: str
    process: str
    site: str
    tag: str
    tag_hex: str
    paged: bool
    count: int
    bytes: int
    retained_bytes: int
    bytes_per_hour: float
    bytes_per_hour_low: float
    bytes_per_hour_high: float
    confidence: float

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError for what is no such row."""
        return cls(**_typed(cls, document))


@lru_cache(maxsize=1 << 20)
def _driver(name: str, version: str) -> DriverVersion:
    """One object for all machines that have it."""
    return DriverVersion(name, version)


_TYPES: Final = {"str": str, "int": int, "bool": bool, "float": float}


def _typed(row: type[TraceRow | FindingRow], document: Mapping[str, Any]) -> dict[str, Any]:
    return {each.name: _TYPES[str(each.type)](document[each.name]) for each in fields(row) if each.type in _TYPES}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a trace is from. ``hash`` and ``bytes``: of its file; ``folder``: for a machine that it does not name."""

    hash: str
    bytes: int
    path: str
    folder: str


def failed_row(error: PoolscopeError, place: Place) -> TraceRow:
    """The row of a trace that could not be read."""
    return TraceRow(
        hash=place.hash,
        path=place.path,
        bytes=place.bytes,
        machine=place.folder,
        error_code=error.code,
        error_what=error.what,
        error_where=error.where,
        error_why=error.why,
        error_next=error.next,
    )


def rows_of(snapshot: Snapshot, place: Place) -> tuple[TraceRow, list[FindingRow]]:
    """The rows of one trace."""
    names = snapshot.names
    computer, drivers = (names.machine.computer, names.drivers()) if isinstance(names, TraceNames) else ("", ())
    info, totals, loss = snapshot.info, snapshot.pool.totals, snapshot.loss
    told = snapshot.diagnosis.findings
    by_name = {each.name.lower(): each for each in drivers}
    trace = TraceRow(
        hash=place.hash,
        path=place.path,
        bytes=place.bytes,
        machine=computer or place.folder,
        machine_from=FROM_TRACE if computer else FROM_FOLDER,
        os_build=info.os_build,
        started=filetime_text(info.start) or "",
        duration_ns=info.duration_ns,
        session=info.session,
        simulated=info.simulated,
        judged=snapshot.coverage is not None and snapshot.coverage.judged,
        complete=not (loss.is_lossy or snapshot.damage),
        allocations=totals.allocations,
        frees=totals.frees,
        outstanding_count=totals.outstanding_count,
        outstanding_bytes=totals.outstanding_bytes,
        findings=len(told),
        leaked_bytes=sum(each.bytes for each in told),
        drivers=tuple(sorted({DriverVersion(each.name.lower(), each.label) for each in drivers})),
    )
    return trace, [_finding(each, snapshot, by_name, place.hash) for each in told]


def _finding(finding: Finding, snapshot: Snapshot, drivers: Mapping[str, DriverFile], content: str) -> FindingRow:
    named = _kernel_file(drivers) if finding.driver == KERNEL_NAME else finding.driver.lower()
    file = drivers.get(named)
    low, high = finding.bytes_per_hour_interval
    return FindingRow(
        hash=content,
        rank=finding.rank,
        verdict=str(finding.verdict),
        accused=str(finding.accused),
        driver=finding.driver.lower(),
        driver_version=file.label if file else "",
        driver_path=file.path if file else "",
        process=finding.process if finding.accused is not Accused.DRIVER else "",
        site=_site(finding, snapshot),
        tag=tag_text(finding.tag),
        tag_hex=tag_hex(finding.tag),
        paged=finding.paged,
        count=finding.count,
        bytes=finding.bytes,
        retained_bytes=finding.retained_bytes,
        bytes_per_hour=_finite(finding.bytes_per_hour),
        bytes_per_hour_low=_finite(low),
        bytes_per_hour_high=_finite(high),
        confidence=finding.confidence,
    )


def _finite(value: float) -> float:
    """JSON has no infinity; a rate that is not known is 0."""
    return value if abs(value) < float("inf") else 0.0


def _kernel_file(drivers: Mapping[str, DriverFile]) -> str:
    return next((name for name in drivers if KERNEL_FILE.match(name)), KERNEL_NAME)


def _site(finding: Finding, snapshot: Snapshot) -> str:
    """The frame that tells kept from freed; else the driver's innermost, else the innermost outside of the kernel."""
    if finding.separates is not None:
        return _name(finding.separates.frame)
    frames = [each for each in snapshot.names.frames(finding.stack) if each.module]
    mine = [each for each in frames if each.module.lower() == finding.driver.lower()]
    others = [each for each in frames if not KERNEL.match(each.module)]
    return next((_name(each) for some in (mine, others, frames) for each in some), "")


def _name(frame: Frame) -> str:
    """A function with its module, else module and offset: both the same on every machine with that version."""
    return frame.name if frame.module else ""
