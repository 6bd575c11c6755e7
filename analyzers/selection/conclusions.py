"""The part of a diagnosis that a query selects.

A finding keeps its rank: finding 2 is finding 2, whatever is selected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import compress
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from analyzers.findings import Cleared, Diagnosis, Finding, GroupShare, HeldRequests
from analyzers.pool_tables import Names, PoolSnapshot, TagTable
from analyzers.processes import lives_at
from analyzers.selection.intervals import made_then
from analyzers.selection.query import Query
from analyzers.selection.requests import kept_by, of_findings
from analyzers.snapshot import Snapshot
from tracer.arrays import I64, Mask
from tracer.columns import UNKNOWN_ID

Group: TypeAlias = GroupShare | Cleared


def concluded(diagnosis: Diagnosis, query: Query, tags: TagTable, part: PoolSnapshot, names: Names) -> Diagnosis:
    """What is concluded about a selection; ``tags`` are the trace's, ``part`` is what was selected of its pool.

    A group goes by its tag, and by its own driver or the one that its tag is known by; a finding by any of the groups
    that go with its cause, and by the process and thread that it names. What names none, as no cleared group does, goes
    by what is held of such memory; so does everything where single allocations, sites or what holds them are asked for.
    """
    drivers = dict(zip(_keys(tags), tags.driver, strict=True))
    held = set(_keys(part.tags))
    findings = tuple(
        finding
        for finding in diagnosis.findings
        if query.finding in (None, finding.rank)
        and query.cleared is None
        and any(_fit(finding.shares, query, drivers))
        and _is_of(finding, query, names)
        and (_names_all(finding, query) or _is_held(finding.shares, held))
    )
    by_held = query.by_process or query.thread is not None or _by_place(query)
    cleared = tuple(
        group
        for group in compress(diagnosis.cleared, _fit(diagnosis.cleared, query, drivers))
        if query.finding is None
        and query.cleared in (None, group.known_by)
        and (not by_held or _is_held((group,), held))
    )
    fitting = held_by(diagnosis.held_requests, query, names)
    return Diagnosis(findings, cleared, of_findings(findings, fitting) if query.by_memory else fitting)


def as_diagnosed(part: Snapshot, whole: Diagnosis) -> Snapshot:
    """A selection, its findings with all requests that they are about: what is said of a leak is of the whole trace."""
    return replace(part, diagnosis=replace(part.diagnosis, held_requests=whole.held_requests))


def held_by(held: HeldRequests, query: Query, names: Names) -> HeldRequests:
    """Requests by who issued them and when, their socket, and the port or driver that holds them."""
    masks: list[Mask] = []
    if query.by_process:
        masks.append(of_processes(query, held.process_id, held.issued_ns, names))
    asked = ((query.thread, held.thread_id), (query.endpoint, held.endpoint), (query.port, held.port))
    masks += [column == wanted for wanted, column in asked if wanted is not None]
    if query.keeper is not None:
        masks.append(kept_by(query.keeper, held))
    if query.interval is not None:
        masks.append(made_then(held.issued_ns, query.interval))
    return held.take(np.logical_and.reduce(masks)) if masks else held


def of_processes(query: Query, pids: npt.NDArray[np.integer], times: I64, names: Names) -> Mask:
    """By process id and time, whether the process that had the id then is asked for."""
    lives, rows = lives_at(names, pids, times)
    mask: Mask = np.array([query.fits_process(life) for life in lives], np.bool_)[rows]
    return mask


def since(diagnosis: Diagnosis, pool: PoolSnapshot, after_ns: int) -> Diagnosis:
    """A diagnosis with counts of what is in ``pool``; findings about nothing in it are left out."""
    held = diagnosis.held_requests.take(diagnosis.held_requests.issued_ns >= after_ns)
    findings = [(one, _counts(pool, one.rows)) for one in diagnosis.findings]
    cleared = [(one, _counts(pool, one.rows)) for one in diagnosis.cleared]
    return Diagnosis(
        tuple(replace(one, count=n, bytes=size, retained_bytes=size) for one, (n, size) in findings if n),
        tuple(replace(one, count=n, bytes=size) for one, (n, size) in cleared if n),
        held,
    )


def by_driver(pool: PoolSnapshot, driver: str) -> Mask:
    """By site, whether that module allocates there."""
    return np.fromiter((name == driver for name in pool.sites.driver), np.bool_, len(pool.sites.driver))


def _counts(pool: PoolSnapshot, rows: I64) -> tuple[int, int]:
    size = pool.outstanding.size[rows]
    return len(size), int(size.sum(dtype=np.uint64))


def _keys(tags: TagTable) -> list[tuple[int, bool]]:
    return list(zip(tags.tag.tolist(), tags.paged.tolist(), strict=True))


def _fit(groups: Sequence[Group], query: Query, drivers: dict[tuple[int, bool], str]) -> list[bool]:
    """Whether tag and driver of each group were asked for."""
    tag = query.fit_tags(group.tag for group in groups)
    own = query.fit_drivers(group.driver for group in groups)
    known = query.fit_drivers(drivers.get((group.tag, group.paged), "") for group in groups)
    return [
        fits
        and (by_own or by_tag)
        and query.tag in (None, (group.tag, group.paged))
        and query.driver in (None, group.driver)
        for group, fits, by_own, by_tag in zip(groups, tag, own, known, strict=True)
    ]


def _is_of(finding: Finding, query: Query, names: Names) -> bool:
    """Whether the process and thread that it names, if it does, are asked for."""
    process, thread = finding.process_id, finding.thread_id
    if query.thread is not None and thread not in (None, UNKNOWN_ID, query.thread):
        return False
    if not query.by_process or process in (None, UNKNOWN_ID):
        return True
    lives = names.lives(process)
    named = [life for life in lives if life.name == finding.process] or lives
    return any(query.fits_process(life) for life in named)


def _names_all(finding: Finding, query: Query) -> bool:
    """Whether what it says itself is enough to tell that it was asked for."""
    by_process = query.by_process and finding.process_id in (None, UNKNOWN_ID)
    by_thread = query.thread is not None and finding.thread_id in (None, UNKNOWN_ID)
    return not (by_process or by_thread or _by_place(query))


def _by_place(query: Query) -> bool:
    """Whether some of a tag's memory by a driver may be in and the rest out."""
    exact = (query.interval, query.stack, query.frame)
    return bool(query.functions or query.stacks) or query.by_holder or any(each is not None for each in exact)


def _is_held(groups: Iterable[Group], held: set[tuple[int, bool]]) -> bool:
    """Whether any of the memory that groups are of is selected."""
    return any((group.tag, group.paged) in held for group in groups)
