"""Coded values of a snapshot in words."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.pool_tables import Names
from analyzers.pooltag import BIG_POOL, PAGED
from analyzers.processes import ProcessLife, lives_at
from analyzers.snapshot import Snapshot
from tracer.arrays import I64, Mask, Numbers
from tracer.columns import UNKNOWN_ID, Who
from tui.safe_text import safe

NONPAGED_WORD: Final = "Nonp"
PAGED_WORD: Final = "Paged"

_TYPE_BITS: Final = (
    (2, "must-succeed"),
    (4, "cache-aligned"),
    (32, "session"),
    (512, "NX"),
    (BIG_POOL, "big"),
)
"""Bits of POOL_TYPE (Microsoft's POOL_TYPE page; ntdiff's headers) and the big-pool bit of the event."""

KNOWN_BY: Final = {
    Who.UNKNOWN: "not known",
    Who.STACK: "stack event",
    Who.CONTEXT_SWITCH: "inferred: CPU",
    Who.HEADER: "record header",
}
"""How process and thread are known, short enough for a column."""

KNOWN_BY_LONG: Final = {
    Who.UNKNOWN: "nothing in the trace says which thread allocated it",
    Who.STACK: "observed: its stack event names process and thread",
    Who.CONTEXT_SWITCH: "inferred from the context switches of that CPU",
    Who.HEADER: "observed: the record's own header names process and thread",
}
"""How process and thread are known, as a sentence."""


def pool_word(*, paged: bool) -> str:
    """PoolMon's word for the kind of pool."""
    return PAGED_WORD if paged else NONPAGED_WORD


def pool_type(value: int) -> str:
    """A pool type as logged, in words: ``Nonp NX big``; bits without a name in hex."""
    words = [pool_word(paged=bool(value & PAGED))]
    words += [word for bit, word in _TYPE_BITS if value & bit]
    unnamed = value & ~(PAGED | sum(bit for bit, _ in _TYPE_BITS))
    return " ".join([*words, f"+0x{unnamed:x}"] if unnamed else words)


def process_label(snapshot: Snapshot, pid: int, at_ns: int | None = None) -> str:
    """The process that had this id at a time, or last, by name and id, harmless."""
    return named_process(snapshot.names.process(pid, at_ns), pid)


def process_labels(snapshot: Snapshot, pids: Numbers, times: I64) -> tuple[tuple[str, ...], Numbers]:
    """By process id and time the index of the label of the process that had the id then; and the labels."""
    lives, rows = lives_at(snapshot.names, pids, times)
    return tuple(named_process(life.name, life.id) for life in lives), rows


def held_by_process(snapshot: Snapshot, needle: str) -> Mask:
    """By outstanding allocation, whether its process has the case-folded text in its name or id."""
    out = snapshot.pool.outstanding
    labels, rows = process_labels(snapshot, out.process, out.time_ns)
    return np.array([needle in label.casefold() for label in labels], np.bool_)[rows]


def life_label(names: Names, life: ProcessLife) -> str:
    """One life of a process id by name and id, harmless."""
    return named_process(names.process(life.id, life.started_ns), life.id)


def named_process(name: str, pid: int) -> str:
    """``name (id)``; says so where either is not known."""
    if pid == UNKNOWN_ID:
        return "(process not known)"
    return f"{safe(name) or '(no name)'} ({pid})"


def share(thousandths: int) -> str:
    """A part of the whole in per cent."""
    return f"{thousandths / 10:.1f} %"


def thread_label(thread: int) -> str:
    """A thread id, or ``?``."""
    return "?" if thread == UNKNOWN_ID else str(thread)
