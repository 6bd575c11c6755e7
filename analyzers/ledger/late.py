"""Stacks that come after their batch: given to the newest allocations, by raw time, thread and CPU.

A user stack is logged on the way out of the kernel, up to 0.4 s later. A kernel stack follows its event at
once, but where buffers are small and CPUs many a window of time may end between the two.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.ledger.histories import note_ended, note_lifetime, note_made, step_of
from analyzers.ledger.rows import (
    DONE,
    HAS_STACK,
    HAS_USER_STACK,
    SITES_FULL,
    STATE_ATTACHED,
    STATE_LATE,
    STATE_RECENT,
    STATE_SITES,
    STATE_STEP_SHIFT,
    WAS_REPLACED,
)
from analyzers.ledger.tables import site_of
from tracer.columns import UNKNOWN_ID, Who
from tracer.jit import Int, inlined, kernel

_BY_STACK: Final = int(Who.STACK)
_UNKNOWN: Final = UNKNOWN_ID


@inlined
def _place_of(
    recent: npt.NDArray[np.void], posted: Int, raw_time: np.int64, thread: np.uint32, cpu: np.uint16, has: int
) -> Int:
    """Place in the ring of the first allocation of that time and thread that lacks such a stack; -1 for none.

    Where nothing told the thread so far, the CPU decides.
    """
    size = recent.shape[0]
    low = max(np.int64(0), posted - size)
    high = posted
    while low < high:
        middle = (low + high) // 2
        if recent[middle & (size - 1)]["raw_time"] < raw_time:
            low = middle + 1
        else:
            high = middle
    while low < posted and recent[low & (size - 1)]["raw_time"] == raw_time:
        row = recent[low & (size - 1)]
        same = row["thread"] == thread or (row["thread"] == _UNKNOWN and row["cpu"] == cpu)
        if same and row["flags"] & has == 0:
            return np.int64(low & (size - 1))
        low += 1
    return np.int64(-1)


@inlined
def _move(old: np.void, new: np.void, time: np.int64, size: Int, live: int, freed: int) -> None:
    """Count an allocation at another site than the one it was first counted at."""
    old["allocations"] -= 1
    old["frees"] -= freed
    old["count"] -= live
    old["bytes"] -= size * live
    new["allocations"] += 1
    new["frees"] += freed
    new["count"] += live
    new["bytes"] += size * live
    new["first"] = min(new["first"], time)
    new["last"] = max(new["last"], time)


@inlined
def _move_history(
    steps: npt.NDArray[np.void], lifetimes: npt.NDArray[np.int32], shift: Int, site: Int, row: np.void, live: int,
    times: int,
) -> None:  # fmt: skip
    """Count a recent allocation in the history of a site, or take it from there where ``times`` is -1."""
    note_made(steps, step_of(row["time"], shift), site, row["size"], times)
    if not live:
        note_ended(steps, step_of(row["ended"], shift), site, row["size"], times)
        if not row["flags"] & WAS_REPLACED:
            note_lifetime(lifetimes, site, row["ended"] - row["time"], times)


@kernel
def attach(  # noqa: PLR0913, PLR0917 - a kernel takes arrays only
    raw_time: npt.NDArray[np.int64],
    thread: npt.NDArray[np.uint32],
    process: npt.NDArray[np.uint32],
    cpu: npt.NDArray[np.uint16],
    stack: npt.NDArray[np.int32],
    is_user: npt.NDArray[np.bool_],
    recent: npt.NDArray[np.void],
    slots: npt.NDArray[np.void],
    sites: npt.NDArray[np.void],
    site_keys: npt.NDArray[np.uint64],
    site_table: npt.NDArray[np.int32],
    tags: npt.NDArray[np.void],
    steps: npt.NDArray[np.void],
    lifetimes: npt.NDArray[np.int32],
    state: npt.NDArray[np.int64],
) -> int:
    """Give each stack to its allocation; resumable: the caller makes room for sites where the result says so.

    A stack whose allocation is no longer live is used up all the same, so that no other gets it.
    """
    for i in range(state[STATE_LATE], raw_time.shape[0]):
        has = HAS_USER_STACK if is_user[i] else HAS_STACK
        place = _place_of(recent, state[STATE_RECENT], raw_time[i], thread[i], cpu[i], has)
        if place < 0:
            continue
        row = recent[place]
        allocation = slots[row["slot"]]
        live = 1 if allocation["live"] == 1 and allocation["recent"] == place else 0
        if not is_user[i]:
            tag_row = sites[row["site"]]["tag_row"]
            process_id = process[i] if tags[tag_row]["by_process"] else np.uint32(_UNKNOWN)
            thread_id = np.uint32(_UNKNOWN)
            if tags[tag_row]["by_process"] and process_id == _UNKNOWN:
                thread_id = thread[i]
            site_row = site_of(
                site_table, site_keys, sites, state[STATE_SITES], tag_row, stack[i], process_id, thread_id
            )
            if site_row < 0:
                state[STATE_LATE] = i
                return SITES_FULL
            site = sites[site_row]
            if site_row == state[STATE_SITES]:
                site["tag_row"] = tag_row
                site["stack"] = stack[i]
                site["process"] = process_id
                site["thread"] = thread_id
                site["first"] = row["time"]
                site["last"] = row["time"]
                state[STATE_SITES] += 1
            freed = 0 if live or row["flags"] & WAS_REPLACED else 1
            _move(sites[row["site"]], site, row["time"], row["size"], live, freed)
            shift = state[STATE_STEP_SHIFT]
            _move_history(steps, lifetimes, shift, np.int64(row["site"]), row, live, -1)
            _move_history(steps, lifetimes, shift, np.int64(site_row), row, live, 1)
            row["site"] = site_row
        row["flags"] |= has
        row["thread"] = thread[i]
        if live:
            allocation["site"] = row["site"]
            allocation["thread"] = thread[i]
            allocation["process"] = process[i]
            allocation["who"] = _BY_STACK
            if is_user[i]:
                allocation["user_stack"] = stack[i]
        state[STATE_ATTACHED] += 1
    return DONE
