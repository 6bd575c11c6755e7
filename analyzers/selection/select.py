"""The part of a snapshot that a query selects: for reports, documents and views alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.findings import HeldRequests
from analyzers.pool_tables import PoolSnapshot
from analyzers.selection import conclusions
from analyzers.selection.intervals import FREED, freed_of, made_then
from analyzers.selection.part import cut, holding
from analyzers.selection.query import Query
from analyzers.selection.requests import places
from analyzers.selection.since import counted_since
from analyzers.snapshot import Snapshot
from tracer.arrays import Mask


def select(snapshot: Snapshot, query: Query) -> Snapshot:
    """The snapshot with its outstanding allocations, sites, tags, histories and conclusions limited to the query.

    Allocations and frees stay those of the whole sites and tags, as a free is known by no process, and the pool's
    totals those of the trace.
    """
    return _selected(snapshot, query, None) if query else snapshot


def select_since(snapshot: Snapshot, query: Query, mark: Snapshot) -> Snapshot:
    """The selected part of what came after a mark: allocations and frees since, and what was made since and is kept.

    Inside an interval it is the part of the interval after the mark.
    """
    interval = query.interval
    if interval is None:
        return _selected(counted_since(snapshot, mark), query, mark.at_ns)
    start = min(max(interval.from_ns, mark.at_ns), interval.to_ns)
    return select(snapshot, replace(query, interval=replace(interval, from_ns=start)))


def _selected(snapshot: Snapshot, query: Query, after_ns: int | None) -> Snapshot:
    """``after_ns``: only what was made from then on."""
    pool, interval = snapshot.pool, query.interval
    sites, among = sites_of(pool, query), _allocations(snapshot, query)
    if query.functions:
        sites &= _through(snapshot, query)
    since = [] if after_ns is None else [pool.outstanding.time_ns >= after_ns]
    allocations: Mask = np.logical_and.reduce([sites[pool.outstanding.site], *among, *since])
    if interval is not None and interval.lifetime in FREED:
        sites &= freed_of(pool.history, interval) > 0
    elif among:
        sites &= holding(pool, allocations)
    elif since:
        sites &= holding(pool, allocations) | (pool.sites.allocations > 0) | (pool.sites.frees > 0)
    part = cut(snapshot, sites, allocations)
    diagnosis = conclusions.concluded(part.diagnosis, query, pool.tags, part.pool, part.names)
    return replace(part, diagnosis=diagnosis if after_ns is None else conclusions.since(diagnosis, part.pool, after_ns))


def sites_of(pool: PoolSnapshot, query: Query) -> Mask:
    """By site: what is asked for of tag, driver, stack and frame."""
    table, tags = pool.sites, pool.tags
    by_tag = np.array(query.fit_tags(tags.tag.tolist()), np.bool_)
    if query.tag is not None:
        tag, paged = query.tag
        by_tag &= (tags.tag == tag) & (tags.paged == paged)
    sites: Mask = by_tag[table.tag_row]
    if query.drivers:
        of_tag = np.array(query.fit_drivers(tags.driver), np.bool_)
        sites &= np.array(query.fit_drivers(table.driver), np.bool_) | of_tag[table.tag_row]
    if query.driver is not None:
        sites &= conclusions.by_driver(pool, query.driver)
    if query.stack is not None:
        sites &= table.stack == query.stack
    if query.stacks:
        sites &= np.isin(table.stack, query.stacks)
    if query.frame is not None:
        sites &= table.frame == np.uint64(query.frame)
    return sites


def functions_in(snapshot: Snapshot, stack: int) -> list[str]:
    """The functions of a kernel stack, ``MODULE!FUNCTION``, those that are inlined too; none where no name is known."""
    return [name for frame in snapshot.names.frames(stack) for name in frame.qualified]


def _through(snapshot: Snapshot, query: Query) -> Mask:
    """By site: whether its stack goes through a function that is asked for."""
    stacks, at = np.unique(snapshot.pool.sites.stack, return_inverse=True)
    fits = [query.fits_functions(functions_in(snapshot, stack)) for stack in stacks.tolist()]
    return np.array(fits, np.bool_)[at]


def _allocations(snapshot: Snapshot, query: Query) -> list[Mask]:
    """By outstanding allocation, for each thing that is asked for of single ones: whether it is so."""
    out, diagnosis = snapshot.pool.outstanding, snapshot.diagnosis
    masks: list[Mask] = []
    if query.cleared is not None:
        of_group = np.zeros(len(out), np.bool_)
        for group in diagnosis.cleared:
            if group.known_by == query.cleared:
                of_group[group.rows] = True
        masks.append(of_group)
    if query.finding is not None:
        asked = [one for one in diagnosis.findings if one.rank == query.finding]
        of_finding = np.zeros(len(out), np.bool_)
        for one in asked:
            of_finding[one.rows] = True
        masks.append(of_finding)
    if query.by_process:
        masks.append(conclusions.of_processes(query, out.process, out.time_ns, snapshot.names))
    if query.thread is not None:
        masks.append(out.thread == query.thread)
    if query.endpoint is not None:
        masks.append(_of_endpoint(snapshot.context, query.endpoint, len(out)))
    if query.port is not None or query.keeper is not None:
        holder = Query(port=query.port, keeper=query.keeper)
        held = conclusions.held_by(diagnosis.held_requests, holder, snapshot.names)
        masks.append(_of_requests(snapshot.context, held, len(out)))
    if query.interval is not None:
        masks.append(made_then(out.time_ns, query.interval))
    return masks


def _of_requests(context: DiagnosisContext | None, held: HeldRequests, length: int) -> Mask:
    """What belongs to some held requests."""
    if context is None:
        return np.zeros(length, np.bool_)
    rows = places(held, context)
    mine = np.zeros(len(context.requests.requests) + 1, np.bool_)  # -1, for none, is the last
    mine[rows[rows >= 0]] = True
    return np.asarray(mine[context.attribution.request])


def _of_endpoint(context: DiagnosisContext | None, endpoint: int, length: int) -> Mask:
    """What belongs to a socket, or to a request that goes to it."""
    if context is None:
        return np.zeros(length, np.bool_)
    requests, sockets = context.requests.requests, context.requests.sockets
    is_socket = np.append(sockets.endpoint == np.uint64(endpoint), False)  # -1, for none, is the last
    is_request = np.append(is_socket[requests.socket] | (requests.endpoint == np.uint64(endpoint)), False)
    found = context.attribution
    return np.asarray(is_socket[found.socket] | is_request[found.request])
