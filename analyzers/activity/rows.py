"""What is kept of a thread: one row of constant size, whatever the trace's length."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.jit import Int, inlined

NEVER: Final = -1
"""Time of what was not seen."""
NO_CPU: Final = -1

THREAD: Final = np.dtype(
    [
        ("thread", "<u4"),
        ("switches", "<u4"),
        ("started", "<i8"),
        ("exited", "<i8"),
        ("exit_offset", "<i8"),
        ("last_in", "<i8"),
        ("in_offset", "<i8"),
        ("last_out", "<i8"),
        ("out_offset", "<i8"),
        ("last_wait", "<i8"),
        ("user_wait", "<i8"),
        ("readied", "<i8"),
        ("stay", "<i8"),
        ("long_from", "<i8"),
        ("long_to", "<i8"),
        ("waits", "<u4"),
        ("echoes", "<u4"),
        ("exit_cpu", "<i4"),
        ("on_cpu", "<i4"),
        ("in_cpu", "<i4"),
        ("out_cpu", "<i4"),
        ("last_cpu", "<i4"),
        ("out_state", "i1"),
        ("wait_reason", "i1"),
        ("wait_user", "u1"),
        ("terminated", "u1"),
        ("may_echo", "u1"),
    ],
    align=True,
)
"""A thread, in its present life.

``started``, ``exited``: of this life, but an end from before ``started`` is that of the thread which had the id then.
``last_in``, ``last_out``: last switch to and from it, ``out_state`` its state then (:data:`UNSEEN` where it left
without an event). ``last_wait``: last switch from it into a wait, ``waits`` their number;
``user_wait``: the last into one in user mode. ``readied``: last time it was made ready.
``stay``: since when it has run on ``last_cpu`` only; ``long_from``, ``long_to``: the longest such stay that is over.
``echoes``: times it was readied out of a wait and then waited for the same reason again.
"""

UNSEEN: Final = -1
"""``out_state`` of a thread that left its CPU in events that are missing."""
RECENT_WAITS: Final = 16
"""Times of the newest waits that are kept of each thread to count those since a moment (a power of two)."""

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


@inlined
def row_of(table: npt.NDArray[np.int32], keys: npt.NDArray[np.uint64], thread: np.uint32) -> Int:
    """Row of a thread id, -1 for none; ``table`` and ``keys`` as in :func:`~analyzers.ledger.tables.keyed_row`."""
    mask = np.uint64(table.shape[0] - 1)
    key = np.uint64(thread)
    probe = ((key * _GOLDEN) >> np.uint64(24)) & mask
    while table[probe] >= 0:
        if keys[table[probe]] == key:
            return np.int64(table[probe])
        probe = (probe + np.uint64(1)) & mask
    return np.int64(-1)


@inlined
def begin_life(rows: npt.NDArray[np.void], row: Int, started: Int) -> None:
    """A thread of which nothing but its start is known; the end of the one before it with this id is kept."""
    thread = rows[row]
    thread["started"] = started
    thread["last_in"] = NEVER
    thread["in_offset"] = NEVER
    thread["last_out"] = NEVER
    thread["out_offset"] = NEVER
    thread["last_wait"] = NEVER
    thread["user_wait"] = NEVER
    thread["readied"] = NEVER
    thread["stay"] = NEVER
    thread["long_from"] = NEVER
    thread["long_to"] = NEVER
    thread["switches"] = 0
    thread["waits"] = 0
    thread["echoes"] = 0
    thread["on_cpu"] = NO_CPU
    thread["in_cpu"] = NO_CPU
    thread["out_cpu"] = NO_CPU
    thread["last_cpu"] = NO_CPU
    thread["out_state"] = UNSEEN
    thread["wait_reason"] = -1
    thread["wait_user"] = 0
    thread["terminated"] = 0
    thread["may_echo"] = 0


@inlined
def first_life(rows: npt.NDArray[np.void], row: Int, thread: np.uint32) -> None:
    """A row that was not in use."""
    begin_life(rows, row, NEVER)
    rows[row]["thread"] = thread
    rows[row]["exited"] = NEVER
    rows[row]["exit_offset"] = NEVER
    rows[row]["exit_cpu"] = NO_CPU
