"""Retained bytes by request, and which sockets nothing but requests keeps alive."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.pool_tables import Outstanding
from analyzers.requests.tables import NEVER, RequestTable, SocketTable
from analyzers.retention.attribution import Attribution, Rule
from tracer.arrays import I32, I64, U64, Mask

OF_FILE: Final = (Rule.HOLDS_FILE_OBJECT, Rule.SAME_FILE_OBJECT)
"""Rules by which a request's allocations hang on its file object: without a socket nothing tells whether its handle is
closed, so that the request may not be all that keeps them."""


def sums(rows: npt.NDArray[np.integer], sizes: U64, length: int) -> I64:
    """int64 (length): exact sums of sizes by row; rows of -1 are left out. Modulo 2^64, as all sums of bytes."""
    total = np.zeros(length, np.int64)
    known = rows >= 0
    np.add.at(total, rows[known], sizes[known].astype(np.int64))
    return total


def own_request(attribution: Attribution, requests: RequestTable) -> I32:
    """By allocation: the request whose retirement releases it, -1 for none.

    A file object goes with a request once its last handle is closed.
    """
    shut = np.append(requests.cleaned_ns != NEVER, np.False_)[attribution.request]
    of_file = np.isin(attribution.rule, OF_FILE) & ~shut
    return np.where(of_file, np.int32(-1), attribution.request).astype(np.int32)


def closed(sockets: SocketTable) -> Mask:
    """By socket: whether its handle is closed, so that only references to its file object keep it."""
    shut: Mask = sockets.closed_ns >= 0
    return shut


def retained_by_request(
    outstanding: Outstanding, requests: RequestTable, sockets: SocketTable, keeps: Mask, attribution: Attribution
) -> I64:
    """int64, one per request: what goes with it when it retires.

    That is what is attributed to it and, for the oldest keeping request of a closed socket, what is attributed to the
    socket. So the sum over requests counts every allocation once. ``keeps``: by request, whether it is held and still
    refers to its file.
    """
    total = sums(own_request(attribution, requests), outstanding.size, len(requests))
    of_socket = sums(attribution.socket, outstanding.size, len(sockets))
    rows = np.flatnonzero(keeps & (requests.socket >= 0))
    row_socket, first = np.unique(requests.socket[rows], return_index=True)
    shut = closed(sockets)[row_socket]
    total[rows[first[shut]]] += of_socket[row_socket[shut]]
    return total
