"""Context switches, thread and ready events made by hand, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from analyzers.activity import Activity
from tests.analyzers.event_tables import event_table
from tracer.columns import EventTable
from tracer.events.thread import CONTEXT_SWITCH, READY, ThreadState, WaitReason
from tracer.trace import Batch, LateStacks

IDLE = 0
WAITING, PREEMPTED, GONE = ThreadState.WAITING, ThreadState.READY, ThreadState.TERMINATED
_NONE = np.zeros(0)
NO_LATE_STACKS = LateStacks(*(_NONE for _ in range(6)))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Switch:
    time: int
    cpu: int
    new: int
    old: int
    state: int = ThreadState.RUNNING
    reason: int = WaitReason.EXECUTIVE
    user: int = 0


@dataclass(frozen=True)
class Life:
    """A start, an end or a rundown."""

    time: int
    event: int
    thread: int
    cpu: int = 9


@dataclass(frozen=True)
class Ready:
    time: int
    thread: int


Event = Switch | Life | Ready


def batch(events: Sequence[Event], first_place: int = 0) -> Batch:
    """A batch whose first event has this place in the trace; offsets are eight times the place."""
    tables: dict[str, EventTable] = {}
    places = list(enumerate(events, first_place))
    for kind, wanted in (("context_switch", Switch), ("thread", Life), ("ready_thread", Ready)):
        chosen = [(place, event) for place, event in places if isinstance(event, wanted)]
        if chosen:
            tables[kind] = _table(kind, chosen)
    return Batch(tables, NO_LATE_STACKS, 0, 0, 0)


def _table(kind: str, chosen: Sequence[tuple[int, Any]]) -> EventTable:
    def column(name: str, dtype: type[np.generic]) -> Any:
        return np.array([getattr(event, name) for _, event in chosen], dtype)

    common: dict[str, Any] = {"time": column("time", np.int64), "order": [place for place, _ in chosen]}
    if kind == "context_switch":
        fields = {
            "new_thread": column("new", np.uint32),
            "old_thread": column("old", np.uint32),
            "old_state": column("state", np.int8),
            "old_wait_reason": column("reason", np.int8),
            "old_wait_mode_flags": column("user", np.uint8),
        }
        return event_table(kind, CONTEXT_SWITCH, fields, cpu=column("cpu", np.uint16), **common)
    fields = {"thread": column("thread", np.uint32)}
    if kind == "ready_thread":
        return event_table(kind, READY, fields, **common)
    return event_table(kind, column("event", np.uint16), fields, cpu=column("cpu", np.uint16), **common)


def activity(*events: Event, cuts: Sequence[int] = (), rows: int = 2) -> Activity:
    """Fed with these events, in batches that end before the given places."""
    result = Activity(rows)
    bounds = [0, *sorted(cuts), len(events)]
    for low, high in pairwise(bounds):
        result.feed(batch(events[low:high], low))
    return result
