"""Socket driver events: the lives of endpoints and the operations on them (``docs/requests.md``)."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.requests.addresses import copy_address
from analyzers.requests.columns import Operations
from analyzers.requests.connections import accept_side
from analyzers.requests.joins import FIRST_ACCEPT, LAST_ACCEPT, join_on_start
from analyzers.requests.life import NONE, close_socket, leave_socket, open_socket, retire, socket_at, thread_row
from analyzers.requests.rows import (
    RING,
    STATE_BY_CLEANUP,
    STATE_CLEANED,
    STATE_CLOSED,
    STATE_CONNECTING,
    STATE_CREATED,
    STATE_REPLACED,
    Book,
)
from analyzers.requests.tables import NEVER
from analyzers.trends.bins import bin_of
from tracer.events import afd
from tracer.events.irp import MajorFunction
from tracer.jit import Int, inlined, kernel

_CREATE: Final = afd.CREATE
_CLOSE: Final = afd.CLOSE
_CLEANUP: Final = afd.CLEANUP
_SEND: Final = afd.SEND
_RECEIVE: Final = afd.RECEIVE
_CONNECT: Final = afd.CONNECT
_CONNECT_EX: Final = 1021
_BIND: Final = afd.BIND_WITH_ADDRESS
_LAST: Final = 1037
"""Highest id of an operation that a program asks for."""
_SEND_TO: Final = (1005, 1007, 1011, 1013)
_RECEIVE_FROM: Final = (1006, 1009, 1012, 1015)
_STARTED: Final = int(afd.EnterExit.STARTED)
_COMPLETED: Final = int(afd.EnterExit.COMPLETED)
_FAILED: Final = np.uint32(0x80000000)
"""Bit of an NTSTATUS that says warning or error."""
_MOST: Final = 256
"""Requests of one socket among which that of a completed operation is looked for."""
_CLOSE_IRP: Final = int(MajorFunction.CLOSE)
_CLEANUP_IRP: Final = int(MajorFunction.CLEANUP)
_SENDS: Final = np.zeros(_LAST + 1, np.bool_)
_SENDS[[_SEND, *_SEND_TO]] = True
_RECEIVES: Final = np.zeros(_LAST + 1, np.bool_)
_RECEIVES[[_RECEIVE, *_RECEIVE_FROM]] = True


@kernel
def _gone(book: Book, slot: Int, time: Int, counter: Int) -> None:
    """An endpoint is no more, so nothing refers to it: its requests are retired, but those that end it run on."""
    row = book.sockets[slot]
    request = np.int64(row["requests"])
    while request >= 0:
        older = np.int64(book.requests[request]["socket_next"])
        major = book.requests[request]["major"]
        if major == _CLOSE_IRP or major == _CLEANUP_IRP:
            leave_socket(book, request)
        else:
            retire(book, request, STATE_BY_CLEANUP)
        request = older
    if row["closed"] != NEVER and counter == STATE_CLEANED:
        book.latency[bin_of(np.int64(time - row["closed"]))]["cleanup"] += 1
    book.state[counter] += 1
    close_socket(book, slot)


@inlined
def _opened(book: Book, operations: Operations, i: Int) -> Int:
    """A socket that an event tells of for the first time."""
    slot = open_socket(book, operations.endpoint[i])
    row = book.sockets[slot]
    row["process_object"] = operations.process_object[i]
    row["process"] = operations.process[i]
    return slot


@inlined
def _create(book: Book, operations: Operations, i: Int, known: Int, thread: np.uint32) -> Int:
    """A socket is made; one that has the same endpoint is gone, and its cleanup was lost. -1 where it failed."""
    slot = known
    completed = operations.step[i] == _COMPLETED
    if slot >= 0:
        row = book.sockets[slot]
        if not completed or row["made"] == 1 or row["created"] == NEVER:
            _gone(book, slot, operations.time[i], STATE_REPLACED)
            slot = np.int64(NONE)
    if slot < 0:
        slot = _opened(book, operations, i)
        row = book.sockets[slot]
        row["created"] = operations.time[i]
        row["created_cpu"] = operations.cpu[i]
        row["created_offset"] = operations.offset[i]
        row["thread"] = thread
        row["process_field"] = operations.process_field[i]
        book.state[STATE_CREATED] += 1
    if completed:
        book.sockets[slot]["made"] = 1
        if operations.status[i] & _FAILED != 0:
            _gone(book, slot, operations.time[i], STATE_CLEANED)
            return NONE
    return slot


@inlined
def _end_operation(book: Book, slot: Int, event: Int, newest: bool | np.bool_) -> Int:
    """Write the end of the oldest (or newest) open operation with this id of a socket; its request, -1 for none."""
    socket = book.sockets[slot]
    left = np.int64(socket["open_operations"])
    found: Int = NONE
    request = np.int64(socket["requests"])
    steps = 0
    while request >= 0 and left > 0 and steps < _MOST:
        row = book.requests[request]
        if row["operation"] != 0 and row["operation_end"] == NEVER:
            left -= 1
            if row["operation"] == event:
                found = request
                if newest:
                    break
        request = np.int64(row["socket_next"])
        steps += 1
    return found


@inlined
def _start(book: Book, operations: Operations, i: Int, slot: Int, thread: np.uint32) -> None:
    """An operation begins: its thread's latest, and maybe that of the thread's open driver call."""
    row = book.sockets[slot]
    row["started"] += 1
    owner_row = thread_row(book, thread)
    if owner_row < 0:
        return
    owner = book.threads[owner_row]
    owner["socket"] = slot
    owner["serial"] = row["serial"]
    owner["event"] = operations.event[i]
    owner["start"] = operations.time[i]
    owner["taken"] = 0
    row["starter"] = owner_row
    join_on_start(book, owner_row, slot)


@inlined
def _finish(book: Book, operations: Operations, i: Int, slot: Int, accepting: Int, thread: np.uint32) -> None:
    """An operation is over: the oldest of its kind, or the latest where its own thread says so at once."""
    row = book.sockets[slot]
    row["finished"] += 1
    event = operations.event[i]
    newest = False
    if row["starter"] >= 0:
        owner = book.threads[row["starter"]]
        if owner["socket"] == slot and owner["serial"] == row["serial"] and owner["event"] == event:
            owner["socket"] = NONE
            newest = np.uint32(book.thread_keys[row["starter"]]) == thread
    request = _end_operation(book, slot, event, newest)
    if request < 0 and accepting >= 0:
        request = _end_operation(book, accepting, event, newest)
    if request >= 0:
        book.requests[request]["operation_end"] = operations.time[i]
        book.sockets[book.requests[request]["socket"]]["open_operations"] -= 1


@inlined
def _note(book: Book, operations: Operations, i: Int, slot: Int, accepting: Int) -> None:
    """What an operation tells of its socket: addresses, bytes, the close."""
    row = book.sockets[slot]
    event = operations.event[i]
    done = operations.step[i] == _COMPLETED
    good = operations.status[i] & _FAILED == 0
    address = operations.address[i]
    if event == _CLOSE and done and row["closed"] == NEVER:
        row["closed"] = operations.time[i]
        row["closed_cpu"] = operations.cpu[i]
        row["closed_offset"] = operations.offset[i]
        book.state[STATE_CLOSED] += 1
    elif _SENDS[event] and done and good:
        row["sent"] += np.int64(operations.length[i])
    elif _RECEIVES[event] and done and good:
        row["received"] += np.int64(operations.length[i])
    elif event == _BIND and good and address["family"] != 0:
        copy_address(row["local"], address)
    elif event >= _CONNECT and event <= _CONNECT_EX:
        if address["family"] != 0:
            copy_address(row["remote"], address)
        row["connecting"] = 0 if done else 1
        if not done:
            book.connections[book.state[STATE_CONNECTING] % RING]["connecting"] = slot
            book.state[STATE_CONNECTING] += 1
    elif event >= FIRST_ACCEPT and event <= LAST_ACCEPT and accepting >= 0 and address["family"] != 0:
        copy_address(book.sockets[accepting]["remote"], address)
        accept_side(book, accepting)


@inlined
def operate(book: Book, operations: Operations, i: Int, thread: np.uint32) -> None:
    """One event of the socket driver; there must be room for two sockets and a thread."""
    event, endpoint = operations.event[i], operations.endpoint[i]
    if endpoint == np.uint64(0) or event == 0:
        return
    slot = socket_at(book, endpoint)
    if event == _CLEANUP:
        if slot >= 0:
            _gone(book, slot, operations.time[i], STATE_CLEANED)
        return
    started = operations.step[i] == _STARTED
    if event == _CREATE:
        slot = _create(book, operations, i, slot, thread)
    elif slot < 0 and started and event > _CREATE and event <= _LAST:
        slot = _opened(book, operations, i)
    if slot < 0:
        return
    book.sockets[slot]["last"] = operations.time[i]
    if event < _CREATE or event > _LAST:
        return
    accepting: Int = NONE
    if operations.accept[i] != np.uint64(0) and operations.accept[i] != endpoint:
        accepting = socket_at(book, operations.accept[i])
        if accepting < 0 and started:
            accepting = open_socket(book, operations.accept[i])
            book.sockets[accepting]["process_object"] = operations.process_object[i]
            book.sockets[accepting]["last"] = operations.time[i]
    if started:
        _start(book, operations, i, slot, thread)
    elif operations.step[i] == _COMPLETED:
        _finish(book, operations, i, slot, accepting, thread)
    _note(book, operations, i, slot, accepting)
