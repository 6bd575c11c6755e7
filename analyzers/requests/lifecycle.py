"""The life of a row: requests are opened, put on the lists of their thread and socket, and taken off again."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.hashing import put, row_of
from analyzers.requests.events import CLEANUP, CREATE
from analyzers.requests.records import (
    BY_CALLER,
    BY_REUSE,
    ENDPOINT,
    FILE,
    FILE_REQUESTS,
    IRP,
    REQUEST_KIND,
    THREAD_ID,
    TrackerTables,
)
from analyzers.requests.tables import CALL_NS, NEVER, Completion, Finished, Queued
from tracer.arrays import I32, U64, Structured
from tracer.columns import UNKNOWN_ID
from tracer.jit import Int, inlined, routine

UNKNOWN: Final = UNKNOWN_ID
NONE: Final = np.int64(-1)
STAYS: Final = np.int64(-1)
"""No way: a request is not over."""
NOTHING: Final = np.uint64(0)
"""An address that is not given."""
NOT_QUEUED: Final = int(Queued.NO)
_INLINE: Final = int(Completion.INLINE)
_FILE_CLOSED: Final = int(Finished.FILE_CLOSED)
_MAJOR_SHIFT: Final = np.uint64(49)
_OPERATION_SHIFT: Final = np.uint64(42)
_OPERATION_MASK: Final = np.uint64(0x7F)


@inlined
def enter(key_index: Structured, counts: np.void, kind: np.uint64, number: np.uint64, row: Int) -> None:
    """Enter the row of an address or id, -1 to take it off; there must be room for one more key."""
    counts["keys"] += put(key_index, kind, number, row)


@routine
def thread_row(key_index: Structured, threads: Structured, counts: np.void, thread: np.uint32) -> Int:
    """Row of a thread id, a new one where it is new; there must be room. -1 for an unknown thread."""
    if thread == UNKNOWN:
        return NONE
    row = row_of(key_index, THREAD_ID, np.uint64(thread))
    if row < 0:
        row = counts["threads"]
        counts["threads"] += 1
        threads[row]["thread"] = thread
        enter(key_index, counts, THREAD_ID, np.uint64(thread), row)
    return row


@routine
def forget_file(tracker: TrackerTables, file: np.uint64) -> None:
    """A file object begins or ends its life: it is no longer the socket's that it was."""
    socket = row_of(tracker.key_index, FILE, file)
    if socket >= 0:
        tracker.sockets[socket]["file"] = 0
        enter(tracker.key_index, tracker.counts[0], FILE, file, NONE)


@routine
def learn_file(tracker: TrackerTables, socket: Int, file: np.uint64) -> None:
    """From now on requests on this file object are this socket's."""
    row = tracker.sockets[socket]
    if (file == NOTHING) | (row["file"] == file):
        return
    forget_file(tracker, file)
    forget_file(tracker, row["file"])
    row["file"] = file
    enter(tracker.key_index, tracker.counts[0], FILE, file, socket)


@inlined
def leave_call(requests: Structured, threads: Structured, slot: Int) -> None:
    """Take one request off its thread's open calls."""
    row = requests[slot]
    if row["in_call"] == 0:
        return
    row["in_call"] = 0
    owner = threads[row["thread_row"]]
    if owner["calls"] == slot:
        owner["calls"] = row["call_below"]
        return
    above = requests[owner["calls"]]
    while above["call_below"] != slot:
        above = requests[above["call_below"]]
    above["call_below"] = row["call_below"]


@inlined
def end_call(requests: Structured, threads: Structured, slot: Int) -> None:
    """A request's call is over, and with it all that were made inside it, whose returns were lost."""
    row = requests[slot]
    while row["in_call"] == 1:
        owner = threads[row["thread_row"]]
        innermost = requests[owner["calls"]]
        innermost["in_call"] = 0
        owner["calls"] = innermost["call_below"]


@routine
def leave_socket(requests: Structured, sockets: Structured, slot: Int) -> None:
    """Take a request off its socket's list, if it is on one."""
    row = requests[slot]
    if row["socket"] < 0:
        return
    owner = sockets[row["socket"]]
    if (row["operation"] != 0) & (row["operation_end"] == NEVER):
        owner["open_operations"] -= 1
    before, after = row["socket_before"], row["socket_next"]
    if before >= 0:
        requests[before]["socket_next"] = after
    else:
        owner["requests"] = after
    if after >= 0:
        requests[after]["socket_before"] = before
    row["socket"] = NONE


@routine
def join_socket(requests: Structured, sockets: Structured, slot: Int, socket: Int) -> None:
    """Put a request that is on no list on a socket's, as its newest."""
    row, owner = requests[slot], sockets[socket]
    row["socket"] = socket
    row["endpoint"] = owner["address"]
    row["socket_next"] = owner["requests"]
    row["socket_before"] = NONE
    if owner["requests"] >= 0:
        requests[owner["requests"]]["socket_before"] = slot
    owner["requests"] = slot


@inlined
def _leave_thread(requests: Structured, threads: Structured, slot: Int, how: Int) -> None:
    """Take a request off its thread's lists; the thread keeps what was completed by others and seen to be over."""
    row = requests[slot]
    owner = threads[row["thread_row"]]
    by_others = (how != BY_CALLER) & (row["completion"] > _INLINE) & (row["queued"] == NOT_QUEUED)
    if by_others:
        owner["completed"] += 1
    if by_others & (how <= BY_REUSE) & (row["completed"] > owner["last_retired"]):
        owner["last_retired"] = row["completed"]
    leave_call(requests, threads, slot)
    before, after = row["thread_before"], row["thread_next"]
    if before >= 0:
        requests[before]["thread_next"] = after
    else:
        owner["requests"] = after
    if after >= 0:
        requests[after]["thread_before"] = before


@inlined
def _leave_file(tracker: TrackerTables, slot: Int) -> None:
    """Take a request off its file's list."""
    row = tracker.requests[slot]
    before, after = row["file_before"], row["file_next"]
    if before >= 0:
        tracker.requests[before]["file_next"] = after
    elif row["file"] != NOTHING:
        enter(tracker.key_index, tracker.counts[0], FILE_REQUESTS, row["file"], after)
    if after >= 0:
        tracker.requests[after]["file_before"] = before


@routine
def retire(tracker: TrackerTables, slot: Int, how: Int) -> None:
    """Take a request out of the tables and count it; ``how`` is one of ``BY_*``."""
    row, counts = tracker.requests[slot], tracker.counts[0]
    if row["thread_row"] >= 0:
        _leave_thread(tracker.requests, tracker.threads, slot, how)
    leave_socket(tracker.requests, tracker.sockets, slot)
    _leave_file(tracker, slot)
    if (row["completed"] != NEVER) & (how != BY_CALLER):
        tracker.kinds[kind_row(tracker, row)]["retired"] += 1
    enter(tracker.key_index, tracker.counts[0], IRP, row["address"], NONE)
    row["serial"] = NONE
    row["next_free"] = counts["free_request"]
    counts["free_request"] = slot
    tracker.endings[how] += 1


@inlined
def _kind_key(row: np.void) -> np.uint64:
    operation = (np.uint64(row["operation"]) & _OPERATION_MASK) << _OPERATION_SHIFT
    return row["routine"] ^ (np.uint64(row["major"]) << _MAJOR_SHIFT) ^ operation  # type: ignore[no-any-return]


@routine
def kind_row(tracker: TrackerTables, row: np.void) -> Int:
    """Row of a request's kind, a new one where it is new; there must be room."""
    key = _kind_key(row)
    kind = row_of(tracker.key_index, REQUEST_KIND, key)
    if kind < 0:
        kind = tracker.counts[0]["kinds"]
        tracker.counts[0]["kinds"] += 1
        enter(tracker.key_index, tracker.counts[0], REQUEST_KIND, key, kind)
    return kind


def kind_rows(tracker: TrackerTables, requests: Structured) -> I32:
    """By request: row of its kind, -1 while none of it was completed."""
    keys: U64 = np.asarray(_kind_key(requests))  # type: ignore[arg-type]  # of each at once
    kinds, place = np.unique(keys, return_inverse=True)
    rows: I32 = np.array([row_of(tracker.key_index, REQUEST_KIND, kind) for kind in kinds], np.int32)
    return rows[place]


@inlined
def finish(row: np.void, time: np.int64, how: Int) -> None:
    """Stage 2 of a completion is seen to have run by now."""
    if (row["completed"] != NEVER) & (row["finished"] == NEVER):
        row["finished"] = time
        row["finished_by"] = how


@inlined
def clean_file(tracker: TrackerTables, file: np.uint64, time: np.int64) -> None:
    """A file object's last handle is closed: its drivers are told to end what is in flight."""
    if file == NOTHING:
        return
    slot = row_of(tracker.key_index, FILE_REQUESTS, file)
    while slot >= 0:
        row = tracker.requests[slot]
        if row["cleaned"] == NEVER:
            row["cleaned"] = time
        slot = row["file_next"]


@inlined
def close_file(tracker: TrackerTables, file: np.uint64, time: np.int64) -> None:
    """A file object's last reference is given up, so that no completed request refers to it any more."""
    if file == NOTHING:
        return
    slot = row_of(tracker.key_index, FILE_REQUESTS, file)
    while slot >= 0:
        row = tracker.requests[slot]
        finish(row, time, _FILE_CLOSED)
        slot = row["file_next"]


@inlined
def _join_thread(tracker: TrackerTables, slot: Int, event: np.void) -> None:
    """Put a new request on its thread's list, as its newest."""
    requests = tracker.requests
    row = requests[slot]
    owner = thread_row(tracker.key_index, tracker.threads, tracker.counts[0], event["thread"])
    row["thread_row"] = owner
    if owner < 0:
        return
    thread = tracker.threads[owner]
    row["thread_next"] = thread["requests"]
    if thread["requests"] >= 0:
        requests[thread["requests"]]["thread_before"] = slot
    thread["requests"] = slot
    row["buffered"] = 1 if (thread["buffer"] > thread["issued"]) & (event["time"] - thread["buffer"] < CALL_NS) else 0
    thread["issued"] = event["time"]
    if (event["purpose"] == CREATE) | (event["purpose"] == CLEANUP):
        thread["user"] = event["time"]


@inlined
def _join_file(tracker: TrackerTables, slot: Int) -> None:
    """Put a new request on its file's list, as its newest."""
    row = tracker.requests[slot]
    if row["file"] == NOTHING:
        return
    newest = row_of(tracker.key_index, FILE_REQUESTS, row["file"])
    row["file_next"] = newest
    if newest >= 0:
        tracker.requests[newest]["file_before"] = slot
    enter(tracker.key_index, tracker.counts[0], FILE_REQUESTS, row["file"], slot)


@inlined
def _nothing_happened(row: np.void) -> None:
    """What a request is before anything is known but its call."""
    row["alias"] = 0
    row["endpoint"] = 0
    row["returned"] = NEVER
    row["completed"] = NEVER
    row["completed_offset"] = NEVER
    row["completed_cpu"] = 0
    row["completed_thread"] = UNKNOWN
    row["completion"] = 0
    row["finished"] = NEVER
    row["finished_by"] = 0
    row["exited"] = NEVER
    row["cleaned"] = NEVER
    row["queued"] = NOT_QUEUED
    row["queued_time"] = NEVER
    row["queued_offset"] = NEVER
    row["queued_cpu"] = 0
    row["queued_by"] = UNKNOWN
    row["join"] = 0
    row["operation"] = 0
    row["operation_start"] = NEVER
    row["operation_end"] = NEVER
    row["socket"] = NONE
    row["buffered"] = 0
    row["calls"] = 1
    row["in_call"] = 0
    row["thread_before"] = NONE
    row["thread_next"] = NONE
    row["file_before"] = NONE
    row["file_next"] = NONE


@inlined
def open_request(tracker: TrackerTables, event: np.void) -> Int:
    """A row for a request by the first call with its IRP; there must be room."""
    requests, counts = tracker.requests, tracker.counts[0]
    slot = counts["free_request"]
    row = requests[slot]
    counts["free_request"] = row["next_free"]
    row["address"] = event["object"]
    row["file"] = event["file"]
    row["routine"] = event["routine"]
    row["last_routine"] = event["routine"]
    row["completion_routine"] = 0
    row["id"] = event["id"]
    row["thread"] = event["thread"]
    row["process"] = event["process"]
    row["who"] = event["who"]
    row["major"] = event["major"]
    row["purpose"] = event["purpose"]
    row["issued"] = event["time"]
    row["issued_cpu"] = event["cpu"]
    row["issued_offset"] = event["offset"]
    row["serial"] = counts["issued"]
    _nothing_happened(row)
    _join_thread(tracker, slot, event)
    _join_file(tracker, slot)
    enter(tracker.key_index, tracker.counts[0], IRP, event["object"], slot)
    counts["issued"] += 1
    return slot  # type: ignore[no-any-return]  # a kernel's value


@routine
def open_socket(tracker: TrackerTables, endpoint: np.uint64, event: np.void) -> Int:
    """A row for an endpoint by the first event that names it; there must be room."""
    counts = tracker.counts[0]
    slot = counts["free_socket"]
    row = tracker.sockets[slot]
    counts["free_socket"] = row["next_free"]
    row["address"] = endpoint
    row["process_object"] = event["process_object"]
    row["last"] = event["time"]
    row["serial"] = counts["opened"]
    row["file"] = 0
    row["process_field"] = 0
    row["tcb"] = 0
    row["sent"] = 0
    row["received"] = 0
    row["started"] = 0
    row["finished"] = 0
    row["open_operations"] = 0
    row["made"] = 0
    row["connecting"] = 0
    row["local"] = 0
    row["remote"] = 0
    row["created"] = NEVER
    row["created_offset"] = NEVER
    row["created_cpu"] = 0
    row["closed"] = NEVER
    row["closed_offset"] = NEVER
    row["closed_cpu"] = 0
    row["process"] = UNKNOWN
    row["thread"] = UNKNOWN
    row["requests"] = NONE
    row["starter"] = NONE
    enter(tracker.key_index, tracker.counts[0], ENDPOINT, endpoint, slot)
    counts["opened"] += 1
    return slot  # type: ignore[no-any-return]  # a kernel's value


@inlined
def close_socket(tracker: TrackerTables, slot: Int) -> None:
    """Take a socket that has no requests any more out of the tables."""
    row, counts = tracker.sockets[slot], tracker.counts[0]
    forget_file(tracker, row["file"])
    enter(tracker.key_index, tracker.counts[0], ENDPOINT, row["address"], NONE)
    row["serial"] = NONE
    row["next_free"] = counts["free_socket"]
    counts["free_socket"] = slot
