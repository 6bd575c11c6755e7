"""Holder *port*: the completed request, or a mini packet, waits in a completion port until somebody takes it out.

The kernel logs what is put into its queues and what is taken out (053E, 053F), so that an entry waits is observed. No
event names a port: it is inferred, as all entries that come from one process and were or were not taken together.
A kernel queue is first in, first out. So what was put in before something that was taken is not in the same port.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from analyzers import advice
from analyzers.address_lookup import blocks_of
from analyzers.findings import Accused, EventRef, Evidence, Verdict
from analyzers.formatting import agreeing, counted, duration
from analyzers.holders.evidence import Seen
from analyzers.holders.held import BY_NAME_ALONE, NOT_STEADY, HeldGroup, Port, others_say, user_mode_since
from analyzers.holders.holder import Holder, Rule, Turn
from analyzers.holders.irp_blocks import is_irp
from analyzers.policy import COURSE, HELD, HELD_DOUBTS
from analyzers.pool_tables import PoolSnapshot
from analyzers.pooltag import tag_text
from analyzers.requests.tables import NEVER, Queued, RequestSnapshot, SourceTable
from analyzers.threads import Threads
from analyzers.trends.arrivals import held_keep_coming
from analyzers.trends.rank_tests import mann_kendall
from tracer.arrays import I32, I64, U32, Mask, Rows, is_among, unique
from tracer.columns import UNKNOWN_ID
from tracer.data_classes import dataclass

RULE: Final = "in-port"
BY_OTHERS: Final = "others-released-from-port"
_IRPS: Final = ("Icp ", "Irp ")
"""Tags of IRPs that are posted without a request, and of requests' IRPs (pooltag.txt): where the trace does not
log requests, an entry shows which of these lie in a port."""
_EXAMPLES: Final = 3
_TAKEN_OUT: Final = "taken out of a completion port"


@dataclass(frozen=True, slots=True, eq=False)
class _Entries:
    """Waiting entries: of requests (``row`` into their table), then mini packets (``row`` into the outstanding table).

    ``source``: thread that they come from: that issued the request, or posted the mini packet.
    """

    row: I32
    of_request: Mask
    queued_ns: I64
    source: U32
    process: U32


def ports(
    pool: PoolSnapshot, snapshot: RequestSnapshot, threads: Threads, start_ns: int, at_ns: int
) -> tuple[Port, ...]:
    """All ports in which something waits, those with most first."""
    entries = _entries(pool, snapshot, threads)
    if not len(entries.row):
        return ()
    stale = _stale(entries, snapshot.sources, at_ns)
    keys = (entries.process.astype(np.int64) << 1) | stale
    found = []
    for key in unique(keys).tolist():
        mine = np.flatnonzero(keys == key)
        found.append(_port(entries, mine, snapshot.sources, bool(key & 1), start_ns, at_ns))
    found.sort(key=lambda port: (-port.waiting, port.process, port.drained))
    return tuple(replace(port, number=number) for number, port in enumerate(found, start=1))


def _entries(pool: PoolSnapshot, snapshot: RequestSnapshot, threads: Threads) -> _Entries:
    table, other = snapshot.requests, snapshot.entries
    rows = np.flatnonzero(in_port(snapshot)).astype(np.int32)
    block = blocks_of(pool.outstanding, other.address, other.time_ns)
    mini = np.array([tag_text(int(tag)) in _IRPS for tag in pool.tags.tag], np.bool_)[pool.sites.tag_row]
    known = np.flatnonzero(block >= 0)
    posted = known[mini[pool.outstanding.site[block[known]]]]
    poster = other.thread[posted]
    asked, of_request = pool.outstanding.thread[block[posted]], is_irp(pool)[pool.outstanding.site[block[posted]]]
    poster = np.where(of_request & (asked != UNKNOWN_ID), asked, poster)
    owner = _owners(pool, block[posted], poster, other.time_ns[posted], threads)
    # IRPs go from one process to another over lookaside lists: most are their first one's.
    owner[of_request] = _most(owner[of_request])
    return _Entries(
        row=np.concatenate((rows, block[posted])).astype(np.int32),
        of_request=np.arange(len(rows) + len(posted)) < len(rows),
        queued_ns=np.concatenate((table.queued_ns[rows], other.time_ns[posted])),
        source=np.concatenate((table.thread[rows], poster)),
        process=np.concatenate((table.process[rows], owner)),
    )


def _most(ids: U32) -> np.uint32:
    """The id that is there most often; UNKNOWN_ID for none."""
    values, counts = np.unique(ids, return_counts=True)
    return np.uint32(values[counts.argmax()] if len(values) else UNKNOWN_ID)


def _owners(pool: PoolSnapshot, blocks: I32, posters: U32, times: I64, threads: Threads) -> U32:
    """Process of each mini packet: its allocation's, else its poster's."""
    process = pool.outstanding.process[blocks] if len(blocks) else np.zeros(0, np.uint32)
    return np.where(process != UNKNOWN_ID, process, threads.process_of(posters, times)).astype(np.uint32)


def _source_of(thread: U32, in_irps: Mask, sources: SourceTable) -> I64:
    """By entry: row of where it comes from, -1 where that is not known."""
    if not len(sources.thread):
        return np.full(len(thread), -1, np.int64)
    key = (sources.thread.astype(np.int64) << 1) | sources.in_irps
    order = np.argsort(key)
    asked = (thread.astype(np.int64) << 1) | in_irps
    at = order[np.minimum(np.searchsorted(key[order], asked), len(order) - 1)]
    return np.where(key[at] == asked, at, -1)


def in_port(snapshot: RequestSnapshot) -> Mask:
    """By request: whether its entry waits in a port that has not been closed since."""
    table, sources = snapshot.requests, snapshot.sources
    source = _source_of(table.thread, np.ones(len(table), np.bool_), sources)
    emptied = np.append(sources.emptied_ns, NEVER)[source]
    return np.asarray((table.queued == Queued.WAITING) & (table.queued_ns > emptied))


def by_others(evidence: Seen) -> Mask:
    """By completed request: whether function names tell that others of its kind were in a port, and it may be.

    Asked where the trace does not log kernel queues. No special APC is left of it, and its IRP is on no list.
    """
    may_be = evidence.completed & evidence.callers & evidence.user_mode & ~evidence.recent
    kept = (evidence.off_list & evidence.proven) | evidence.owns_buffer
    return np.asarray(may_be & kept & evidence.by_name.like_in_ports & ~np.bool_(evidence.snapshot.seen_queues))


def by_process(evidence: Seen, rows: Rows, known: tuple[Port, ...]) -> tuple[Port, ...]:
    """``known``, and a port for each process of requests that are in one as :func:`by_others` says."""
    requests, machine = evidence.requests, evidence.machine
    found = list(known)
    for process in unique(requests.process[rows]).tolist():
        mine = rows[requests.process[rows] == process].astype(np.int32)
        completed, by = requests.completed_ns[mine], requests.thread[mine]
        found.append(
            Port(
                number=len(found) + 1,
                process=process,
                requests=mine,
                blocks=np.zeros(0, np.int32),
                queued_ns=completed,
                enqueued_by=tuple(unique(by[by != UNKNOWN_ID]).tolist()),
                dequeued_by=(),
                drained=True,
                grows=held_keep_coming(completed, machine.start_ns, machine.at_ns, machine.drained_ns),
            )
        )
    return tuple(found)


def _stale(entries: _Entries, sources: SourceTable, at_ns: int) -> Mask:
    """By entry: whether it is in a port that nobody takes anything from.

    Nothing of its source was ever taken, or something that was put in later, or it waits far longer than any that was.
    """
    source = _source_of(entries.source, entries.of_request, sources)
    waits = at_ns - entries.queued_ns
    longest = np.maximum(HELD.stale * np.append(sources.longest_ns, 0)[source], HELD.least_stale_ns)
    never = np.append(sources.taken, 0)[source] == 0
    overtaken = entries.queued_ns < np.append(sources.taken_until_ns, NEVER)[source]
    return np.asarray(never | overtaken | (waits > longest), np.bool_)


def _port(entries: _Entries, mine: Rows, sources: SourceTable, stale: bool, start_ns: int, at_ns: int) -> Port:
    queued = entries.queued_ns[mine]
    of = is_among(sources.thread, entries.source[mine]) & (sources.taken > 0)
    takers = () if stale else tuple(int(each) for each in unique(sources.takers[of]) if each)
    by = entries.source[mine]
    closes = bool(np.any(sources.emptied_ns[is_among(sources.thread, entries.source[mine])] != NEVER))
    few = closes and len(mine) <= HELD.port_may_rest  # whose ports are closed now and then, which leaves no event
    kept = stale and not few and held_keep_coming(queued, start_ns, at_ns)
    grows = kept if stale else _falls_behind(queued, sources, of, at_ns)
    return Port(
        number=0,
        process=int(entries.process[mine[0]]),
        requests=entries.row[mine[entries.of_request[mine]]],
        blocks=entries.row[mine[~entries.of_request[mine]]],
        queued_ns=queued,
        enqueued_by=tuple(unique(by[by != UNKNOWN_ID]).tolist()),
        dequeued_by=takers,
        drained=not stale,
        grows=grows,
    )


def _falls_behind(queued: I64, sources: SourceTable, of: Mask, at_ns: int) -> bool:
    """Whether what is taken has waited ever longer, up to what waits now."""
    if len(queued) < COURSE.fewest:
        return False
    samples = [(sources.at_ns[row, : sources.samples[row]], sources.waited_ns[row, : sources.samples[row]])
               for row in np.flatnonzero(of).tolist()]  # fmt: skip
    when = np.concatenate([at for at, _ in samples]) if samples else np.zeros(0, np.int64)
    waited = np.concatenate([long for _, long in samples]) if samples else when
    if len(when) < HELD.fewest_taken:
        return False
    trend = mann_kendall(np.append(waited[np.argsort(when, kind="stable")], at_ns - queued.min()))
    behind = at_ns - int(queued.min()) >= HELD.slower * float(np.median(waited))
    return bool(behind and trend.s > 0 and trend.p < HELD.slower_by_chance)


def evidence(group: HeldGroup) -> list[Evidence]:
    """What shows that entries wait in a port, in sentences."""
    assert group.port is not None
    here, requests = group.port, group.seen.requests
    if not group.seen.snapshot.seen_queues:
        return [user_mode_since(group), *others_say(group, group.seen.by_name.from_port, _TAKEN_OUT, BY_OTHERS)]
    examples = here.requests[:_EXAMPLES]
    events = tuple(
        EventRef(int(requests.queued_ns[row]), "queue", int(requests.queued_cpu[row]), int(requests.queued_offset[row]))
        for row in examples.tolist()
    )
    put = f"{counted(here.waiting, 'entry was', 'entries were')} put into a completion port"
    found = [Evidence(RULE, f"{put} and not taken out, the oldest {duration(group.oldest_ns)} before the end", events)]
    if not here.drained:
        found.append(Evidence("never-drained", "nothing was ever taken out of that port", inferred=True))
    else:
        readers = here.dequeued_by
        threads = f"{agreeing(len(readers), 'thread', 'threads')} {', '.join(map(str, readers))}"
        says = f"{threads if readers else 'somebody'} took others out, but these waited ever longer"
        found.append(Evidence("drained-too-slowly", says, inferred=True))
    return found


def doubts(group: HeldGroup) -> list[tuple[float, str]]:
    """What speaks against it, each with its factor."""
    assert group.port is not None
    found = []
    if not group.seen.snapshot.seen_queues:
        found.append((HELD_DOUBTS.by_name, BY_NAME_ALONE))
    if group.port.drained:
        found.append((HELD_DOUBTS.port_drained, "entries are taken out of the port, but more slowly than they come"))
    if not group.steady:
        found.append((HELD_DOUBTS.port_not_steady, NOT_STEADY))
    return found


def says(group: HeldGroup) -> str:
    """The reason as an explanation."""
    assert group.port is not None
    if not group.seen.snapshot.seen_queues:
        return "others of the kind were taken out of a completion port, so these wait in one (by function names)"
    put = counted(group.port.waiting, "entry was", "entries were")
    return f"{put} put into a completion port, and nobody has taken {agreeing(group.port.waiting, 'it', 'them')} out"


def _advice(group: HeldGroup, process: str) -> str:
    return advice.undrained_port(process, group.port.dequeued_by if group.port is not None else ())


HOLDER: Final = Holder(
    verdict=Verdict.UNDRAINED_PORT,
    name="completion port",
    edge="completed, not taken out of the port",
    accuses=Accused.PORT,
    rules=(
        Rule(
            RULE,
            "its completion was put into a port, and nobody has taken it out",
            Turn.QUEUED,
            lambda asked: in_port(asked.seen.snapshot),
        ),
        Rule(
            BY_OTHERS,
            "completed, on no lookaside list, and others of its kind were taken out of a port (by function names)",
            Turn.LEFT,
            lambda asked: by_others(asked.seen),
        ),
    ),
    evidence=evidence,
    doubts=doubts,
    says=says,
    advice=_advice,
)
