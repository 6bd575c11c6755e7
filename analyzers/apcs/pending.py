"""Completion APCs that have not run, as far as can be inferred: requests completed and not retired.

No event tells when a completion APC is queued or runs. What is here is derived, and always with its rule and doubts.
The order of the tests is that of :class:`PendingCounts`: each unretired request is counted once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.activity import Activity, Since
from analyzers.activity.since import EXITED, NEVER_RAN, UNKNOWN, WAITED
from analyzers.apcs.limits import had_no_chance, limits_ns
from analyzers.apcs.lookaside import MAY_REST, believed, proofs
from analyzers.apcs.packets import Packets
from analyzers.lost import LossRate
from analyzers.requests.tables import NEVER, Completion, Queued, RequestSnapshot, RequestTable
from analyzers.threads import IDLE_THREAD
from tracer.columns import UNKNOWN_ID, Who
from tracer.events.irp import MajorFunction

Bools = npt.NDArray[np.bool_]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
Rows = npt.NDArray[np.int64]

RULE: Final = "completed-not-retired"
"""Name of the rule by which a completion APC is taken for pending."""
_NO_APC: Final = (MajorFunction.CLEANUP, MajorFunction.CLOSE)
"""Their completion sets an event; the caller waits for it and releases the packet itself."""
_AFTER_ALL: Final = np.iinfo(np.int64).max


class Doubt(IntFlag):
    """What speaks against a pending APC, or is missing."""

    NONE = 0
    COMPLETED_ON_THE_CPU = 1  # it completed while its thread was on that CPU; that this was a DPC is inferred
    COMPLETER_UNKNOWN = 2
    WAITED_SINCE = 4  # a special kernel APC would have interrupted that wait
    WAITS_ALL_THE_TIME = 8  # off the CPU since before the completion, in a wait that an APC would have interrupted
    NO_SWITCHES = 16  # no context switch tells what the thread did
    MAY_REST_ON_LIST = 32  # nothing about this one excludes that it was retired onto a lookaside list
    ISSUER_INFERRED = 64  # by context switches, or by who allocated the packet
    DRIVERS_PACKET = 128  # a driver made it; many such need no APC
    BEHIND_OTHERS = 256  # so young that it may retire any moment, were it not for those of its thread before it


@dataclass(frozen=True, slots=True)
class PendingCounts:
    """What became of the judgement of each unretired request; the counts add up to their number.

    ``in_flight``: not completed. ``inline``: completed by its own thread, or of a kind that needs no APC. ``queued``:
    its completion went to a kernel queue. ``no_thread``: nothing tells who issued it, or nobody did. ``exited``: its
    thread ended. ``not_held``: its packet was on a lookaside list, or allocated, before the trace, or it was completed
    when the trace has events of some CPUs only, so that its retirement may be missing. ``recent``: it may
    retire any moment. ``overtaken``: a later one of its thread was retired. ``may_rest``: it may have been retired onto
    a lookaside list. ``pending``: the rest.
    """

    in_flight: int
    inline: int
    queued: int
    no_thread: int
    exited: int
    not_held: int
    recent: int
    overtaken: int
    may_rest: int
    pending: int

    @property
    def not_judged(self) -> int:
        """Completed requests of which a lookaside list leaves open whether they were retired."""
        return self.not_held + self.may_rest


@dataclass(frozen=True, slots=True, eq=False)
class PendingRows:
    """Pending completion APCs, oldest request first.

    ``rows``: int32 index into the :class:`~analyzers.requests.tables.RequestTable`. ``since``: one row each, what the
    issuing thread did since the completion. ``doubts``: uint16 :class:`Doubt`. ``proof``: uint8, what tells that the
    packet was not retired onto a lookaside list (:mod:`analyzers.apcs.lookaside`). ``age_ns``: since the completion.
    """

    rows: I32
    since: Since
    doubts: U16
    proof: U8
    age_ns: I64
    counts: PendingCounts
    rule: str = RULE

    def __len__(self) -> int:
        return len(self.rows)


def pending_rows(
    snapshot: RequestSnapshot,
    activity: Activity,
    at_ns: int,
    packets: Packets,
    last_retired_ns: I64 | None = None,
    *,
    complete_from_ns: int = 0,
    lost: float = 0.0,
) -> PendingRows:
    """The pending completion APCs at ``at_ns``.

    ``packets``: from :func:`~analyzers.apcs.packets.packets_of`. ``last_retired_ns``: by request, when the last of its
    thread's retired requests was completed that another thread or CPU completed, :data:`NEVER` for none. Special kernel
    APCs run in the order in which they were queued, so that whatever was completed before that one is held by no APC.
    ``complete_from_ns``: from when on the trace has the events of all CPUs (:class:`tracer.trace.Loss`).
    ``lost``: share of events lost. Without its return or its completion a request that needed no APC looks like one
    that had it; so a thread has to have had more of them than the loss explains.
    """
    requests = snapshot.requests
    overtaking = np.full(len(requests), NEVER, np.int64) if last_retired_ns is None else last_retired_ns
    overtaking = np.where(requests.thread_retired >= _misread(requests, lost), overtaking, NEVER)
    sorting = _Sorting(len(requests))
    in_flight = sorting.take((requests.completed_ns == NEVER) | (requests.completion == Completion.NONE))
    inline = sorting.take((requests.completion == Completion.INLINE) | _needs_no_apc(requests))
    queued = sorting.take(requests.queued != Queued.NO)
    no_thread = sorting.take((requests.thread == UNKNOWN_ID) | (requests.thread == IDLE_THREAD))
    since = since_completion(requests, sorting.left, activity, at_ns)
    exited = sorting.take_left(since.what == EXITED)
    not_held = sorting.take(~packets.held | (requests.completed_ns < complete_from_ns))
    since = since_completion(requests, sorting.left, activity, at_ns)
    age = at_ns - requests.completed_ns[sorting.left]
    is_recent = (age <= limits_ns(snapshot.counts, activity, since)) | had_no_chance(since)
    recent = sorting.left[is_recent]
    sorting.take_left(is_recent)
    overtaken = sorting.take(requests.completed_ns < overtaking)
    since = since_completion(requests, sorting.left, activity, at_ns)
    proof = proofs(requests, packets, sorting.left, since)
    kept = _believed(requests, packets, sorting.left, proof)
    may_rest = sorting.take_left(~kept)
    behind = recent[_is_behind(requests, packets, recent, sorting.left)]
    proof = np.concatenate((proof[kept], np.full(len(behind), MAY_REST, np.uint8)))
    rows = np.concatenate((sorting.left, behind))
    order = np.argsort(rows)
    rows, proof = rows[order], proof[order]
    since = since_completion(requests, rows, activity, at_ns)
    counts = PendingCounts(
        in_flight,
        inline,
        queued,
        no_thread,
        exited,
        not_held,
        len(recent) - len(behind),
        overtaken,
        may_rest,
        len(rows),
    )
    return PendingRows(
        rows=rows.astype(np.int32),
        since=since,
        doubts=_doubts(requests, packets, rows, since, proof, np.isin(rows, behind)),
        proof=proof,
        age_ns=at_ns - requests.completed_ns[rows],
        counts=counts,
    )


def _misread(requests: RequestTable, lost: float) -> npt.NDArray[np.float64]:
    """By request: how many of its thread's may look retired by an APC only because events were lost."""
    rate = LossRate(lost)
    counts, place = np.unique(requests.thread_completed, return_inverse=True)
    return np.array([rate.explained(count) for count in counts.tolist()], np.float64)[place]


class _Sorting:
    """The rows that no test has taken yet."""

    def __init__(self, count: int) -> None:
        self.left: Rows = np.arange(count)

    def take(self, mask: Bools) -> int:
        """Take out the rows that the mask, over all rows, marks; how many that were."""
        return self.take_left(mask[self.left])

    def take_left(self, mask: Bools) -> int:
        """The same with a mask over the rows that are left."""
        before = len(self.left)
        self.left = self.left[~mask]
        return before - len(self.left)


def _needs_no_apc(requests: RequestTable) -> Bools:
    return np.isin(requests.major, np.array(_NO_APC, np.uint8))


def since_completion(requests: RequestTable, rows: Rows, activity: Activity, at_ns: int) -> Since:
    """What the issuing threads did since the completions; that they issued the requests shows where they ran then."""
    told = np.isin(requests.who[rows], np.array((Who.STACK, Who.HEADER), np.uint8))
    return activity.since(
        requests.thread[rows],
        requests.completed_ns[rows],
        at_ns=at_ns,
        seen_ns=np.where(told, requests.issued_ns[rows], NEVER),
        seen_cpu=requests.issued_cpu[rows],
    )


def _believed(requests: RequestTable, packets: Packets, rows: Rows, proof: U8) -> Bools:
    """By candidate, thread by thread; the packets that drivers made are judged on their own."""
    result = np.zeros(len(rows), np.bool_)
    _, group = np.unique(_queues(requests, packets, rows), return_inverse=True)
    order = np.argsort(group, kind="stable")
    bounds = np.flatnonzero(np.diff(group[order], prepend=-1, append=-1))
    for low, high in pairwise(bounds):
        mine = order[low:high]
        result[mine] = believed(proof[mine], requests.completed_ns[rows[mine]])
    return result


def _is_behind(requests: RequestTable, packets: Packets, recent: Rows, pending: Rows) -> Bools:
    """By recent row: whether its APC would be queued behind a pending one of its thread, and so is pending too."""
    queues, completed = _queues(requests, packets, pending), requests.completed_ns
    return np.asarray(completed[recent] >= earliest(queues, completed[pending], _queues(requests, packets, recent)))


def earliest(keys: npt.NDArray[np.unsignedinteger], times: I64, asked: npt.NDArray[np.unsignedinteger]) -> I64:
    """By key that is asked for, the least of the times that have this key, which is after all where none has."""
    distinct, place = np.unique(keys, return_inverse=True)
    least = np.full(len(distinct) + 1, _AFTER_ALL)  # the last one stands for keys that none has
    np.minimum.at(least, place, times)
    at = np.searchsorted(distinct, asked)
    known = at < len(distinct)
    known[known] = distinct[at[known]] == asked[known]
    return np.asarray(least[np.where(known, at, len(distinct))])


def _queues(requests: RequestTable, packets: Packets, rows: Rows) -> npt.NDArray[np.uint64]:
    """By row: its thread's APCs, and apart from them those of the packets that drivers made."""
    return np.asarray(requests.thread[rows].astype(np.uint64) << np.uint64(1) | packets.drivers_own[rows])


def _doubts(requests: RequestTable, packets: Packets, rows: Rows, since: Since, proof: U8, behind: Bools) -> U16:
    marks = (
        (Doubt.COMPLETED_ON_THE_CPU, requests.completion[rows] == Completion.ON_THE_CPU),
        (Doubt.COMPLETER_UNKNOWN, requests.completion[rows] == Completion.UNKNOWN),
        (Doubt.WAITED_SINCE, since.what == WAITED),
        (Doubt.WAITS_ALL_THE_TIME, (since.what == NEVER_RAN) & ~since.ready),
        (Doubt.NO_SWITCHES, since.what == UNKNOWN),
        (Doubt.MAY_REST_ON_LIST, (proof == MAY_REST) & ~behind),
        (Doubt.ISSUER_INFERRED, requests.who[rows] == Who.CONTEXT_SWITCH),
        (Doubt.DRIVERS_PACKET, packets.drivers_own[rows]),
        (Doubt.BEHIND_OTHERS, behind),
    )
    result = np.zeros(len(rows), np.uint16)
    for doubt, mask in marks:
        result |= np.where(mask, np.uint16(doubt), np.uint16(0))
    return result
