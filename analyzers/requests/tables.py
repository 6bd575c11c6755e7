"""Requests and sockets at one moment, in columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
U16 = npt.NDArray[np.uint16]
U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]

NEVER: Final = -1
"""Time of what has not happened, or was not seen."""


class Completion(IntEnum):
    """Who completed a request, as far as events tell."""

    NONE = 0  # not completed: in flight
    INLINE = 1  # by the issuing thread, inside a driver call of its own: no APC is needed
    ON_THE_CPU = 2  # while the issuing thread was on the CPU but in no driver call: a DPC that interrupted it, inferred
    ELSEWHERE = 3  # by another thread, or on another CPU
    UNKNOWN = 4  # nothing tells who ran there


class Queued(IntEnum):
    """Whether a completion went to a kernel queue (a completion port) instead of to the thread."""

    NO = 0
    WAITING = 1  # its packet was inserted and nobody has taken it
    TAKEN = 2


class Join(IntEnum):
    """How a request's socket is known."""

    NONE = 0
    FILE_OBJECT = 1  # the file object was seen with this endpoint before
    INSIDE_CALL = 2  # an AFD event of the thread lies between the driver call and its return
    INSIDE_OPERATION = 3  # the driver call lies between an AFD operation's start and completion on the thread


@dataclass(frozen=True, slots=True, eq=False)
class RequestTable:
    """Requests that are not retired, one row per IRP instance, oldest first.

    Times are nanoseconds since the trace's start, :data:`NEVER` for none. ``thread``, ``process``: who issued it
    (``UNKNOWN_ID`` where nothing tells), ``who``: :class:`~tracer.columns.Who`. ``routine``: dispatch routine of the
    first driver called. ``completion``: :class:`Completion`; ``queued``: :class:`Queued`; ``join``: :class:`Join`.
    ``socket``: row of the :class:`SocketTable`, -1 for none; ``operation``: AFD event id of the operation, 0 for none,
    with its start and completion. ``*_cpu`` and ``*_offset`` point at the events.

    Of all requests of the row's thread, in its present life, that were completed and needed an APC (neither inline nor
    queued, no cleanup or close): ``thread_completed`` is their number, the retired ones included, ``thread_retired``
    that of the retired ones, ``last_retired_ns`` the completion of the latest-completed one that was seen to be
    retired, by a free or a new use of its packet.
    """

    irp: U64
    match_id: U32
    thread: U32
    process: U32
    who: U8
    file_object: U64
    routine: U64
    major: U8
    issued_ns: I64
    issued_cpu: U16
    issued_offset: I64
    returned_ns: I64
    completed_ns: I64
    completed_cpu: U16
    completed_offset: I64
    completed_thread: U32
    completion: U8
    queued: U8
    endpoint: U64
    socket: I32
    join: U8
    operation: U16
    operation_start_ns: I64
    operation_end_ns: I64
    thread_completed: U32
    thread_retired: U32
    last_retired_ns: I64

    def __len__(self) -> int:
        return len(self.irp)


@dataclass(frozen=True, slots=True, eq=False)
class SocketTable:
    """AFD endpoints that are not cleaned up, oldest first.

    ``process_object``: EPROCESS address; ``process``, ``thread``: who created it. ``created_ns``: :data:`NEVER` where
    it is older than the trace. ``closed_ns``: when its close completed. ``started``, ``finished``: operations.
    ``local``, ``remote``: text such as ``127.0.0.1:7000``, empty where no event tells. ``tcb``: address of its TCP
    connection, 0 where unknown. ``file_object``: 0 where no request tells. ``*_cpu`` and ``*_offset`` point at create
    and close events. ``tcb``, and ``local`` of a connected socket, are inferred: TCP's events name no endpoint.
    """

    endpoint: U64
    process_object: U64
    process: U32
    thread: U32
    created_ns: I64
    created_cpu: U16
    created_offset: I64
    last_ns: I64
    closed_ns: I64
    closed_cpu: U16
    closed_offset: I64
    started: U32
    finished: U32
    sent_bytes: I64
    received_bytes: I64
    tcb: U64
    file_object: U64
    local: tuple[str, ...]
    remote: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.endpoint)


@dataclass(frozen=True, slots=True, eq=False)
class RequestCounts:
    """How requests and sockets usually end, over the whole trace.

    ``retired_by_reuse``: the packet's memory was used again. ``retired_inline``: no APC was needed, the caller itself
    went on with it. ``retired_by_queue``: taken off a completion port. ``unknown_completions``: of requests issued
    before the trace, or whose call was lost. ``sockets_replaced``: whose endpoint was used again, so that its cleanup
    was lost. What is issued is retired in one of the six ways or is in the table.

    ``retire_latency``: int64 (:data:`~analyzers.trends.bins.BINS`), completion → retired, of requests whose retirement
    was seen by a free of their packet. ``cleanup_latency``: the same for close → cleanup of endpoints.
    """

    issued: int
    completed: int
    retired_by_free: int
    retired_by_reuse: int
    retired_inline: int
    retired_by_exit: int
    retired_by_queue: int
    retired_by_cleanup: int
    unknown_completions: int
    sockets_created: int
    sockets_closed: int
    sockets_cleaned: int
    sockets_replaced: int
    retire_latency: I64
    cleanup_latency: I64


@dataclass(frozen=True, slots=True, eq=False)
class RequestSnapshot:
    """Everything about requests at one moment. ``seen_*``: whether the trace holds such events at all."""

    requests: RequestTable
    sockets: SocketTable
    counts: RequestCounts
    seen_irp: bool
    seen_afd: bool
    seen_tcp: bool
