"""The part of a snapshot that a scope selects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analyzers.findings import I64, Diagnosis, Finding, GroupShare, HeldRequests
from analyzers.grounds import Grounds
from analyzers.pool_tables import PoolSnapshot
from analyzers.snapshot import Snapshot
from tui.findings.held import kept_by, of_findings
from tui.findings.narrowing import shares_of
from tui.findings.words import known_id
from tui.selection import cut, holding
from tui.tables.held_requests import places
from tui.views.lifetimes import FREED, counted_by, freed_of, made_then
from tui.views.scope import Interval, Scope
from tui.views.since_mark import counted_since

Mask = npt.NDArray[np.bool_]


def narrowed_since(snapshot: Snapshot, scope: Scope, mark: Snapshot) -> Snapshot:
    """The same of what came after a mark: allocations and frees since then, and what was made since and is kept.

    Inside an interval it is the part of the interval after the mark.
    """
    interval = scope.interval
    if interval is None:
        return _narrowed(counted_since(snapshot, mark), scope, mark.at_ns)
    start = min(max(interval.from_ns, mark.at_ns), interval.to_ns)
    return _narrowed(snapshot, replace(scope, interval=replace(interval, from_ns=start)), None)


def narrowed(snapshot: Snapshot, scope: Scope) -> Snapshot:
    """The snapshot with its outstanding allocations, sites, tags, histories and conclusions limited to the scope.

    Allocations and frees stay those of the whole sites and tags, as a free is known by no process; inside an interval
    they are the interval's (:mod:`tui.views.lifetimes`).
    """
    return _narrowed(snapshot, scope, None) if scope else snapshot


def _narrowed(snapshot: Snapshot, scope: Scope, after_ns: int | None) -> Snapshot:
    """``after_ns``: only what was made from then on."""
    pool, finding = snapshot.pool, _finding(snapshot, scope)
    sites = _sites(pool, scope)
    if finding is not None and not len(finding.rows):
        sites &= _sites_of(pool, finding)
    allocations = sites[pool.outstanding.site] & _allocations(snapshot, scope, finding)
    if after_ns is not None:
        allocations &= pool.outstanding.time_ns >= after_ns
        sites &= holding(pool, allocations) | ((pool.sites.allocations > 0) | (pool.sites.frees > 0))
    if scope.interval is not None:
        result = _of_interval(snapshot, scope.interval, sites, allocations)
    else:
        result = cut(
            snapshot, sites & holding(pool, allocations) if _selects_rows(scope, finding) else sites, allocations
        )
    diagnosis = _diagnosis(result.diagnosis, result.pool, scope, finding)
    return replace(result, diagnosis=diagnosis if after_ns is None else _since(diagnosis, result.pool, after_ns))


def _since(told: Diagnosis, pool: PoolSnapshot, after_ns: int) -> Diagnosis:
    """Conclusions with counts of what is in the pool; those about nothing of it are left out."""
    held = told.held_requests.take(told.held_requests.issued_ns >= after_ns)
    findings = [(one, _counts(pool, rows_of(pool, one))) for one in told.findings]
    cleared = [(one, _counts(pool, one.rows)) for one in told.cleared]
    return Diagnosis(
        tuple(replace(one, count=n, bytes=size, retained_bytes=size) for one, (n, size) in findings if n),
        tuple(replace(one, count=n, bytes=size) for one, (n, size) in cleared if n),
        held,
    )


def rows_of(pool: PoolSnapshot, finding: Finding) -> Mask:
    """By outstanding allocation, whether a finding is about it."""
    if len(finding.rows):
        mask = np.zeros(len(pool.outstanding), np.bool_)
        mask[finding.rows] = True
        return mask
    out, rows = pool.outstanding, _sites_of(pool, finding)[pool.outstanding.site]
    thread = known_id(finding.thread_id)
    if thread is not None:
        rows &= (out.process == known_id(finding.process_id)) & (out.thread == thread)
    return rows


def _counts(pool: PoolSnapshot, rows: Mask | I64) -> tuple[int, int]:
    size = pool.outstanding.size[rows]
    return len(size), int(size.sum(dtype=np.uint64))


def _finding(snapshot: Snapshot, scope: Scope) -> Finding | None:
    return next((one for one in snapshot.diagnosis.findings if one.rank == scope.finding), None)


def _selects_rows(scope: Scope, finding: Finding | None) -> bool:
    """Whether some of a site's allocations may be in and others out."""
    if scope.cleared is not None or (finding is not None and len(finding.rows)):
        return True
    by_request = (scope.endpoint, scope.port, scope.keeper)
    return any(field is not None for pair in (by_request, *_who(scope, finding)) for field in pair)


def _who(scope: Scope, finding: Finding | None) -> list[tuple[int | None, int | None]]:
    """Processes and threads that must fit; a finding's only where a thread stands out."""
    who = [(scope.process, scope.thread)]
    if finding is not None and known_id(finding.thread_id) is not None:
        who.append((known_id(finding.process_id), known_id(finding.thread_id)))
    return who


def _of_interval(snapshot: Snapshot, interval: Interval, sites: Mask, allocations: Mask) -> Snapshot:
    freed = np.where(sites, freed_of(snapshot.pool.history, interval), 0)
    sites = freed > 0 if interval.lifetime in FREED else holding(snapshot.pool, allocations)
    result = cut(snapshot, sites, allocations)
    return replace(result, pool=counted_by(result.pool, freed[sites]))


def _sites(pool: PoolSnapshot, scope: Scope) -> Mask:
    """By site: what the scope says of tag, stack, frame and driver."""
    table, tags = pool.sites, pool.tags
    sites = np.ones(len(table.tag_row), np.bool_)
    if scope.tag is not None:
        tag, paged = scope.tag
        sites &= ((tags.tag == tag) & (tags.paged == paged))[table.tag_row]
    if scope.stack is not None:
        sites &= table.stack == scope.stack
    if scope.frame is not None:
        sites &= table.frame == np.uint64(scope.frame)
    if scope.driver is not None:
        sites &= _by_driver(pool, scope.driver)
    return sites


def _by_driver(pool: PoolSnapshot, driver: str) -> Mask:
    return np.fromiter((name == driver for name in pool.sites.driver), np.bool_, len(pool.sites.driver))


def _sites_of(pool: PoolSnapshot, finding: Finding) -> Mask:
    """The finding's tag and those that go with the same cause."""
    found: Mask = np.logical_or.reduce([_sites_with(pool, share) for share in shares_of(finding)])
    return found


def _sites_with(pool: PoolSnapshot, share: GroupShare) -> Mask:
    """A tag by a driver; a driver that makes requests allocates none of what goes with them itself."""
    tags = pool.tags
    sites: Mask = ((tags.tag == share.tag) & (tags.paged == share.paged))[pool.sites.tag_row]
    own = sites & _by_driver(pool, share.driver)
    return own if own.any() else sites


def _allocations(snapshot: Snapshot, scope: Scope, finding: Finding | None) -> Mask:
    """By outstanding allocation: what the scope says of finding, cleared group, process, thread, endpoint and time."""
    outstanding = snapshot.pool.outstanding
    rows = np.ones(len(outstanding), np.bool_)
    if scope.cleared is not None:
        rows[:] = False
        for group in snapshot.diagnosis.cleared:
            if group.known_by == scope.cleared:
                rows[group.rows] = True
    if finding is not None and len(finding.rows):
        rows[:] = False
        rows[finding.rows] = True
        finding = None
    for process, thread in _who(scope, finding):
        if process is not None:
            rows &= outstanding.process == process
        if thread is not None:
            rows &= outstanding.thread == thread
    if scope.endpoint is not None:
        rows &= _of_endpoint(snapshot.grounds, scope.endpoint, len(outstanding))
    if scope.port is not None or scope.keeper is not None:
        rows &= _of_requests(snapshot.grounds, _held_by(snapshot.diagnosis.held_requests, scope), len(outstanding))
    if scope.interval is not None:
        rows &= made_then(snapshot.pool, scope.interval)
    return rows


def _of_requests(grounds: Grounds | None, held: HeldRequests, length: int) -> Mask:
    """What belongs to some held requests."""
    if grounds is None:
        return np.zeros(length, np.bool_)
    rows = places(held, grounds).request
    mine = np.zeros(len(grounds.requests.requests) + 1, np.bool_)  # -1, for none, is the last
    mine[rows[rows >= 0]] = True
    return np.asarray(mine[grounds.attribution.request])


def _of_endpoint(grounds: Grounds | None, endpoint: int, length: int) -> Mask:
    """What belongs to a socket, or to a request that goes to it."""
    if grounds is None:
        return np.zeros(length, np.bool_)
    requests, sockets = grounds.requests.requests, grounds.requests.sockets
    is_socket = np.append(sockets.endpoint == np.uint64(endpoint), False)  # -1, for none, is the last
    is_request = np.append(is_socket[requests.socket] | (requests.endpoint == np.uint64(endpoint)), False)
    found = grounds.attribution
    return np.asarray(is_socket[found.socket] | is_request[found.request])


def _diagnosis(told: Diagnosis, pool: PoolSnapshot, scope: Scope, finding: Finding | None) -> Diagnosis:
    """Conclusions about what is left; a finding keeps its rank."""
    tags = pool.tags
    held = set(zip(tags.tag.tolist(), tags.paged.tolist(), strict=True))
    findings = tuple(
        one
        for one in told.findings
        if scope.cleared is None
        and any((share.tag, share.paged) in held for share in shares_of(one))
        and _fits(one, scope)
    )
    cleared = tuple(
        one
        for one in told.cleared
        if (one.tag, one.paged) in held
        and scope.driver in (None, one.driver)
        and scope.cleared in (None, one.known_by)
        and finding is None
    )
    return Diagnosis(findings, cleared, _held(told.held_requests, scope, findings))


def _fits(finding: Finding, scope: Scope) -> bool:
    process, thread = known_id(finding.process_id), known_id(finding.thread_id)
    return (
        scope.finding in (None, finding.rank)
        and (scope.process is None or process in (None, scope.process))
        and (scope.thread is None or thread in (None, scope.thread))
        and scope.driver in (None, finding.driver)
    )


def _held(held: HeldRequests, scope: Scope, findings: Sequence[Finding]) -> HeldRequests:
    """A held request has thread and socket, but no tag, stack and allocating driver: these select by the findings."""
    fitting = _held_by(held, scope)
    by_memory = (scope.tag, scope.stack, scope.frame, scope.driver, scope.finding, scope.cleared)
    return fitting if all(field is None for field in by_memory) else of_findings(findings, fitting)


def _held_by(held: HeldRequests, scope: Scope) -> HeldRequests:
    """Those of the thread, on the socket, and held by the port or driver that the scope names."""
    asked = (
        (scope.process, held.process_id),
        (scope.thread, held.thread_id),
        (scope.endpoint, held.endpoint),
        (scope.port, held.port),
    )
    masks = [column == wanted for wanted, column in asked if wanted is not None]
    if scope.keeper is not None:
        masks.append(kept_by(scope.keeper, held))
    return held.take(np.logical_and.reduce(masks)) if masks else held
