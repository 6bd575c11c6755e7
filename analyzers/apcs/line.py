"""Everything that waits in line with a thread's pending APCs: what their delivery would retire.

Special kernel APCs run in the order in which they were queued. So with those that are pending beyond doubt wait all
that were completed later, and whatever still owns a buffer: that goes before the packet does, be the packet itself from
a lookaside list or the completion ever so recent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.activity import Activity, Since
from analyzers.apcs.packets import Packets
from analyzers.apcs.pending import RULE, PendingRows, earliest, since_completion
from analyzers.requests.tables import Completion, Queued, RequestTable
from analyzers.retention.attribution import Attribution
from analyzers.retention.retained import waiting

OWNS_BUFFER: Final = "owns-buffer"
BEHIND_OTHERS: Final = "behind-others"
RULES: Final = {
    RULE: "completed, and its packet is still allocated and on no lookaside list",
    OWNS_BUFFER: "completed, and a buffer that goes before its packet does is still allocated",
    BEHIND_OTHERS: "completed after others of its thread whose APCs have not run",
}
"""Names of the rules by which an APC is taken for pending, in the order in which they are tried, and their words."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Requests in line, oldest first.

    ``rows``: int32 index into the request table. ``since``: a row each, what the thread did since the completion.
    ``age_ns``: since then. ``rule``: uint8, place in :data:`RULES`.
    """

    rows: npt.NDArray[np.int32]
    since: Since
    age_ns: npt.NDArray[np.int64]
    rule: npt.NDArray[np.uint8]


def line(
    requests: RequestTable, activity: Activity, at_ns: int, pending: PendingRows, packets: Packets, found: Attribution
) -> Line:
    """The line of every thread that has pending APCs."""
    rule = np.full(len(requests), len(RULES), np.uint8)
    rule[_behind(requests, pending, packets)] = 2
    rule[waiting(requests, pending.rows, found)] = 1
    rule[pending.rows] = 0
    rows = np.flatnonzero(rule < len(RULES))
    return Line(
        rows=rows.astype(np.int32),
        since=since_completion(requests, rows, activity, at_ns),
        age_ns=at_ns - requests.completed_ns[rows],
        rule=rule[rows],
    )


def _behind(requests: RequestTable, pending: PendingRows, packets: Packets) -> npt.NDArray[np.bool_]:
    """By request: whether its APC was queued after a pending one of its thread."""
    first = earliest(requests.thread[pending.rows], requests.completed_ns[pending.rows], requests.thread)
    by_apc = (requests.completion != Completion.INLINE) & (requests.queued == Queued.NO) & ~packets.drivers_own
    return np.asarray(by_apc & (requests.completed_ns >= first))
