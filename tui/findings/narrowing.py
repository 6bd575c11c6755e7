"""The part of a diagnosis that the filters let through.

A finding keeps its rank: finding 2 is finding 2, whatever is selected.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

import numpy as np

from analyzers.findings import Cleared, Diagnosis, Finding, PendingApcs, Verdict
from analyzers.snapshot import TagTable
from tui.filters import Filters
from tui.findings.words import known_id
from tui.tables.coding import coded_pairs, unpaired


def narrowed_diagnosis(diagnosis: Diagnosis, filters: Filters, tags: TagTable, selected: TagTable) -> Diagnosis:
    """What is concluded about a selection; ``tags`` are the trace's, ``selected`` those of the selection.

    A group goes by its tag, and by its own driver or the one that its tag is known by. A finding goes by the
    process that it names; what names none, as no cleared group does, by the processes that hold such memory.
    """
    drivers = dict(zip(_keys(tags), tags.driver, strict=True))
    held = set(_keys(selected))
    chosen = compress(diagnosis.findings, _fit(diagnosis.findings, filters, drivers))
    findings = tuple(finding for finding in chosen if _of_process(finding, filters, held))
    groups = compress(diagnosis.cleared, _fit(diagnosis.cleared, filters, drivers))
    cleared = tuple(group for group in groups if not filters.processes or (group.tag, group.paged) in held)
    return Diagnosis(findings, cleared, _pending(diagnosis.pending_apcs, findings, filters))


def _keys(tags: TagTable) -> list[tuple[int, bool]]:
    return list(zip(tags.tag.tolist(), tags.paged.tolist(), strict=True))


def _fit(
    groups: Sequence[Finding] | Sequence[Cleared], filters: Filters, drivers: dict[tuple[int, bool], str]
) -> list[bool]:
    """Whether tag and driver of each group were asked for."""
    tag = filters.fit_tags(group.tag for group in groups)
    own = filters.fit_drivers(group.driver for group in groups)
    known = filters.fit_drivers(drivers.get((group.tag, group.paged), "") for group in groups)
    return [fits and (a or b) for fits, a, b in zip(tag, own, known, strict=True)]


def _of_process(finding: Finding, filters: Filters, held: set[tuple[int, bool]]) -> bool:
    pid = known_id(finding.process_id)
    if pid is None:
        return not filters.processes or (finding.tag, finding.paged) in held
    return filters.fits_process(pid, finding.process)


def _pending(pending: PendingApcs, findings: Sequence[Finding], filters: Filters) -> PendingApcs:
    """An APC has a process, but neither tag nor driver: these select by the findings' threads."""
    pairs, pair = coded_pairs(pending.process_id, pending.process)
    fits = [filters.fits_process(process, pending.processes[name]) for process, name in unpaired(pairs)]
    chosen = pending.take(np.array(fits, np.bool_)[pair])
    return of_findings(chosen, findings) if filters.tags or filters.drivers else chosen


def of_findings(pending: PendingApcs, findings: Sequence[Finding]) -> PendingApcs:
    """Those of the threads whose pending APCs the findings are about."""
    threads = {finding.thread_id for finding in findings if finding.verdict is Verdict.PENDING_APC}
    return pending.take(np.isin(pending.thread_id, [thread for thread in threads if thread is not None]))
