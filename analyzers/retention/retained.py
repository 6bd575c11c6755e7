"""Retained bytes by request, and which sockets nothing but requests keeps alive."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.requests.tables import Completion, Queued, RequestTable, SocketTable
from analyzers.retention.attribution import Attribution, Rule
from analyzers.snapshot import Outstanding

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

OF_FILE: Final = (Rule.HOLDS_FILE_OBJECT, Rule.SAME_FILE_OBJECT)
"""Rules by which a request's allocations hang on its file object: without a socket nothing tells whether its handle is
closed, so that the request may not be all that keeps them."""


def sums(rows: npt.NDArray[np.integer], sizes: npt.NDArray[np.uint64], length: int) -> I64:
    """int64 (length): exact sums of sizes by row; rows of -1 are left out. Modulo 2^64, as all sums of bytes."""
    total = np.zeros(length, np.int64)
    known = rows >= 0
    np.add.at(total, rows[known], sizes[known].astype(np.int64))
    return total


def own_request(attribution: Attribution) -> I32:
    """By allocation: the request whose retirement releases it, -1 for none."""
    of_file = np.isin(attribution.rule, OF_FILE)
    return np.where(of_file, np.int32(-1), attribution.request).astype(np.int32)


def closed(sockets: SocketTable) -> Mask:
    """By socket: whether its handle is closed, so that only references to its file object keep it."""
    shut: Mask = sockets.closed_ns >= 0
    return shut


def waiting(requests: RequestTable, pending_rows: I32, attribution: Attribution) -> Mask:
    """By request: whether the delivery of its thread's APCs would retire it.

    That are the pending ones, and whatever else of their threads is completed and still owns buffers: these go before
    the packet does, so it is not retired, be its packet from a lookaside list or its completion ever so recent.
    """
    threads = np.unique(requests.thread[pending_rows])
    owns = np.zeros(len(requests), np.bool_)
    owns[attribution.request[attribution.rule == Rule.SAME_OPERATION]] = True
    by_apc = (requests.completed_ns >= 0) & (requests.completion != Completion.INLINE) & (requests.queued == Queued.NO)
    result: Mask = owns & by_apc & np.isin(requests.thread, threads)
    result[pending_rows] = True
    return result


def retained_by_request(
    outstanding: Outstanding, requests: RequestTable, sockets: SocketTable, waits: Mask, attribution: Attribution
) -> I64:
    """int64, one per request: what goes with it when it retires.

    That is what is attributed to it and, for the oldest waiting request of a closed socket, what is attributed to the
    socket. So the sum over a thread's waiting requests counts every allocation once. ``waits``: from :func:`waiting`.
    """
    total = sums(own_request(attribution), outstanding.size, len(requests))
    of_socket = sums(attribution.socket, outstanding.size, len(sockets))
    rows = np.flatnonzero(waits & (requests.socket >= 0))
    row_socket, first = np.unique(requests.socket[rows], return_index=True)
    shut = closed(sockets)[row_socket]
    total[rows[first[shut]]] += of_socket[row_socket[shut]]
    return total
