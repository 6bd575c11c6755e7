"""Context switches and pool events made by hand, and whom they are charged to."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.analyzers.event_tables import event_table
from tracer.columns import EventTable, Who

IDLE = 0


def switches(*rows: tuple[int, int, int, int]) -> EventTable:
    """Context switches as (place in the trace, CPU, new thread, old thread); the time is ten times the place."""
    places, cpus, new, old = (np.array(column) for column in zip(*rows, strict=True))
    fields = {"new_thread": new.astype(np.uint32), "old_thread": old.astype(np.uint32)}
    return event_table("context_switch", 0x0524, fields, time=places * 10, order=places, cpu=cpus)


def pool(*rows: tuple[int, int], **columns: Any) -> EventTable:
    """Pool events as (place in the trace, CPU)."""
    places, cpus = (np.array(column) for column in zip(*rows, strict=True))
    return event_table("pool", 0x0E20, {}, time=places * 10, order=places, cpu=cpus, **columns)


def owners(table: EventTable) -> list[tuple[int, Who]]:
    return [(int(thread), Who(int(who))) for thread, who in zip(table.thread, table.who, strict=True)]


def inferred(*threads: int) -> list[tuple[int, Who]]:
    return [(thread, Who.CONTEXT_SWITCH) for thread in threads]
