"""Request packets that rest on the I/O manager's lookaside lists: allocated, unused and not leaked.

IoFreeIrp puts a packet onto a list while that has room, and no event tells of it. With request events in the trace
a packet in use is known by its request; what holds no unretired one rests. Where events were lost, a request without
completion may have been completed and retired long ago, so its packet may rest, too. Without request events, and of
packets without a stack, which may be a driver's own, only a number larger than such lists usually hold says that
packets are leaked.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.modules import KERNEL_NAME
from analyzers.pooltag import tag_text
from analyzers.requests.tables import NEVER, RequestSnapshot
from analyzers.retention.attribution import Attribution
from analyzers.snapshot import PoolSnapshot

WHY: Final = "request packets rest on the I/O manager's lookaside lists until they are used again"
_PACKET: Final = "Irp"
"""How the tags of packets begin (pooltag.txt)."""
_PER_CPU: Final = 16
"""Packets that the lists of one CPU hold as a rule: two sizes, and a depth that starts at 4 and follows the demand."""


def resting(
    pool: PoolSnapshot,
    requests: RequestSnapshot,
    attribution: Attribution,
    judged: npt.NDArray[np.bool_],
    processors: int,
    lost: float = 0.0,
) -> npt.NDArray[np.bool_]:
    """By outstanding allocation: whether it may rest on such a list.

    ``judged``: by outstanding allocation, those that a pending APC holds. ``lost``: share of events lost.
    """
    packets, room = _packets(pool) & ~judged, _PER_CPU * max(processors, 1)
    if not requests.seen_irp:
        return packets if np.count_nonzero(packets) <= room else np.zeros(len(packets), np.bool_)
    in_use = np.append((requests.requests.completed_ns == NEVER) & (not lost), np.False_)
    idle = packets & ~in_use[attribution.request]
    anybodys = idle & np.array([not driver for driver in pool.sites.driver], np.bool_)[pool.outstanding.site]
    return np.asarray(idle if np.count_nonzero(anybodys) <= room else idle & ~anybodys)


def _packets(pool: PoolSnapshot) -> npt.NDArray[np.bool_]:
    """Packets that the I/O manager made itself: those of drivers go back to the pool."""
    tags = np.array([tag_text(int(tag)).startswith(_PACKET) for tag in pool.tags.tag], np.bool_)
    own = np.array([driver in {"", KERNEL_NAME} for driver in pool.sites.driver], np.bool_)
    return np.asarray((tags[pool.sites.tag_row] & own)[pool.outstanding.site])
