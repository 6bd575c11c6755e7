"""The diagnosis of one moment: pending APCs, what they retain, and a verdict for all else that is outstanding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from analyzers.activity import Activity
from analyzers.apcs.groups import pending_groups
from analyzers.apcs.issuers import with_makers
from analyzers.apcs.line import line
from analyzers.apcs.packets import packets_of
from analyzers.apcs.pending import pending_rows
from analyzers.findings import NO_DIAGNOSIS, Diagnosis, Finding, Verdict
from analyzers.grounds import Grounds
from analyzers.requests.tables import RequestSnapshot
from analyzers.retention.attribution import attribute
from analyzers.retention.graph import build
from analyzers.snapshot import Frame, Names, PoolSnapshot
from analyzers.verdicts.accusation import Scene
from analyzers.verdicts.before import before_trace
from analyzers.verdicts.callers import causes_first, modules_below
from analyzers.verdicts.coverage import Coverage
from analyzers.verdicts.held_requests import accuse_thread, believable, explained, pending_apcs, with_unjoined
from analyzers.verdicts.unexplained import judge_unexplained
from tracer.live.counters import PoolCounters

_LIKELY: Final = 0.5
"""Findings at least as sure as this come before the others, whatever their size."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a diagnosis is made from. ``frame_of``: what lies at an address of the kernel's.

    ``baseline``: the pool's counters when the events began, ``None`` where they are not known.
    """

    pool: PoolSnapshot
    requests: RequestSnapshot
    activity: Activity
    names: Names
    coverage: Coverage
    frame_of: Callable[[int], Frame]
    processors: int
    at_ns: int
    baseline: PoolCounters | None = None


def diagnose(case: Case) -> tuple[Diagnosis, Grounds]:
    """Judge everything that is outstanding; gives the diagnosis and what it rests on."""
    pool, scene = case.pool, Scene(case.pool, case.names, case.coverage, case.frame_of)
    held = _hold(case, scene.module_of)
    if not len(pool.outstanding):
        return replace(NO_DIAGNOSIS, cleared=before_trace(pool, case.baseline)), held
    lost = case.coverage.lost
    threads = [group for group in pending_groups(held.pending, held.requests) if believable(group, held, lost)]
    findings = [accuse_thread(group, held, scene, lost) for group in threads]
    known = explained(held, threads)
    if lost:
        known = with_unjoined(pool, known)
    rest = judge_unexplained(scene, held, known, case.at_ns)
    cleared = [*rest.cleared, *before_trace(pool, case.baseline)]
    findings += rest.findings
    return Diagnosis(_ranked(findings, scene), tuple(cleared), pending_apcs(held, scene)), held


def _hold(case: Case, module_of: Callable[[int], str]) -> Grounds:
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
    retention = build(pool, requests.requests, requests.sockets, pending.rows, found, case.names.process, module_of)
    queue = line(requests.requests, case.activity, case.at_ns, pending, packets, found)
    return Grounds(requests, pending, queue, found, retention)


def _ranked(findings: list[Finding], scene: Scene) -> tuple[Finding, ...]:
    """Sure ones first, then by what they retain, weighed by confidence.

    What one thread's pending APCs explain comes before what else was allocated on that thread: the cause goes first.
    """
    causes = {each.thread_id for each in findings if each.verdict is Verdict.PENDING_APC}
    families: dict[int | None, list[Finding]] = {}
    for number, each in enumerate(findings):
        own = each.thread_id if each.thread_id in causes else -1 - number
        families.setdefault(own, []).append(each)
    by_weight = sorted(families.values(), key=lambda family: min(map(_weight, family)))
    flat = [
        each
        for family in by_weight
        for each in sorted(family, key=lambda each: (each.verdict is not Verdict.PENDING_APC, _weight(each)))
    ]
    ordered = causes_first(flat, modules_below(flat, scene.names, scene.module_of))
    return tuple(replace(each, rank=rank) for rank, each in enumerate(ordered, start=1))


def _weight(finding: Finding) -> tuple[bool, float, int]:
    return finding.confidence < _LIKELY, -finding.confidence * finding.retained_bytes, finding.tag
