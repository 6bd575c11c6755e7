"""The diagnosis of one moment: pending APCs, what they retain, and a verdict for all else that is outstanding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.activity import Activity
from analyzers.apcs.groups import pending_groups
from analyzers.apcs.issuers import with_makers
from analyzers.apcs.line import line
from analyzers.apcs.packets import packets_of
from analyzers.apcs.pending import pending_rows
from analyzers.findings import ACCUSATIONS, NO_DIAGNOSIS, Cleared, Diagnosis, Finding, Verdict
from analyzers.grounds import Grounds
from analyzers.quantities import moment
from analyzers.requests.tables import RequestSnapshot
from analyzers.retention.attribution import Attribution, Rule, attribute
from analyzers.retention.graph import build
from analyzers.retention.retained import closed
from analyzers.snapshot import Names, PoolSnapshot
from analyzers.verdicts.accusation import Scene, accuse
from analyzers.verdicts.before import before_trace
from analyzers.verdicts.callers import causes_first
from analyzers.verdicts.confidence import LEAST
from analyzers.verdicts.course import FEWEST, Span
from analyzers.verdicts.coverage import Coverage
from analyzers.verdicts.groups import Group, groups
from analyzers.verdicts.held_requests import accuse_thread, believable, explained, pending_apcs, with_unjoined
from analyzers.verdicts.judgement import Judgement, judge_all
from analyzers.verdicts.merging import merged, without_nobodys
from analyzers.verdicts.resting import WHY, resting
from tracer.live.counters import PoolCounters

_MOST: Final = 0.8
"""Share of a group's survivors that belong to sockets from which the group is part of the sockets' leak."""
_LIKELY: Final = 0.5
"""Findings at least as sure as this come before the others, whatever their size."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a diagnosis is made from. ``module_of``: name of the module at a kernel address, empty for none.

    ``baseline``: the pool's counters when the events began, ``None`` where they are not known.
    """

    pool: PoolSnapshot
    requests: RequestSnapshot
    activity: Activity
    names: Names
    coverage: Coverage
    module_of: Callable[[int], str]
    processors: int
    at_ns: int
    baseline: PoolCounters | None = None


def diagnose(case: Case) -> tuple[Diagnosis, Grounds]:
    """Judge everything that is outstanding; gives the diagnosis and what it rests on."""
    pool, held = case.pool, _hold(case)
    if not len(pool.outstanding):
        return replace(NO_DIAGNOSIS, cleared=before_trace(pool, case.baseline)), held
    scene = Scene(pool, case.names, case.coverage, case.module_of)
    lost = case.coverage.lost
    threads = [group for group in pending_groups(held.pending, held.requests) if believable(group, held, lost)]
    findings = [accuse_thread(group, held, scene, lost) for group in threads]
    complete_ns = case.coverage.complete_from_ns
    span = Span(max(int(pool.sites.first_ns.min()), complete_ns), case.at_ns)
    known = explained(held, threads)
    if lost:
        known = with_unjoined(pool, known)
    rests = resting(pool, held.requests, held.attribution, known, case.processors, lost)
    early = (pool.outstanding.time_ns < complete_ns) & ~known & ~rests
    judged = judge_all(groups(pool, known | rests | early, complete_ns), pool.outstanding, span, lost)
    judged = merged((_with_sockets(each, held) for each in without_nobodys(judged)), pool)
    accusations = _accusations(judged, held, scene)
    findings += [finding for _, finding in accusations if finding.confidence >= LEAST]
    weak = [_too_weak(each, finding) for each, finding in accusations if finding.confidence < LEAST]
    cleared = [_cleared(each, pool) for each in (*judged, *weak) if each.verdict not in ACCUSATIONS]
    cleared += [*_set_aside(pool, rests, Verdict.CACHE, WHY), *before_trace(pool, case.baseline)]
    cleared += _set_aside(pool, early, Verdict.UNKNOWN, _when_incomplete(complete_ns))
    return Diagnosis(_ranked(findings, case.names), tuple(cleared), pending_apcs(held, scene)), held


def _hold(case: Case) -> Grounds:
    pool = case.pool
    told = with_makers(case.requests.requests, packets_of(pool, case.requests.requests))
    requests, packets = replace(case.requests, requests=told), packets_of(pool, told)
    pending = pending_rows(
        requests,
        case.activity,
        case.at_ns,
        packets,
        told.last_retired_ns,
        complete_from_ns=case.coverage.complete_from_ns,
        lost=case.coverage.lost,
    )
    found = attribute(pool.outstanding, pool.sites, pool.tags, requests.requests, requests.sockets, pending.rows)
    retention = build(
        pool, requests.requests, requests.sockets, pending.rows, found, case.names.process, case.module_of
    )
    queue = line(requests.requests, case.activity, case.at_ns, pending, packets, found)
    return Grounds(requests, pending, queue, found, retention)


def _rows(judgement: Judgement) -> npt.NDArray[np.intp]:
    return judgement.group.rows[: judgement.survivors.count]


def _of_closed_sockets(rows: npt.NDArray[np.intp], held: Grounds) -> npt.NDArray[np.bool_]:
    """By row of the outstanding table: whether it belongs to a socket that was closed and not cleaned up."""
    shut = np.append(closed(held.requests.sockets), np.False_)
    return np.asarray(shut[held.attribution.socket[rows]])


def _with_sockets(judgement: Judgement, held: Grounds) -> Judgement:
    """Endpoints of closed sockets should be gone, whether or not a sibling was ever freed."""
    rows = _rows(judgement)
    if judgement.verdict is not Verdict.GROWTH or not len(rows):
        return judgement
    share = float(np.mean(_of_closed_sockets(rows, held)))
    return replace(judgement, verdict=Verdict.MISSING_FREE) if share >= _MOST else judgement


def _accusations(judged: list[Judgement], held: Grounds, scene: Scene) -> list[tuple[Judgement, Finding]]:
    """A finding for each accused group; what hangs on the same closed sockets is one finding, about their endpoints."""
    accused = [each for each in judged if each.verdict in ACCUSATIONS]
    endpoints = [each for each in accused if _holds_endpoints(each, held.attribution)]
    findings = []
    for each in accused:
        rows = _rows(each)
        of_sockets = int(np.count_nonzero(_of_closed_sockets(rows, held)))
        part = of_sockets >= max(_MOST * len(rows), FEWEST)
        if part and endpoints and each is not endpoints[0]:
            continue
        node = held.retention.group_for(rows.astype(np.int32))
        path = held.retention.path(node) if node is not None else ()
        finding = accuse(each, scene, path=path, closed_sockets=of_sockets if part else 0)
        if part:
            finding = replace(finding, retained_bytes=_with_them(rows, held, scene))
        findings.append((each, finding))
    return findings


def _holds_endpoints(judgement: Judgement, attribution: Attribution) -> bool:
    rows = _rows(judgement)
    return bool(np.count_nonzero(attribution.rule[rows] == Rule.HOLDS_ENDPOINT) >= _MOST * len(rows))


def _too_weak(judgement: Judgement, finding: Finding) -> Judgement:
    why = f"it looks like {finding.verdict}, but hardly surer than chance ({finding.confidence:.0%})"
    return replace(judgement, verdict=Verdict.UNKNOWN, why=why)


def _with_them(rows: npt.NDArray[np.intp], held: Grounds, scene: Scene) -> int:
    """Bytes of all that belongs to the sockets of these rows."""
    sockets = np.unique(held.attribution.socket[rows])
    mine = np.isin(held.attribution.socket, sockets[sockets >= 0])
    mine[rows] = True
    return int(scene.pool.outstanding.size[mine].sum(dtype=np.uint64))


def _cleared(judgement: Judgement, pool: PoolSnapshot) -> Cleared:
    group: Group = judgement.group
    size = int(pool.outstanding.size[group.rows].sum(dtype=np.uint64))
    return Cleared(group.tag, group.paged, group.driver, judgement.verdict, len(group.rows), size, judgement.why)


def _set_aside(pool: PoolSnapshot, mask: npt.NDArray[np.bool_], verdict: Verdict, why: str) -> tuple[Cleared, ...]:
    """The marked rows of the outstanding table by group, all cleared for one reason."""
    found = []
    for group in groups(pool, ~mask):
        size = int(pool.outstanding.size[group.rows].sum(dtype=np.uint64))
        found.append(Cleared(group.tag, group.paged, group.driver, verdict, len(group.rows), size, why))
    return tuple(found)


def _when_incomplete(until_ns: int) -> str:
    return (
        f"allocated before {moment(until_ns)}, when the file has events of some processors only: "
        f"whether it was freed is not in it"
    )


def _ranked(findings: list[Finding], names: Names) -> tuple[Finding, ...]:
    """Sure ones first, then by what they retain, weighed by confidence.

    What one thread's pending APCs explain comes before what else was allocated on that thread: the cause goes first.
    """
    causes = {each.thread_id for each in findings if each.verdict is Verdict.PENDING_APC}
    families: dict[int | None, list[Finding]] = {}
    for number, each in enumerate(findings):
        own = each.thread_id if each.thread_id in causes else -1 - number
        families.setdefault(own, []).append(each)
    ordered = sorted(families.values(), key=lambda family: min(map(_weight, family)))
    flat = [
        each
        for family in ordered
        for each in sorted(family, key=lambda each: (each.verdict is not Verdict.PENDING_APC, _weight(each)))
    ]
    return tuple(replace(each, rank=rank) for rank, each in enumerate(causes_first(flat, names), start=1))


def _weight(finding: Finding) -> tuple[bool, float, int]:
    return finding.confidence < _LIKELY, -finding.confidence * finding.retained_bytes, finding.tag
