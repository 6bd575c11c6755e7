"""Socket driver events: the lives of endpoints and the operations on them (``docs/held-requests.md``)."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.hashing import row_of
from analyzers.requests.afd_join import join_on_start
from analyzers.requests.connections import accept_side, begin_connect
from analyzers.requests.events import (
    ACCEPTS,
    BINDS,
    CLEANS,
    CLOSES,
    CONNECTS,
    CREATES,
    IS_THERE,
    RECEIVES,
    SENDS,
)
from analyzers.requests.lifecycle import NONE, NOTHING, close_socket, finish, leave_socket, open_socket, thread_row
from analyzers.requests.records import CLEANUPS, ENDPOINT, TrackerTables
from analyzers.requests.tables import NEVER, Finished
from analyzers.trends.bins import bin_of
from tracer.arrays import Structured
from tracer.events import afd
from tracer.jit import Int, inlined, routine

_STARTED: Final = int(afd.EnterExit.STARTED)
_COMPLETED: Final = int(afd.EnterExit.COMPLETED)
_ENDPOINT_GONE: Final = int(Finished.ENDPOINT_GONE)
_CLEANED: Final = np.int64(0)
_REPLACED: Final = np.int64(1)
"""Ways in which a socket is gone."""
_MOST: Final = 256
"""Requests of one socket among which that of a completed operation is looked for."""


@routine
def _gone(tracker: TrackerTables, slot: Int, event: np.void, how: Int) -> None:
    """An endpoint is no more, so nothing refers to it: stage 2 of its completed requests has run."""
    row = tracker.sockets[slot]
    request = row["requests"]
    while request >= 0:
        older = tracker.requests[request]["socket_next"]
        leave_socket(tracker.requests, tracker.sockets, request)
        finish(tracker.requests[request], event["time"], _ENDPOINT_GONE)
        request = older
    if (row["closed"] != NEVER) & (how == _CLEANED) & (event["time"] >= row["closed"]):
        tracker.latency[CLEANUPS, bin_of(event["time"] - row["closed"])] += 1
    if how == _CLEANED:
        tracker.counts[0]["cleaned"] += 1
    else:
        tracker.counts[0]["replaced"] += 1
    close_socket(tracker, slot)


@inlined
def _end_of(row: np.void, event: np.void) -> Int:
    """The way in which a known socket is gone by an event, -1 if it is not.

    One that is made at the endpoint of another shows that the other's cleanup was lost.
    """
    if event["does"] == CLEANS:
        return _CLEANED
    again = (event["step"] != _COMPLETED) | (row["made"] == 1) | (row["created"] == NEVER)
    if (event["does"] == CREATES) & again:
        return _REPLACED
    return NONE


@inlined
def _new_socket(tracker: TrackerTables, event: np.void) -> Int:
    """The socket of an event that tells of it for the first time, maybe of its creation; -1 where that failed."""
    slot = open_socket(tracker, event["object"], event)
    row = tracker.sockets[slot]
    row["process"] = event["process"]
    if event["does"] == CREATES:
        row["created"] = event["time"]
        row["created_cpu"] = event["cpu"]
        row["created_offset"] = event["offset"]
        row["thread"] = event["thread"]
        row["process_field"] = event["process_field"]
        tracker.counts[0]["created"] += 1
    return slot


@inlined
def _start(tracker: TrackerTables, event: np.void, slot: Int) -> None:
    """An operation begins: its thread's latest, and maybe that of the thread's open driver call."""
    row = tracker.sockets[slot]
    row["started"] += 1
    thread = thread_row(tracker.key_index, tracker.threads, tracker.counts[0], event["thread"])
    if thread < 0:
        return
    owner = tracker.threads[thread]
    owner["user"] = event["time"]
    owner["socket"] = slot
    owner["serial"] = row["serial"]
    owner["operation"] = event["operation"]
    owner["does"] = event["does"]
    owner["start"] = event["time"]
    owner["taken"] = 0
    row["starter"] = thread
    join_on_start(tracker, owner, slot)


@routine
def _end_operation(requests: Structured, socket: np.void, event: np.void, newest: bool | np.bool_) -> bool:
    """Write the end of the oldest (or newest) open operation of this kind of a socket; whether there is one."""
    left = socket["open_operations"]
    found: Int = NONE
    slot = socket["requests"]
    steps = 0
    while (slot >= 0) & (left > 0) & (steps < _MOST):
        row = requests[slot]
        if (row["operation"] != 0) & (row["operation_end"] == NEVER):
            left -= 1
            if row["operation"] == event["operation"]:
                found = slot
                if newest:
                    left = 0
        slot = row["socket_next"]
        steps += 1
    if found >= 0:
        requests[found]["operation_end"] = event["time"]
        socket["open_operations"] -= 1
    return found >= 0  # type: ignore[return-value]  # a kernel's value


@inlined
def _finish(tracker: TrackerTables, event: np.void, slot: Int, accepting: Int) -> None:
    """An operation is over: the oldest of its kind, or the latest where its own thread says so at once."""
    row = tracker.sockets[slot]
    row["finished"] += 1
    newest = False
    if row["starter"] >= 0:
        owner = tracker.threads[row["starter"]]
        same = (owner["socket"] == slot) & (owner["serial"] == row["serial"])
        if same & (owner["operation"] == event["operation"]):
            owner["socket"] = NONE
            newest = owner["thread"] == event["thread"]
    if not _end_operation(tracker.requests, row, event, newest) and accepting >= 0:
        _end_operation(tracker.requests, tracker.sockets[accepting], event, newest)


@inlined
def _note(tracker: TrackerTables, event: np.void, slot: Int, accepting: Int) -> None:
    """What an operation tells of its socket: addresses, bytes, the close."""
    row, does = tracker.sockets[slot], event["does"]
    done = event["step"] == _COMPLETED
    if does == CREATES:
        row["made"] = 1 if done else row["made"]
    elif does == SENDS:
        row["sent"] += event["length"]
    elif does == RECEIVES:
        row["received"] += event["length"]
    elif does == CLOSES:
        if done & (row["closed"] == NEVER):
            row["closed"] = event["time"]
            row["closed_cpu"] = event["cpu"]
            row["closed_offset"] = event["offset"]
            tracker.counts[0]["closed"] += 1
    elif (does == BINDS) & (event["remote"] != 0) & (event["good"] == 1):
        row["local"] = event["remote"]
    elif does == CONNECTS:
        if event["remote"] != 0:
            row["remote"] = event["remote"]
        row["connecting"] = 0 if done else 1
        if not done:
            begin_connect(tracker.ring, tracker.counts[0], slot)
    elif (does == ACCEPTS) & (accepting >= 0) & (event["remote"] != 0):
        tracker.sockets[accepting]["remote"] = event["remote"]
        accept_side(tracker.sockets[accepting], tracker.ring)


@inlined
def operate(tracker: TrackerTables, event: np.void) -> None:
    """One event of the socket driver; there must be room for two sockets and a thread."""
    slot = row_of(tracker.key_index, ENDPOINT, event["object"])
    if slot >= 0:
        how = _end_of(tracker.sockets[slot], event)
        if how >= 0:
            _gone(tracker, slot, event, how)
            slot = NONE
    started = event["step"] == _STARTED
    creates = event["does"] == CREATES
    if (slot < 0) & (creates | (started & (event["does"] > CLEANS))):
        slot = _new_socket(tracker, event)
    if slot < 0:
        return
    tracker.sockets[slot]["last"] = event["time"]
    if event["does"] == IS_THERE:
        return
    accepting = NONE
    if (event["accept"] != NOTHING) & (event["accept"] != event["object"]):
        accepting = row_of(tracker.key_index, ENDPOINT, event["accept"])  # type: ignore[assignment]  # a kernel's value
        if (accepting < 0) & started:
            accepting = open_socket(tracker, event["accept"], event)  # type: ignore[assignment]  # a kernel's value
    if started:
        _start(tracker, event, slot)
    elif event["step"] == _COMPLETED:
        _finish(tracker, event, slot, accepting)
    _note(tracker, event, slot, accepting)
