"""What is kept of requests, sockets and threads while events are followed.

Rows refer to one another by number; -1 stands for none. Rows not in use form a chain through ``next_free``. ``serial``
counts what was ever opened, so that a row used again is told from its earlier use; it is -1 in a row not in use.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analyzers.trends.bins import BINS
from tracer.arrays import I64, Structured

REQUEST: Final = np.dtype(
    [
        ("address", "<u8"),
        ("file", "<u8"),
        ("routine", "<u8"),
        ("last_routine", "<u8"),
        ("completion_routine", "<u8"),
        ("endpoint", "<u8"),
        ("queued_at", "<u8"),
        ("serial", "<i8"),
        ("issued", "<i8"),
        ("issued_offset", "<i8"),
        ("returned", "<i8"),
        ("completed", "<i8"),
        ("completed_offset", "<i8"),
        ("finished", "<i8"),
        ("exited", "<i8"),
        ("cleaned", "<i8"),
        ("queued_time", "<i8"),
        ("queued_offset", "<i8"),
        ("operation_start", "<i8"),
        ("operation_end", "<i8"),
        ("thread_row", "<i8"),
        ("thread_next", "<i8"),
        ("thread_before", "<i8"),
        ("call_below", "<i8"),
        ("socket", "<i8"),
        ("socket_next", "<i8"),
        ("socket_before", "<i8"),
        ("file_next", "<i8"),
        ("file_before", "<i8"),
        ("next_free", "<i8"),
        ("id", "<u4"),
        ("alias", "<u4"),
        ("thread", "<u4"),
        ("process", "<u4"),
        ("completed_thread", "<u4"),
        ("queued_by", "<u4"),
        ("calls", "<i4"),
        ("issued_cpu", "<u2"),
        ("completed_cpu", "<u2"),
        ("queued_cpu", "<u2"),
        ("operation", "<u2"),
        ("who", "u1"),
        ("major", "u1"),
        ("purpose", "u1"),
        ("completion", "u1"),
        ("queued", "u1"),
        ("join", "u1"),
        ("in_call", "u1"),
        ("finished_by", "u1"),
        ("buffered", "u1"),
    ],
    align=True,
)
"""One request that is not retired; ``address`` is the IRP's, ``purpose`` as in :data:`EVENT`.

``alias``: the latest other id it was passed on under. ``calls``: driver calls under its own id that have not
returned. ``in_call``: it is in the list of its thread's open calls (``call_below``). ``last_routine``: of the driver
that was called with it last; ``completion_routine``: the last one that its completion called. ``finished``: when
stage 2 of its completion was seen to have run, ``finished_by`` how. ``exited``: when its thread ended; ``cleaned``:
when the last handle of its file was closed. ``buffered``: a system buffer was made for it. The lists of its thread,
socket and file run from the newest to the oldest.
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
        ("last_retired", "<i8"),
        ("longest", "<i8"),
        ("issued", "<i8"),
        ("user", "<i8"),
        ("buffer", "<i8"),
        ("completed", "<i8"),
        ("thread", "<u4"),
        ("operation", "<u2"),
        ("does", "u1"),
        ("taken", "u1"),
    ],
    align=True,
)
"""One thread id: its newest request, its innermost open driver call, and the socket operation that it started last.

``socket`` with ``serial``, ``operation``, ``does`` and ``start`` is that operation; ``taken``: it has its request.
``completed``: its retired requests that were completed by others; ``last_retired``: the latest completion of
those whose IRP was freed or used again; ``longest``: the longest time from a completion to the free of the IRP.
``issued``: when it last issued a request; ``user``: when it last began what only a program begins;
``buffer``: when it last got a system buffer.
"""

ENTRY: Final = np.dtype(
    [
        ("address", "<u8"),
        ("serial", "<i8"),
        ("time", "<i8"),
        ("offset", "<i8"),
        ("next_free", "<i8"),
        ("thread", "<u4"),
        ("cpu", "<u2"),
    ],
    align=True,
)
"""An entry of a kernel queue that lies in no known IRP and was not taken: who put it in, and when."""

MOST_TAKERS: Final = 8
SAMPLES: Final = 16
SOURCE: Final = np.dtype(
    [
        ("inserted", "<i8"),
        ("taken", "<i8"),
        ("taken_until", "<i8"),
        ("emptied", "<i8"),
        ("longest", "<i8"),
        ("every", "<i8"),
        ("samples", "<i8"),
        ("at", "<i8", (SAMPLES,)),
        ("waited", "<i8", (SAMPLES,)),
        ("takers", "<u4", (MOST_TAKERS,)),
        ("thread", "<u4"),
        ("in_irps", "u1"),
    ],
    align=True,
)
"""Entries of kernel queues by who they came from: the thread that issued the request, or that inserted another entry.

``in_irps``: 1 for those in IRPs. ``taken_until``: the latest insertion among those that were taken;
``emptied``: the latest among those whose IRPs were freed or used again without that: their port was closed.
``longest``: how long one waited at most. ``at``, ``waited``: a sample of them, evenly over all that were taken: one of
``every``. ``takers``: the first threads that took some, 0 for none.
"""

KIND: Final = np.dtype(
    [
        ("completed", "<i8"),
        ("retired", "<i8"),
        ("latency", "<i4", (BINS,)),
    ],
    align=True,
)
"""Requests of one kind: first driver and major function, and the socket operation where it is known.

``latency``: issue → completion (:mod:`~analyzers.trends.bins`).
``retired``: completed ones whose IRP was freed, used again or taken off a queue.
"""

RELEASE: Final = np.dtype([("kind", "<i8"), ("process", "<u4"), ("thread", "<u4"), ("stack", "<i4")], align=True)
"""A completed request's IRP was freed, with this kernel stack. ``kind``: row of its kind; ids: who freed it."""

CONNECTION: Final = np.dtype([("local", "<i8"), ("remote", "<i8"), ("tcb", "<u8"), ("connecting", "<i8")])
"""A TCP connection that TCP has told of, ``remote`` 0 once a socket has it; and, apart from that, the row of a socket
that began to connect."""
RING: Final = 64
"""How many of the latest connecting sockets, and of the latest connections, are looked through for a partner: between
the two events lies a handshake on this machine, or the time until a server accepts."""

BY_FREE: Final = np.int64(0)
BY_REUSE: Final = np.int64(1)
BY_CALLER: Final = np.int64(2)
BY_QUEUE: Final = np.int64(3)
"""The ways in which requests are retired."""
ENDINGS: Final = 4

COUNTS: Final = np.dtype(
    [
        ("issued", "<i8"),
        ("completed", "<i8"),
        ("unknown_completions", "<i8"),
        ("opened", "<i8"),
        ("created", "<i8"),
        ("closed", "<i8"),
        ("cleaned", "<i8"),
        ("replaced", "<i8"),
        ("returns", "<i8"),
        ("named", "<i8"),
        ("routines", "<i8"),
        ("connecting", "<i8"),
        ("connections", "<i8"),
        ("free_request", "<i8"),
        ("free_socket", "<i8"),
        ("free_entry", "<i8"),
        ("threads", "<i8"),
        ("sources", "<i8"),
        ("kinds", "<i8"),
        ("entries", "<i8"),
        ("taken_entries", "<i8"),
        ("released", "<i8"),
        ("keys", "<i8"),
    ]
)
"""``unknown_completions``: of requests that no call was seen of. ``opened``: endpoints there ever were.

``returns``: returns of driver calls: a session without them does not tell when a call ends. ``named``: whether a
completion carried the id of the request's call: the ids of this trace name requests, not calls. ``routines``:
completion routines: a session without them does not tell which completions met one. ``connecting``, ``connections``:
sockets that began to connect and connections, each at the next place of its ring. ``free_*``: the first row not in use.
``threads``, ``sources``, ``kinds``: rows in use. ``entries``: that were ever on the book. ``released``: IRPs freed
in this batch. ``keys``: places of the index in use or used before.
"""

IRP: Final = np.uint64(1)
ENDPOINT: Final = np.uint64(2)
FILE: Final = np.uint64(3)
THREAD_ID: Final = np.uint64(4)
QUEUE_ENTRY: Final = np.uint64(5)
QUEUE_SOURCE: Final = np.uint64(6)
REQUEST_KIND: Final = np.uint64(7)
FILE_REQUESTS: Final = np.uint64(8)
"""What a key of the index is the address or id of."""


RETIREMENTS: Final = 0
CLEANUPS: Final = 1
"""Rows of :attr:`TrackerTables.latency`."""


class TrackerTables(NamedTuple):
    """Requests, sockets and threads from batch to batch.

    ``key_index``: rows of the others by address or id (:mod:`analyzers.hashing`). ``ring``: two rings in one table, of
    connections and of sockets that began to connect. ``released``: IRPs freed in this batch. ``counts``: one row of
    :data:`COUNTS`; ``endings``: int64, how many requests were retired, by way. ``latency``: int64 (2, BINS), of
    retirements (completion → free of the IRP, :data:`RETIREMENTS`) and of cleanups (close → cleanup of the endpoint,
    :data:`CLEANUPS`).
    """

    requests: Structured
    sockets: Structured
    threads: Structured
    entries: Structured
    sources: Structured
    kinds: Structured
    key_index: Structured
    ring: Structured
    released: Structured
    counts: Structured
    endings: I64
    latency: I64
