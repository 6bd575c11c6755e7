"""TCP events: a connection's control block and local port, given to the socket that asked for it. Inferred.

TCP names addresses, ports and a process, the socket driver an endpoint. A connecting socket is found by the
address it connects to while its connect is under way; an accepted one by the address it was accepted from.
Where more than one socket fits, none gets it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.requests.addresses import PORT_MASK
from analyzers.requests.lifecycle import NONE, NOTHING, UNKNOWN
from analyzers.requests.records import RING
from tracer.arrays import Structured
from tracer.jit import Int, inlined, routine

_PORT: Final = PORT_MASK


@inlined
def begin_connect(ring: Structured, counts: np.void, slot: Int) -> None:
    """A socket asks for a connection."""
    ring[counts["connecting"] % RING]["connecting"] = slot
    counts["connecting"] += 1


@inlined
def _may_be(row: np.void, event: np.void) -> bool:
    """Whether a connecting socket may be the one whose connection TCP tells of."""
    process, port, its_port = event["process"], event["local"] & _PORT, row["local"] & _PORT
    same_process = (process == row["process"]) | (process == 0) | (process == UNKNOWN) | (row["process"] == UNKNOWN)
    same_port = (port == 0) | (its_port == 0) | (its_port == port)
    return (row["tcb"] == NOTHING) & (row["remote"] == event["remote"]) & same_process & same_port  # type: ignore[no-any-return]  # a kernel's value


@inlined
def _connecting_socket(sockets: Structured, ring: Structured, event: np.void) -> Int:
    """Row of the one connecting socket that fits, -1 for none or several."""
    found: Int = NONE
    for place in range(RING):
        slot = ring[place]["connecting"]
        if slot < 0:
            break
        row = sockets[slot]
        if (row["serial"] < 0) | (row["connecting"] == 0) | (slot == found):
            continue
        if (event["tcb"] != NOTHING) & (row["tcb"] == event["tcb"]):
            return slot  # type: ignore[no-any-return]  # a kernel's value
        if _may_be(row, event):
            if found >= 0:
                return NONE
            found = slot
    return found


@routine
def connect(sockets: Structured, ring: Structured, event: np.void) -> None:
    """TCP tells of a connection that a socket asked for."""
    slot = _connecting_socket(sockets, ring, event)
    if slot < 0:
        return
    row = sockets[slot]
    if event["tcb"] != NOTHING:
        row["tcb"] = event["tcb"]
    if event["local"] & _PORT != 0:
        row["local"] = event["local"]


@inlined
def _free_connection(ring: Structured, remote: np.int64) -> Int:
    """Place of the connection from an address that no socket has; -1 for none."""
    for place in range(RING):
        if ring[place]["remote"] == remote:
            return place
    return NONE


@routine
def accept_side(row: np.void, ring: Structured) -> None:
    """An accepted socket has its remote address: the connection from there is its own."""
    place = _free_connection(ring, row["remote"])
    if place >= 0:
        connection = ring[place]
        row["local"] = connection["local"]
        row["tcb"] = connection["tcb"]
        connection["remote"] = 0


@routine
def accept(ring: Structured, counts: np.void, event: np.void) -> None:
    """TCP tells of a connection that the other end asked for."""
    place = _free_connection(ring, event["remote"])
    if place < 0:
        new = ring[counts["connections"] % RING]
        counts["connections"] += 1
        new["local"] = event["local"]
        new["remote"] = event["remote"]
        new["tcb"] = event["tcb"]
    elif event["tcb"] != NOTHING:  # the kernel logger and the TCPIP provider tell of the same connection
        ring[place]["tcb"] = event["tcb"]
