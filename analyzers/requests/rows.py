"""What is written down about requests, sockets and threads while events are followed.

Rows refer to one another by number; -1 stands for none. Rows not in use form a chain through ``next_free``. ``serial``
counts what was ever opened, so that a row used again is told from its earlier use; it is -1 in a row not in use.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tracer.etl.headers import MAX_PROCESSORS

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
        ("thread_row", "<i8"),
        ("thread_next", "<i8"),
        ("thread_before", "<i8"),
        ("call_below", "<i8"),
        ("socket", "<i8"),
        ("socket_next", "<i8"),
        ("socket_before", "<i8"),
        ("next_free", "<i8"),
        ("id", "<u4"),
        ("alias", "<u4"),
        ("thread", "<u4"),
        ("process", "<u4"),
        ("completed_thread", "<u4"),
        ("calls", "<i4"),
        ("issued_cpu", "<u2"),
        ("completed_cpu", "<u2"),
        ("operation", "<u2"),
        ("who", "u1"),
        ("major", "u1"),
        ("purpose", "u1"),
        ("completion", "u1"),
        ("queued", "u1"),
        ("join", "u1"),
        ("in_call", "u1"),
        ("orphan", "u1"),
    ],
    align=True,
)
"""One request that is not retired; ``address`` is the packet's, ``purpose`` as in :data:`EVENT`.

``alias``: the latest other id it was passed on under. ``calls``: driver calls under its own id that have not returned.
``in_call``: it is in the list of its thread's open calls (``call_below``). ``orphan``: its thread has exited. The lists
of its thread and its socket run from the newest to the oldest.
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
        ("local", "<i8"),
        ("remote", "<i8"),
        ("requests", "<i8"),
        ("starter", "<i8"),
        ("next_free", "<i8"),
        ("process", "<u4"),
        ("thread", "<u4"),
        ("started", "<u4"),
        ("finished", "<u4"),
        ("open_operations", "<i4"),
        ("created_cpu", "<u2"),
        ("closed_cpu", "<u2"),
        ("made", "u1"),
        ("connecting", "u1"),
    ],
    align=True,
)
"""One endpoint that is not cleaned up; ``address`` is the endpoint's.

``local``, ``remote``: :mod:`~analyzers.requests.addresses`. ``open_operations``: of its requests, those whose operation
has not completed. ``starter``: the thread row that started its latest operation. ``made``: its creation has completed.
``connecting``: a connect is under way.
"""

THREAD: Final = np.dtype(
    [
        ("requests", "<i8"),
        ("calls", "<i8"),
        ("socket", "<i8"),
        ("serial", "<i8"),
        ("start", "<i8"),
        ("completed", "<i8"),
        ("last_retired", "<i8"),
        ("thread", "<u4"),
        ("operation", "<u2"),
        ("does", "u1"),
        ("taken", "u1"),
    ],
    align=True,
)
"""One thread id: its newest request, its innermost open driver call, and the socket operation that it started last.

``socket`` with ``serial``, ``operation``, ``does`` and ``start`` is that operation; ``taken``: it has its request.
``completed``: its retired requests that were completed and needed an APC; ``last_retired``: the latest completion of
those whose packet was freed or used again.
"""

CONNECTION: Final = np.dtype([("local", "<i8"), ("remote", "<i8"), ("tcb", "<u8"), ("connecting", "<i8")])
"""A TCP connection that TCP has told of, ``remote`` 0 once a socket has it; and, apart from that, the row of a socket
that began to connect."""
RING: Final = 64
"""How many of the latest connecting sockets, and of the latest connections, are looked through for a partner: between
the two events lies a handshake on this machine, or the time until a server accepts."""

BY_FREE: Final = np.int64(0)
BY_REUSE: Final = np.int64(1)
BY_INLINE: Final = np.int64(2)
BY_EXIT: Final = np.int64(3)
BY_QUEUE: Final = np.int64(4)
BY_CLEANUP: Final = np.int64(5)
"""Up to here: the ways in which requests are retired, and how many were."""
WAYS: Final = 6
ISSUED: Final = 6
COMPLETED: Final = 7
UNKNOWN_COMPLETIONS: Final = 8
"""Completions of requests that no call was seen of."""
OPENED: Final = 9
"""Endpoints that were ever on the book."""
CREATED: Final = 10
CLOSED: Final = 11
CLEANED: Final = np.int64(12)
REPLACED: Final = np.int64(13)
RETURNS: Final = 14
"""Returns of driver calls: a session without them does not tell when a call ends."""
NAMED: Final = 15
"""Completions that carried the id of the request's call: the ids of this trace name requests, not calls."""
ENTRY: Final = 16
"""Where in a request packet the entry lies by which it is queued; -1 while nothing has told."""
CONNECTING: Final = 17
CONNECTIONS: Final = 18
"""Sockets that began to connect and connections, each at the next place of its ring."""
FREE_REQUEST: Final = 19
FREE_SOCKET: Final = 20
"""The first row not in use."""
THREADS: Final = 21
"""Thread rows in use."""
KEYS: Final = 22
"""Places of the index in use or used before."""
LAST_COMPLETED: Final = 23
LAST_SERIAL: Final = LAST_COMPLETED + MAX_PROCESSORS
"""From here on, by CPU: the request that was completed there last, and its serial."""
RUNNING: Final = LAST_SERIAL + MAX_PROCESSORS
"""From here on, by CPU: the thread that runs there, as far as context switches have told."""
COUNTS: Final = RUNNING + MAX_PROCESSORS

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
U16 = npt.NDArray[np.uint16]
U8 = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.void]


class Book(NamedTuple):
    """Everything that outlives a batch.

    ``places``: where requests, sockets and threads are, by address or id (:mod:`~analyzers.requests.index`). ``ring``:
    two rings in one table, of connections and of sockets that began to connect. ``counts``: by the numbers above.
    """

    requests: Rows
    sockets: Rows
    threads: Rows
    places: Rows
    ring: Rows
    counts: I64
