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
from analyzers.retention.attribution import attribute
from analyzers.retention.graph import build
from analyzers.snapshot import Frame, Names, PoolSnapshot
from analyzers.verdicts.accusation import Scene, accuse
from analyzers.verdicts.before import before_trace
from analyzers.verdicts.callers import causes_first, modules_below
from analyzers.verdicts.confidence import LEAST
from analyzers.verdicts.course import Span
from analyzers.verdicts.coverage import Coverage
from analyzers.verdicts.groups import Group, groups
from analyzers.verdicts.held_requests import accuse_thread, believable, explained, pending_apcs, with_unjoined
from analyzers.verdicts.judgement import Judgement, judge_all
from analyzers.verdicts.merging import merged, without_nobodys
from analyzers.verdicts.on_sockets import OnSockets
from analyzers.verdicts.owners import owners
from analyzers.verdicts.resting import WHY, resting
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
    complete_ns = case.coverage.complete_from_ns
    span = Span(max(int(pool.sites.first_ns.min()), complete_ns), case.at_ns)
    known = explained(held, threads)
    if lost:
        known = with_unjoined(pool, known)
    rests = resting(pool, held.requests, held.attribution, known, case.processors, lost)
    early = (pool.outstanding.time_ns < complete_ns) & ~known & ~rests
    judged = judge_all(groups(pool, known | rests | early, complete_ns), pool.outstanding, span, lost)
    sockets = OnSockets.of(held)
    judged = merged((sockets.judged(each) for each in without_nobodys(judged)), pool)
    accusations = _accusations(judged, held, sockets, scene)
    findings += [finding for _, finding in accusations if finding.confidence >= LEAST]
    weak = [_too_weak(each, finding) for each, finding in accusations if finding.confidence < LEAST]
    cleared = [_cleared(each, pool) for each in (*judged, *weak) if each.verdict not in ACCUSATIONS]
    cleared += [*_set_aside(pool, rests, Verdict.CACHE, WHY), *before_trace(pool, case.baseline)]
    cleared += _set_aside(pool, early, Verdict.UNKNOWN, _when_incomplete(complete_ns))
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


def _accusations(
    judged: list[Judgement], held: Grounds, sockets: OnSockets, scene: Scene
) -> list[tuple[Judgement, Finding]]:
    """A finding for each accused group; what hangs on the same closed sockets is one finding, about their endpoints."""
    outstanding = scene.pool.outstanding
    accused = [each for each in judged if each.verdict in ACCUSATIONS]
    endpoints = next((each for each in accused if sockets.are_endpoints(each.rows)), None)
    whose = owners([each.rows for each in accused], outstanding, scene.pool.sites)
    findings = []
    for each, who in zip(accused, whose, strict=True):
        of_sockets = sockets.count(each.rows)
        part = sockets.make_up(each.rows, of_sockets)
        if part and endpoints is not None and each is not endpoints:
            continue
        node = held.retention.group_for(each.rows)
        path = held.retention.path(node) if node is not None else ()
        finding = accuse(each, who, scene, path=path, closed_sockets=of_sockets if part else 0)
        if part:
            finding = replace(finding, retained_bytes=sockets.with_them(each.rows, outstanding.size))
        findings.append((each, finding))
    return findings


def _too_weak(judgement: Judgement, finding: Finding) -> Judgement:
    why = f"it looks like {finding.verdict}, but hardly surer than chance ({finding.confidence:.0%})"
    return replace(judgement, verdict=Verdict.UNKNOWN, why=why)


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
