"""TCP events: a connection's control block and local port, given to the socket that asked for it. Inferred.

TCP names addresses, ports and a process, the socket driver an endpoint. A connecting socket is found by the
address it connects to while its connect is under way; an accepted one by the address it was accepted from.
Where more than one socket fits, none gets it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.requests.addresses import copy_address, same_address
from analyzers.requests.columns import Connections
from analyzers.requests.life import NONE
from analyzers.requests.rows import RING, STATE_CONNECTIONS, Book
from tracer.columns import UNKNOWN_ID
from tracer.jit import Int, inlined, kernel

_UNKNOWN: Final = UNKNOWN_ID


@inlined
def _connecting_socket(book: Book, tcp: Connections, i: Int) -> Int:
    """Row of the one connecting socket that fits, -1 for none or several."""
    found: Int = NONE
    for place in range(RING):
        slot = np.int64(book.connections[place]["connecting"])
        if slot < 0:
            break
        row = book.sockets[slot]
        if row["live"] == 0 or row["connecting"] == 0 or slot == found:
            continue
        if tcp.tcb[i] != np.uint64(0) and row["tcb"] == tcp.tcb[i]:
            return slot
        process = tcp.process[i]
        strangers = process != row["process"] and process != 0 and process != _UNKNOWN and row["process"] != _UNKNOWN
        if strangers or row["tcb"] != np.uint64(0) or not same_address(row["remote"], tcp.remote[i]):
            continue
        if row["local"]["port"] != 0 and row["local"]["port"] != tcp.local[i]["port"] and tcp.local[i]["port"] != 0:
            continue
        if found >= 0:
            return NONE
        found = slot
    return found


@inlined
def _connect_side(book: Book, tcp: Connections, i: Int) -> None:
    slot = _connecting_socket(book, tcp, i)
    if slot < 0:
        return
    row = book.sockets[slot]
    if tcp.tcb[i] != np.uint64(0):
        row["tcb"] = tcp.tcb[i]
    if tcp.local[i]["port"] != 0:
        copy_address(row["local"], tcp.local[i])


@kernel
def accept_side(book: Book, slot: Int) -> None:
    """An accepted socket has its remote address: the connection from there is its own."""
    row = book.sockets[slot]
    for place in range(RING):
        known = book.connections[place]
        if known["free"] == 1 and same_address(known["remote"], row["remote"]):
            copy_address(row["local"], known["local"])
            row["tcb"] = known["tcb"]
            known["free"] = 0
            return


@kernel
def connect(book: Book, tcp: Connections, i: Int) -> None:
    """One event of TCP that tells of a new connection."""
    if tcp.remote[i]["family"] == 0:
        return
    if tcp.accepted[i] == 0:
        _connect_side(book, tcp, i)
        return
    for place in range(RING):
        known = book.connections[place]
        if known["free"] == 1 and same_address(known["remote"], tcp.remote[i]):
            # The kernel logger and the TCPIP provider tell of the same connection.
            if tcp.tcb[i] != np.uint64(0):
                known["tcb"] = tcp.tcb[i]
            return
    new = book.connections[book.state[STATE_CONNECTIONS] % RING]
    book.state[STATE_CONNECTIONS] += 1
    copy_address(new["local"], tcp.local[i])
    copy_address(new["remote"], tcp.remote[i])
    new["tcb"] = tcp.tcb[i]
    new["free"] = 1
