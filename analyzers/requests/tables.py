"""Requests and sockets at one moment, in columns."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

from analyzers.requests.releases import ReleaseTable
from tracer.arrays import F64, I32, I64, U8, U16, U32, U64, Mask
from tracer.data_classes import dataclass

NEVER: Final = -1
"""Time of what has not happened, or was not seen."""
CALL_NS: Final = 1_000_000
"""Longest time from an IRP's allocation to the call of its driver, and from there to where the driver is through.

Both are straight-line code (IopXxxControlFile allocates IRP, buffer and descriptor list, locks the pages, calls).
Only being preempted or a page fault makes them longer than microseconds; what that loses is left unattributed."""


SYSTEM_BUFFERS: Final = (b"IoSB", b"Io  ")
"""Tags of system buffers of requests, the second one up to early builds of Windows 10 (pooltag.txt; published analyses
of older builds)."""


class Completion(IntEnum):
    """Who completed a request, as far as events tell."""

    NONE = 0  # not completed: in flight
    INLINE = 1  # by the issuing thread, inside a driver call of its own
    ON_THE_CPU = 2  # while the issuing thread was on the CPU but in no driver call: a DPC that interrupted it, inferred
    ELSEWHERE = 3  # by another thread, or on another CPU
    UNKNOWN = 4  # nothing tells who ran there


class Queued(IntEnum):
    """Whether a completion went to a kernel queue: a completion port."""

    NO = 0
    WAITING = 1  # its IRP was inserted and nobody has taken it


class Finished(IntEnum):
    """What shows that stage 2 of a completion has run: buffers, event and the reference on the file are gone."""

    NO = 0  # nothing shows it; it may have run all the same
    FILE_CLOSED = 1  # the close request of its file, which comes once nothing refers to that any more
    ENDPOINT_GONE = 2  # the socket driver has let go of its endpoint


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
    first driver called, ``last_routine`` of the latest; ``completion_routine``: the last one that its completion
    called, 0 for none. ``completion``: :class:`Completion`; ``queued``: :class:`Queued`, since ``queued_ns``, by the
    thread ``queued_by``; ``join``: :class:`Join`. ``finished_ns``: when stage 2 of its completion had run at the
    latest, ``finished_by``: :class:`Finished`. ``exited_ns``: when its thread ended; ``cleaned_ns``: when the last
    handle of its file was closed. ``buffered``: a system buffer was made for it. ``socket``: row of the
    :class:`SocketTable`, -1 for none; ``operation``: AFD event id of the operation, 0 for none, with its start and
    completion. ``*_cpu`` and ``*_offset`` point at the events.

    Of all requests of the row's thread, in its present life: ``thread_completed`` is the number of those that others
    completed and that went to no queue, the retired ones included; ``last_retired_ns`` the completion of the
    latest-completed of them that was seen to be retired, by a free or a new use of its IRP; ``longest_ns`` the
    longest time from a completion to the free of its IRP; ``thread_issued_ns`` when it last issued a request, and
    ``thread_user_ns`` when it last began what begins in user mode: a socket operation, opening or closing a file.

    ``kind``: row of the :class:`KindTable`, -1 while none of the kind was completed.
    """

    irp: U64
    match_id: U32
    thread: U32
    process: U32
    who: U8
    file_object: U64
    routine: U64
    last_routine: U64
    completion_routine: U64
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
    finished_ns: I64
    finished_by: U8
    exited_ns: I64
    cleaned_ns: I64
    buffered: Mask
    queued: U8
    queued_ns: I64
    queued_by: U32
    queued_cpu: U16
    queued_offset: I64
    endpoint: U64
    socket: I32
    join: U8
    operation: U16
    operation_start_ns: I64
    operation_end_ns: I64
    kind: I32
    thread_completed: U32
    last_retired_ns: I64
    longest_ns: I64
    thread_issued_ns: I64
    thread_user_ns: I64

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
class KindTable:
    """How requests of one driver, major function and socket operation fared, all of the trace.

    ``retired``: completed ones that were retired.
    ``latency``: int32 (rows, :data:`~analyzers.trends.bins.BINS`), issue → completion.
    """

    completed: I64
    retired: I64
    latency: I32


@dataclass(frozen=True, slots=True, eq=False)
class EntryTable:
    """Entries in kernel queues that lie in no known IRP and were not taken, oldest first.

    ``thread``: who put it in. They may be mini packets of completion ports, or no completions at all.
    """

    address: U64
    time_ns: I64
    thread: U32
    cpu: U16
    offset: I64

    def __len__(self) -> int:
        return len(self.address)


@dataclass(frozen=True, slots=True, eq=False)
class SourceTable:
    """Entries of kernel queues by who they came from.

    ``thread``: who issued the requests, or put other entries in (``in_irps`` false). ``taken_until_ns``: the
    latest insertion among those that were taken; ``emptied_ns``: the latest among those whose IRPs were released
    without that, as all are when their port is closed; ``longest_ns``: the longest wait of those taken. ``at_ns``,
    ``waited_ns``: int64 (rows, SAMPLES), a sample of when some were taken and how long they had waited, the first
    ``samples`` of each row; ``takers``: uint32 (rows, MOST_TAKERS), threads that took some, 0 for none.
    """

    thread: U32
    in_irps: Mask
    inserted: I64
    taken: I64
    taken_until_ns: I64
    emptied_ns: I64
    longest_ns: I64
    samples: I64
    at_ns: I64
    waited_ns: I64
    takers: U32


@dataclass(frozen=True, slots=True, eq=False)
class RequestCounts:
    """How requests and sockets usually end, over the whole trace.

    ``retired_by_reuse``: the IRP's memory was used again. ``retired_by_caller``: opening or closing a file, where
    the caller releases the IRP. ``retired_by_queue``: taken off a completion port. ``unknown_completions``: of
    requests issued before the trace, or whose call was lost. ``sockets_replaced``: whose endpoint was used again, so
    that its cleanup was lost. What is issued is retired in one of the four ways or is in the table.

    ``retire_latency``: int64 (:data:`~analyzers.trends.bins.BINS`), completion → retired, of requests whose retirement
    was seen by a free of their IRP. ``cleanup_latency``: the same for close → cleanup of endpoints.
    """

    issued: int
    completed: int
    retired_by_free: int
    retired_by_reuse: int
    retired_by_caller: int
    retired_by_queue: int
    unknown_completions: int
    sockets_created: int
    sockets_closed: int
    sockets_cleaned: int
    sockets_replaced: int
    retire_latency: I64
    cleanup_latency: I64


@dataclass(frozen=True, slots=True, eq=False)
class RequestSnapshot:
    """Everything about requests at one moment.

    ``releases``: where IRPs were freed, all of the trace.
    ``seen_*``: whether the trace holds such events at all. ``seen_queues``: that, or the session asked for them;
    ``seen_routines``: completion routines.
    """

    requests: RequestTable
    sockets: SocketTable
    kinds: KindTable
    entries: EntryTable
    sources: SourceTable
    counts: RequestCounts
    releases: ReleaseTable
    seen_irp: bool
    seen_afd: bool
    seen_tcp: bool
    seen_queues: bool
    seen_routines: bool

    @property
    def retired_share(self) -> F64:
        """By request: share of its kind's completed ones that were retired, 0 for requests of no kind."""
        shares = self.kinds.retired / np.maximum(self.kinds.completed, 1)
        return np.append(shares, 0.0)[self.requests.kind]
