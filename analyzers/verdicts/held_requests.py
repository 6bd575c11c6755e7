"""Accusations over held requests: of a thread's program, of a port, of a driver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.findings import (
    WHYS,
    Apc,
    EventRef,
    Evidence,
    Finding,
    GroupShare,
    HeldRequest,
    HeldRequests,
    PortPart,
    Why,
    codes_of,
)
from analyzers.formatting import agreeing, counted, duration, size
from analyzers.holders.exclusions import explanations
from analyzers.holders.held import HeldGroup
from analyzers.holders.holding import RULES
from analyzers.holders.lookaside import list_of
from analyzers.holders.registry import HOLDERS
from analyzers.loss_model import LossRate
from analyzers.modules import KERNEL_NAME
from analyzers.policy import COURSE, HELD, PARTS, RESTING, SURENESS
from analyzers.pool_tables import Names, PoolSnapshot
from analyzers.pooltag import tag_text
from analyzers.requests.tables import NEVER, RequestSnapshot
from analyzers.retention.attribution import Rule
from analyzers.retention.retained import closed, own_request
from analyzers.tags.callers import ENDPOINT, IRP, PORT_PACKET, SOCKETS, tag_number
from analyzers.trends.rank_tests import theil_sen
from analyzers.verdicts.accusation import DiagnosisInputs, pool_event
from analyzers.verdicts.confidence import Confidence, Doubt, Weight, confidence
from analyzers.verdicts.coverage import Stacks
from analyzers.verdicts.in_step import follows
from analyzers.verdicts.lengths import held_weight
from tracer.arrays import I32, I64, U32, U64, Mask, Rows, unique

_MDL: Final = tag_number("Mdl ")
_EXAMPLES: Final = 3
"""Requests that are shown as evidence, event by event."""
_POINTS: Final = 64
"""Moments at which the retained bytes are taken for their trend."""
_HOUR_NS: Final = 3.6e12


def believable(group: HeldGroup, lost: float) -> bool:
    """Whether anybody is accused over a group; ``lost``: share of events lost, which may have hidden a retirement."""
    if group.why is Why.PORT and not group.steady:
        return False
    if group.why is Why.UNKNOWN and not group.steady:
        return False
    if group.why is Why.USER_APC and not group.steady:
        many = _most_of_one_list(group) if group.at_once else len(group)
        if many <= RESTING.far_too_many:
            return False
    fewest = HELD.fewest_apcs if group.why in {Why.USER_APC, Why.UNKNOWN} else HELD.fewest
    return len(group) >= fewest and len(group) > _unseen(group, lost)


def _most_of_one_list(group: HeldGroup) -> int:
    """How many of the group's IRPs would rest on the same lookaside list, if they did."""
    lists = list_of(group.seen.requests.issued_cpu, group.seen.blocks.size)[group.rows]
    return int(np.unique(lists, return_counts=True)[1].max(initial=0))


def _unseen(group: HeldGroup, lost: float) -> float:
    """How many of the group's requests may look held because the event that retired them was lost."""
    rate, requests, sources = LossRate(lost), group.seen.requests, group.seen.snapshot.sources
    if group.why is Why.PORT:
        return rate.explained(int(sources.inserted.sum()))
    of_kind = int(np.append(group.seen.snapshot.kinds.completed, 0)[group.kinds].sum())
    if group.why is Why.DRIVER_KEPT:
        return rate.explained(len(group) + of_kind)
    completed = int(requests.thread_completed[group.rows].max(initial=0)) or len(group)
    if group.why is not Why.USER_APC:
        return rate.explained(completed)
    # A request that went into a port is one where that event was lost.
    completed += int(sources.inserted[sources.thread == group.thread].sum())
    alike = int(np.count_nonzero(np.isin(requests.kind, group.kinds)))
    return max(rate.explained(completed), rate.explained(of_kind) * len(group) / max(alike, 1))


def belonging(group: HeldGroup, held: DiagnosisContext, pool: PoolSnapshot) -> Mask:
    """By outstanding allocation: whether it would be released with the group's requests."""
    requests, attribution = held.requests.requests, held.attribution
    mine = np.zeros(len(requests) + 1, np.bool_)  # the last one stands for none
    mine[group.rows] = True
    keeps = np.append(held.held.keeps(), np.False_) & mine
    sockets = np.zeros(len(held.requests.sockets) + 1, np.bool_)
    sockets[requests.socket[keeps[:-1]]] = True
    sockets[-1] = False
    sockets[:-1] &= closed(held.requests.sockets)
    own = mine[own_request(attribution, requests)]
    result = own | sockets[attribution.socket]
    if group.port is not None:
        result[group.port.blocks] = True
    result |= _in_step_with_sockets(pool, result)
    return np.asarray(result | _descriptor_lists_used_again(pool, result, group))


def _in_step_with_sockets(pool: PoolSnapshot, mine: Mask) -> Mask:
    """By outstanding allocation: whether it is a part of the sockets that are ``mine``, made where no thread tells.

    What the socket drivers make when a connection comes in, for one, is made by whoever is interrupted.
    """
    out, tags = pool.outstanding, pool.tags.tag[pool.sites.tag_row]
    result = np.zeros(len(out), np.bool_)
    sockets = np.flatnonzero(mine & (tags == ENDPOINT)[out.site])
    for tag in sorted(SOCKETS - {ENDPOINT}) if len(sockets) >= COURSE.fewest else ():
        rows = np.flatnonzero(~mine & (tags == tag)[out.site])
        nobody = np.zeros(max(len(rows), len(sockets)), np.uint32)
        ours, others = (out.time_ns[rows], nobody[: len(rows)]), (out.time_ns[sockets], nobody[: len(sockets)])
        if len(rows) >= COURSE.fewest and follows(*ours, *others):
            result[rows[_abreast(ours[0], others[0])]] = True
    return result


def _descriptor_lists_used_again(pool: PoolSnapshot, mine: Mask, group: HeldGroup) -> Mask:
    """By outstanding allocation: whether it is a descriptor list that was made for an earlier request, and used again.

    They rest on lists of their own in between, which no event tells. So where most of what a site has left is the
    group's, the rest is too, as far as there are requests without one.
    """
    out = pool.outstanding
    lists = (pool.tags.tag == _MDL)[pool.sites.tag_row][out.site]
    result = np.zeros(len(out), np.bool_)
    for site in unique(out.site[lists & mine]).tolist():
        of_site = lists & (out.site == site)
        ours, others = np.count_nonzero(of_site & mine), np.flatnonzero(of_site & ~mine)
        if len(others) <= min(len(group.rows) - ours, ours):
            result[others] = True
    return result


def _abreast(births: I64, others: I64) -> slice:
    """The births in a row, as many as the others where there are more, that lie closest to these, one to one."""
    spare = len(births) - len(others)
    if spare <= 0:
        return slice(0, len(births))
    apart = [abs(float(np.median(births[first : first + len(others)] - others))) for first in range(spare + 1)]
    first = int(np.argmin(apart))
    return slice(first, first + len(others))


def with_unjoined(pool: PoolSnapshot, known: Mask) -> Mask:
    """``known``, and what a thread allocated at a place where most of its blocks are known.

    Where events were lost, so were some of those that join a block to its request or its socket.
    """
    out = pool.outstanding
    sites = pool.sites
    keys = np.stack((sites.frame[out.site], sites.tag_row[out.site].astype(np.uint64), out.thread.astype(np.uint64)))
    _, group = np.unique(keys, axis=1, return_inverse=True)
    group = group.reshape(-1)
    share = np.bincount(group, weights=known) / np.bincount(group)
    return np.asarray(known | (share[group] > PARTS.most), np.bool_)


def accuse_held(
    group: HeldGroup, goes: Mask, held: DiagnosisContext, inputs: DiagnosisInputs, lost: float
) -> Finding | None:
    """The finding about one group; ``None`` where the trace shows no allocation of what it holds.

    ``goes``: by outstanding allocation, whether it would be released with it (:func:`belonging`).
    """
    pool = inputs.pool
    irps = _irps(group, held)
    if not len(irps):  # they come from lists that were filled before the trace: what goes with them tells
        irps = np.flatnonzero(goes)
    if not len(irps):
        return None
    tag_rows = pool.sites.tag_row[pool.outstanding.site[irps]]
    tag_row = int(np.bincount(tag_rows).argmax())
    alike = irps[tag_rows == tag_row]
    sizes = pool.outstanding.size
    retained = int(sizes[goes].sum(dtype=np.uint64))
    sure = _confidence(group, inputs, lost)
    weights = np.concatenate((held.retention.by_request[group.rows], _mini_sizes(group, sizes)))
    rate, interval = _rate(weights, group.times_ns)
    [node] = held.retention.groups_for([alike])
    name = _process_name(group, inputs)
    holder = HOLDERS[group.why]
    apc = {Why.USER_APC: Apc.USER, Why.SPECIAL_APC: Apc.SPECIAL_KERNEL}.get(group.why)
    told = apc is not None or group.kept is not None or group.why in {Why.PORT, Why.UNKNOWN}
    return Finding(
        rank=0,
        verdict=holder.verdict,
        confidence=sure.value,
        tag=int(pool.tags.tag[tag_row]),
        paged=bool(pool.tags.paged[tag_row]),
        count=len(alike),
        bytes=int(sizes[alike].sum(dtype=np.uint64)),
        retained_bytes=retained,
        bytes_per_hour=rate,
        bytes_per_hour_interval=interval,
        process_id=group.process,
        process=name,
        thread_id=group.thread,
        driver=_driver(group, inputs),
        stack=_usual(pool.sites.stack[pool.outstanding.site[alike]]),
        user_stack=_usual(pool.outstanding.user_stack[alike]),
        path=held.retention.path(node, len(alike)) if node is not None else (),
        evidence=_evidence(group, held, inputs, alike, retained),
        doubts=sure.doubts,
        advice=holder.advice(group, name),
        accused=holder.accuses,
        apc=apc,
        port=_port_part(group, name),
        kept=group.kept,
        holder=None if told else group.why,
        explanations=explanations(group, holder.says(group)),
        groups=_groups(goes, tag_row, pool),
        rows=np.flatnonzero(goes),
    )


def _driver(group: HeldGroup, inputs: DiagnosisInputs) -> str:
    """Who keeps the requests, else who was called; nobody where it is not told what holds them."""
    if group.driver or group.why is Why.UNKNOWN or not len(group.rows):
        return group.driver
    return _called(group.seen.requests.routine[group.rows], inputs)


def _irps(group: HeldGroup, held: DiagnosisContext) -> Rows:
    """Rows of the outstanding table: the IRPs of the group, oldest first."""
    holds = (held.attribution.rule == Rule.HOLDS_IRP) & np.isin(held.attribution.request, group.rows)
    if group.port is not None:
        holds[group.port.blocks] = True
    return np.flatnonzero(holds)


def _mini_sizes(group: HeldGroup, sizes: U64) -> I64:
    return sizes[group.port.blocks].astype(np.int64) if group.port is not None else np.zeros(0, np.int64)


def _usual(stacks: I32) -> int:
    """The stack that most of those have which have one, -1 for none."""
    known = stacks[stacks >= 0]
    return int(np.bincount(known).argmax()) if len(known) else -1


def _process_name(group: HeldGroup, inputs: DiagnosisInputs) -> str:
    if group.process is None:
        return ""
    return inputs.names.process(group.process, int(group.times_ns.max()))


def _port_part(group: HeldGroup, name: str) -> PortPart | None:
    here = group.port
    if here is None:
        return None
    return PortPart(here.number, group.process, name, here.enqueued_by, here.dequeued_by, here.waiting)


def _groups(goes: Mask, head: int, pool: PoolSnapshot) -> tuple[GroupShare, ...]:
    """All that goes with the cause by tag and driver, the finding's own tag first."""
    out, sites, tags = pool.outstanding, pool.sites, pool.tags
    rows = np.flatnonzero(goes)
    names, of_site = codes_of(sites.driver)[::-1]
    keys = (sites.tag_row[out.site[rows]].astype(np.int64) << 32) | of_site[out.site[rows]]
    found = []
    for key in unique(keys).tolist():
        mine = rows[keys == key]
        tag, driver = key >> 32, names[key & 0xFFFFFFFF]
        total = int(out.size[mine].sum(dtype=np.uint64))
        nobodys = "" if driver == KERNEL_NAME else driver
        share = GroupShare(int(tags.tag[tag]), bool(tags.paged[tag]), len(mine), total, nobodys)
        found.append((tag != head, -total, share))
    return tuple(share for *_, share in sorted(found, key=lambda each: each[:2]))


def _confidence(group: HeldGroup, inputs: DiagnosisInputs, lost: float) -> Confidence:
    cover, holder = inputs.coverage, HOLDERS[group.why]
    held_against = {Doubt.NO_CALLS: cover.stacks_on is Stacks.NONE, Doubt.WRAPPED: cover.wrapped}
    doubts = [doubt for doubt, holds in held_against.items() if holds]
    own = [Weight(factor, says) for factor, says in holder.doubts(group)]
    bounded = group.why is Why.SPECIAL_APC
    length = [] if bounded else [held_weight(holder.verdict, group.oldest_ns)]
    sure = confidence(holder.verdict, [*own, *length, *doubts], count=len(group), explained=_unseen(group, lost))
    return replace(sure, value=min(sure.value, SURENESS.special_apcs)) if bounded else sure


def _called(routines: U64, inputs: DiagnosisInputs) -> str:
    """The driver that most of the requests were sent to, by its dispatch routine."""
    values, counts = np.unique(routines, return_counts=True)
    driver = inputs.module_of(int(values[counts.argmax()]))
    return "" if driver == KERNEL_NAME else driver


def _rate(retained: I64, times_ns: I64) -> tuple[float, tuple[float, float]]:
    """Bytes per hour that pile up, with a 95 % interval, from when each request began to be held."""
    order = np.argsort(times_ns, kind="stable")
    level = np.cumsum(retained[order])
    at = unique(np.linspace(0, len(order) - 1, _POINTS).round().astype(np.int64))
    slope = theil_sen(times_ns[order][at].astype(np.float64), level[at])
    return slope.per_ns * _HOUR_NS, (slope.low * _HOUR_NS, slope.high * _HOUR_NS)


def _evidence(
    group: HeldGroup, held: DiagnosisContext, inputs: DiagnosisInputs, irps: Rows, retained: int
) -> tuple[Evidence, ...]:
    return (
        *_requests_say(group, held),
        *HOLDERS[group.why].evidence(group),
        Evidence(
            "not-freed",
            f"none of their IRPs was freed; {_outstanding(group, inputs.pool, irps)}",
            tuple(pool_event(inputs.pool.outstanding, row) for row in irps[:_EXAMPLES].tolist()),
        ),
        Evidence("retained", f"{size(retained)} would be released with them", inferred=True),
    )


def _outstanding(group: HeldGroup, pool: PoolSnapshot, blocks: Rows) -> str:
    """Which blocks show it: IRPs from lookaside lists have no allocation in the trace, only what goes with them."""
    tag = int(pool.tags.tag[pool.sites.tag_row[pool.outstanding.site[blocks[0]]]])
    if tag not in {IRP, PORT_PACKET}:
        stay = agreeing(len(blocks), "block stays", "blocks stay")
        return f"they came from lookaside lists; {len(blocks):,} {tag_text(tag).strip()} {stay} with them"
    entries = len(group) if group.port is None else group.port.waiting
    if len(blocks) >= entries:
        return f"{counted(len(blocks), 'block is', 'blocks are')} outstanding"
    allocated = f"{len(blocks):,} {agreeing(len(blocks), 'was', 'were')} allocated in this trace"
    return f"{allocated}, the others came from lookaside lists"


def _requests_say(group: HeldGroup, held: DiagnosisContext) -> Iterator[Evidence]:
    """How many there are, and since when."""
    if not len(group.rows):
        return
    whose = f" of thread {group.thread}" if group.thread is not None else ""
    done = "completed" if group.number(group.seen.completed) else "issued"
    when = f"{duration(group.oldest_ns)} before the end"
    if len(group.rows) > 1:
        when = f"the oldest {duration(group.oldest_ns)} and the newest {duration(group.newest_ns)} before the end"
    yield Evidence(
        done,
        f"{counted(len(group.rows), 'request')}{whose} {agreeing(len(group.rows), 'was', 'were')} {done}, {when}",
        tuple(
            event
            for both in request_events(held.requests, group.rows[:_EXAMPLES])
            for event in both
            if event is not None
        ),
    )


def request_events(requests: RequestSnapshot, rows: Rows) -> Iterator[tuple[EventRef, EventRef | None]]:
    """Where each of some requests was issued and where it was completed, ``None`` where it was not."""
    table = requests.requests
    issued = _events(table.issued_ns[rows], table.issued_cpu[rows], table.issued_offset[rows])
    completed = _events(table.completed_ns[rows], table.completed_cpu[rows], table.completed_offset[rows])
    for first, second in zip(issued, completed, strict=True):
        yield first, second if second.time_ns != NEVER else None


def _events(time_ns: Rows, cpu: Rows, offset: Rows) -> list[EventRef]:
    columns = zip(time_ns.tolist(), cpu.tolist(), offset.tolist(), strict=True)
    return [EventRef(at, "irp", where, place) for at, where, place in columns]


def held_requests(held: DiagnosisContext, inputs: DiagnosisInputs) -> HeldRequests:
    """Every held request, oldest first."""
    table, seen = held.requests.requests, held.held.evidence
    rows = np.flatnonzero(held.held.held())
    process, processes = _process_names(table.process[rows], table.issued_ns[rows], inputs.names)
    driver, drivers = _drivers(held.held.keeper()[rows], inputs)
    irp, endpoint, age_ns = table.irp[rows], table.endpoint[rows], seen.age_ns[rows]
    why, rule, number = held.held.why[rows], held.held.rule[rows], held.held.port[rows]
    retained, since = held.retention.by_request[rows], seen.since

    def make(place: int) -> HeldRequest:
        row = int(rows[place])
        ((issued, completed),) = request_events(held.requests, rows[place : place + 1])
        return HeldRequest(
            irp=int(irp[place]),
            match_id=int(table.match_id[row]),
            why=WHYS[why[place]],
            thread_id=int(table.thread[row]),
            process_id=int(table.process[row]),
            process=processes[process[place]],
            issued_ns=issued.time_ns,
            completed_ns=None if completed is None else completed.time_ns,
            age_ns=int(age_ns[place]),
            since=since.code(row),
            says=since.words(row),
            endpoint=int(endpoint[place]),
            port=int(number[place]),
            driver=drivers[driver[place]],
            retained_bytes=int(retained[place]),
            rule=tuple(RULES)[rule[place]],
            inferred=WHYS[why[place]] is not Why.PORT or not held.requests.seen_queues,
            issued=issued,
            completed=completed,
        )

    return HeldRequests(
        irp=irp,
        match_id=table.match_id[rows].astype(np.int64),
        why=why,
        thread_id=table.thread[rows].astype(np.int64),
        process_id=table.process[rows].astype(np.int64),
        process=process,
        processes=processes,
        issued_ns=table.issued_ns[rows],
        completed_ns=table.completed_ns[rows],
        age_ns=age_ns,
        since=since.what[rows],
        endpoint=endpoint,
        port=number.astype(np.int64),
        driver=driver,
        drivers=drivers,
        retained_bytes=retained,
        rule=rule,
        rules=tuple(RULES),
        rows=np.arange(len(rows)),
        make=make,
    )


def _drivers(routines: U64, inputs: DiagnosisInputs) -> tuple[I64, tuple[str, ...]]:
    """The driver of each routine, as a code and what the codes stand for."""
    distinct, place = np.unique(routines, return_inverse=True)
    code, names = codes_of([inputs.module_of(routine) for routine in distinct.tolist()])
    return (code[place] if len(routines) else code), names


def _process_names(processes: U32, times: I64, names: Names) -> tuple[I64, tuple[str, ...]]:
    """The name of each process at its time, as a code and what the codes stand for; most ids are of one process."""
    texts = np.empty(len(processes), np.object_)
    for process in unique(processes).tolist():
        mine = np.flatnonzero(processes == process)
        ends = int(times[mine].min()), int(times[mine].max())
        first, last = (names.process(process, at) for at in ends)
        texts[mine] = first if first == last else [names.process(process, at) for at in times[mine].tolist()]
    return codes_of(texts.tolist())
