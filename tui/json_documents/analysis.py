"""The document of ``poolscope analyze``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzers.counter_snapshot import before
from analyzers.drain import Drain
from analyzers.factorize import sums
from analyzers.loss_bounds import LossBounds, Total
from analyzers.pool_tables import GroupRow, PoolSnapshot
from analyzers.pooltag import tag_hex, tag_text
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from analyzers.symbolization import NamesFound
from analyzers.verdicts.coverage import Coverage
from tracer.arrays import I64
from tracer.columns import UNKNOWN_ID
from tui.json_documents.findings import StackParts, cleared_part, findings_part, requests_parts
from tui.json_documents.info import bytes_part
from tui.json_documents.trace import damage_part, loss_part, trace_part
from tui.json_documents.writing import SCHEMA, Object, string


def evidence_part(coverage: Coverage | None, named: NamesFound | None = None) -> Object | None:
    """What there is, and what would record the rest; null where nothing was looked at."""
    if coverage is None:
        return None
    return {
        "pool": coverage.pool,
        "stacks": str(coverage.stacks_on),
        "context_switches": coverage.context_switches,
        "ready_threads": coverage.ready_threads,
        "irp": coverage.requests,
        "afd": coverage.sockets,
        "kernel_queues": coverage.queues,
        "images": coverage.images,
        "symbols": _named(named),
        "judged": coverage.judged,
        "record": coverage.record,
        "drain": None if coverage.drain is None else _drain_part(coverage.drain),
    }


def _drain_part(drain: Drain) -> Object:
    """From when on allocations do not count, and how that is known."""
    return {"from_ns": drain.from_ns, "to_ns": drain.to_ns, "frees": drain.frees, "by": str(drain.by)}


def _named(named: NamesFound | None) -> str:
    """How many of the frames that were to be named are: those of findings, and of what holds most."""
    if named is None or not named.named:
        return "none"
    return "all" if named.named == named.asked else "some"


def analysis_document(snapshot: Snapshot, filters: Query | None = None) -> Object:
    """The whole document of one trace.

    With filters, ``pool``'s lists hold the selection (outstanding numbers are the selection's,
    allocations, frees and peaks the trace's), so do ``held_requests``, ``findings`` and ``cleared``, and ``filter``
    says what was selected.
    """
    info = snapshot.info
    pending, held = requests_parts(snapshot.diagnosis.held_requests, info, snapshot.uncertain_until_ns)
    sites = snapshot.pool.sites
    most = _most_first(sites.outstanding_bytes)
    stacks = StackParts(snapshot.names, sites.stack[most][sites.outstanding_count[most] > 0])
    document: Object = {
        "schema": SCHEMA,
        "simulated": info.simulated,
        "partial": snapshot.partial,
        "finalised": info.finalised,
        "at_ns": snapshot.at_ns,
        "trace": trace_part(info),
        "loss": loss_part(snapshot.loss),
        "damage": damage_part(snapshot.damage),
        "bytes": bytes_part(snapshot.bytes),
        "evidence": evidence_part(snapshot.coverage, snapshot.named),
        "pool": pool_part(snapshot, stacks),
        "pending_apcs": pending,
        "held_requests": held,
        "findings": findings_part(snapshot, stacks),
        "cleared": cleared_part(snapshot),
    }
    if filters:
        document["filter"] = filter_part(filters, snapshot.pool)
    return document


def filter_part(filters: Query, pool: PoolSnapshot) -> Object:
    """What was asked for, and how much of what is outstanding it let through."""
    return {
        "tag": [string(word) for word in filters.tags],
        "process": [string(word) for word in filters.processes],
        "driver": [string(word) for word in filters.drivers],
        "function": [string(word) for word in filters.functions],
        "from_ns": filters.interval.from_ns if filters.interval else None,
        "to_ns": filters.interval.to_ns if filters.interval else None,
        "outstanding_count": len(pool.outstanding),
        "outstanding_bytes": int(pool.outstanding.size.sum(dtype=np.uint64)),
    }


def pool_part(snapshot: Snapshot, stacks: StackParts) -> Object:
    """The ledger's totals, and what is outstanding from four sides, most bytes first."""
    pool, bounds = snapshot.pool, snapshot.bounds()
    totals, was, open_by_tag = pool.totals, before_parts(snapshot), _uncertain(snapshot)
    return {
        "allocations": totals.allocations,
        "frees": totals.frees,
        "matched": totals.matched,
        "frees_without_allocation": totals.frees_without_allocation,
        "replaced_without_free": totals.replaced_without_free,
        "outstanding_count": totals.outstanding_count,
        "outstanding_bytes": totals.outstanding_bytes,
        "failed_allocations": totals.failed_allocations,
        **_uncertain_part(open_by_tag.sum(axis=1)),
        **intervals_part(bounds),
        "by_tag": [
            tag_part(pool, row) | was[row] | _uncertain_part(open_by_tag[:, row]) | intervals_part(bounds, row)
            for row in _most_first(pool.tags.outstanding_bytes)
        ],
        "by_stack": [
            _site_row(pool, row, stacks)
            for row in _most_first(pool.sites.outstanding_bytes)
            if pool.sites.outstanding_count[row]
        ],
        "by_process": [_process_row(row) for row in pool.by_process],
        "by_driver": [_group_row(row) for row in pool.by_driver],
    }


def _uncertain(snapshot: Snapshot) -> I64:
    """Number and bytes of the outstanding allocations that may have been freed in a gap: int64 (2, tags)."""
    pool = snapshot.pool
    rows = pool.outstanding.time_ns < snapshot.uncertain_until_ns
    tag, count = pool.sites.tag_row[pool.outstanding.site[rows]], len(pool.tags.tag)
    return np.stack([np.bincount(tag, minlength=count).astype(np.int64), sums(tag, pool.outstanding.size[rows], count)])


def _uncertain_part(uncertain: I64) -> Object:
    count, held = uncertain.tolist()
    return {"outstanding_uncertain_count": count, "outstanding_uncertain_bytes": held}


def intervals_part(bounds: LossBounds | None, row: int = -1) -> Object:
    """Of each total where those of the whole trace lie; null where nothing is missing, or only a part is selected."""
    every = {total: None if bounds is None else bounds.of(total, row) for total in Total}
    return {
        f"{total.name.lower()}_interval": None if each is None else [each.low, each.high]
        for total, each in every.items()
    }


def several_document(documents: Sequence[Object]) -> Object:
    """The document of several traces: theirs, in the order asked for; an unreadable one's holds path and error."""
    return {"schema": SCHEMA, "traces": list(documents)}


def _most_first(values: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> list[int]:
    return [int(row) for row in np.argsort(-values, kind="stable")]


def _tag_name(pool: PoolSnapshot, row: int) -> Object:
    tag = int(pool.tags.tag[row])
    return {"tag": tag_text(tag), "tag_hex": tag_hex(tag), "paged": bool(pool.tags.paged[row])}


def tag_part(pool: PoolSnapshot, row: int) -> Object:
    """One row of the tag table."""
    tags = pool.tags
    return (
        _tag_name(pool, row)
        | {
            "driver": string(tags.driver[row]),
            "description": string(tags.description[row]),
            "allocations": int(tags.allocations[row]),
            "frees": int(tags.frees[row]),
            "outstanding_count": int(tags.outstanding_count[row]),
            "outstanding_bytes": int(tags.outstanding_bytes[row]),
            "peak_bytes": int(tags.peak_bytes[row]),
        }
        | ({} if tags.failed is None else {"failed_allocations": int(tags.failed[row])})
    )


def before_parts(snapshot: Snapshot) -> list[Object]:
    """By tag row: what was allocated when the events began; nothing where that is not known."""
    was = before(snapshot)
    if was is None:
        return [{} for _ in snapshot.pool.tags.tag]
    rows = zip(was.count.tolist(), was.bytes.tolist(), strict=True)
    return [{"before_count": count, "before_bytes": held} for count, held in rows]


def _site_row(pool: PoolSnapshot, row: int, stacks: StackParts) -> Object:
    sites = pool.sites
    return _tag_name(pool, int(sites.tag_row[row])) | {
        "driver": string(sites.driver[row]),
        "allocations": int(sites.allocations[row]),
        "frees": int(sites.frees[row]),
        "outstanding_count": int(sites.outstanding_count[row]),
        "outstanding_bytes": int(sites.outstanding_bytes[row]),
        "first_ns": int(sites.first_ns[row]),
        "last_ns": int(sites.last_ns[row]),
        "stack": stacks.of(int(sites.stack[row])),
    }


def _process_row(row: GroupRow) -> Object:
    return {"id": None if row.id == UNKNOWN_ID else row.id} | _group_row(row)


def _group_row(row: GroupRow) -> Object:
    return {"name": string(row.name), "outstanding_count": row.count, "outstanding_bytes": row.bytes}
