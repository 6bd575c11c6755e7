"""Verdicts for what no held request explains: groups of allocations are judged, those of one cause together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Final

import numpy as np

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.findings import ACCUSATIONS, Cleared, Finding, Verdict, Why
from analyzers.formatting import moment
from analyzers.pool_tables import Outstanding, PoolSnapshot
from analyzers.processes import IDLE_PROCESS
from analyzers.retention.attribution import Rule
from analyzers.retention.retained import own_request
from analyzers.tags.caches import SYSTEM_CACHES
from analyzers.tags.callers import BUFFERS, IRP, LISTED
from analyzers.verdicts.accusation import DiagnosisInputs, accuse
from analyzers.verdicts.birth_pattern import Span
from analyzers.verdicts.causes import Accusation, united
from analyzers.verdicts.confidence import is_said
from analyzers.verdicts.gone import blocks_of_gone, judge_gone
from analyzers.verdicts.groups import Group, callers_sites, groups
from analyzers.verdicts.handle_tables import with_handle_tables
from analyzers.verdicts.in_step import in_step
from analyzers.verdicts.judgement import Judgement, judge_all
from analyzers.verdicts.late_frees import with_late_frees
from analyzers.verdicts.lookaside_irps import WHY, resting
from analyzers.verdicts.merging import merged, with_their_callers, without_nobodys
from analyzers.verdicts.on_sockets import OnSockets
from analyzers.verdicts.owners import Owners, owners
from analyzers.verdicts.passed_on import settled
from analyzers.verdicts.separates import callers_apart, compare_frames
from analyzers.verdicts.shares import Walked
from analyzers.verdicts.starting import with_starts
from tracer.arrays import Mask
from tracer.columns import UNKNOWN_ID
from tracer.data_classes import dataclass

_BY_RULE: Final[tuple[Callable[[Sequence[Judgement], DiagnosisInputs, DiagnosisContext], list[Judgement]], ...]] = (
    tuple(import_module(f"analyzers.verdicts.{verdict.rule}").judged for verdict in Verdict if verdict.rule)
)
_TAKEN_LATE: Final = "user APCs that their thread takes from time to time: it took the others"
_IN_INTERRUPTS: Final = "made by interrupts while a CPU was idle: the trace does not show for whom"
_JUDGED: Final = 0
_GONE: Final = 1
"""What cleared a group: its judgement, or that of what an unloaded driver left; what was set aside comes after them."""
_IN_DRAIN: Final = "allocated after the drain began, when allocations do not count"
_UNDER_WAY: Final = "held by requests that their drivers have not completed yet, in a number that is usual"


@dataclass(frozen=True, slots=True)
class Unexplained:
    """What is said of memory that no held request explains."""

    findings: list[Finding]
    cleared: list[Cleared]


def judge_unexplained(
    inputs: DiagnosisInputs, held: DiagnosisContext, known: Mask, late: Mask, at_ns: int
) -> Unexplained:
    """Judge the outstanding allocations that are not ``known`` (by row) to go with a held request, at ``at_ns``.

    ``late``: what goes with user APCs that their thread takes now and then. There must be an outstanding allocation.
    """
    pool, lost, complete_ns = inputs.pool, inputs.coverage.lost, inputs.coverage.complete_from_ns
    drain = inputs.coverage.drain
    span = Span(max(int(pool.sites.first_ns.min()), complete_ns), at_ns, 0 if drain is None else at_ns - drain.from_ns)
    unknown = np.append(held.held.held(), np.False_)[own_request(held.attribution, held.requests.requests)]
    released = np.append(held.held.is_held_by(Why.LIST), np.True_)[held.attribution.request]
    rests = resting(pool, held.requests, held.attribution, known | unknown, released, span, lost)
    rests &= ~late
    under_way = _under_way(pool, held) & ~known & ~rests & ~late
    early = (pool.outstanding.time_ns < complete_ns) & ~known & ~rests & ~under_way & ~late
    in_drain = (pool.outstanding.time_ns > span.until) & ~known & ~rests & ~under_way & ~early & ~late
    aside = known | rests | under_way | early | late | in_drain
    gone = blocks_of_gone(pool, inputs.modules, aside, inputs.frames_of)
    of_gone = judge_gone(pool, gone, span, lost, complete_ns)
    aside |= gone.mask
    apart = callers_apart(pool, aside, inputs.frames_of)
    judged = judge_all(groups(pool, aside, complete_ns, apart, span.counted_until), pool.outstanding, span, lost)
    sockets = OnSockets.of(held)
    judged = without_nobodys(judged)
    for by_rule in _BY_RULE:
        judged = by_rule(judged, inputs, held)
    judged = with_their_callers(judged, pool)
    judged = merged([*of_gone, *judged], pool)
    judged = compare_frames(judged, pool, inputs.frames_of, inputs.frame_of)
    accused = _Accused.of([each for each in judged if each.verdict in ACCUSATIONS], sockets, inputs, held)
    passed_on = settled(accused.groups, accused.families, pool)
    if passed_on is not None:
        accused = _Accused.of(passed_on[0], sockets, inputs, held)
    accused, caches = accused.without_caches()
    accusations = _accusations(accused, held, sockets, inputs)
    innocent = [each for each in judged if each.verdict not in ACCUSATIONS] + (passed_on[1] if passed_on else [])
    innocent += [_nobodys(each.judgement) for each in accusations if _interrupted(each)]
    accusations = [each for each in accusations if not _interrupted(each)]
    innocent += caches + [_too_weak(each) for each in accusations if not is_said(each.finding.confidence)]
    cleared = [
        _cleared(pool, each.group, each.verdict, each.why, _JUDGED if each.gone is None else _GONE)
        for each in with_late_frees(with_starts(innocent, inputs), drain)
    ]
    asides = (
        (rests, Verdict.CACHE, WHY),
        (under_way, Verdict.TRANSIENT, _UNDER_WAY),
        (late, Verdict.TRANSIENT, _TAKEN_LATE),
        (early, Verdict.UNKNOWN, _when_incomplete(complete_ns)),
        (in_drain, Verdict.UNKNOWN, _IN_DRAIN),
    )
    for aside_by, (mask, verdict, why) in enumerate(asides, start=_GONE + 1):
        cleared += [_cleared(pool, group, verdict, why, aside_by) for group in groups(pool, ~mask)]
    return Unexplained([each.finding for each in accusations if is_said(each.finding.confidence)], cleared)


def _under_way(pool: PoolSnapshot, held: DiagnosisContext) -> Mask:
    """By outstanding allocation: whether it belongs to a request in flight that a program made.

    A driver's own requests are judged like all that it allocates: it alone decides when they end.
    """
    in_flight = np.append(held.held.is_held_by(Why.IN_FLIGHT), np.False_)
    drivers_own = (pool.tags.tag == IRP)[pool.sites.tag_row] & ~callers_sites(pool)
    mine = in_flight[own_request(held.attribution, held.requests.requests)]
    return np.asarray(mine & ~drivers_own[pool.outstanding.site])


@dataclass(frozen=True, slots=True)
class _Accused:
    """Accused groups, whose each is, and which have one cause: places in families."""

    groups: list[Judgement]
    whose: list[Owners]
    families: list[list[int]]

    @classmethod
    def of(
        cls, groups: list[Judgement], sockets: OnSockets, inputs: DiagnosisInputs, held: DiagnosisContext
    ) -> _Accused:
        """One cause are a process' closed sockets, or what the steps of a program leave behind."""
        outstanding = _in_use_by(inputs.pool.outstanding, held)
        whose = owners([each.rows for each in groups], outstanding, inputs.pool.sites, inputs.names)
        listed = {number for number, each in enumerate(groups) if each.group.tag in LISTED | BUFFERS}
        families = in_step([each.rows for each in groups], whose, outstanding, listed)
        return cls(groups, whose, with_handle_tables(sockets.joined(families, groups, whose), groups))

    def without_caches(self) -> tuple[_Accused, list[Judgement]]:
        """The causes that are more than growth of the system's caches, and the groups of those that are not.

        What hangs on something else that stays, such as a file that is never closed, is not trimmed.
        """
        cached = {number for number, each in enumerate(self.groups) if each.group.tag in SYSTEM_CACHES}
        families = [family for family in self.families if not cached.issuperset(family)]
        cleared = [number for family in self.families if cached.issuperset(family) for number in family]
        innocent = [
            replace(self.groups[number], verdict=Verdict.CACHE, why=SYSTEM_CACHES[self.groups[number].group.tag].why)
            for number in cleared
        ]
        return replace(self, families=families), innocent


def _in_use_by(outstanding: Outstanding, held: DiagnosisContext) -> Outstanding:
    """The allocations, IRPs with the thread and process whose request is in them.

    An IRP goes from one program to another over lookaside lists: who once allocated it has nothing to do with it.
    """
    requests, attribution = held.requests.requests, held.attribution
    rows = np.flatnonzero((attribution.rule == Rule.HOLDS_IRP) & (attribution.request >= 0))
    rows = rows[requests.thread[attribution.request[rows]] != UNKNOWN_ID]
    thread, process = outstanding.thread.copy(), outstanding.process.copy()
    thread[rows], process[rows] = (column[attribution.request[rows]] for column in (requests.thread, requests.process))
    return replace(outstanding, thread=thread, process=process)


def _accusations(
    accused: _Accused, held: DiagnosisContext, sockets: OnSockets, inputs: DiagnosisInputs
) -> list[Accusation]:
    """An accusation for each cause."""
    outstanding = inputs.pool.outstanding
    single = []
    rows = [each.rows for each in accused.groups]
    shut = [count if sockets.make_up(mine, count) else 0 for mine in rows for count in [sockets.count(mine)]]
    nodes = held.retention.groups_for(rows)
    columns = accused.groups, accused.whose, Walked.of(rows, inputs.pool), rows, shut, nodes
    for each, who, walked, mine, closed, node in zip(*columns, strict=True):
        path = held.retention.path(node, len(mine))
        single.append(Accusation(each, accuse(each, who, walked, inputs, path=path, closed_sockets=closed)))
    irps = {each.group.process for each in accused.groups if each.group.callers and each.group.tag == IRP}
    causes = []
    for family in accused.families:
        members = [single[number] for number in family]
        with_them = None
        if any(shut[number] for number in family):
            with_them = sockets.with_them(np.concatenate([rows[number] for number in family]), outstanding.size)
        causes.append(united(members, inputs, irps, with_them))
    return causes


def _interrupted(accusation: Accusation) -> bool:
    """Whether the culprit would be who asked, and that is only the idle process: an interrupt came while it ran."""
    group = accusation.judgement.group
    return group.callers and group.process == IDLE_PROCESS and accusation.finding.process_id is None


def _nobodys(judgement: Judgement) -> Judgement:
    return replace(judgement, verdict=Verdict.UNKNOWN, why=_IN_INTERRUPTS)


def _too_weak(accusation: Accusation) -> Judgement:
    finding = accusation.finding
    why = f"it may be a leak, but that is only {finding.confidence * 100:.0f} % sure"
    return replace(accusation.judgement, verdict=Verdict.UNKNOWN, why=why)


def _cleared(pool: PoolSnapshot, group: Group, verdict: Verdict, why: str, how: int) -> Cleared:
    """``how``: a number of what cleared it; groups that different things clear may share their place in the code."""
    size = int(pool.outstanding.size[group.rows].sum(dtype=np.uint64))
    place = int(pool.sites.frame[group.sites[0]])
    known_by = (group.tag, int(group.paged), place, group.process, group.apart, how)
    rows = group.rows.astype(np.int64)
    return Cleared(group.tag, group.paged, group.driver, verdict, len(rows), size, why, known_by, rows)


def _when_incomplete(until_ns: int) -> str:
    return (
        f"allocated before {moment(until_ns)}; until then the file has events of some processors only, so a free may be"
        " missing"
    )
