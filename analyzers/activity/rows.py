"""What is kept of threads: a row of constant size for each, whatever the trace's length; and what kernels take."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tracer.arrays import I8, I32, I64, U8, U16, U32, Structured
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

THREAD_ID: Final = np.uint64(1)
"""What keys of :attr:`ActivityTables.key_index` are."""

COUNTERS: Final = np.dtype(
    [
        ("switch", "<i8"),
        ("life", "<i8"),
        ("ready", "<i8"),
        ("threads", "<i8"),
        ("switches", "<i8"),
        ("readies", "<i8"),
        ("longest_ready", "<i8"),
        ("ready_waits", "<i8"),
    ]
)
"""``switch``, ``life``, ``ready``: the events to go on with, where the last call had to stop. ``threads``: rows in use.

``switches``, ``readies``: such events seen so far. ``ready_waits``: times that a thread which was made ready got a CPU;
``longest_ready``: the longest time that one waited for it.
"""


class ActivityTables(NamedTuple):
    """What is known of all threads, from batch to batch. ``key_index``: rows by thread id (:mod:`analyzers.hashing`).

    ``ring``: times of the newest waits, by row. ``cpu_row``: row of the thread on each CPU, ``cpu_last``: time of each
    CPU's last switch. ``counts``: one row of :data:`COUNTERS`.
    """

    rows: Structured
    key_index: Structured
    ring: I64
    cpu_row: I32
    cpu_last: I64
    counts: Structured


class Switches(NamedTuple):
    """Context switches, in time order."""

    order: I64
    time: I64
    cpu: U16
    offset: I64
    new_thread: U32
    old_thread: U32
    old_state: I8
    reason: I8
    mode: U8


class Lives(NamedTuple):
    """Starts, ends and rundowns of threads, in time order."""

    order: I64
    time: I64
    cpu: U16
    offset: I64
    event: U16
    thread: U32


class Readies(NamedTuple):
    """Threads that are made ready, in time order."""

    order: I64
    time: I64
    thread: U32


@inlined
def begin_life(rows: Structured, row: Int, started: Int) -> None:
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
def first_life(rows: Structured, row: Int, thread: np.uint32) -> None:
    """A row that was not in use."""
    begin_life(rows, row, NEVER)
    rows[row]["thread"] = thread
    rows[row]["exited"] = NEVER
    rows[row]["exit_offset"] = NEVER
    rows[row]["exit_cpu"] = NO_CPU
