"""Which event a stack belongs to.

A stack record names its event by raw timestamp and thread. The kernel part is logged right
after the event on the same CPU, so the events just before it are looked at first; what is not
found there is searched by timestamp over the whole window (:func:`join_by_time`).
Source and measurements of the rule: ``docs/stacks.md``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.columns import NO_STACK, UNKNOWN_ID
from tracer.etl.walk import (
    SLOT_DEFINITION,
    SLOT_EXTENDED_KEY,
    SLOT_EXTENDED_STACK,
    SLOT_KERNEL_KEY,
    SLOT_USER_KEY,
)
from tracer.jit import Int, inlined, kernel
from tracer.search import first_at_least
from tracer.stacks.table import STACKS_FULL, frame_at, intern

_LOOK_BACK: Final = 256
"""Events looked at before a stack record on its own CPU; what lies further back is found by time."""
_MOST_AT_ONCE: Final = 4096
"""Events of one time looked at for one stack: up to 13 share a time in real traces (measured)."""
_RESERVED: Final = -3
"""Stands in an event's stack column between finding its key reference and resolving it."""

LOOSE_STACK: Final = np.dtype(
    [
        ("event_time", "<i8"),
        ("key", "<u8"),
        ("stack", "<i4"),
        ("event", "<i4"),  # index of its event in the window, -1 while not found
        ("thread", "<u4"),
        ("process", "<u4"),
        ("cpu", "<u2"),
        ("is_user", "u1"),
        ("is_key", "u1"),
        ("pad", "<u4"),
    ]
)
"""A stack that has no event yet, or a reference to a stack key that has no frames yet."""


@inlined
def _is_user(address: np.uint64, pointer: Int) -> bool:
    """Whether a frame lies in user space: the upper half of the address space is the kernel's."""
    return bool((address >> np.uint64(31 if pointer == 4 else 63)) == np.uint64(0))


@inlined
def _event_before(
    events: npt.NDArray[np.void],
    segments: npt.NDArray[np.void],
    taken: npt.NDArray[np.int32],
    kernel_stack: npt.NDArray[np.int32],
    thread: npt.NDArray[np.uint32],
    after: Int,
    cpu: Int,
    event_time: Int,
    thread_id: np.uint32,
    is_user: bool | np.bool_,
) -> Int:
    """The latest event of that time on this CPU that has no such stack yet, -1 for none.

    The latest: a CPU logs an event's kernel stack before it logs anything else, but for what an
    interrupt logs between, whole with its own stack. A user stack is the second part of a stack, so an event
    that has its first part goes before others. What defines a stack key has no stack itself.
    """
    first = max(0, after - _LOOK_BACK)
    found = np.int64(-1)
    j = after - 1
    while j >= first:
        event = events[j]
        if event["time"] < event_time or segments[event["segment"]]["cpu"] != cpu:
            break
        free = event["time"] == event_time and taken[j] == NO_STACK and event["slot"] != SLOT_DEFINITION
        if free and (thread[j] == UNKNOWN_ID or thread[j] == thread_id):
            if not is_user or kernel_stack[j] != NO_STACK:
                return np.int64(j)
            if found < 0:
                found = np.int64(j)
        j -= 1
    return found


@kernel
def join(  # noqa: PLR0913, PLR0915, PLR0917 - a kernel's arrays are its state; the steps share most of it
    words4: npt.NDArray[np.uint32],
    words8: npt.NDArray[np.uint64],
    segments: npt.NDArray[np.void],
    events: npt.NDArray[np.void],
    stacks: npt.NDArray[np.void],
    n_stacks: int,
    buckets: npt.NDArray[np.int32],
    memo: npt.NDArray[np.int32],
    hashes: npt.NDArray[np.uint64],
    starts: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int32],
    frames: npt.NDArray[np.uint64],
    used: npt.NDArray[np.int64],
    kernel_stack: npt.NDArray[np.int32],
    user_stack: npt.NDArray[np.int32],
    thread: npt.NDArray[np.uint32],
    process: npt.NDArray[np.uint32],
    loose: npt.NDArray[np.void],
    state: npt.NDArray[np.int64],
) -> bool:
    """Intern every stack of the window and give it to its event; false where the stack table is full.

    ``kernel_stack``, ``user_stack`` (ids) and ``thread``, ``process`` are by event. References to
    stack keys and stacks without an event go to ``loose``, which has room for all. ``state``: [next stack row,
    loose rows]; it is resumable.
    """
    i = state[0]
    n_loose = state[1]
    while i < n_stacks:
        row = stacks[i]
        at = np.int64(row["payload"])
        end = np.int64(row["end"])
        slot = np.int64(row["slot"])
        pointer = np.int64(row["pointer"])
        after = np.int64(row["after"])
        segment = segments[row["segment"]]
        cpu = segment["cpu"]
        extended = slot == SLOT_EXTENDED_STACK or slot == SLOT_EXTENDED_KEY
        keyed = slot == SLOT_KERNEL_KEY or slot == SLOT_USER_KEY or slot == SLOT_EXTENDED_KEY
        head = 8 if extended else 16
        if at + head + pointer > end:
            i += 1
            continue
        first = frame_at(words4, at + head, pointer)
        stack: Int = NO_STACK
        if not keyed:
            stack = intern(
                words4, words8, at + head, (end - at - head) // pointer, pointer,
                buckets, memo, hashes, starts, lengths, frames, used,
            )  # fmt: skip
            if stack == STACKS_FULL:
                state[0] = i
                state[1] = n_loose
                return False
        is_user = slot != SLOT_KERNEL_KEY if keyed else _is_user(first, pointer)
        event: Int = after - 1
        event_time = np.int64(0)
        thread_id = np.uint32(UNKNOWN_ID)
        process_id = np.uint32(UNKNOWN_ID)
        taken = user_stack if is_user else kernel_stack
        if not extended:
            event_time = np.int64(frame_at(words4, at, 8))
            process_id = words4[(at + 8) >> 2]
            thread_id = words4[(at + 12) >> 2]
            event = _event_before(
                events, segments, taken, kernel_stack, thread, after, cpu, event_time, thread_id, is_user
            )
        if event >= 0 and not extended:
            thread[event] = thread_id
            process[event] = process_id
        if event >= 0 and not keyed:
            taken[event] = stack
        else:
            if event >= 0:
                taken[event] = _RESERVED
            item = loose[n_loose]
            item["event_time"] = event_time if not extended else events[event]["time"]
            item["key"] = first if keyed else np.uint64(0)
            item["stack"] = stack
            item["event"] = event
            item["thread"] = thread_id
            item["process"] = process_id
            item["cpu"] = cpu
            item["is_user"] = is_user
            item["is_key"] = keyed
            n_loose += 1
        i += 1
    state[0] = i
    state[1] = n_loose
    return True


@kernel
def join_by_time(
    events: npt.NDArray[np.void],
    times: npt.NDArray[np.int64],
    order: npt.NDArray[np.int32],
    cpus: npt.NDArray[np.uint16],
    header_thread: npt.NDArray[np.uint32],
    kernel_stack: npt.NDArray[np.int32],
    user_stack: npt.NDArray[np.int32],
    thread: npt.NDArray[np.uint32],
    process: npt.NDArray[np.uint32],
    loose: npt.NDArray[np.void],
    count: int,
) -> None:
    """Find the event of each loose stack among all events of the window, by time, then thread, then CPU.

    ``times`` are the window's raw times in time order and ``order`` the event of each; the other
    columns are by event. An event of another thread is never taken; a user stack goes to an event that
    has its kernel stack before others.
    """
    for i in range(count):
        item = loose[i]
        if item["event"] >= 0:
            continue
        wanted = item["event_time"]
        taken = user_stack if item["is_user"] else kernel_stack
        best = -1
        best_score = 0
        at = first_at_least(times, wanted)
        stop = min(at + _MOST_AT_ONCE, times.shape[0])
        while at < stop and times[at] == wanted:
            event = order[at]
            at += 1
            owner = thread[event] if thread[event] != UNKNOWN_ID else header_thread[event]
            if events[event]["slot"] == SLOT_DEFINITION or taken[event] != NO_STACK:
                continue
            if owner != UNKNOWN_ID and owner != item["thread"]:
                continue
            score = 1 + (2 if owner == item["thread"] else 0) + (1 if cpus[event] == item["cpu"] else 0)
            score += 4 if item["is_user"] and kernel_stack[event] != NO_STACK else 0
            if score > best_score:
                best_score = score
                best = event
        if best < 0:
            continue
        item["event"] = best
        thread[best] = item["thread"]
        process[best] = item["process"]
        taken[best] = _RESERVED if item["is_key"] else item["stack"]
