"""The diagnosis of one moment: what holds requests, what that retains, and a verdict for all else outstanding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from analyzers.activity import Activity
from analyzers.diagnosis_context import DiagnosisContext
from analyzers.findings import NO_DIAGNOSIS, OF_REQUESTS, Accused, Cleared, Diagnosis, Finding, Why
from analyzers.holders.evidence import Machine, gather
from analyzers.holders.held_groups import held_groups
from analyzers.holders.holding import holding
from analyzers.holders.port import ports
from analyzers.holders.user_apc import taken_now_and_then
from analyzers.modules import FrameTable, Modules
from analyzers.pool_tables import Frame, Names, PoolSnapshot
from analyzers.requests.tables import RequestSnapshot
from analyzers.retention.attribution import attribute
from analyzers.retention.graph import build
from analyzers.threads import Threads
from analyzers.verdicts.accusation import DiagnosisInputs, Started, never_seen
from analyzers.verdicts.call_order import causes_first, modules_below
from analyzers.verdicts.confidence import is_likely, is_said
from analyzers.verdicts.coverage import Coverage
from analyzers.verdicts.held_requests import accuse_held, believable, belonging, held_requests, with_unjoined
from analyzers.verdicts.late_frees import freed_late
from analyzers.verdicts.pre_trace import before_trace
from analyzers.verdicts.unexplained import judge_unexplained
from tracer.arrays import I32
from tracer.data_classes import dataclass
from tracer.live.counters import PoolCounters


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a diagnosis is made from. ``frame_of``: what lies at a place of the kernel's.

    ``frames_of``: the frames of many stacks; ``modules``: all images. ``has_names``: frames may have functions' names.
    ``started``: when the process that had an id at a
    time was started, ``None`` for before the trace.
    ``baseline``: the pool's counters when the events began, ``None`` where they are not known.
    """

    pool: PoolSnapshot
    requests: RequestSnapshot
    activity: Activity
    threads: Threads
    names: Names
    coverage: Coverage
    frame_of: Callable[[int], Frame]
    frames_of: Callable[[I32], FrameTable]
    modules: Modules
    pointer_size: int
    at_ns: int
    has_names: bool = False
    started: Started = never_seen
    baseline: PoolCounters | None = None


def diagnose(case: Case) -> tuple[Diagnosis, DiagnosisContext]:
    """Judge everything that is outstanding; gives the diagnosis and what it rests on."""
    pool, inputs = case.pool, _scene(case)
    held = _hold(case, inputs.module_of)
    if not len(pool.outstanding):
        return replace(NO_DIAGNOSIS, cleared=_nothing_left(case)), held
    lost = case.coverage.lost
    findings = []
    known, late = np.zeros((2, len(pool.outstanding)), np.bool_)
    for group in held_groups(held.held, inputs.module_of):
        goes = belonging(group, held, pool)
        if group.why in {Why.USER_APC, Why.UNKNOWN} and taken_now_and_then(group):
            late |= goes
            continue
        if not believable(group, lost):
            continue
        finding = accuse_held(group, goes, held, inputs, lost)
        if finding is not None and is_said(finding.confidence):
            findings.append(finding)
            known |= goes
    if lost:
        known = with_unjoined(pool, known)
    inputs = replace(inputs, released=held.held.evidence.by_name.released)
    rest = judge_unexplained(inputs, held, known, late & ~known, case.at_ns)
    findings += rest.findings
    cleared = (*rest.cleared, *_nothing_left(case))
    return Diagnosis(_ranked(findings, inputs), cleared, held_requests(held, inputs)), held


def _nothing_left(case: Case) -> tuple[Cleared, ...]:
    """Cleared groups of which nothing is outstanding: late frees, and frees of what was there before."""
    return (*freed_late(case.pool, case.coverage.drain), *before_trace(case.pool, case.baseline))


def _scene(case: Case) -> DiagnosisInputs:
    return DiagnosisInputs(
        case.pool,
        case.names,
        case.coverage,
        case.frame_of,
        case.frames_of,
        case.modules,
        case.started,
        case.at_ns,
        case.threads,
        case.has_names,
    )


def _hold(case: Case, module_of: Callable[[int], str]) -> DiagnosisContext:
    pool, cover = case.pool, case.coverage
    start = int(pool.sites.first_ns.min()) if len(pool.sites.first_ns) else 0
    start = max(start, cover.complete_from_ns)
    drained_ns = 0 if cover.drain is None else case.at_ns - cover.drain.from_ns
    machine = Machine(case.at_ns, start, case.pointer_size, cover.complete_from_ns, cover.lost, drained_ns)
    seen = gather(pool, case.requests, case.activity, machine, case.names if case.has_names else None)
    held = holding(seen, ports(pool, seen.snapshot, case.threads, start, case.at_ns), module_of)
    requests, sockets = seen.requests, seen.snapshot.sockets
    found = attribute(
        pool.outstanding, pool.sites, pool.tags, requests, sockets, ~held.is_held_by(Why.LIST), held.bare()
    )
    retention = build(pool, held, found, case.names, module_of)
    return DiagnosisContext(held, found, retention)


def _ranked(findings: list[Finding], inputs: DiagnosisInputs) -> tuple[Finding, ...]:
    """Sure ones first, then by what they retain, weighed by confidence.

    What one thread's or port's held requests explain comes before what else that thread, or that port's program, keeps:
    the cause goes first.
    """
    held = [each for each in findings if each.verdict in OF_REQUESTS]
    threads = {each.thread_id: number for number, each in enumerate(held) if each.thread_id is not None}
    processes = {each.process_id: number for number, each in enumerate(held) if each.accused is Accused.PORT}
    families: dict[int, list[Finding]] = {}
    for number, each in enumerate(findings):
        own = None if each.thread_id is None else threads.get(each.thread_id)
        if own is None and (each.accused is Accused.PORT or (each.accused is Accused.PROCESS and not each.driver)):
            own = processes.get(each.process_id)
        families.setdefault(-1 - number if own is None else own, []).append(each)
    by_weight = sorted(families.values(), key=lambda family: min(map(_weight, family)))
    flat = [
        each
        for family in by_weight
        for each in sorted(family, key=lambda each: (each.verdict not in OF_REQUESTS, _weight(each)))
    ]
    ordered = causes_first(flat, modules_below(flat, inputs.frames_of))
    return tuple(replace(each, rank=rank) for rank, each in enumerate(ordered, start=1))


def _weight(finding: Finding) -> tuple[bool, float, int]:
    return not is_likely(finding.confidence), -finding.confidence * finding.retained_bytes, finding.tag
