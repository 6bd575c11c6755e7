"""Pending APCs by issuing thread, and how well the trace supports that this thread's APCs are held up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.activity import Since
from analyzers.apcs.limits import TURNS_NS, usual_ns
from analyzers.apcs.pending import Doubt, PendingRows
from analyzers.findings import SINCE_CODES, ThreadSince
from analyzers.quantities import counted, number
from analyzers.requests.tables import RequestSnapshot

I32 = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]

_MANY: Final = 10
_FEW: Final = 3
_QUARTERS: Final = 4
_MOST: Final = 0.5
"""Share of a group's rows from which a doubt is one of the group."""

_BY_DOUBT: Final = (
    (Doubt.NO_SWITCHES, 0.6, "no context switch tells what the thread did since"),
    (Doubt.COMPLETER_UNKNOWN, 0.75, "nothing tells which thread completed the requests"),
    (
        Doubt.COMPLETED_ON_THE_CPU,
        0.9,
        "they completed on the CPU that their thread ran on; that this was a DPC is inferred from context switches",
    ),
    (Doubt.MAY_REST_ON_LIST, 0.7, "some of them may have been retired onto a lookaside list, which leaves no event"),
    (
        Doubt.ISSUER_INFERRED,
        0.95,
        "the issuing thread is inferred, from context switches or from its allocations",
    ),
    (Doubt.DRIVERS_PACKET, 0.5, "a driver made the packets itself, and many such need no APC"),
)
"""Factors of the strength. They are judgement, not measurement: a doubt that leaves a common innocent explanation takes
about half, one that only leaves a rare one takes a tenth."""
_WAITED: Final = 0.55
_WAITED_USER: Final = 0.45
_WAITS: Final = 0.65
_STARVED: Final = 0.9
_STARVED_SHORTLY: Final = 0.75
_PREEMPTED: Final = 0.95
_FEW_ROWS: Final = 0.6
_SOME_ROWS: Final = 0.85
_NOT_STEADY: Final = 0.85
_USUAL_UNKNOWN: Final = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class PendingGroup:
    """One issuing thread with pending APCs.

    ``members``: int32 rows of :class:`~analyzers.apcs.pending.PendingRows`, oldest first. ``since``: what the thread
    did since most of the completions; ``says``: the same in words since the oldest one. ``strength``: 0 to 1, how well
    the trace supports that this thread's APCs are held up, with its reasons: ``supports`` for it, ``doubts`` against.
    """

    thread: int
    process: int
    members: I32
    since: ThreadSince
    says: str
    oldest_age_ns: int
    newest_age_ns: int
    strength: float
    supports: tuple[str, ...]
    doubts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.members)


def pending_groups(pending: PendingRows, snapshot: RequestSnapshot) -> tuple[PendingGroup, ...]:
    """The groups, most rows first; equal ones by thread."""
    threads = snapshot.requests.thread[pending.rows]
    groups = [
        _group(int(thread), np.flatnonzero(threads == thread), pending, snapshot) for thread in np.unique(threads)
    ]
    return tuple(sorted(groups, key=lambda group: (-len(group), group.thread)))


def _group(thread: int, members: Rows, pending: PendingRows, snapshot: RequestSnapshot) -> PendingGroup:
    processes, counts = np.unique(snapshot.requests.process[pending.rows[members]], return_counts=True)
    ages = pending.age_ns[members]
    oldest = int(members[np.argmax(ages)])
    code = int(np.argmax(np.bincount(pending.since.what[members], minlength=len(SINCE_CODES))))
    weight = _Weight()
    weight.note(*_by_thread(pending.since, members, code))
    weight.note(*_by_number(ages))
    if usual_ns(snapshot.counts) is None:
        weight.note(_USUAL_UNKNOWN, "too few requests retired in this trace to tell how long that usually takes")
    for doubt, factor, says in _BY_DOUBT:
        if np.mean((pending.doubts[members] & doubt) != 0) >= _MOST:
            weight.note(factor, says)
    return PendingGroup(
        thread=thread,
        process=int(processes[np.argmax(counts)]),
        members=members.astype(np.int32),
        since=SINCE_CODES[code],
        says=pending.since.words(oldest),
        oldest_age_ns=int(ages.max()),
        newest_age_ns=int(ages.min()),
        strength=round(weight.strength, 3),
        supports=tuple(weight.supports),
        doubts=tuple(weight.doubts),
    )


class _Weight:
    """Reasons for and against, and what they come to."""

    def __init__(self) -> None:
        self.strength = 1.0
        self.supports: list[str] = []
        self.doubts: list[str] = []

    def note(self, factor: float, says: str) -> None:
        """Take one reason: one that takes nothing away speaks for it; an empty one is none."""
        self.strength *= factor
        if says:
            (self.supports if factor == 1.0 else self.doubts).append(says)


def _by_thread(since: Since, members: Rows, code: int) -> tuple[float, str]:
    """What the thread did decides whether it had its chance, and whether an APC could have been pending meanwhile."""
    mine = members[since.what[members] == code]
    match SINCE_CODES[code]:
        case ThreadSince.RAN if since.unbroken[mine].any():
            return 1.0, "it runs on without leaving its CPU, where an APC interrupts a thread unless it is held up"
        case ThreadSince.RAN:
            return _PREEMPTED, "the thread was off its CPU for some time, but never waited"
        case ThreadSince.WAITED if np.mean(since.user_mode[mine]) >= _MOST:
            return _WAITED_USER, (
                "the thread waited in user mode since: a special kernel APC interrupts any wait, alertable or not, and "
                "a thread does not return to user mode with its APCs disabled"
            )
        case ThreadSince.WAITED:
            return _WAITED, (
                "the thread waited since: a special kernel APC interrupts any wait, alertable or not, unless the "
                "thread is in a guarded region or at APC_LEVEL"
            )
        case ThreadSince.NEVER_RAN if np.mean(since.ready[mine]) >= _MOST and _is_short(since, mine):
            return (
                _STARVED_SHORTLY,
                "the thread was ready and got no CPU, for less time than two turns of other threads",
            )
        case ThreadSince.NEVER_RAN if np.mean(since.ready[mine]) >= _MOST:
            return _STARVED, "the thread was ready all the time and got no CPU: its APCs run as soon as it does"
        case ThreadSince.NEVER_RAN:
            return _WAITS, "the thread waits since before the completions, and an APC would have interrupted that wait"
        case _:
            return 1.0, ""


def _is_short(since: Since, rows: Rows) -> bool:
    """Whether threads that are not favoured are kept waiting for so long on a machine without a case."""
    return since.at_ns - int(since.time_ns[rows].min()) < TURNS_NS


def _by_number(ages: npt.NDArray[np.int64]) -> tuple[float, str]:
    """Many that came one after the other are a thread that takes no APCs; one or two may have a reason of their own."""
    count = len(ages)
    if count < _FEW:
        return _FEW_ROWS, f"only {counted(count, 'request')} of this thread"
    if count < _MANY:
        return _SOME_ROWS, f"only {number(count)} requests of this thread"
    if len(np.unique((ages * _QUARTERS - 1) // max(int(ages.max()), 1))) < _QUARTERS - 1:
        return _NOT_STEADY, "they do not grow steadily in number: they completed within a short time"
    return 1.0, f"their number has risen steadily to {number(count)}"
