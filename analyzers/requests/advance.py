"""The way through a batch: events of all kinds that requests and sockets are made of, in time order."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.requests import columns
from analyzers.requests.connections import connect
from analyzers.requests.irps import call, call_returns, complete, completion_returns
from analyzers.requests.memory import exit_thread, pool_event
from analyzers.requests.queues import insert, take
from analyzers.requests.rows import (
    CURSORS,
    DONE,
    REQUESTS_FULL,
    SOCKETS_FULL,
    STATE_AFD,
    STATE_EXIT,
    STATE_IRP,
    STATE_POOL,
    STATE_QUEUE,
    STATE_REQUESTS_LIVE,
    STATE_SOCKETS_LIVE,
    STATE_SWITCH,
    STATE_TCP,
    STATE_THREADS,
    THREADS_FULL,
    Book,
    Rows,
)
from analyzers.requests.sockets import operate
from tracer.columns import UNKNOWN_ID
from tracer.events import irp
from tracer.events.thread import QUEUE_INSERT
from tracer.jit import Int, inlined, kernel

_UNKNOWN: Final = UNKNOWN_ID
_LAST: Final = np.iinfo(np.int64).max
_CALL: Final = irp.CALL
_RETURN: Final = irp.RETURN
_COMPLETE: Final = irp.COMPLETE
_COMPLETE_RETURN: Final = irp.COMPLETE_RETURN
_INSERT: Final = QUEUE_INSERT


@inlined
def _no_room(book: Book) -> int:
    """What any one event may need more of than there is."""
    if book.state[STATE_REQUESTS_LIVE] >= book.requests.shape[0]:
        return REQUESTS_FULL
    if book.state[STATE_SOCKETS_LIVE] + 2 > book.sockets.shape[0]:
        return SOCKETS_FULL
    if book.state[STATE_THREADS] >= book.threads.shape[0]:
        return THREADS_FULL
    return DONE


@inlined
def _head(order: npt.NDArray[np.int64], at: Int) -> Int:
    return order[at] if at < order.shape[0] else _LAST


@inlined
def _thread_of(book: Book, thread: np.uint32, cpu: np.uint16) -> np.uint32:
    """The thread that an event itself names, else the one that runs on its CPU."""
    return thread if thread != _UNKNOWN else np.uint32(book.cpus[cpu]["running"])


@inlined
def _driver_event(book: Book, irps: columns.Irps, i: Int) -> None:
    event = irps.event[i]
    thread = _thread_of(book, irps.thread[i], irps.cpu[i])
    if event == _CALL:
        call(book, irps, i, thread)
    elif event == _COMPLETE:
        complete(book, irps, i, thread)
    elif event == _RETURN:
        call_returns(book, irps, i, thread)
    elif event == _COMPLETE_RETURN:
        completion_returns(book, irps, i)


@kernel
def advance(
    book: Book,
    irps: columns.Irps,
    operations: columns.Operations,
    queues: columns.Queues,
    tcp: columns.Connections,
    exits: columns.Exits,
    pool: columns.Pool,
    switches: columns.Switches,
) -> int:
    """Follow a batch; resumable: the caller makes room where the result says what is full.

    Pool events only matter while there are requests, and are passed over otherwise.
    """
    state = book.state
    while True:
        first_irp, first_operation = _head(irps.order, state[STATE_IRP]), _head(operations.order, state[STATE_AFD])
        first_queue, first_tcp = _head(queues.order, state[STATE_QUEUE]), _head(tcp.order, state[STATE_TCP])
        first_exit = _head(exits.order, state[STATE_EXIT])
        until = min(first_irp, first_operation, first_queue, first_tcp, first_exit)
        j = state[STATE_SWITCH]
        while j < switches.order.shape[0] and switches.order[j] < until:
            book.cpus[switches.cpu[j]]["running"] = switches.new[j]
            j += 1
        state[STATE_SWITCH] = j
        j = state[STATE_POOL]
        while j < pool.order.shape[0] and pool.order[j] < until:
            if state[STATE_REQUESTS_LIVE] > 0:
                pool_event(book, pool, j)
            j += 1
        state[STATE_POOL] = j
        if until == _LAST:
            break
        full = _no_room(book)
        if full != DONE:
            return full
        if first_irp == until:
            _driver_event(book, irps, state[STATE_IRP])
            state[STATE_IRP] += 1
        elif first_operation == until:
            i = state[STATE_AFD]
            operate(book, operations, i, _thread_of(book, operations.thread[i], operations.cpu[i]))
            state[STATE_AFD] += 1
        elif first_queue == until:
            i = state[STATE_QUEUE]
            if queues.event[i] == _INSERT:
                insert(book, queues, i)
            else:
                take(book, queues, i)
            state[STATE_QUEUE] += 1
        elif first_tcp == until:
            connect(book, tcp, state[STATE_TCP])
            state[STATE_TCP] += 1
        else:
            exit_thread(book, exits.thread[state[STATE_EXIT]])
            state[STATE_EXIT] += 1
    state[:CURSORS] = 0
    return DONE


@kernel
def follow_switches(cpus: Rows, switches: columns.Switches) -> None:
    """Only note who runs where, for a batch without any of the other events."""
    for i in range(switches.order.shape[0]):
        cpus[switches.cpu[i]]["running"] = switches.new[i]
