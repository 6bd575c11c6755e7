"""The way through a batch: events of all kinds that requests and sockets are made of, in time order."""

from __future__ import annotations

import numpy as np

from analyzers.requests import events as kinds
from analyzers.requests.connections import accept, connect
from analyzers.requests.index import PACKET, row_of
from analyzers.requests.irps import call_returns, complete, completion_returns, issue, pass_on
from analyzers.requests.life import NONE, STAYS, UNKNOWN, retire
from analyzers.requests.memory import block_event, exit_thread
from analyzers.requests.queues import insert, learn_entry, request_around, take
from analyzers.requests.rows import I64, LAST_COMPLETED, RETURNS, RUNNING, UNKNOWN_COMPLETIONS, Book, Rows
from analyzers.requests.sockets import operate
from tracer.columns import Who
from tracer.jit import Int, inlined, kernel

_CALL, _RETURN, _COMPLETE, _COMPLETE_RETURN = kinds.CALL, kinds.RETURN, kinds.COMPLETE, kinds.COMPLETE_RETURN
_INSERT, _TAKE, _OPERATE = kinds.INSERT, kinds.TAKE, kinds.OPERATE
_CONNECT, _ACCEPT, _EXIT, _SWITCH = kinds.CONNECT, kinds.ACCEPT, kinds.EXIT, kinds.SWITCH
_INFERRED = int(Who.CONTEXT_SWITCH)


@inlined
def _request_of(book: Book, event: np.void) -> Int:
    """The request that an event is about, -1 for one that is not on the book."""
    counts, kind = book.counts, event["kind"]
    if kind == _INSERT:
        learn_entry(book.requests, counts, event)
    if kind >= _INSERT:
        return request_around(book.places, counts, event["object"])
    if kind == _RETURN:
        counts[RETURNS] += 1
    elif kind == _COMPLETE:
        counts[LAST_COMPLETED + event["cpu"]] = NONE
    return row_of(book.places, PACKET, event["object"])


@inlined
def _way(book: Book, slot: Int, event: np.void) -> Int:
    """What an event does to a request, and in which way that is over by it."""
    requests, counts, kind = book.requests, book.counts, event["kind"]
    row = requests[slot]
    if kind == _CALL:
        return pass_on(row, event, counts)
    if kind == _COMPLETE:
        return complete(requests, book.threads, counts, slot, event)
    if kind == _RETURN:
        return call_returns(requests, book.threads, slot, event)
    if kind == _COMPLETE_RETURN:
        return completion_returns(row, counts)
    if kind == _TAKE:
        return take(row, event["object"])
    if kind == _INSERT:
        insert(row, event["object"])
        return STAYS
    return block_event(row, event)


@inlined
def _follow_packet(book: Book, event: np.void) -> None:
    slot = _request_of(book, event)
    if slot >= 0:
        way = _way(book, slot, event)
        if way >= 0:
            retire(book, slot, way)
            slot = NONE
    elif event["kind"] == _COMPLETE:
        book.counts[UNKNOWN_COMPLETIONS] += 1
    if (slot < 0) & (event["kind"] == _CALL):
        issue(book, event)


@kernel
def advance(book: Book, events: Rows, turn: I64) -> None:
    """Follow events in the order of ``turn``; there must be room for all that they may open."""
    for k in range(turn.shape[0]):
        event = events[turn[k]]
        kind = event["kind"]
        if kind == _SWITCH:
            book.counts[RUNNING + event["cpu"]] = event["thread"]
            continue
        if (kind <= _COMPLETE_RETURN) & (event["thread"] == UNKNOWN):
            event["thread"] = book.counts[RUNNING + event["cpu"]]
            event["who"] = _INFERRED if event["thread"] != UNKNOWN else event["who"]
        if kind == _OPERATE:
            operate(book, event)
        elif kind <= _TAKE:
            _follow_packet(book, event)
        elif kind == _CONNECT:
            connect(book.sockets, book.ring, event)
        elif kind == _ACCEPT:
            accept(book.ring, book.counts, event)
        else:
            exit_thread(book, event)
