"""One form for all events that requests and sockets are made of, whatever they are told by."""

from __future__ import annotations

from typing import Final

import numpy as np

OPERATE: Final = 0
CALL: Final = 1
RETURN: Final = 2
COMPLETE: Final = 3
ROUTINE: Final = 4
FREE: Final = 5
ALLOCATE: Final = 6
INSERT: Final = 7
TAKE: Final = 8
"""From :data:`CALL` up to here: kinds that are about an IRP, or the memory in which one may be."""
CONNECT: Final = 9
ACCEPT: Final = 10
EXIT: Final = 11
BUFFER: Final = 12
"""A system buffer is allocated, for the request that its thread sends next."""

CREATE: Final = 1
CLEANUP: Final = 2
CLOSE: Final = 3
"""Purposes of requests that only the I/O manager begins; 0 is that of all others."""

IS_THERE: Final = 0
CREATES: Final = 1
DOES_MORE: Final = 2
CLOSES: Final = 3
CLEANS: Final = 4
SENDS: Final = 5
RECEIVES: Final = 6
BINDS: Final = 7
CONNECTS: Final = 8
ACCEPTS: Final = 9
"""What operations do to a socket; ``IS_THERE``: no program asked for it, so it only shows that the socket is there."""

EVENT: Final = np.dtype(
    [
        ("object", "<u8"),
        ("file", "<u8"),
        ("routine", "<u8"),
        ("process_object", "<u8"),
        ("process_field", "<u8"),
        ("accept", "<u8"),
        ("tcb", "<u8"),
        ("time", "<i8"),
        ("offset", "<i8"),
        ("local", "<i8"),
        ("remote", "<i8"),
        ("length", "<i8"),
        ("id", "<u4"),
        ("thread", "<u4"),
        ("process", "<u4"),
        ("stack", "<i4"),
        ("cpu", "<u2"),
        ("operation", "<u2"),
        ("kind", "u1"),
        ("who", "u1"),
        ("major", "u1"),
        ("purpose", "u1"),
        ("does", "u1"),
        ("step", "u1"),
        ("good", "u1"),
    ],
    align=True,
)
"""One event; each kind has only the fields that it needs, the others hold anything.

``object``: address of what the event is about: IRP, endpoint, block or entry of a queue. ``accept``: endpoint that a
connection is accepted for. ``local``, ``remote``: :mod:`~analyzers.requests.addresses`; of a socket operation the one
that it names is ``remote``. ``length``: bytes that a completed operation moved. ``good``: its status says success.
``stack``: kernel stack of a free, -1 for none.
"""
