"""The life of a row: requests are opened, put on the lists of their thread and socket, and taken off again."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.ledger.tables import LOW32, find, fingerprint, keyed_row, put, remove
from analyzers.requests.addresses import clear_address
from analyzers.requests.rows import (
    STATE_ISSUED,
    STATE_REQUESTS,
    STATE_REQUESTS_FREE,
    STATE_REQUESTS_LIVE,
    STATE_SOCKET_SERIALS,
    STATE_SOCKETS,
    STATE_SOCKETS_FREE,
    STATE_SOCKETS_LIVE,
    STATE_THREADS,
    U64,
    Book,
    Rows,
)
from analyzers.requests.tables import NEVER, Queued
from tracer.columns import UNKNOWN_ID
from tracer.jit import Int, inlined, kernel

UNKNOWN: Final = UNKNOWN_ID
NONE: Final = -1
NOT_QUEUED: Final = int(Queued.NO)


@inlined
def request_at(book: Book, address: np.uint64) -> Int:
    """Row of the request whose packet has this address, -1 for none."""
    bucket = find(book.by_packet, book.requests, address)
    return NONE if bucket < 0 else np.int64(book.by_packet[bucket] & LOW32)


@inlined
def socket_at(book: Book, endpoint: np.uint64) -> Int:
    """Row of the socket with this endpoint, -1 for none."""
    bucket = find(book.by_endpoint, book.sockets, endpoint)
    return NONE if bucket < 0 else np.int64(book.by_endpoint[bucket] & LOW32)


@inlined
def file_bucket(buckets: U64, sockets: Rows, file: np.uint64) -> Int:
    """Bucket of a file object that is known to be a socket's, -1 for none."""
    mask = np.uint64(buckets.shape[0] - 1)
    mark = fingerprint(file)
    probe = mark & mask
    while buckets[probe] != np.uint64(0xFFFFFFFFFFFFFFFF):
        entry = buckets[probe]
        if entry >> np.uint64(32) == mark and sockets[np.int64(entry & LOW32)]["file"] == file:
            return np.int64(probe)
        probe = (probe + np.uint64(1)) & mask
    return NONE


@inlined
def thread_row(book: Book, thread: np.uint32) -> Int:
    """Row of a thread id, a new one where it is new; there must be room. -1 for an unknown thread."""
    if thread == UNKNOWN:
        return NONE
    used = book.state[STATE_THREADS]
    row = keyed_row(book.thread_table, book.thread_keys, used, np.uint64(thread))
    if row == used:
        new = book.threads[row]
        new["requests"] = NONE
        new["calls"] = NONE
        new["socket"] = NONE
        book.state[STATE_THREADS] += 1
    return row


@kernel
def forget_file(book: Book, file: np.uint64) -> None:
    """A file object begins or ends its life: it is no longer the socket's that it was."""
    bucket = file_bucket(book.by_file, book.sockets, file)
    if bucket >= 0:
        book.sockets[np.int64(book.by_file[bucket] & LOW32)]["file"] = 0
        remove(book.by_file, bucket)


@kernel
def learn_file(book: Book, socket: Int, file: np.uint64) -> None:
    """From now on requests on this file object are this socket's."""
    row = book.sockets[socket]
    if file == np.uint64(0) or row["file"] == file:
        return
    forget_file(book, file)
    if row["file"] != np.uint64(0):
        forget_file(book, row["file"])
    row["file"] = file
    put(book.by_file, fingerprint(file), socket)


@inlined
def leave_call(book: Book, slot: Int) -> None:
    """Take one request off its thread's open calls."""
    row = book.requests[slot]
    if row["in_call"] == 0:
        return
    row["in_call"] = 0
    below, above = np.int64(row["call_below"]), np.int64(row["call_above"])
    if above >= 0:
        book.requests[above]["call_below"] = below
    else:
        book.threads[row["thread_row"]]["calls"] = below
    if below >= 0:
        book.requests[below]["call_above"] = above


@inlined
def end_call(book: Book, slot: Int) -> None:
    """A request's call is over, and with it all that were made inside it, whose returns were lost."""
    row = book.requests[slot]
    if row["in_call"] == 0:
        return
    owner = book.threads[row["thread_row"]]
    inner = np.int64(owner["calls"])
    while inner != slot:
        book.requests[inner]["in_call"] = 0
        inner = np.int64(book.requests[inner]["call_below"])
    row["in_call"] = 0
    below = np.int64(row["call_below"])
    owner["calls"] = below
    if below >= 0:
        book.requests[below]["call_above"] = NONE


@inlined
def enter_call(book: Book, slot: Int) -> None:
    """A request of a known thread becomes its innermost open call."""
    row = book.requests[slot]
    thread = book.threads[row["thread_row"]]
    below = np.int64(thread["calls"])
    row["call_below"] = below
    row["call_above"] = NONE
    row["in_call"] = 1
    if below >= 0:
        book.requests[below]["call_above"] = slot
    thread["calls"] = slot


@inlined
def leave_socket(book: Book, slot: Int) -> None:
    """Take a request off its socket's list."""
    row = book.requests[slot]
    if row["socket"] < 0:
        return
    socket = book.sockets[row["socket"]]
    if row["operation"] != 0 and row["operation_end"] == NEVER:
        socket["open_operations"] -= 1
    after, before = np.int64(row["socket_next"]), np.int64(row["socket_before"])
    if before >= 0:
        book.requests[before]["socket_next"] = after
    else:
        socket["requests"] = after
    if after >= 0:
        book.requests[after]["socket_before"] = before
    row["socket"] = NONE


@inlined
def join_socket(book: Book, slot: Int, socket: Int) -> None:
    """Put a request that is on no list on a socket's, as its newest."""
    row = book.requests[slot]
    owner = book.sockets[socket]
    first = np.int64(owner["requests"])
    row["socket"] = socket
    row["endpoint"] = owner["address"]
    row["socket_next"] = first
    row["socket_before"] = NONE
    if first >= 0:
        book.requests[first]["socket_before"] = slot
    owner["requests"] = slot


@inlined
def leave_thread(book: Book, slot: Int) -> None:
    """Take a request off its thread's list."""
    row = book.requests[slot]
    if row["thread_row"] < 0:
        return
    leave_call(book, slot)
    after, before = np.int64(row["thread_next"]), np.int64(row["thread_before"])
    if before >= 0:
        book.requests[before]["thread_next"] = after
    else:
        book.threads[row["thread_row"]]["requests"] = after
    if after >= 0:
        book.requests[after]["thread_before"] = before
    row["thread_row"] = NONE


@kernel
def retire(book: Book, slot: Int, counter: Int) -> None:
    """Take a request off the book and count it; ``counter`` is a state."""
    row = book.requests[slot]
    leave_thread(book, slot)
    leave_socket(book, slot)
    remove(book.by_packet, find(book.by_packet, book.requests, row["address"]))
    row["live"] = 0
    row["next_free"] = book.state[STATE_REQUESTS_FREE]
    book.state[STATE_REQUESTS_FREE] = slot
    book.state[STATE_REQUESTS_LIVE] -= 1
    book.state[counter] += 1


@inlined
def open_request(book: Book, address: np.uint64, thread: np.uint32) -> Int:
    """A row for a request whose packet is not on the book, on its thread's list; there must be room."""
    slot = np.int64(book.state[STATE_REQUESTS_FREE])
    if slot >= 0:
        book.state[STATE_REQUESTS_FREE] = book.requests[slot]["next_free"]
    else:
        slot = np.int64(book.state[STATE_REQUESTS])
        book.state[STATE_REQUESTS] += 1
    row = book.requests[slot]
    row["address"] = address
    row["serial"] = book.state[STATE_ISSUED]
    row["thread"] = thread
    row["endpoint"] = 0
    row["returned"] = NEVER
    row["completed"] = NEVER
    row["completed_offset"] = NEVER
    row["completed_cpu"] = 0
    row["completed_thread"] = UNKNOWN
    row["completion"] = 0
    row["queued"] = NOT_QUEUED
    row["join"] = 0
    row["operation"] = 0
    row["operation_start"] = NEVER
    row["operation_end"] = NEVER
    row["socket"] = NONE
    row["calls"] = 1
    row["in_call"] = 0
    row["orphan"] = 0
    row["live"] = 1
    row["thread_before"] = NONE
    row["thread_next"] = NONE
    owner = thread_row(book, thread)
    row["thread_row"] = owner
    if owner >= 0:
        first = np.int64(book.threads[owner]["requests"])
        row["thread_next"] = first
        if first >= 0:
            book.requests[first]["thread_before"] = slot
        book.threads[owner]["requests"] = slot
    put(book.by_packet, fingerprint(address), slot)
    book.state[STATE_REQUESTS_LIVE] += 1
    book.state[STATE_ISSUED] += 1
    return slot


@kernel
def open_socket(book: Book, endpoint: np.uint64) -> Int:
    """A row for an endpoint that is not on the book; there must be room."""
    slot = np.int64(book.state[STATE_SOCKETS_FREE])
    if slot >= 0:
        book.state[STATE_SOCKETS_FREE] = book.sockets[slot]["next_free"]
    else:
        slot = np.int64(book.state[STATE_SOCKETS])
        book.state[STATE_SOCKETS] += 1
    row = book.sockets[slot]
    row["address"] = endpoint
    row["serial"] = book.state[STATE_SOCKET_SERIALS]
    row["file"] = 0
    row["process_object"] = 0
    row["process_field"] = 0
    row["tcb"] = 0
    row["sent"] = 0
    row["received"] = 0
    row["started"] = 0
    row["finished"] = 0
    row["open_operations"] = 0
    row["made"] = 0
    row["connecting"] = 0
    clear_address(row["local"])
    clear_address(row["remote"])
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
    row["live"] = 1
    put(book.by_endpoint, fingerprint(endpoint), slot)
    book.state[STATE_SOCKETS_LIVE] += 1
    book.state[STATE_SOCKET_SERIALS] += 1
    return slot


@inlined
def close_socket(book: Book, slot: Int) -> None:
    """Take a socket that has no requests any more off the book."""
    row = book.sockets[slot]
    if row["file"] != np.uint64(0):
        forget_file(book, row["file"])
    remove(book.by_endpoint, find(book.by_endpoint, book.sockets, row["address"]))
    row["live"] = 0
    row["next_free"] = book.state[STATE_SOCKETS_FREE]
    book.state[STATE_SOCKETS_FREE] = slot
    book.state[STATE_SOCKETS_LIVE] -= 1
