"""The way through a batch: events of all kinds that requests and sockets are made of, in time order."""

from __future__ import annotations

import numpy as np

from analyzers.hashing import row_of
from analyzers.requests import events as kinds
from analyzers.requests.completion_ports import (
    insert_entry,
    insert_request,
    note_emptied,
    request_around,
    take_entry,
    take_request,
)
from analyzers.requests.connections import accept, connect
from analyzers.requests.irps import call_returns, complete, issue, meet_routine, pass_on
from analyzers.requests.lifecycle import NONE, STAYS, retire
from analyzers.requests.records import (
    I64,
    PACKET,
    Book,
    Rows,
)
from analyzers.requests.retirement import block_event, exit_thread, note_buffer
from analyzers.requests.sockets import operate
from tracer.jit import Int, inlined, kernel

_CALL, _RETURN, _COMPLETE, _ROUTINE = kinds.CALL, kinds.RETURN, kinds.COMPLETE, kinds.ROUTINE
_INSERT, _TAKE, _OPERATE = kinds.INSERT, kinds.TAKE, kinds.OPERATE
_CONNECT, _ACCEPT, _BUFFER = kinds.CONNECT, kinds.ACCEPT, kinds.BUFFER


@inlined
def _way(book: Book, slot: Int, event: np.void) -> Int:
    """What an event does to a request, and in which way that is over by it."""
    kind = event["kind"]
    if kind == _CALL:
        return pass_on(book.requests[slot], event, book.counts[0])
    if kind == _COMPLETE:
        return complete(book, slot, event)
    if kind == _RETURN:
        call_returns(book.requests, book.threads, slot, event)
        return STAYS
    if kind == _ROUTINE:
        meet_routine(book, slot, event)
        return STAYS
    if kind == _TAKE:
        return take_request(book, slot, event)
    if kind == _INSERT:
        insert_request(book, slot, event)
        return STAYS
    return block_event(book, slot, event)


@inlined
def _follow_packet(book: Book, event: np.void) -> None:
    kind = event["kind"]
    if kind >= _INSERT:
        slot = request_around(book.places, event["object"])
    else:
        slot = row_of(book.places, PACKET, event["object"])
        book.counts[0]["returns"] += kind == _RETURN
    if slot >= 0:
        way = _way(book, slot, event)
        if way >= 0:
            note_emptied(book, slot, way)
            retire(book, slot, way)
            slot = NONE
    elif kind == _COMPLETE:
        book.counts[0]["unknown_completions"] += 1
    elif kind == _INSERT:
        insert_entry(book, event)
    elif kind == _TAKE:
        take_entry(book, event)
    if (slot < 0) & (kind == _CALL):
        issue(book, event)


@kernel
def advance(book: Book, events: Rows, turn: I64) -> None:
    """Follow events in the order of ``turn``; there must be room for all that they may open."""
    for k in range(turn.shape[0]):
        event = events[turn[k]]
        kind = event["kind"]
        if kind == _OPERATE:
            operate(book, event)
        elif kind <= _TAKE:
            _follow_packet(book, event)
        elif kind == _CONNECT:
            connect(book.sockets, book.ring, event)
        elif kind == _ACCEPT:
            accept(book.ring, book.counts[0], event)
        elif kind == _BUFFER:
            note_buffer(book, event)
        else:
            exit_thread(book, event)
