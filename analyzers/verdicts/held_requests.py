"""Accusations of threads: requests were completed, and the APCs that would release them have not run."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.apcs.groups import PendingGroup
from analyzers.apcs.line import RULES
from analyzers.apcs.pending import RULE
from analyzers.findings import EventRef, Evidence, Finding, PendingApc, PendingApcs, Verdict, codes_of
from analyzers.grounds import Grounds
from analyzers.lost import LossRate
from analyzers.pooltag import tag_text
from analyzers.quantities import counted, duration, size
from analyzers.requests.tables import RequestSnapshot
from analyzers.retention.attribution import Rule
from analyzers.retention.retained import closed
from analyzers.snapshot import Names, PoolSnapshot
from analyzers.trends.rank_tests import theil_sen
from analyzers.verdicts import advice
from analyzers.verdicts.accusation import Scene, pool_event
from analyzers.verdicts.confidence import Confidence, Doubt, confidence

Rows = npt.NDArray[np.integer]

_FEWEST: Final = 4
"""Pending APCs of one thread below which it is not accused: a few may be on their way."""
_WEAKEST: Final = 0.25
"""Strength below which a thread is not accused: more speaks against its APCs being held up than for it."""
_MOSTLY: Final = 0.5
"""Share of a thread's blocks from one place in the code that hang on its requests from which all do."""
_EXAMPLES: Final = 3
"""Requests that are shown as evidence, event by event."""
_POINTS: Final = 64
"""Moments at which the retained bytes are taken for their trend."""
_HOUR_NS: Final = 3.6e12


def believable(group: PendingGroup, grounds: Grounds, told: float) -> bool:
    """Whether a thread is accused; ``told``: share of events lost, by which a retirement may have gone unseen."""
    return len(group) >= _FEWEST and group.strength >= _WEAKEST and len(group) > _unseen(group, grounds, told)


def _unseen(group: PendingGroup, grounds: Grounds, told: float) -> float:
    """How many of the thread's requests may look pending because the event that retired them was lost."""
    row = int(grounds.pending.rows[group.members[0]])
    return LossRate(told).explained(int(grounds.requests.requests.thread_completed[row]))


def explained(held: Grounds, groups: list[PendingGroup]) -> npt.NDArray[np.bool_]:
    """By outstanding allocation: whether it hangs on a request of one of these groups, or on its closed socket."""
    requests = held.requests.requests
    mine = np.zeros(len(requests) + 1, np.bool_)  # the last one stands for none
    for group in groups:
        mine[_rows(group, held)] = True
    sockets = np.zeros(len(held.requests.sockets) + 1, np.bool_)
    sockets[requests.socket[mine[:-1]]] = True
    sockets[-1] = False
    sockets[:-1] &= closed(held.requests.sockets)
    return np.asarray(mine[held.attribution.request] | sockets[held.attribution.socket])


def with_unjoined(pool: PoolSnapshot, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """``known``, and what a thread allocated at a place where most of its blocks are known.

    Where events were lost, so were some of those that join a block to its request or its socket.
    """
    out = pool.outstanding
    sites = pool.sites
    keys = np.stack((sites.frame[out.site], sites.tag_row[out.site].astype(np.uint64), out.thread.astype(np.uint64)))
    _, group = np.unique(keys, axis=1, return_inverse=True)
    group = group.reshape(-1)
    share = np.bincount(group, weights=known) / np.bincount(group)
    return np.asarray(known | (share[group] > _MOSTLY), np.bool_)


def _rows(group: PendingGroup, held: Grounds) -> npt.NDArray[np.int32]:
    """The requests in line on the group's thread, oldest first."""
    rows = held.line.rows
    return np.asarray(rows[held.requests.requests.thread[rows] == group.thread], np.int32)


def accuse_thread(group: PendingGroup, held: Grounds, scene: Scene, told: float) -> Finding:
    """The finding about one thread."""
    rows = _rows(group, held)
    requests, outstanding = held.requests.requests, scene.pool.outstanding
    packets = np.flatnonzero((held.attribution.rule == Rule.HOLDS_IRP) & np.isin(held.attribution.request, rows))
    tag_rows = scene.pool.sites.tag_row[outstanding.site[packets]]
    tag_row = int(np.bincount(tag_rows).argmax())
    alike = packets[tag_rows == tag_row]
    retained = held.retention.retained(held.retention.pending(group.process, group.thread))
    sure = _confidence(group, held, scene, told)
    rate, interval = _rate(held.retention.by_request[rows], requests.completed_ns[rows])
    node = held.retention.group_for(alike.astype(np.int32))
    issued = int(requests.issued_ns[rows[-1]])
    name = scene.names.process(group.process, issued)
    return Finding(
        rank=0,
        verdict=Verdict.PENDING_APC,
        confidence=sure.value,
        tag=int(scene.pool.tags.tag[tag_row]),
        paged=bool(scene.pool.tags.paged[tag_row]),
        count=len(alike),
        bytes=int(outstanding.size[alike].sum(dtype=np.uint64)),
        retained_bytes=retained,
        bytes_per_hour=rate,
        bytes_per_hour_interval=interval,
        process_id=group.process,
        process=name,
        thread_id=group.thread,
        driver=_driver(requests.routine[rows], scene),
        stack=int(scene.pool.sites.stack[int(np.bincount(outstanding.site[alike]).argmax())]),
        path=held.retention.path(node) if node is not None else (),
        evidence=_evidence(group, held, scene, alike, retained),
        doubts=sure.doubts,
        advice=advice.pending_apc(name, group.thread, int(requests.irp[rows[0]])),
    )


def _confidence(group: PendingGroup, held: Grounds, scene: Scene, told: float) -> Confidence:
    cover = scene.coverage
    held_against = {
        Doubt.NO_STACKS: not cover.stacks,
        Doubt.NO_SOCKETS: not cover.sockets,
        Doubt.WRAPPED: cover.wrapped,
    }
    doubts = [doubt for doubt, holds in held_against.items() if holds]
    sure = confidence(Verdict.PENDING_APC, doubts, count=len(group), explained=_unseen(group, held, told))
    return Confidence(round(sure.value * sqrt(group.strength), 3), (*group.doubts, *sure.doubts))


def _driver(routines: npt.NDArray[np.uint64], scene: Scene) -> str:
    """The driver that most of the requests were sent to, by its dispatch routine."""
    values, counts = np.unique(routines, return_counts=True)
    return scene.module_of(int(values[counts.argmax()]))


def _rate(retained: npt.NDArray[np.int64], completed_ns: npt.NDArray[np.int64]) -> tuple[float, tuple[float, float]]:
    """Bytes per hour that pile up, with a 95 % interval, from the completion times of the requests."""
    order = np.argsort(completed_ns, kind="stable")
    level = np.cumsum(retained[order])
    at = np.unique(np.linspace(0, len(order) - 1, _POINTS).round().astype(np.int64))
    slope = theil_sen(completed_ns[order][at].astype(np.float64), level[at])
    return slope.per_ns * _HOUR_NS, (slope.low * _HOUR_NS, slope.high * _HOUR_NS)


def _evidence(group: PendingGroup, held: Grounds, scene: Scene, packets: Rows, retained: int) -> tuple[Evidence, ...]:
    rows = _rows(group, held)
    return (
        Evidence(
            "completed",
            f"{counted(len(rows), 'request')} of thread {group.thread} were completed, the oldest "
            f"{duration(group.oldest_age_ns)} and the newest {duration(group.newest_age_ns)} before the end",
            tuple(event for both in request_events(held.requests, rows[:_EXAMPLES]) for event in both),
        ),
        Evidence(
            RULE,
            f"their completion APCs have not run on thread {group.thread}, which {group.says}",
            inferred=True,
        ),
        *(Evidence("thread", says, inferred=True) for says in group.supports),
        Evidence(
            "not-retired",
            f"none of them was retired: {_why_not_retired(rows, held)}; no free, new use, exit or cleanup is seen",
            tuple(pool_event(scene.pool.outstanding, row) for row in packets[:_EXAMPLES].tolist()),
            inferred=True,
        ),
        *_kinds(held, scene),
        Evidence("retained", f"delivering them would release {size(retained)}", inferred=True),
    )


def _kinds(held: Grounds, scene: Scene) -> list[Evidence]:
    """What else goes with the requests, and why that is believed."""
    tags, sites = scene.pool.tags, scene.pool.sites
    named = ((tag_text(int(tags.tag[sites.tag_row[kind.site]])), kind) for kind in held.attribution.kinds)
    return [Evidence("held-with-them", f"{tag}: {kind.says()}", inferred=True) for tag, kind in named]


def _why_not_retired(rows: npt.NDArray[np.int32], held: Grounds) -> str:
    """The rules, with how many requests each is about."""
    rules = held.line.rule[np.isin(held.line.rows, rows)]
    counts = np.bincount(rules, minlength=len(RULES)).tolist()
    return "; ".join(f"{count:,} {words}" for count, words in zip(counts, RULES.values(), strict=True) if count)


def request_events(requests: RequestSnapshot, rows: Rows) -> Iterator[tuple[EventRef, EventRef]]:
    """Where each of some requests was issued and where it was completed."""
    table = requests.requests
    issued = _events(table.issued_ns[rows], table.issued_cpu[rows], table.issued_offset[rows])
    completed = _events(table.completed_ns[rows], table.completed_cpu[rows], table.completed_offset[rows])
    return zip(issued, completed, strict=True)


def _events(time_ns: Rows, cpu: Rows, offset: Rows) -> list[EventRef]:
    columns = zip(time_ns.tolist(), cpu.tolist(), offset.tolist(), strict=True)
    return [EventRef(at, "irp", where, place) for at, where, place in columns]


def pending_apcs(held: Grounds, scene: Scene) -> PendingApcs:
    """Every pending APC, oldest request first."""
    table, line, rows = held.requests.requests, held.line, held.line.rows
    process, processes = _process_names(table.process[rows], table.issued_ns[rows], scene.names)
    irp, endpoint, age_ns = table.irp[rows], table.endpoint[rows], line.age_ns
    retained = held.retention.by_request[rows]

    def make(place: int) -> PendingApc:
        row = int(rows[place])
        ((issued, completed),) = request_events(held.requests, rows[place : place + 1])
        return PendingApc(
            irp=int(irp[place]),
            match_id=int(table.match_id[row]),
            thread_id=int(table.thread[row]),
            process_id=int(table.process[row]),
            process=processes[process[place]],
            issued_ns=issued.time_ns,
            completed_ns=completed.time_ns,
            age_ns=int(age_ns[place]),
            since=line.since.code(place),
            says=line.since.words(place),
            endpoint=int(endpoint[place]),
            retained_bytes=int(retained[place]),
            rule=tuple(RULES)[line.rule[place]],
            issued=issued,
            completed=completed,
        )

    return PendingApcs(
        irp=irp,
        match_id=table.match_id[rows].astype(np.int64),
        thread_id=table.thread[rows].astype(np.int64),
        process_id=table.process[rows].astype(np.int64),
        process=process,
        processes=processes,
        issued_ns=table.issued_ns[rows],
        completed_ns=table.completed_ns[rows],
        age_ns=age_ns,
        since=line.since.what,
        endpoint=endpoint,
        retained_bytes=retained,
        rule=line.rule,
        rules=tuple(RULES),
        rows=np.arange(len(rows)),
        make=make,
    )


def _process_names(
    processes: npt.NDArray[np.uint32], times: npt.NDArray[np.int64], names: Names
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """The name of each process at its time, as a code and what the codes stand for; most ids are of one process."""
    texts = np.empty(len(processes), np.object_)
    for process in np.unique(processes).tolist():
        mine = np.flatnonzero(processes == process)
        ends = int(times[mine].min()), int(times[mine].max())
        first, last = (names.process(process, at) for at in ends)
        texts[mine] = first if first == last else [names.process(process, at) for at in times[mine].tolist()]
    return codes_of(texts.tolist())
