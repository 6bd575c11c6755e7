"""Whether a thread allocated inside a request's call, or inside a socket's life."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analyzers.policy import BELONGING
from analyzers.pool_tables import Outstanding
from analyzers.requests.tables import CALL_NS, RequestTable, SocketTable
from tracer.arrays import I32, I64, U32, Mask
from tracer.columns import UNKNOWN_ID
from tracer.data_classes import dataclass
from tracer.jit import kernel
from tracer.search import last_at_most

_FOREVER: Final = np.iinfo(np.int64).max


class Spans(NamedTuple):
    """Stretches of threads' time, by thread and beginning. ``owner``: row of the table they were made from."""

    thread: U32
    begin: I64
    end: I64
    owner: I32

    @classmethod
    def of(cls, thread: U32, begin: I64, end: I64, owner: I32) -> Spans:
        """In any order; those of an unknown thread are left out."""
        order = np.lexsort((begin, thread))
        order = order[thread[order] != UNKNOWN_ID]
        return cls(thread[order], begin[order], end[order], owner[order])

    def owners(self, outstanding: Outstanding, free: Mask) -> I32:
        """By allocation: owner of the span that began last on its thread, where it has not ended; else -1.

        ``free`` marks the allocations to look at.
        """
        found = np.full(len(outstanding), -1, np.int32)
        if len(self.thread):
            threads, first = np.unique(self.thread, return_index=True)
            bounds = np.append(first, len(self.thread)).astype(np.int64)
            find_span_owners(outstanding.thread, outstanding.time_ns, free, threads, bounds, self, found)
        return found


@kernel
def find_span_owners(
    thread: U32,
    time: I64,
    free: Mask,
    threads: U32,
    bounds: I64,
    spans: Spans,
    found: I32,
) -> None:
    """Write into ``found`` as :meth:`Spans.owners` says; from ``bounds[k]`` on spans are of ``threads[k]``."""
    for i in range(thread.shape[0]):
        if not free[i]:
            continue
        k = last_at_most(threads, thread[i])
        if k < 0 or threads[k] != thread[i]:
            continue
        at = bounds[k] + last_at_most(spans.begin[bounds[k] : bounds[k + 1]], time[i])
        if at >= bounds[k] and time[i] <= spans.end[at]:
            found[i] = spans.owner[at]


@dataclass(frozen=True, slots=True, eq=False)
class CallSpans:
    """The calls of requests. ``fresh``: by request, whether its IRP was allocated for it (not taken from a list)."""

    spans: Spans
    fresh: Mask


def call_spans(outstanding: Outstanding, requests: RequestTable, sockets: SocketTable, blocks: I32) -> CallSpans:
    """From the allocation of each request's IRP to the return of its driver call.

    ``blocks``: row of the block that holds each request's IRP, -1 for none. An IRP that was made before its
    thread's previous request or socket came from a lookaside list, and its allocation tells no beginning.
    """
    barrier = _thread_did_before(requests, sockets)
    made = np.where(blocks >= 0, outstanding.time_ns[blocks], -1) if len(outstanding) else np.full(len(requests), -1)
    fresh = (made >= np.maximum(barrier, requests.issued_ns - CALL_NS)) & (made >= 0)
    if len(outstanding):
        fresh &= outstanding.thread[blocks] == requests.thread
    begin = np.where(fresh, made, requests.issued_ns - _reach(requests.issued_ns[fresh] - made[fresh]))
    started = requests.operation_start_ns
    begin = np.where((started >= 0) & (started < begin), started, begin)
    end = np.where(requests.completed_ns >= 0, requests.completed_ns, _FOREVER)
    end = np.minimum(end, requests.issued_ns + CALL_NS)
    end = np.where(requests.returned_ns >= 0, requests.returned_ns, end)
    rows = np.arange(len(requests), dtype=np.int32)
    return CallSpans(Spans.of(requests.thread, np.maximum(begin, barrier), end, rows), fresh)


def life_spans(thread: U32, created_ns: I64, file_ns: I64, closed_ns: I64) -> Spans:
    """From the opening of each socket to its close; rows are owners. Times are negative where they are not known.

    ``file_ns``: when its file object was allocated, which comes before the driver hears of the socket.
    """
    begin = np.where(file_ns >= 0, file_ns, np.maximum(created_ns - BELONGING.reach_ns, 0))
    end = np.where(closed_ns >= 0, closed_ns, _FOREVER)
    known = (created_ns >= 0) | (file_ns >= 0)
    rows = np.flatnonzero(known).astype(np.int32)
    return Spans.of(thread[known], begin[known], end[known], rows)


def _thread_did_before(requests: RequestTable, sockets: SocketTable) -> I64:
    """By request: when its thread last issued another one, or created a socket, before it; 0 where it never did."""
    threads = np.concatenate([requests.thread, sockets.thread])
    times = np.concatenate([requests.issued_ns, sockets.created_ns])
    order = np.lexsort((times, threads))
    same = threads[order][1:] == threads[order][:-1]
    before = np.zeros(len(order), np.int64)
    before[order[1:]] = np.where(same, np.maximum(times[order][:-1], 0), 0)
    return before[: len(requests)]


def _reach(gaps: I64) -> np.int64:
    """How long before its driver call a request's first buffer may be made, by the gaps of fresh IRPs."""
    if not len(gaps):
        return np.int64(BELONGING.reach_ns)
    return np.int64(np.clip(BELONGING.reach_medians * np.median(gaps), BELONGING.reach_least_ns, CALL_NS))
