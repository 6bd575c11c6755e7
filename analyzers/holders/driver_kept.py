"""Holder *driver-kept*: a driver was called with the request and never completes it.

Being in flight is usual: a receive waits for data, a listening socket for a client, a driver's notification for its
event, for as long as they last. Beyond what is usual is a request whose file had its last handle closed, or whose
thread ended (drivers then cancel what is pending: Microsoft, "Handling IRP cancellation", IRP_MJ_CLEANUP), or one of
ever more requests on one file that have outlived the time in which others of their kind complete.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers import advice
from analyzers.findings import Accused, Evidence, Verdict
from analyzers.formatting import counted
from analyzers.holders.evidence import Seen
from analyzers.holders.held import NOT_STEADY, HeldGroup
from analyzers.holders.holder import Holder, Rule, Turn
from analyzers.policy import COURSE, HELD, HELD_DOUBTS, PARTS
from analyzers.requests.tables import NEVER
from analyzers.trends.arrivals import keep_coming
from analyzers.trends.survivors import survivors
from tracer.arrays import I64, Mask, unique

OVERDUE: Final = "overdue"
OUTLIVES: Final = "outlives-its-kind"


def overdue(evidence: Seen) -> Mask:
    """By request: whether it is in flight though its driver was asked to end it (cancel, cleanup)."""
    requests, at = evidence.requests, evidence.machine.at_ns
    asked_to_end_ns = np.maximum(requests.cleaned_ns, requests.exited_ns)
    asked_to_end = ~evidence.completed & (asked_to_end_ns != NEVER) & evidence.callers
    routines, place = np.unique(requests.last_routine, return_inverse=True)
    passed = np.bincount(place[asked_to_end & (at - asked_to_end_ns > HELD.grace_of_many_ns)], minlength=len(routines))
    return np.asarray(asked_to_end & ((at - asked_to_end_ns > HELD.grace_ns) | (passed >= COURSE.fewest)[place]))


def outlives(evidence: Seen) -> Mask:
    """By request: whether it is in flight and old for its kind, while its file and driver hold more and more."""
    requests = evidence.requests
    result = np.zeros(len(requests), np.bool_)
    rows = np.flatnonzero(~evidence.completed & evidence.callers & (requests.file_object != 0))
    old, late, limits_ns = _age_for_kind(evidence, rows)
    files, file = np.unique(requests.file_object[rows], return_inverse=True)
    several = np.bincount(file[old], minlength=len(files))[file] > HELD.both_ways
    routines, driver = np.unique(requests.last_routine[rows], return_inverse=True)
    for number in range(len(routines)):
        mine = several & (driver == number)
        if mine.any() and _keep_coming(evidence, rows[mine & old], int(limits_ns[mine].max())):
            result[rows[mine & late]] = True
    return result


def _keep_coming(evidence: Seen, rows: npt.NDArray[np.integer], limit_ns: int) -> bool:
    """Whether requests were issued and kept up to the time from which on they would be too young to count."""
    machine = evidence.machine
    return keep_coming(evidence.requests.issued_ns[rows], machine.start_ns, machine.at_ns - limit_ns)


def _age_for_kind(evidence: Seen, rows: npt.NDArray[np.integer]) -> tuple[Mask, Mask, I64]:
    """By row: whether it is older than nearly all of its kind were when they were completed; all where none was.

    The second: whether it is older than 95 % of them were. The third: the age that it takes for the first.
    """
    kinds, kind, age = evidence.snapshot.kinds, evidence.requests.kind[rows], evidence.age_ns[rows]
    old, late = np.ones(len(rows), np.bool_), np.ones(len(rows), np.bool_)
    limits_ns = np.zeros(len(rows), np.int64)
    for number in unique(kind[kind >= 0]).tolist():
        mine = np.flatnonzero(kind == number)
        mine = mine[np.argsort(-age[mine], kind="stable")]
        lived = survivors(kinds.latency[number].astype(np.int64), age[mine])
        old[mine[lived.count :]] = False
        late[mine] = age[mine] > lived.usual_ns
        limits_ns[mine] = lived.age_ns
    return old, late, limits_ns


def evidence(group: HeldGroup) -> list[Evidence]:
    """Why a driver is taken to keep requests, in sentences."""
    seen, driver = group.seen, group.driver or "the driver"
    requests = seen.requests
    closed, ended = requests.cleaned_ns != NEVER, requests.exited_ns != NEVER
    found = [Evidence("not-completed", f"{driver} was called with them and has completed none of them")]
    if group.number(closed):
        found.append(Evidence(OVERDUE, f"{group.their('files', closed)} were closed since"))
    if group.number(ended):
        found.append(Evidence("thread-ended", f"{group.their('threads', ended)} have ended since"))
    others = int(seen.snapshot.kinds.completed[group.kinds[group.kinds >= 0]].sum())
    if others:
        found.append(
            Evidence(
                "others-completed", f"{counted(others, 'other of the kind was', 'others of the kind were')} completed"
            )
        )
    return found


def doubts(group: HeldGroup) -> list[tuple[float, str]]:
    """What speaks against it, each with its factor."""
    found = []
    asked_to_end = np.maximum(group.seen.requests.cleaned_ns, group.seen.requests.exited_ns) != NEVER
    if not group.steady:
        found.append((HELD_DOUBTS.driver_not_steady, NOT_STEADY))
    if group.share(asked_to_end) < PARTS.most:
        found.append((HELD_DOUBTS.driver_still_open, "their files are still open: the driver may complete them yet"))
    return found


def says(group: HeldGroup) -> str:
    """The reason as an explanation."""
    return f"{group.driver or 'the driver'} was called with them and never completed them"


HOLDER: Final = Holder(
    verdict=Verdict.DRIVER_KEPT,
    name="driver never completed it",
    edge="sent to it, not completed",
    accuses=Accused.DRIVER,
    rules=(
        Rule(
            OVERDUE,
            "never completed, though its file was closed or its thread has ended",
            Turn.IN_FLIGHT,
            lambda asked: overdue(asked.seen),
        ),
        Rule(
            OUTLIVES,
            "never completed, one of ever more on its file, and older than others of its kind become",
            Turn.IN_FLIGHT,
            lambda asked: outlives(asked.seen),
        ),
    ),
    evidence=evidence,
    doubts=doubts,
    says=says,
    advice=lambda group, _process: advice.driver_kept(group.driver, group.irp, completed=False),
)
