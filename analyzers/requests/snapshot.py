"""The requests and sockets that are not over, as columns, oldest first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from analyzers.requests.addresses import Addresses
from analyzers.requests.lifecycle import kind_rows
from analyzers.requests.records import CLEANUPS, RETIREMENTS, TrackerTables
from analyzers.requests.releases import ReleaseTable
from analyzers.requests.tables import (
    NEVER,
    Completion,
    EntryTable,
    KindTable,
    Queued,
    RequestCounts,
    RequestSnapshot,
    RequestTable,
    SocketTable,
    SourceTable,
)
from analyzers.scheduling import CpuTimeline
from tracer.arrays import I32, I64, U32, U64, Structured
from tracer.columns import UNKNOWN_ID


class SocketNames(NamedTuple):
    """What turns the numbers of sockets into text and ids; ``process_ids``: by the address of the process object."""

    addresses: Addresses
    process_ids: Mapping[int, int]


def snapshot_of(
    tracker: TrackerTables, seen: Collection[str], names: SocketNames, timeline: CpuTimeline, releases: ReleaseTable
) -> RequestSnapshot:
    """Copies of everything that is not over, and where IRPs were freed."""
    sockets, slots = _oldest_first(tracker.sockets, "created")
    rows_of_sockets = np.full(max(1, len(tracker.sockets)), -1, np.int32)
    rows_of_sockets[slots] = np.arange(len(slots), dtype=np.int32)
    requests, _ = _oldest_first(tracker.requests, "issued")
    kind = kind_rows(tracker, requests)
    return RequestSnapshot(
        requests=_requests(requests, kind, rows_of_sockets, tracker.threads[: tracker.counts[0]["threads"]], timeline),
        sockets=_sockets(sockets, names),
        kinds=_kinds(tracker.kinds[: tracker.counts[0]["kinds"]]),
        entries=_entries(_oldest_first(tracker.entries, "time")[0]),
        sources=_sources(tracker.sources[: tracker.counts[0]["sources"]]),
        counts=_counts(tracker),
        releases=releases,
        seen_irp="irp" in seen,
        seen_afd="afd" in seen,
        seen_tcp="tcp" in seen or "tcpip" in seen,
        seen_queues="queue" in seen,
        seen_routines=bool(tracker.counts[0]["routines"]),
    )


def _oldest_first(rows: Structured, time: str) -> tuple[Structured, I64]:
    """The rows in use by time, then in the order in which they were opened; and where they are."""
    live = np.flatnonzero(rows["serial"] >= 0)
    order = live[np.lexsort((rows["serial"][live], rows[time][live]))]
    return rows[order], order.astype(np.int64)


def _requests(
    rows: Structured, kind: I32, rows_of_sockets: I32, owners: Structured, timeline: CpuTimeline
) -> RequestTable:
    thread, process, who = _copy(rows, "thread"), _copy(rows, "process"), _copy(rows, "who")
    timeline.settle(thread, process, who, rows["issued_cpu"], rows["issued"])
    socket = np.where(rows["socket"] >= 0, rows_of_sockets[rows["socket"]], np.int32(-1)).astype(np.int32)
    of_thread = _OfThreads(rows, thread, owners)
    return RequestTable(
        irp=_copy(rows, "address"),
        match_id=_copy(rows, "id"),
        thread=thread,
        process=process,
        who=who,
        file_object=_copy(rows, "file"),
        routine=_copy(rows, "routine"),
        last_routine=_copy(rows, "last_routine"),
        completion_routine=_copy(rows, "completion_routine"),
        major=_copy(rows, "major"),
        issued_ns=_copy(rows, "issued"),
        issued_cpu=_copy(rows, "issued_cpu"),
        issued_offset=_copy(rows, "issued_offset"),
        returned_ns=_copy(rows, "returned"),
        completed_ns=_copy(rows, "completed"),
        completed_cpu=_copy(rows, "completed_cpu"),
        completed_offset=_copy(rows, "completed_offset"),
        completed_thread=_copy(rows, "completed_thread"),
        completion=_copy(rows, "completion"),
        finished_ns=_copy(rows, "finished"),
        finished_by=_copy(rows, "finished_by"),
        exited_ns=_copy(rows, "exited"),
        cleaned_ns=_copy(rows, "cleaned"),
        buffered=rows["buffered"].astype(np.bool_),
        queued=_copy(rows, "queued"),
        queued_ns=_copy(rows, "queued_time"),
        queued_by=_copy(rows, "queued_by"),
        queued_cpu=_copy(rows, "queued_cpu"),
        queued_offset=_copy(rows, "queued_offset"),
        endpoint=_copy(rows, "endpoint"),
        socket=socket,
        join=_copy(rows, "join"),
        operation=_copy(rows, "operation"),
        operation_start_ns=_copy(rows, "operation_start"),
        operation_end_ns=_copy(rows, "operation_end"),
        kind=kind,
        thread_completed=of_thread.completed(),
        last_retired_ns=of_thread.time("last_retired"),
        longest_ns=of_thread.time("longest"),
        thread_issued_ns=of_thread.time("issued"),
        thread_user_ns=of_thread.time("user"),
    )


class _OfThreads:
    """What is known of the threads of requests, in their present life, by request."""

    def __init__(self, rows: Structured, thread: U32, owners: Structured) -> None:
        self._rows, self._owners = rows, owners
        self._alive = (rows["exited"] == NEVER) & (thread != UNKNOWN_ID)
        ids, place = np.unique(np.concatenate((thread, owners["thread"])), return_inverse=True)
        self._mine, self._theirs, self._count = place[: len(rows)], place[len(rows) :], len(ids)

    def completed(self) -> U32:
        rows = self._rows
        by_others = (rows["completion"] > Completion.INLINE) & (rows["queued"] == Queued.NO) & self._alive
        number = np.bincount(self._mine[by_others], minlength=self._count)
        number[self._theirs] += self._owners["completed"]
        return number[self._mine].astype(np.uint32)

    def time(self, name: str) -> I64:
        times = np.full(self._count, NEVER, np.int64)
        times[self._theirs] = self._owners[name]
        return np.where(self._alive, times[self._mine], NEVER)


def _kinds(rows: Structured) -> KindTable:
    return KindTable(
        completed=_copy(rows, "completed"),
        retired=_copy(rows, "retired"),
        latency=_copy(rows, "latency"),
    )


def _entries(rows: Structured) -> EntryTable:
    return EntryTable(
        address=_copy(rows, "address"),
        time_ns=_copy(rows, "time"),
        thread=_copy(rows, "thread"),
        cpu=_copy(rows, "cpu"),
        offset=_copy(rows, "offset"),
    )


def _sources(rows: Structured) -> SourceTable:
    return SourceTable(
        thread=_copy(rows, "thread"),
        in_irps=rows["in_irps"].astype(np.bool_),
        inserted=_copy(rows, "inserted"),
        taken=_copy(rows, "taken"),
        taken_until_ns=_copy(rows, "taken_until"),
        emptied_ns=_copy(rows, "emptied"),
        longest_ns=_copy(rows, "longest"),
        samples=_copy(rows, "samples"),
        at_ns=_copy(rows, "at"),
        waited_ns=_copy(rows, "waited"),
        takers=_copy(rows, "takers"),
    )


def _sockets(rows: Structured, names: SocketNames) -> SocketTable:
    return SocketTable(
        endpoint=_copy(rows, "address"),
        process_object=_copy(rows, "process_object"),
        process=_owners(rows, names.process_ids),
        thread=_copy(rows, "thread"),
        created_ns=_copy(rows, "created"),
        created_cpu=_copy(rows, "created_cpu"),
        created_offset=_copy(rows, "created_offset"),
        last_ns=_copy(rows, "last"),
        closed_ns=_copy(rows, "closed"),
        closed_cpu=_copy(rows, "closed_cpu"),
        closed_offset=_copy(rows, "closed_offset"),
        started=_copy(rows, "started"),
        finished=_copy(rows, "finished"),
        sent_bytes=_copy(rows, "sent"),
        received_bytes=_copy(rows, "received"),
        tcb=_copy(rows, "tcb"),
        file_object=_copy(rows, "file"),
        local=names.addresses.texts(rows["local"]),
        remote=names.addresses.texts(rows["remote"]),
    )


def _owners(rows: Structured, process_ids: Mapping[int, int]) -> U32:
    """Process of each socket: by its process object, else the id in its creation, else the process that was running.

    The id in a creation may be a marker instead; those are no ids that fit into 32 bits, or 0.
    """
    keys: U64 = rows["process_object"]
    by_key = np.array([process_ids.get(key, UNKNOWN_ID) for key in keys.tolist()], np.uint32)
    stated: U64 = rows["process_field"]
    plausible = (stated > np.uint64(0)) & (stated < np.uint64(UNKNOWN_ID))
    otherwise = np.where(plausible, stated, rows["process"]).astype(np.uint32)
    return np.where(by_key != UNKNOWN_ID, by_key, otherwise).astype(np.uint32)


def _counts(tracker: TrackerTables) -> RequestCounts:
    counts, (by_free, by_reuse, by_caller, by_queue) = tracker.counts[0], tracker.endings.tolist()
    return RequestCounts(
        issued=int(counts["issued"]),
        completed=int(counts["completed"]),
        retired_by_free=by_free,
        retired_by_reuse=by_reuse,
        retired_by_caller=by_caller,
        retired_by_queue=by_queue,
        unknown_completions=int(counts["unknown_completions"]),
        sockets_created=int(counts["created"]),
        sockets_closed=int(counts["closed"]),
        sockets_cleaned=int(counts["cleaned"]),
        sockets_replaced=int(counts["replaced"]),
        retire_latency=tracker.latency[RETIREMENTS].copy(),
        cleanup_latency=tracker.latency[CLEANUPS].copy(),
    )


def _copy(rows: Structured, name: str) -> Any:  # noqa: ANN401 - the field decides on the type
    """One field as an array of its own."""
    return np.ascontiguousarray(rows[name])
