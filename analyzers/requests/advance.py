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
from analyzers.requests.records import IRP, TrackerTables
from analyzers.requests.retirement import block_event, exit_thread, note_buffer
from analyzers.requests.sockets import operate
from tracer.arrays import I64, Structured
from tracer.jit import Int, inlined, kernel

_CALL, _RETURN, _COMPLETE, _ROUTINE = kinds.CALL, kinds.RETURN, kinds.COMPLETE, kinds.ROUTINE
_INSERT, _TAKE, _OPERATE = kinds.INSERT, kinds.TAKE, kinds.OPERATE
_CONNECT, _ACCEPT, _BUFFER = kinds.CONNECT, kinds.ACCEPT, kinds.BUFFER


@inlined
def _ending(tracker: TrackerTables, slot: Int, event: np.void) -> Int:
    """What an event does to a request; gives how the request is over by it (``BY_*``), -1 where it is not."""
    kind = event["kind"]
    if kind == _CALL:
        return pass_on(tracker.requests[slot], event, tracker.counts[0])
    if kind == _COMPLETE:
        return complete(tracker, slot, event)
    if kind == _RETURN:
        call_returns(tracker.requests, tracker.threads, slot, event)
        return STAYS
    if kind == _ROUTINE:
        meet_routine(tracker, slot, event)
        return STAYS
    if kind == _TAKE:
        return take_request(tracker, slot, event)
    if kind == _INSERT:
        insert_request(tracker, slot, event)
        return STAYS
    return block_event(tracker, slot, event)


@inlined
def _follow_irp(tracker: TrackerTables, event: np.void) -> None:
    kind = event["kind"]
    if kind >= _INSERT:
        slot = request_around(tracker.key_index, event["object"])
    else:
        slot = row_of(tracker.key_index, IRP, event["object"])
        tracker.counts[0]["returns"] += kind == _RETURN
    if slot >= 0:
        ending = _ending(tracker, slot, event)
        if ending >= 0:
            note_emptied(tracker, slot, ending)
            retire(tracker, slot, ending)
            slot = NONE
    elif kind == _COMPLETE:
        tracker.counts[0]["unknown_completions"] += 1
    elif kind == _INSERT:
        insert_entry(tracker, event)
    elif kind == _TAKE:
        take_entry(tracker, event)
    if (slot < 0) & (kind == _CALL):
        issue(tracker, event)


@kernel
def advance(tracker: TrackerTables, events: Structured, turn: I64) -> None:
    """Follow events in the order of ``turn``; there must be room for all that they may open."""
    for k in range(turn.shape[0]):
        event = events[turn[k]]
        kind = event["kind"]
        if kind == _OPERATE:
            operate(tracker, event)
        elif kind <= _TAKE:
            _follow_irp(tracker, event)
        elif kind == _CONNECT:
            connect(tracker.sockets, tracker.ring, event)
        elif kind == _ACCEPT:
            accept(tracker.ring, tracker.counts[0], event)
        elif kind == _BUFFER:
            note_buffer(tracker, event)
        else:
            exit_thread(tracker, event)
