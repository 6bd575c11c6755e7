"""What is written down about requests, sockets and threads while events are followed.

Rows refer to one another by number; -1 stands for none. A row that is given back is found again through
``next_free``. ``serial`` counts what was ever opened, so that a row used again is told from its earlier use.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

REQUEST: Final = np.dtype(
    [
        ("address", "<u8"),
        ("file", "<u8"),
        ("routine", "<u8"),
        ("endpoint", "<u8"),
        ("queued_at", "<u8"),
        ("serial", "<i8"),
        ("issued", "<i8"),
        ("issued_offset", "<i8"),
        ("returned", "<i8"),
        ("completed", "<i8"),
        ("completed_offset", "<i8"),
        ("operation_start", "<i8"),
        ("operation_end", "<i8"),
        ("id", "<u4"),
        ("alias", "<u4"),
        ("thread", "<u4"),
        ("process", "<u4"),
        ("completed_thread", "<u4"),
        ("thread_row", "<i4"),
        ("thread_next", "<i4"),
        ("thread_before", "<i4"),
        ("call_below", "<i4"),
        ("call_above", "<i4"),
        ("socket", "<i4"),
        ("socket_next", "<i4"),
        ("socket_before", "<i4"),
        ("next_free", "<i4"),
        ("calls", "<i4"),
        ("issued_cpu", "<u2"),
        ("completed_cpu", "<u2"),
        ("operation", "<u2"),
        ("who", "u1"),
        ("major", "u1"),
        ("completion", "u1"),
        ("queued", "u1"),
        ("join", "u1"),
        ("live", "u1"),
        ("in_call", "u1"),
        ("orphan", "u1"),
    ]
)
"""One request that is not retired; ``address`` is the packet's.

``alias``: the latest other id it was passed on under. ``calls``: driver calls under its own id that have not returned.
``in_call``: it is in the list of its thread's open calls (``call_below``, ``call_above``). ``orphan``: its thread has
exited. The lists of its thread and its socket run from the newest to the oldest.
"""

ADDRESS: Final = np.dtype([("family", "<u2"), ("port", "<u2"), ("high", "<u8"), ("low", "<u8")])
"""A socket address; family 0 for none.

``high`` and ``low`` are the address as a number, an IPv4 address in ``low``.
"""

SOCKET: Final = np.dtype(
    [
        ("address", "<u8"),
        ("file", "<u8"),
        ("process_object", "<u8"),
        ("process_field", "<u8"),
        ("tcb", "<u8"),
        ("serial", "<i8"),
        ("created", "<i8"),
        ("created_offset", "<i8"),
        ("last", "<i8"),
        ("closed", "<i8"),
        ("closed_offset", "<i8"),
        ("sent", "<i8"),
        ("received", "<i8"),
        ("local", ADDRESS),
        ("remote", ADDRESS),
        ("process", "<u4"),
        ("thread", "<u4"),
        ("started", "<u4"),
        ("finished", "<u4"),
        ("requests", "<i4"),
        ("open_operations", "<i4"),
        ("starter", "<i4"),
        ("next_free", "<i4"),
        ("created_cpu", "<u2"),
        ("closed_cpu", "<u2"),
        ("live", "u1"),
        ("made", "u1"),
        ("connecting", "u1"),
    ]
)
"""One endpoint that is not cleaned up; ``address`` is the endpoint's.

``open_operations``: of its requests, those whose operation has not completed. ``starter``: the thread row that started
its latest operation. ``made``: its creation has completed. ``connecting``: a connect is under way.
"""

THREAD: Final = np.dtype(
    [
        ("requests", "<i4"),
        ("calls", "<i4"),
        ("socket", "<i4"),
        ("event", "<u2"),
        ("taken", "u1"),
        ("serial", "<i8"),
        ("start", "<i8"),
    ]
)
"""One thread id: its newest request, its innermost open driver call, and the socket operation that it started last.

``socket`` with ``serial``, ``event`` and ``start`` is that operation; ``taken``: it has its request.
"""

CPU: Final = np.dtype([("running", "<u4"), ("completed", "<i4"), ("serial", "<i8")])
"""The thread that runs on a CPU, and the request that was completed there last."""

CONNECTION: Final = np.dtype(
    [("local", ADDRESS), ("remote", ADDRESS), ("tcb", "<u8"), ("connecting", "<i4"), ("free", "u1")]
)
"""A TCP connection that TCP has told of, ``free`` while no socket has it; and, apart from that, the row of a socket
that began to connect."""
LATENCY: Final = np.dtype([("retire", "<i8"), ("cleanup", "<i8")])
"""One bin of the two histograms: from completion to retirement by a free, from close to cleanup."""
RING: Final = 64
"""How many of the latest connecting sockets, and of the latest connections, are looked through for a partner: between
the two events lies a handshake on this machine, or the time until a server accepts."""

STATE_IRP: Final = 0
STATE_AFD: Final = 1
STATE_QUEUE: Final = 2
STATE_TCP: Final = 3
STATE_EXIT: Final = 4
STATE_POOL: Final = 5
STATE_SWITCH: Final = 6
"""Up to here: the event of each table to go on with."""
CURSORS: Final = 7
STATE_REQUESTS: Final = 7
"""Request rows in use or used before."""
STATE_REQUESTS_FREE: Final = 8
STATE_REQUESTS_LIVE: Final = 9
STATE_SOCKETS: Final = 10
STATE_SOCKETS_FREE: Final = 11
STATE_SOCKETS_LIVE: Final = 12
STATE_THREADS: Final = 13
STATE_ISSUED: Final = 14
STATE_COMPLETED: Final = 15
STATE_UNKNOWN: Final = 16
"""Completions of requests that no call was seen of."""
STATE_BY_FREE: Final = 17
STATE_BY_REUSE: Final = 18
STATE_INLINE: Final = 19
STATE_BY_EXIT: Final = 20
STATE_BY_QUEUE: Final = 21
STATE_BY_CLEANUP: Final = 22
STATE_SOCKET_SERIALS: Final = 23
STATE_CREATED: Final = 24
STATE_CLOSED: Final = 25
STATE_CLEANED: Final = 26
STATE_REPLACED: Final = 27
STATE_RETURNS: Final = 28
"""Returns of driver calls: a session without them does not tell when a call ends."""
STATE_ENTRY: Final = 29
"""Where in a request packet the entry lies by which it is queued; -1 while nothing has told."""
STATE_CONNECTING: Final = 30
STATE_CONNECTIONS: Final = 31
STATE_NAMED: Final = 32
"""Completions that carried the id of the request's call: the ids of this trace name requests, not calls."""
STATE_ROWS: Final = 33

DONE: Final = 0
REQUESTS_FULL: Final = 1
SOCKETS_FULL: Final = 2
THREADS_FULL: Final = 3
"""Results of a call: done, or what needs more room before it can go on."""

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
U16 = npt.NDArray[np.uint16]
U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
Rows = npt.NDArray[np.void]


class Book(NamedTuple):
    """Everything that outlives a batch. ``by_packet``, ``by_endpoint``, ``by_file``: buckets as of the ledger's tables.

    ``connections``: two rings in one table, of connections and of sockets that began to connect.
    """

    requests: Rows
    by_packet: U64
    sockets: Rows
    by_endpoint: U64
    by_file: U64
    threads: Rows
    thread_keys: U64
    thread_table: I32
    cpus: Rows
    connections: Rows
    latency: Rows
    state: I64
