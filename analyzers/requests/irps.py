"""Driver events: requests are issued, passed on, returned from and completed (``docs/requests.md``)."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.requests.columns import Irps
from analyzers.requests.joins import join_on_issue
from analyzers.requests.life import NONE, UNKNOWN, end_call, enter_call, leave_call, open_request, request_at, retire
from analyzers.requests.rows import (
    STATE_BY_EXIT,
    STATE_BY_REUSE,
    STATE_COMPLETED,
    STATE_INLINE,
    STATE_NAMED,
    STATE_RETURNS,
    STATE_UNKNOWN,
    Book,
)
from analyzers.requests.tables import NEVER, Completion
from tracer.columns import Who
from tracer.events.irp import MajorFunction
from tracer.jit import Int, inlined

CREATE: Final = int(MajorFunction.CREATE)
CLOSE: Final = int(MajorFunction.CLOSE)
CLEANUP: Final = int(MajorFunction.CLEANUP)
_DEEPEST: Final = 16
"""Driver calls inside one another on one thread; deeper ones are taken for calls whose returns were lost."""
_NOT_COMPLETED: Final = int(Completion.NONE)
INLINE: Final = int(Completion.INLINE)
ON_THE_CPU: Final = int(Completion.ON_THE_CPU)
ELSEWHERE: Final = int(Completion.ELSEWHERE)
NOBODY_KNOWS: Final = int(Completion.UNKNOWN)
_INFERRED: Final = int(Who.CONTEXT_SWITCH)


@inlined
def _is_another(book: Book, slot: Int, irps: Irps, i: Int, thread: np.uint32) -> bool:
    """Whether a call with the packet of a request begins another request, and does not pass this one on.

    Where completions are lost, a packet is used again while its request seems open.
    """
    row = book.requests[slot]
    number, major = irps.id[i], irps.major[i]
    if number != 0 and (number == row["id"] or number == row["alias"]):
        return False
    if row["completed"] != NEVER:
        return True
    if (major == CREATE or major == CLEANUP or major == CLOSE) and major != row["major"]:
        return True  # those are begun by the I/O manager only
    same_routine = irps.routine[i] == row["routine"]
    file = irps.file[i]
    same_file = file == row["file"] or file == np.uint64(0) or row["file"] == np.uint64(0)
    if row["in_call"] == 1 and thread == row["thread"] and book.state[STATE_RETURNS] > 0:
        return same_routine and not same_file
    if same_routine or book.state[STATE_NAMED] > 0:
        return True
    strangers = thread != UNKNOWN and row["thread"] != UNKNOWN and thread != row["thread"]
    return not same_file and (strangers or row["returned"] != NEVER)


@inlined
def _enter(book: Book, slot: Int) -> None:
    """A new request's call is open on its thread; older ones that cannot be open any more are dropped.

    A driver does not call itself with another packet before it returns; and where no return is ever logged,
    only the latest call is known to be open.
    """
    row = book.requests[slot]
    if row["thread_row"] < 0:
        return
    depth = 0
    stale: Int = NONE
    other = np.int64(book.threads[row["thread_row"]]["calls"])
    while other >= 0:
        depth += 1
        same = book.requests[other]["routine"] == row["routine"]
        if same or depth > _DEEPEST or book.state[STATE_RETURNS] == 0:
            stale = other
        other = np.int64(book.requests[other]["call_below"])
    if stale >= 0:
        end_call(book, stale)
    enter_call(book, slot)


@inlined
def call(book: Book, irps: Irps, i: Int, thread: np.uint32) -> None:
    """A driver is called; there must be room for a request and a thread."""
    packet = irps.irp[i]
    slot = request_at(book, packet)
    if slot >= 0 and not _is_another(book, slot, irps, i, thread):
        row = book.requests[slot]
        if row["completed"] != NEVER:  # the same request is sent on, so that completion was not the last
            row["completed"] = NEVER
            row["completion"] = _NOT_COMPLETED
            book.state[STATE_COMPLETED] -= 1
        if irps.id[i] != row["id"]:
            row["alias"] = irps.id[i]
        elif thread == row["thread"]:
            row["calls"] += 1
        return
    if slot >= 0:
        retire(book, slot, STATE_BY_REUSE)
    slot = open_request(book, packet, thread)
    row = book.requests[slot]
    row["id"] = irps.id[i]
    row["alias"] = 0
    row["process"] = irps.process[i]
    row["who"] = irps.who[i] if irps.who[i] != 0 or thread == UNKNOWN else _INFERRED
    row["file"] = irps.file[i]
    row["routine"] = irps.routine[i]
    row["major"] = min(irps.major[i], 255)
    row["issued"] = irps.time[i]
    row["issued_cpu"] = irps.cpu[i]
    row["issued_offset"] = irps.offset[i]
    _enter(book, slot)
    join_on_issue(book, slot)


@inlined
def call_returns(book: Book, irps: Irps, i: Int, thread: np.uint32) -> None:
    """A driver call is over. A request completed on its own thread until then needs no APC."""
    book.state[STATE_RETURNS] += 1
    slot = request_at(book, irps.irp[i])
    if slot < 0:
        return
    row = book.requests[slot]
    strangers = thread != UNKNOWN and row["thread"] != UNKNOWN and thread != row["thread"]
    if irps.id[i] != row["id"] or strangers or row["returned"] != NEVER:
        return
    row["calls"] -= 1
    if row["calls"] > 0:
        return
    row["returned"] = irps.time[i]
    end_call(book, slot)
    if row["completion"] == INLINE or row["completion"] == ON_THE_CPU:
        retire(book, slot, STATE_INLINE)


@inlined
def _completion_of(book: Book, slot: Int, thread: np.uint32) -> Int:
    """Who completes a request: :class:`~analyzers.requests.tables.Completion`."""
    row = book.requests[slot]
    if thread == UNKNOWN or row["thread"] == UNKNOWN:
        return NOBODY_KNOWS
    if thread != row["thread"]:
        return ELSEWHERE
    if book.state[STATE_RETURNS] == 0:
        return INLINE if row["major"] == CREATE else ON_THE_CPU
    if row["returned"] == NEVER:
        return INLINE
    inside = np.int64(book.threads[row["thread_row"]]["calls"]) if row["thread_row"] >= 0 else np.int64(NONE)
    while inside >= 0:
        other = book.requests[inside]
        if other["completed"] == NEVER or other["completion"] == INLINE:
            return INLINE
        inside = np.int64(other["call_below"])
    return ON_THE_CPU


@inlined
def complete(book: Book, irps: Irps, i: Int, thread: np.uint32) -> None:
    """A request is completed; the last completion counts, as a driver may take one back."""
    slot = request_at(book, irps.irp[i])
    cpu = book.cpus[irps.cpu[i]]
    cpu["completed"] = NONE
    if slot < 0:
        book.state[STATE_UNKNOWN] += 1
        return
    row = book.requests[slot]
    if irps.id[i] == row["id"] and row["id"] != 0:
        book.state[STATE_NAMED] += 1
    if row["completed"] == NEVER:
        book.state[STATE_COMPLETED] += 1
    row["completion"] = _completion_of(book, slot, thread)
    row["completed"] = irps.time[i]
    row["completed_cpu"] = irps.cpu[i]
    row["completed_offset"] = irps.offset[i]
    row["completed_thread"] = thread
    if row["major"] == CLEANUP or row["major"] == CLOSE:
        retire(book, slot, STATE_INLINE)  # the I/O manager sets an event for these and queues no APC
    elif row["orphan"] == 1:
        retire(book, slot, STATE_BY_EXIT)
    else:
        cpu["completed"] = slot
        cpu["serial"] = row["serial"]
        if row["completion"] != INLINE:
            leave_call(book, slot)


@inlined
def completion_returns(book: Book, irps: Irps, i: Int) -> None:
    """What was completed inside another call, or where no call's return is ever logged, is over now."""
    slot = request_at(book, irps.irp[i])
    if slot < 0:
        return
    row = book.requests[slot]
    if row["completion"] == INLINE and (book.state[STATE_RETURNS] == 0 or row["returned"] != NEVER):
        retire(book, slot, STATE_INLINE)
