"""What the trace shows of each unretired request, gathered once for all rules about what holds it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from analyzers.activity import Activity, ActivitySince
from analyzers.activity.thread_state import NEVER_RAN
from analyzers.holders.age_limits import had_no_chance, limits_ns, usual_ns
from analyzers.holders.by_name import ByName, by_name
from analyzers.holders.irp_blocks import IrpBlocks, by_system_call, irp_blocks, is_irp
from analyzers.holders.lookaside import believed, mostly_retired, off_lists
from analyzers.holders.makers import with_makers
from analyzers.policy import AGES, HELD
from analyzers.pool_tables import Names, PoolSnapshot
from analyzers.requests.tables import NEVER, Finished, RequestSnapshot, RequestTable
from analyzers.threads import IDLE_THREAD
from tracer.arrays import I64, Mask
from tracer.columns import UNKNOWN_ID, Who
from tracer.data_classes import dataclass

_NO_USER_MODE: Final = (0, 4)
"""The idle process and System: their threads never run in user mode."""


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """What is known of the machine and the session. ``complete_from_ns``: from when on all CPUs' events are there.

    ``lost``: share of events lost. ``drained_ns``: of the drain at its end.
    """

    at_ns: int
    start_ns: int
    pointer_size: int
    complete_from_ns: int = 0
    lost: float = 0.0
    drained_ns: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """By request, bool unless said otherwise.

    ``since``: what its thread did since the completion, or since the issue. ``known``: its thread is, and it comes
    from a time of which all CPUs' events are there. ``recent``: completed so lately that it may retire any moment.
    ``user_mode``: its thread was in user mode after the completion, or took a later APC, or has ended: no special
    kernel APC of it can be left (returning to user mode with APCs disabled is bug check 0x1). ``starved``: its thread
    has been ready without a CPU since before the completion. ``finished``: stage 2 of the completion has run.
    ``refers``: its file is still referred to, though its last handle was closed. ``owns_buffer``: its system buffer
    is outstanding; ``buffer_gone``: that was freed. ``passed``: its completion called a driver's completion routine;
    ``rarely_retired``: hardly any of its kind was in all of the trace. ``off_list``: its IRP rests on no lookaside
    list (not asked where it owns its buffer); ``proven``: that is seen by itself or of its kind, not only by others of
    its thread. ``by_name``: what function names tell.
    """

    snapshot: RequestSnapshot
    blocks: IrpBlocks
    machine: Machine
    since: ActivitySince
    age_ns: I64
    completed: Mask
    known: Mask
    recent: Mask
    user_mode: Mask
    starved: Mask
    finished: Mask
    refers: Mask
    owns_buffer: Mask
    buffer_gone: Mask
    passed: Mask
    rarely_retired: Mask
    off_list: Mask
    proven: Mask
    by_name: ByName

    @property
    def requests(self) -> RequestTable:
        """The requests that the rows are about."""
        return self.snapshot.requests

    @property
    def callers(self) -> Mask:
        """By request: whether its caller is known and no driver is seen to have made its IRP."""
        return self.known & ~self.blocks.drivers_own


def gather(
    pool: PoolSnapshot,
    snapshot: RequestSnapshot,
    activity: Activity,
    machine: Machine,
    names: Names | None = None,
) -> Seen:
    """Look at every request; those whose thread no event told get the one that allocated their IRP.

    ``names``: of functions, ``None`` where none are known.
    """
    blocks = irp_blocks(pool, snapshot.requests, machine.pointer_size)
    requests = with_makers(snapshot.requests, blocks)
    if requests is not snapshot.requests:  # whose buffer is whose, the threads tell
        snapshot, blocks = replace(snapshot, requests=requests), irp_blocks(pool, requests, machine.pointer_size)
    completed = requests.completed_ns != NEVER
    since_ns = np.where(completed, requests.completed_ns, requests.issued_ns)
    since = _since(requests, since_ns, activity, machine.at_ns)
    age = machine.at_ns - since_ns
    in_user_mode = _was_in_user_mode(pool, requests, since)
    limits = limits_ns(snapshot.counts, requests, in_user_mode, activity, since)
    buffer_gone = completed & requests.buffered & ~blocks.owns_buffer
    finished = (requests.finished_by != Finished.NO) | buffer_gone
    known = (requests.thread != UNKNOWN_ID) & (requests.thread != IDLE_THREAD)
    known &= since_ns >= machine.complete_from_ns
    owns_buffer = blocks.owns_buffer & ~finished
    wanted = completed & known & blocks.held & ~blocks.drivers_own & ~owns_buffer
    off_list, proven = _off_list(pool, snapshot, blocks, wanted, machine)
    handled = (requests.cleaned_ns != NEVER) & (machine.at_ns - requests.cleaned_ns > limits)
    exited = (requests.exited_ns != NEVER) & (machine.at_ns - requests.exited_ns > limits)
    return Seen(
        snapshot=snapshot,
        blocks=blocks,
        machine=machine,
        since=since,
        age_ns=age,
        completed=completed,
        known=known,
        recent=completed & ((age <= limits) | had_no_chance(since)),
        user_mode=completed & (in_user_mode | exited),
        starved=(since.what == NEVER_RAN) & since.ready,
        finished=finished,
        refers=handled & ~finished,
        owns_buffer=owns_buffer,
        buffer_gone=buffer_gone,
        passed=requests.completion_routine != 0,
        rarely_retired=_rarely_retired(snapshot),
        off_list=off_list,
        proven=proven,
        by_name=by_name(pool, snapshot, blocks, names),
    )


def _since(requests: RequestTable, times: I64, activity: Activity, at_ns: int) -> ActivitySince:
    """What the issuing threads did since; that they issued the requests shows where they ran then."""
    is_exact = np.isin(requests.who, np.array((Who.STACK, Who.HEADER), np.uint8))
    seen = np.where(is_exact, requests.issued_ns, NEVER)
    return activity.since(requests.thread, times, at_ns=at_ns, seen_ns=seen, seen_cpu=requests.issued_cpu)


def _was_in_user_mode(pool: PoolSnapshot, requests: RequestTable, since: ActivitySince) -> Mask:
    """By request: whether its thread was in user mode after the completion, or retired a request completed later."""
    shown = np.maximum(requests.thread_user_ns, since.user_wait_ns)
    shown = np.maximum(shown, _last_system_call(pool, requests))
    shown = np.where(np.isin(requests.process, _NO_USER_MODE), NEVER, shown)
    return np.asarray((shown > requests.completed_ns) | (requests.last_retired_ns > requests.completed_ns))


def _last_system_call(pool: PoolSnapshot, requests: RequestTable) -> I64:
    """By request: when its thread last got an IRP for a system call of its own, as far as these are outstanding.

    Where only the kernel's own frames stand below it, no driver asked for it: the thread came from user mode.
    """
    out = pool.outstanding
    rows = np.flatnonzero((by_system_call(pool) & is_irp(pool))[out.site])
    threads, place = np.unique(out.thread[rows], return_inverse=True)
    latest = np.full(len(threads) + 1, NEVER, np.int64)  # the last one stands for threads that have none
    np.maximum.at(latest, place, out.time_ns[rows])
    at = np.searchsorted(threads, requests.thread)
    known = np.append(threads, np.uint32(UNKNOWN_ID))[at] == requests.thread
    return np.where(known & (requests.thread != UNKNOWN_ID), latest[at], NEVER)


def _rarely_retired(snapshot: RequestSnapshot) -> Mask:
    """By request: whether hardly any of its kind was retired in all of the trace."""
    kinds = snapshot.kinds
    return np.append(kinds.retired <= HELD.rarely_retired * kinds.completed, np.False_)[snapshot.requests.kind]


def _off_list(
    pool: PoolSnapshot, snapshot: RequestSnapshot, blocks: IrpBlocks, wanted: Mask, machine: Machine
) -> tuple[Mask, Mask]:
    """By request: whether its IRP is on no list, and whether that is seen by itself."""
    requests = snapshot.requests
    rows = np.flatnonzero(wanted)
    released = _released_ns(snapshot)[rows]
    proof = off_lists(pool, requests, blocks, rows, released, machine.pointer_size, machine.at_ns)
    rests = mostly_retired(snapshot, rows)
    result, proven = np.zeros(len(requests), np.bool_), np.zeros(len(requests), np.bool_)
    rarely_retired = _rarely_retired(snapshot)[rows]
    result[rows] = believed(requests, rows, proof, rests, rarely_retired)
    proven[rows] = proof | rarely_retired
    return result, result & proven


def _released_ns(snapshot: RequestSnapshot) -> I64:
    """By request: when its IRP was released at the latest, if it was, by what is usual after completion or exit."""
    requests = snapshot.requests
    settled = max(AGES.settled_ns, int(usual_ns(snapshot.counts) or 0))
    return np.maximum(requests.completed_ns, requests.exited_ns) + settled
