"""Requests meet socket operations: by thread and time, and by the file object once it is known.

No event names both an IRP and an endpoint. On Windows the socket driver is called with an IRP and
tells of its operation inside that call; other writers put the call inside the operation. Both are taken.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.hashing import row_of
from analyzers.requests.events import ACCEPTS, CLEANS, CLEANUP, CLOSE, CLOSES, CREATE, CREATES
from analyzers.requests.lifecycle import forget_file, join_socket, learn_file, leave_socket
from analyzers.requests.records import (
    FILE,
    TrackerTables,
)
from analyzers.requests.tables import NEVER, Join
from tracer.jit import Int, inlined

_BY_FILE: Final = int(Join.FILE_OBJECT)
_INSIDE_CALL: Final = int(Join.INSIDE_CALL)
_INSIDE_OPERATION: Final = int(Join.INSIDE_OPERATION)


@inlined
def _fits(does: Int, purpose: Int) -> bool:
    """Whether a request of such a purpose can carry out an operation that does this."""
    if does == CREATES:
        return purpose == CREATE
    if (does == CLOSES) | (does == CLEANS):
        return purpose >= CLEANUP  # type: ignore[return-value]  # a kernel's value
    return purpose == 0


@inlined
def _take_operation(row: np.void, owner: np.void, socket: np.void) -> None:
    """The operation that a thread started last is this request's, which is on the socket's list."""
    row["operation"] = owner["operation"]
    row["operation_start"] = owner["start"]
    socket["open_operations"] += 1
    owner["taken"] = 1


@inlined
def join_on_issue(tracker: TrackerTables, slot: Int) -> None:
    """Find a new request's socket: by its file object, or by the operation that its thread has started."""
    row, sockets = tracker.requests[slot], tracker.sockets
    if row["purpose"] == CREATE:
        forget_file(tracker, row["file"])
    else:
        known = row_of(tracker.key_index, FILE, row["file"])
        if known >= 0:
            join_socket(tracker.requests, sockets, slot, known)
            row["join"] = _BY_FILE
    if row["thread_row"] >= 0:
        owner = tracker.threads[row["thread_row"]]
        socket = owner["socket"]
        is_open = (socket >= 0) & (owner["taken"] == 0) & (sockets[socket]["serial"] == owner["serial"])
        if is_open & _fits(owner["does"], row["purpose"]):
            if row["socket"] < 0:
                join_socket(tracker.requests, sockets, slot, socket)
                row["join"] = _INSIDE_OPERATION
                if owner["does"] != ACCEPTS:
                    learn_file(tracker, socket, row["file"])
            if row["socket"] == socket:
                _take_operation(row, owner, sockets[socket])
    if row["purpose"] == CLOSE:
        forget_file(tracker, row["file"])


@inlined
def join_on_start(tracker: TrackerTables, owner: np.void, socket: Int) -> None:
    """A thread starts an operation on a socket: its open driver call, if it has one, is that operation's request."""
    slot = owner["calls"]
    if slot < 0:
        return
    row = tracker.requests[slot]
    fits = _fits(owner["does"], row["purpose"])
    if (row["completed"] != NEVER) | (row["operation"] != 0) | (not fits):
        return
    accepts = owner["does"] == ACCEPTS
    if (row["socket"] != socket) & ((not accepts) | (row["socket"] < 0)):
        leave_socket(tracker.requests, tracker.sockets, slot)
        join_socket(tracker.requests, tracker.sockets, slot, socket)
        if (not accepts) & (row["purpose"] != CLOSE):
            learn_file(tracker, socket, row["file"])
    row["join"] = _INSIDE_CALL
    _take_operation(row, owner, tracker.sockets[row["socket"]])
