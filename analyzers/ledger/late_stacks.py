"""Stacks that come after their batch: given to the newest allocations, by raw time, thread and CPU.

A user stack is logged on the way out of the kernel, up to 0.4 s later. A kernel stack follows its event at
once, but where buffers are small and CPUs many a window of time may end between the two.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.ledger.histories import note_lifetime, note_past, step_of
from analyzers.ledger.matching import site_of
from analyzers.ledger.rows import DONE, HAS_STACK, HAS_USER_STACK, SITES_FULL, WAS_REPLACED, History, LedgerTables
from tracer.arrays import Structured
from tracer.columns import UNKNOWN_ID, Who
from tracer.jit import Int, inlined, kernel
from tracer.trace import LateStacks

_BY_STACK: Final = int(Who.STACK)
_UNKNOWN: Final = UNKNOWN_ID


@inlined
def _place_of(recent: Structured, written: Int, late: LateStacks, i: int, has: int) -> Int:
    """Place in the ring of the first allocation of the time and thread of a stack that lacks such a one; -1 for none.

    Where nothing told the thread so far, the CPU decides.
    """
    size = recent.shape[0]
    low = max(np.int64(0), written - size)
    high = written
    while low < high:
        middle = (low + high) // 2
        if recent[middle & (size - 1)]["raw_time"] < late.raw_time[i]:
            low = middle + 1
        else:
            high = middle
    while low < written and recent[low & (size - 1)]["raw_time"] == late.raw_time[i]:
        row = recent[low & (size - 1)]
        same = row["thread"] == late.thread[i] or (row["thread"] == _UNKNOWN and row["cpu"] == late.cpu[i])
        if same and row["flags"] & has == 0:
            return np.int64(low & (size - 1))
        low += 1
    return np.int64(-1)


@inlined
def _move(old: np.void, new: np.void, time: np.int64, size: Int, live: int, freed: int) -> None:
    """Count an allocation at another site than the one it was first counted at."""
    old["allocations"] -= 1
    old["allocated"] -= size
    old["frees"] -= freed
    old["count"] -= live
    old["bytes"] -= size * live
    new["allocations"] += 1
    new["allocated"] += size
    new["frees"] += freed
    new["count"] += live
    new["bytes"] += size * live
    new["first"] = min(new["first"], time)
    new["last"] = max(new["last"], time)


@inlined
def _move_history(history: History, counts: np.void, site: Int, row: np.void, live: int, times: int) -> None:
    """Count a recent allocation in the history of a site, or take it from there where ``times`` is -1."""
    shift, size = counts["step_shift"], row["size"] * times
    note_past(history, step_of(row["time"], shift), counts["step"], site, times, 0, size)
    if not live:
        note_past(history, step_of(row["ended"], shift), counts["step"], site, 0, times, -size)
        if not row["flags"] & WAS_REPLACED:
            note_lifetime(history, site, row["ended"] - row["time"], times)


@kernel
def attach(late: LateStacks, ledger: LedgerTables, history: History) -> int:
    """Give each stack to its allocation; resumable: the caller makes room for sites where the result says so.

    A stack whose allocation is no longer live is used up all the same, so that no other gets it.
    """
    counts = ledger.counts[0]
    for i in range(counts["next_late"], late.raw_time.shape[0]):
        has = HAS_USER_STACK if late.is_user[i] else HAS_STACK
        place = _place_of(ledger.recent, counts["recent"], late, i, has)
        if place < 0:
            continue
        row = ledger.recent[place]
        allocation = ledger.slots[row["slot"]]
        live = 1 if allocation["live"] == 1 and allocation["recent"] == place else 0
        if not late.is_user[i]:
            tag_row = ledger.sites[row["site"]]["tag_row"]
            site_row = site_of(ledger, tag_row, late.stack[i], late.process[i], late.thread[i], row["time"])
            if site_row < 0:
                counts["next_late"] = i
                return SITES_FULL
            freed = 0 if live or row["flags"] & WAS_REPLACED else 1
            _move(ledger.sites[row["site"]], ledger.sites[site_row], row["time"], row["size"], live, freed)
            _move_history(history, counts, np.int64(row["site"]), row, live, -1)
            _move_history(history, counts, np.int64(site_row), row, live, 1)
            row["site"] = site_row
        row["flags"] |= has
        row["thread"] = late.thread[i]
        if live:
            allocation["site"] = row["site"]
            allocation["thread"] = late.thread[i]
            allocation["process"] = late.process[i]
            allocation["who"] = _BY_STACK
            if late.is_user[i]:
                allocation["user_stack"] = late.stack[i]
        counts["attached"] += 1
    return DONE
