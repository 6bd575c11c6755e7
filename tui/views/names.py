"""The views' names, in the order of their numbers: known without loading any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ViewName:
    """``key`` names the view in code and on the command line, ``number`` is its key."""

    key: str
    number: str
    title: str
    summary: str


VIEW_NAMES: Final = (
    ViewName("findings", "1", "Findings", "verdicts: who leaks, why, and how sure that is"),
    ViewName("tags", "2", "Tags", "PoolMon's table: pool tags, with changes"),
    ViewName("stacks", "3", "Stacks", "who allocates, as a tree of callers"),
    ViewName("processes", "4", "Processes", "processes and threads that hold memory"),
    ViewName("sockets", "5", "Sockets", "endpoints, their addresses, requests and memory"),
    ViewName("held-requests", "6", "Held", "requests that an APC, a port or a driver holds"),
    ViewName("retention", "7", "Retention", "what keeps what, and how much"),
    ViewName("allocations", "8", "Allocs", "single outstanding allocations"),
    ViewName("timeline", "9", "Timeline", "outstanding bytes over time"),
    ViewName("trace", "0", "Trace", "the trace itself: losses, damage, evidence"),
)
