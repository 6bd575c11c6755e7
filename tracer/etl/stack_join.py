"""Which event a stack belongs to.

A stack record names its event by raw timestamp and thread. The kernel part is logged right
after the event on the same CPU, so the events just before it are looked at first; what is not
found there is searched by timestamp among all events (:func:`join_by_time`).
Source and measurements of the rule: ``docs/stacks.md``.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import I32, I64, Structured
from tracer.columns import NO_STACK, UNKNOWN_ID, Who
from tracer.etl.rows import RESERVED, SLOT_DEFINITION
from tracer.jit import Int, inlined, kernel
from tracer.natural import natural
from tracer.search import last_at_most

_LOOK_BACK: Final = 256
"""Events looked at before a stack record on its own CPU; what lies further back is found by time."""
_MOST_AT_ONCE: Final = 4096
"""Events of one time looked at for one stack: up to 13 share a time in real traces (measured)."""
_OWN_CPU: Final = 4
"""More than any event of another CPU gets."""
_BY_STACK: Final = int(Who.STACK)


@inlined
def is_user_frame(address: np.uint64, pointer: Int) -> bool:
    """Whether a frame lies in user space: the upper half of the address space is the kernel's."""
    return bool((address >> np.uint64(31 if pointer == 4 else 63)) == np.uint64(0))


@inlined
def set_loose(
    item: np.void, event_time: Int, logged: Int, event: Int, stack: Int, cpu: Int, is_user: bool | np.bool_
) -> None:
    """Begin a row of :data:`~tracer.etl.rows.LOOSE_STACK`: a stack, not a key, whose thread is yet to be told."""
    item["event_time"] = event_time
    item["logged"] = logged
    item["stack"] = stack
    item["event"] = event
    item["cpu"] = cpu
    item["is_user"] = is_user
    item["is_key"] = 0


@inlined
def event_before(
    events: Structured,
    after: Int,
    first: Int,
    before_first: Int,
    before_end: Int,
    event_time: Int,
    thread: np.uint32,
    is_user: bool | np.bool_,
) -> Int:
    """The latest event of that time on this CPU that has no such stack yet, -1 for none.

    Rows ``first`` … ``after`` are those of the stack's buffer, ``before_first`` … ``before_end`` those of the
    CPU's buffer before it. The latest: a CPU logs an event's kernel stack before it logs anything else, but for
    what an interrupt logs between, whole with its own stack. A user stack is the second part of a stack, so an
    event that has its first part goes before others. What defines a stack key has no stack itself.
    """
    found = np.int64(-1)
    j = np.int64(after)
    for _ in range(_LOOK_BACK):
        if j <= first:
            if first == before_first or before_first >= before_end:
                break
            first = before_first
            j = np.int64(before_end)
        j -= 1
        event = events[natural(j)]
        if event["time"] < event_time:
            break
        taken = event["user_stack"] if is_user else event["stack"]
        if event["time"] != event_time or taken != NO_STACK or event["slot"] == SLOT_DEFINITION:
            continue
        if event["who"] != _BY_STACK or event["thread"] == thread:
            if not is_user or event["stack"] != NO_STACK:
                return np.int64(j)
            if found < 0:
                found = np.int64(j)
    return found


@kernel
def join_by_time(
    events: Structured,
    order: I32,
    times: I64,
    loose: Structured,
) -> None:
    """Find the event of each loose stack among the events that go out, by time, then thread, then CPU.

    ``order`` are the events in time order, ``times`` theirs. An event of another thread is never taken; a user stack
    goes to an event that has its kernel stack before others. A kernel stack goes to the latest on its CPU, as in
    :func:`event_before`: which of the two finds it depends on where buffers end.
    """
    for i in range(loose.shape[0]):
        item = loose[i]
        if item["event"] >= 0:
            continue
        wanted = item["event_time"]
        best = np.int64(-1)
        best_score = 0
        at = last_at_most(times, wanted - 1) + 1
        stop = min(at + _MOST_AT_ONCE, order.shape[0])
        while at < stop and times[at] == wanted:
            row = np.int64(order[at])
            event = events[row]
            at += 1
            taken = event["user_stack"] if item["is_user"] else event["stack"]
            if event["slot"] == SLOT_DEFINITION or taken != NO_STACK:
                continue
            known = event["thread"] != UNKNOWN_ID
            if known and event["thread"] != item["thread"]:
                continue
            own_cpu = event["cpu"] == item["cpu"]
            if own_cpu and not item["is_user"]:
                score = _OWN_CPU
            else:
                score = 1 + (2 if known else 0) + (1 if own_cpu else 0)
                score += 4 if item["is_user"] and event["stack"] != NO_STACK else 0
            if score >= best_score:
                best_score = score
                best = row
        if best < 0:
            continue
        item["event"] = best
        events[best]["thread"] = item["thread"]
        events[best]["process"] = item["process"]
        events[best]["who"] = _BY_STACK
        given = RESERVED if item["is_key"] else item["stack"]
        if item["is_user"]:
            events[best]["user_stack"] = given
        else:
            events[best]["stack"] = given
