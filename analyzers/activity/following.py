"""The kernel that follows threads through context switches, starts, ends and ready events, in time order."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.activity.rows import NEVER, NO_CPU, RECENT_WAITS, UNSEEN, begin_life, first_life
from analyzers.ledger.tables import keyed_row
from analyzers.threads import IDLE_THREAD
from tracer.events.thread import END, START, WAIT_MODE_USER, ThreadState
from tracer.jit import Int, inlined, kernel

DONE: Final = 0
FULL: Final = 1
"""Results of a call: done, or there has to be room for more threads before it can go on."""

STATE_SWITCH: Final = 0
STATE_LIFE: Final = 1
STATE_READY: Final = 2
"""The events to go on with, by table."""
STATE_THREADS: Final = 3
STATE_SWITCHES: Final = 4
"""Context switches seen so far."""
STATE_READIES: Final = 5
STATE_LONGEST_READY: Final = 6
"""The longest time that a thread which was made ready waited for its CPU, of those that got one."""
STATE_READY_WAITS: Final = 7
"""Times that a thread which was made ready got a CPU."""
STATE_ROWS: Final = 8

NOBODY: Final = -1
"""Row of the thread on a CPU where it is the idle thread, or unknown."""

_WAITING: Final = int(ThreadState.WAITING)
_GATE_WAIT: Final = int(ThreadState.GATE_WAIT)
_TERMINATED: Final = int(ThreadState.TERMINATED)
_USER: Final = WAIT_MODE_USER
_START: Final = START
_END: Final = END
_IDLE: Final = IDLE_THREAD
_LAST: Final = np.iinfo(np.int64).max
_RING: Final = RECENT_WAITS - 1


@inlined
def is_wait(state: Int) -> bool:
    """Whether a thread that left its CPU in this state waits for something other than a CPU."""
    return state == _WAITING or state == _GATE_WAIT


@inlined
def _enter(
    rows: npt.NDArray[np.void], keys: npt.NDArray[np.uint64], table: npt.NDArray[np.int32],
    state: npt.NDArray[np.int64], thread: np.uint32,
) -> Int:  # fmt: skip
    """Row of a thread, a new one where it is new; -1 where there is no room."""
    row = keyed_row(table, keys, state[STATE_THREADS], np.uint64(thread))
    if row == state[STATE_THREADS]:
        first_life(rows, row, thread)
        state[STATE_THREADS] += 1
    return row


@inlined
def _move(rows: npt.NDArray[np.void], row: Int, cpu: Int, time: Int) -> None:
    """Note on which CPU a thread is, and keep its longest stay on one."""
    thread = rows[row]
    if thread["last_cpu"] != cpu:
        if thread["last_cpu"] != NO_CPU and time - thread["stay"] > thread["long_to"] - thread["long_from"]:
            thread["long_from"] = thread["stay"]
            thread["long_to"] = time
        thread["stay"] = time
        thread["last_cpu"] = cpu


@inlined
def _lose(rows: npt.NDArray[np.void], row: Int, cpu: Int) -> None:
    """Another thread was found on a CPU that this one has not been seen to leave: when and why it left is unknown."""
    thread = rows[row]
    if thread["on_cpu"] == cpu:
        thread["on_cpu"] = NO_CPU
        thread["last_out"] = thread["last_in"]
        thread["out_state"] = UNSEEN
        thread["out_cpu"] = cpu
        thread["out_offset"] = NEVER


@inlined
def _exit(rows: npt.NDArray[np.void], row: Int, time: Int, cpu: Int, offset: Int) -> None:
    thread = rows[row]
    if thread["exited"] == NEVER or thread["exited"] < thread["started"]:
        thread["exited"] = time
        thread["exit_cpu"] = cpu
        thread["exit_offset"] = offset


@inlined
def _switch_out(
    rows: npt.NDArray[np.void], ring: npt.NDArray[np.int64], row: Int, cpu: Int, time: Int, offset: Int,
    old_state: Int, reason: Int, user: Int, is_first: bool | np.bool_,
) -> None:  # fmt: skip
    thread = rows[row]
    # A switch in on another CPU at the very same time came first in the file: it stays there.
    if thread["on_cpu"] == cpu or thread["last_in"] < time:
        thread["on_cpu"] = NO_CPU
        if thread["last_cpu"] == NO_CPU and is_first:
            thread["stay"] = 0  # nothing was switched on this CPU since the trace's start
            thread["last_cpu"] = cpu
        else:
            _move(rows, row, cpu, time)
    thread["last_out"] = time
    thread["out_offset"] = offset
    thread["out_cpu"] = cpu
    thread["out_state"] = old_state
    if is_wait(old_state):
        if thread["may_echo"] and thread["wait_reason"] == reason and thread["wait_user"] == user:
            thread["echoes"] += 1
        thread["last_wait"] = time
        thread["wait_reason"] = reason
        thread["wait_user"] = user
        if user:
            thread["user_wait"] = time
        ring[row, np.int64(thread["waits"]) & _RING] = time
        thread["waits"] += 1
    thread["may_echo"] = 0
    if old_state == _TERMINATED:
        thread["terminated"] = 1
        _exit(rows, row, time, cpu, offset)


@inlined
def _switch_in(
    rows: npt.NDArray[np.void], row: Int, cpu: Int, time: Int, offset: Int, state: npt.NDArray[np.int64]
) -> None:
    thread = rows[row]
    if thread["terminated"]:
        begin_life(rows, row, time)  # the event of its start is missing
    was_readied = thread["readied"] != NEVER and thread["readied"] >= thread["last_out"]
    if was_readied and thread["readied"] > thread["last_in"]:
        state[STATE_READY_WAITS] += 1
        state[STATE_LONGEST_READY] = max(state[STATE_LONGEST_READY], time - thread["readied"])
    thread["may_echo"] = 1 if was_readied and is_wait(np.int64(thread["out_state"])) else 0
    _move(rows, row, cpu, time)
    thread["last_in"] = time
    thread["in_offset"] = offset
    thread["in_cpu"] = cpu
    thread["on_cpu"] = cpu
    thread["switches"] += 1


@inlined
def _live_or_die(rows: npt.NDArray[np.void], row: Int, event: Int, time: Int, cpu: Int, offset: Int) -> None:
    """A start, an end, or a rundown event, which tells that the thread is alive."""
    thread = rows[row]
    has_ended = thread["exited"] != NEVER and thread["exited"] >= thread["started"]
    if event == _END:
        _exit(rows, row, time, cpu, offset)
    elif event == _START:
        if has_ended or thread["on_cpu"] != cpu:
            begin_life(rows, row, time)
        else:  # it is itself the one that logs its start, after the switch to it
            thread["started"] = min(time, np.int64(thread["last_in"]))
    elif has_ended:
        begin_life(rows, row, np.int64(thread["exited"]) + 1)  # the event of its start is missing


@kernel
def follow(  # noqa: PLR0912, PLR0913, PLR0917 - a kernel takes arrays only, and a step of its own costs a call
    switch_order: npt.NDArray[np.int64],
    switch_time: npt.NDArray[np.int64],
    switch_cpu: npt.NDArray[np.uint16],
    switch_offset: npt.NDArray[np.int64],
    new_thread: npt.NDArray[np.uint32],
    old_thread: npt.NDArray[np.uint32],
    old_state: npt.NDArray[np.int8],
    reason: npt.NDArray[np.int8],
    mode: npt.NDArray[np.uint8],
    life_order: npt.NDArray[np.int64],
    life_time: npt.NDArray[np.int64],
    life_cpu: npt.NDArray[np.uint16],
    life_offset: npt.NDArray[np.int64],
    life_event: npt.NDArray[np.uint16],
    life_thread: npt.NDArray[np.uint32],
    ready_order: npt.NDArray[np.int64],
    ready_time: npt.NDArray[np.int64],
    ready_thread: npt.NDArray[np.uint32],
    rows: npt.NDArray[np.void],
    keys: npt.NDArray[np.uint64],
    table: npt.NDArray[np.int32],
    ring: npt.NDArray[np.int64],
    cpu_row: npt.NDArray[np.int32],
    cpu_last: npt.NDArray[np.int64],
    state: npt.NDArray[np.int64],
) -> int:
    """Follow one batch's events; resumable: where there is no room, the caller makes it and calls again.

    ``cpu_row``: row of the thread on each CPU, ``cpu_last``: time of each CPU's last switch; both outlive the batch, as
    do ``rows``, ``ring`` (times of the newest waits, by row) and ``state``.
    """
    i, j, k = state[STATE_SWITCH], state[STATE_LIFE], state[STATE_READY]
    while True:
        at_switch = switch_order[i] if i < switch_order.shape[0] else _LAST
        at_life = life_order[j] if j < life_order.shape[0] else _LAST
        at_ready = ready_order[k] if k < ready_order.shape[0] else _LAST
        state[STATE_SWITCH], state[STATE_LIFE], state[STATE_READY] = i, j, k
        if at_switch < at_life and at_switch < at_ready:
            cpu = np.int64(switch_cpu[i])
            time = switch_time[i]
            before = np.int64(cpu_row[cpu])
            old: Int = np.int64(NOBODY)
            if before >= 0 and rows[before]["thread"] == old_thread[i]:
                old = before
            elif old_thread[i] != _IDLE:
                old = _enter(rows, keys, table, state, old_thread[i])
                if old < 0:
                    return FULL
            new: Int = np.int64(NOBODY)
            if new_thread[i] != _IDLE:
                new = _enter(rows, keys, table, state, new_thread[i])
                if new < 0:
                    return FULL
            if before >= 0 and before != old:
                _lose(rows, before, cpu)
            if old >= 0:
                user = np.int64(mode[i] & _USER)
                is_first = cpu_last[cpu] == NEVER
                _switch_out(
                    rows, ring, old, cpu, time, switch_offset[i], np.int64(old_state[i]), np.int64(reason[i]), user,
                    is_first,
                )  # fmt: skip
            if new >= 0:
                _switch_in(rows, new, cpu, time, switch_offset[i], state)
            cpu_row[cpu] = new
            cpu_last[cpu] = time
            state[STATE_SWITCHES] += 1
            i += 1
        elif at_life < at_ready:
            row = _enter(rows, keys, table, state, life_thread[j])
            if row < 0:
                return FULL
            _live_or_die(rows, row, np.int64(life_event[j]), life_time[j], np.int64(life_cpu[j]), life_offset[j])
            j += 1
        elif at_ready < _LAST:
            row = _enter(rows, keys, table, state, ready_thread[k])
            if row < 0:
                return FULL
            rows[row]["readied"] = ready_time[k]
            state[STATE_READIES] += 1
            k += 1
        else:
            break
    state[STATE_SWITCH], state[STATE_LIFE], state[STATE_READY] = 0, 0, 0
    return DONE
