"""The part of a diagnosis that the filters let through.

A finding keeps its rank: finding 2 is finding 2, whatever is selected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

import numpy as np

from analyzers.findings import Cleared, Diagnosis, Finding, GroupShare, HeldRequests
from analyzers.pool_tables import TagTable
from analyzers.snapshot import Snapshot
from tui.filters import Filters
from tui.findings.held import of_findings
from tui.findings.words import known_id
from tui.tables.coding import coded_pairs, unpaired


def narrowed_diagnosis(diagnosis: Diagnosis, filters: Filters, tags: TagTable, selected: TagTable) -> Diagnosis:
    """What is concluded about a selection; ``tags`` are the trace's, ``selected`` those of the selection.

    A group goes by its tag, and by its own driver or the one that its tag is known by; a finding by any of the groups
    that go with its cause. A finding goes by the process that it names; what names none, as no cleared group does, by
    the processes that hold such memory.
    """
    drivers = dict(zip(_keys(tags), tags.driver, strict=True))
    held = set(_keys(selected))
    findings = tuple(
        finding
        for finding in diagnosis.findings
        if any(_fit(shares_of(finding), filters, drivers))
        and _of_process(finding, filters, held)
        and (filters.between is None or _is_held(finding, held))
    )
    groups = compress(diagnosis.cleared, _fit(diagnosis.cleared, filters, drivers))
    cleared = tuple(group for group in groups if not filters.by_allocation or (group.tag, group.paged) in held)
    return Diagnosis(findings, cleared, _held(diagnosis.held_requests, findings, filters))


def as_diagnosed(snapshot: Snapshot, whole: Diagnosis) -> Snapshot:
    """A selection, its findings with all requests that they are about: what is said of a leak is of the whole trace."""
    return replace(snapshot, diagnosis=replace(snapshot.diagnosis, held_requests=whole.held_requests))


def shares_of(finding: Finding) -> tuple[GroupShare, ...]:
    """What a finding itself names, and the groups of allocations that go with its cause."""
    own = GroupShare(finding.tag, finding.paged, finding.count, finding.bytes, finding.driver)
    return (own, *finding.groups)


def _keys(tags: TagTable) -> list[tuple[int, bool]]:
    return list(zip(tags.tag.tolist(), tags.paged.tolist(), strict=True))


def _fit(
    groups: Sequence[GroupShare] | Sequence[Cleared], filters: Filters, drivers: dict[tuple[int, bool], str]
) -> list[bool]:
    """Whether tag and driver of each group were asked for."""
    tag = filters.fit_tags(group.tag for group in groups)
    own = filters.fit_drivers(group.driver for group in groups)
    known = filters.fit_drivers(drivers.get((group.tag, group.paged), "") for group in groups)
    return [fits and (a or b) for fits, a, b in zip(tag, own, known, strict=True)]


def _of_process(finding: Finding, filters: Filters, held: set[tuple[int, bool]]) -> bool:
    pid = known_id(finding.process_id)
    if pid is None:
        return not filters.processes or _is_held(finding, held)
    return filters.fits_process(pid, finding.process)


def _is_held(finding: Finding, held: set[tuple[int, bool]]) -> bool:
    """Whether any of the memory that it is about is selected."""
    return any((share.tag, share.paged) in held for share in shares_of(finding))


def _held(held: HeldRequests, findings: Sequence[Finding], filters: Filters) -> HeldRequests:
    """A held request has a process, but no tag and no allocating driver: these select by the findings' requests."""
    pairs, pair = coded_pairs(held.process_id, held.process)
    fits = [filters.fits_process(process, held.processes[name]) for process, name in unpaired(pairs)]
    rows = np.array(fits, np.bool_)[pair]
    if filters.between is not None:
        begin, end = filters.between
        rows &= (held.issued_ns >= begin) & (held.issued_ns < end)
    chosen = held.take(rows)
    return of_findings(findings, chosen) if filters.tags or filters.drivers else chosen
