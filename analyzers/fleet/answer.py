"""What the traces of a fleet say together: which leak is on how many machines, since when, and which version has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from analyzers.fleet.rows import FROM_FOLDER, FindingRow, TraceRow
from analyzers.fleet.separating import Leak, Separation, separations
from tracer.data_classes import dataclass

WORST: Final = 10
"""Traces that are named as the worst."""


class Signature(NamedTuple):
    """What makes findings of several traces the same leak.

    ``driver``: empty for none; ``process``: the program that is accused, empty where a driver is; ``site``: a function,
    or a module and an offset, empty where no stack tells.
    """

    verdict: str
    driver: str
    process: str
    site: str
    tag: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A signature in the fleet. ``versions``: of its driver, with the number of machines, most first.

    ``first_seen``, ``last_seen``: starts of traces, empty where none tells its time. ``bytes``: outstanding, of all
    traces together. ``separates``: see :mod:`analyzers.fleet.separating`; for the same leak wherever its code lies.
    """

    signature: Signature
    machines: int
    traces: int
    builds: tuple[int, ...]
    versions: tuple[tuple[str, int], ...]
    first_seen: str
    last_seen: str
    bytes: int
    confidence: float
    separates: Separation | None


@dataclass(frozen=True, slots=True)
class FleetAnswer:
    """``read``: traces that could be read, of which ``judged`` have what it takes to find a leak.

    ``machines``: of those that were read; ``unnamed``: traces that do not name theirs. ``occurrences``: most machines
    first. ``worst``: the traces with most leaked bytes. ``failed``: the rows of those that could not be read.
    """

    traces: int
    read: int
    judged: int
    incomplete: int
    simulated: int
    machines: int
    leaking_machines: int
    unnamed: int
    builds: tuple[int, ...]
    occurrences: tuple[Occurrence, ...]
    worst: tuple[TraceRow, ...]
    failed: tuple[TraceRow, ...]


def answer(traces: Sequence[TraceRow], findings: Sequence[FindingRow]) -> FleetAnswer:
    """The answer; the same for the same rows in any order."""
    ordered = sorted(traces, key=lambda each: (each.hash, each.path))
    row_of = {each.hash: row for row, each in enumerate(ordered) if each.hash}
    by_signature: dict[Signature, list[FindingRow]] = {}
    for each in sorted(findings, key=lambda each: (each.hash, each.rank)):
        signature = Signature(each.verdict, each.driver, each.process, each.site, each.tag)
        by_signature.setdefault(signature, []).append(each)
    leaks: dict[Signature, set[int]] = {}
    for signature, rows in by_signature.items():
        leaks.setdefault(signature._replace(site=""), set()).update(row_of[each.hash] for each in rows)
    tested = [Leak(signature.driver, np.array(sorted(rows), np.int64)) for signature, rows in leaks.items()]
    separates = dict(zip(leaks, separations(ordered, tested), strict=True))
    occurrences = [
        _occurrence(signature, rows, ordered, row_of, separates[signature._replace(site="")])
        for signature, rows in by_signature.items()
    ]
    read = [each for each in ordered if not each.failed]
    leaking = [each for each in read if each.findings]
    worst = sorted(leaking, key=lambda each: (-each.leaked_bytes, each.path))[:WORST]
    return FleetAnswer(
        traces=len(ordered),
        read=len(read),
        judged=sum(each.judged for each in read),
        incomplete=sum(not each.complete for each in read),
        simulated=sum(each.simulated for each in read),
        machines=len({each.machine for each in read}),
        leaking_machines=len({each.machine for each in leaking}),
        unnamed=sum(each.machine_from == FROM_FOLDER for each in read),
        builds=tuple(sorted({each.os_build for each in read})),
        occurrences=tuple(sorted(occurrences, key=lambda each: (-each.machines, -each.bytes, each.signature))),
        worst=tuple(worst),
        failed=tuple(sorted((each for each in ordered if each.failed), key=lambda each: each.path)),
    )


def _occurrence(
    signature: Signature,
    findings: Sequence[FindingRow],
    traces: Sequence[TraceRow],
    row_of: dict[str, int],
    separates: Separation | None,
) -> Occurrence:
    rows = [traces[row_of[each.hash]] for each in findings]
    versions = {
        (each.driver_version, row.machine) for each, row in zip(findings, rows, strict=True) if each.driver_version
    }
    count = Counter(version for version, _ in versions)
    times = sorted(row.started for row in rows if row.started)
    return Occurrence(
        signature=signature,
        machines=len({row.machine for row in rows}),
        traces=len({row.hash for row in rows}),
        builds=tuple(sorted({row.os_build for row in rows})),
        versions=tuple(sorted(count.items(), key=lambda each: (-each[1], each[0]))),
        first_seen=times[0] if times else "",
        last_seen=times[-1] if times else "",
        bytes=sum(each.bytes for each in findings),
        confidence=max(each.confidence for each in findings),
        separates=separates,
    )
