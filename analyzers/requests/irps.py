"""Driver events: requests are issued, passed on, returned from and completed (``docs/held-requests.md``).

A step tells in which way the request is over by its event, :data:`~analyzers.requests.lifecycle.STAYS` if it is not.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.requests.afd_join import join_on_issue
from analyzers.requests.events import CLEANUP, CREATE
from analyzers.requests.lifecycle import (
    NOT_QUEUED,
    NOTHING,
    STAYS,
    UNKNOWN,
    clean_file,
    close_file,
    end_call,
    kind_row,
    leave_call,
    open_request,
)
from analyzers.requests.records import BY_CALLER, BY_REUSE, TrackerTables
from analyzers.requests.tables import NEVER, Completion
from analyzers.trends.bins import bin_of
from tracer.arrays import Structured
from tracer.jit import Int, inlined

_DEEPEST: Final = 16
"""Driver calls inside one another on one thread; deeper ones are taken for calls whose returns were lost."""
_NOT_COMPLETED: Final = int(Completion.NONE)
_INLINE: Final = int(Completion.INLINE)
_ON_THE_CPU: Final = int(Completion.ON_THE_CPU)
_ELSEWHERE: Final = int(Completion.ELSEWHERE)
_NOBODY_KNOWS: Final = int(Completion.UNKNOWN)


@inlined
def _is_another(row: np.void, event: np.void, counts: np.void) -> bool:
    """Whether a call with the IRP of a request begins another request, and does not pass this one on.

    Where completions are lost, an IRP is used again while its request seems open. One that is in a port, or whose
    stage 2 has run, is no longer sent to any driver.
    """
    if (row["queued"] != NOT_QUEUED) | (row["finished"] != NEVER):
        return True
    number, thread, file = event["id"], event["thread"], event["file"]
    if (number != 0) & ((number == row["id"]) | (number == row["alias"])):
        return False
    if (row["completed"] != NEVER) | ((event["purpose"] != 0) & (event["purpose"] != row["purpose"])):
        return True  # creates, cleanups and closes are begun by the I/O manager only
    same_routine = event["routine"] == row["routine"]
    other_file = (file != row["file"]) & (file != NOTHING) & (row["file"] != NOTHING)
    if (row["in_call"] == 1) & (thread == row["thread"]) & (counts["returns"] > 0):
        return same_routine & other_file  # type: ignore[no-any-return]  # a kernel's value
    strangers = (thread != UNKNOWN) & (row["thread"] != UNKNOWN) & (thread != row["thread"])
    return same_routine | (counts["named"] > 0) | (other_file & (strangers | (row["returned"] != NEVER)))  # type: ignore[no-any-return]  # a kernel's value


@inlined
def _enter_call(requests: Structured, threads: Structured, slot: Int, counts: np.void) -> None:
    """A new request's call is the innermost of its thread; older ones that cannot be open any more are dropped.

    A driver does not call itself with another IRP before it returns; and where no return is ever logged,
    only the latest call is known to be open.
    """
    row = requests[slot]
    owner = threads[row["thread_row"]]
    depth = 0
    stale = STAYS
    other = owner["calls"]
    while other >= 0:
        depth += 1
        if (requests[other]["routine"] == row["routine"]) | (depth > _DEEPEST) | (counts["returns"] == 0):
            stale = other
        other = requests[other]["call_below"]
    if stale >= 0:
        end_call(requests, threads, stale)
    row["call_below"] = owner["calls"]
    row["in_call"] = 1
    owner["calls"] = slot


@inlined
def issue(tracker: TrackerTables, event: np.void) -> None:
    """A driver is called with an IRP that is not in use; there must be room for a request and a thread."""
    purpose = event["purpose"]
    if purpose == CLEANUP:
        clean_file(tracker, event["file"], event["time"])
    elif purpose != 0:  # a file object that is opened is a new one at that address
        close_file(tracker, event["file"], event["time"])
    slot = open_request(tracker, event)
    if tracker.requests[slot]["thread_row"] >= 0:
        _enter_call(tracker.requests, tracker.threads, slot, tracker.counts[0])
    join_on_issue(tracker, slot)


@inlined
def pass_on(row: np.void, event: np.void, counts: np.void) -> Int:
    """A driver is called with the IRP of a request."""
    if _is_another(row, event, counts):
        return BY_REUSE
    if row["completed"] != NEVER:  # the same request is sent on, so that completion was not the last
        row["completed"] = NEVER
        row["completion"] = _NOT_COMPLETED
        row["completion_routine"] = 0
        counts["completed"] -= 1
    row["last_routine"] = event["routine"]
    if event["id"] != row["id"]:
        row["alias"] = event["id"]
    elif event["thread"] == row["thread"]:
        row["calls"] += 1
    return STAYS


@inlined
def call_returns(requests: Structured, threads: Structured, slot: Int, event: np.void) -> None:
    """A driver call is over."""
    row, thread = requests[slot], event["thread"]
    strangers = (thread != UNKNOWN) & (row["thread"] != UNKNOWN) & (thread != row["thread"])
    if (event["id"] != row["id"]) | strangers | (row["returned"] != NEVER):
        return
    row["calls"] -= 1
    if row["calls"] > 0:
        return
    row["returned"] = event["time"]
    end_call(requests, threads, slot)


@inlined
def _completion_of(requests: Structured, threads: Structured, counts: np.void, row: np.void, thread: np.uint32) -> Int:
    """Who completes a request whose thread has not exited: :class:`~analyzers.requests.tables.Completion`."""
    if (thread == UNKNOWN) | (row["thread"] == UNKNOWN):
        return _NOBODY_KNOWS
    if thread != row["thread"]:
        return _ELSEWHERE
    if counts["returns"] == 0:
        return _INLINE if row["purpose"] == CREATE else _ON_THE_CPU
    if row["returned"] == NEVER:
        return _INLINE
    inside = threads[row["thread_row"]]["calls"]
    while inside >= 0:
        other = requests[inside]
        if other["completion"] <= _INLINE:
            return _INLINE
        inside = other["call_below"]
    return _ON_THE_CPU


@inlined
def complete(tracker: TrackerTables, slot: Int, event: np.void) -> Int:
    """A request is completed; the last completion counts, as a driver may take one back."""
    row, counts = tracker.requests[slot], tracker.counts[0]
    if (event["id"] == row["id"]) & (row["id"] != 0):
        counts["named"] = 1
    if row["completed"] == NEVER:
        counts["completed"] += 1
        kind = tracker.kinds[kind_row(tracker, row)]
        kind["completed"] += 1
        kind["latency"][bin_of(event["time"] - row["issued"])] += 1
    if row["purpose"] != 0:
        return BY_CALLER  # who opened or closed the file waits for these and releases the IRP
    row["completion"] = _completion_of(tracker.requests, tracker.threads, counts, row, event["thread"])
    row["completed"] = event["time"]
    row["completed_cpu"] = event["cpu"]
    row["completed_offset"] = event["offset"]
    row["completed_thread"] = event["thread"]
    row["completion_routine"] = 0
    if row["completion"] != _INLINE:
        leave_call(tracker.requests, tracker.threads, slot)
    return STAYS


@inlined
def meet_routine(tracker: TrackerTables, slot: Int, event: np.void) -> None:
    """The completion of a request calls a driver's completion routine, which may stop it."""
    row = tracker.requests[slot]
    tracker.counts[0]["routines"] += 1
    if row["completed"] != NEVER:  # else the event of the completion was lost
        row["completion_routine"] = event["routine"]
