"""Requests meet socket operations: by thread and time, and by the file object once it is known.

No event names both a request packet and an endpoint. On Windows the socket driver is called with a packet and
tells of its operation inside that call; other writers put the call inside the operation. Both are taken.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.ledger.tables import LOW32
from analyzers.requests.life import file_bucket, forget_file, join_socket, learn_file, leave_socket
from analyzers.requests.rows import Book
from analyzers.requests.tables import NEVER, Join
from tracer.events import afd
from tracer.events.irp import MajorFunction
from tracer.jit import Int, inlined

FIRST_ACCEPT: Final = afd.ACCEPT
LAST_ACCEPT: Final = 1027
"""AfdAccept to AfdAcceptExWithAddress: on the listening endpoint, for a connection that goes to another."""
_CREATED: Final = afd.CREATE
_CLOSED: Final = afd.CLOSE
_CLEANED: Final = afd.CLEANUP
_CREATE: Final = int(MajorFunction.CREATE)
_CLOSE: Final = int(MajorFunction.CLOSE)
_CLEANUP: Final = int(MajorFunction.CLEANUP)
_BY_FILE: Final = int(Join.FILE_OBJECT)
_INSIDE_CALL: Final = int(Join.INSIDE_CALL)
_INSIDE_OPERATION: Final = int(Join.INSIDE_OPERATION)


@inlined
def _fits(event: Int, major: Int) -> bool:
    """Whether such a request can carry out such an operation."""
    if event == _CREATED:
        return major == _CREATE
    ending = major == _CLOSE or major == _CLEANUP
    if event == _CLOSED or event == _CLEANED:
        return ending
    return not ending and major != _CREATE


@inlined
def _take_operation(book: Book, slot: Int, thread: Int) -> None:
    """The operation that a thread started last is this request's; the request is on a socket's list."""
    row = book.requests[slot]
    owner = book.threads[thread]
    row["operation"] = owner["event"]
    row["operation_start"] = owner["start"]
    book.sockets[row["socket"]]["open_operations"] += 1
    owner["taken"] = 1


@inlined
def join_on_issue(book: Book, slot: Int) -> None:
    """Find a new request's socket: by its file object, or by the operation that its thread has started."""
    row = book.requests[slot]
    if row["major"] == _CREATE:
        forget_file(book, row["file"])
    elif row["file"] != np.uint64(0):
        bucket = file_bucket(book.by_file, book.sockets, row["file"])
        if bucket >= 0:
            join_socket(book, slot, np.int64(book.by_file[bucket] & LOW32))
            row["join"] = _BY_FILE
    thread = row["thread_row"]
    if thread >= 0 and book.threads[thread]["socket"] >= 0:
        owner = book.threads[thread]
        current = book.sockets[owner["socket"]]
        valid = current["live"] == 1 and current["serial"] == owner["serial"] and owner["taken"] == 0
        if valid and _fits(owner["event"], row["major"]):
            if row["socket"] < 0:
                join_socket(book, slot, owner["socket"])
                row["join"] = _INSIDE_OPERATION
                if owner["event"] < FIRST_ACCEPT or owner["event"] > LAST_ACCEPT:
                    learn_file(book, owner["socket"], row["file"])
            if row["socket"] == owner["socket"]:
                _take_operation(book, slot, thread)
    if row["major"] == _CLOSE:
        forget_file(book, row["file"])


@inlined
def join_on_start(book: Book, thread: Int, socket: Int) -> None:
    """A thread starts an operation on a socket: its open driver call, if it has one, is that operation's request."""
    owner = book.threads[thread]
    slot = np.int64(owner["calls"])
    if slot < 0:
        return
    row = book.requests[slot]
    if row["completed"] != NEVER or row["operation"] != 0 or not _fits(owner["event"], row["major"]):
        return
    accepts = owner["event"] >= FIRST_ACCEPT and owner["event"] <= LAST_ACCEPT
    if row["socket"] != socket and not (accepts and row["socket"] >= 0):
        leave_socket(book, slot)
        join_socket(book, slot, socket)
        if not accepts and row["major"] != _CLOSE:
            learn_file(book, socket, row["file"])
    row["join"] = _INSIDE_CALL
    _take_operation(book, slot, thread)
