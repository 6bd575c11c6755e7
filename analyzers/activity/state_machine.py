"""The kernel that follows threads through context switches, starts, ends and ready events, in time order."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.activity.rows import (
    NEVER,
    NO_CPU,
    RECENT_WAITS,
    THREAD_ID,
    UNSEEN,
    ActivityTables,
    Lives,
    Readies,
    Switches,
    begin_life,
    first_life,
)
from analyzers.hashing import put, row_of
from analyzers.threads import IDLE_THREAD
from tracer.arrays import Structured
from tracer.events.thread import END, START, WAIT_MODE_USER, ThreadState
from tracer.jit import Int, inlined, kernel

DONE: Final = 0
FULL: Final = 1
"""Results of a call: done, or there has to be room for more threads before it can go on."""

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
def _enter(activity: ActivityTables, thread: np.uint32) -> Int:
    """Row of a thread, a new one where it is new; -1 where there is no room."""
    row = row_of(activity.key_index, THREAD_ID, np.uint64(thread))
    if row < 0:
        row = np.int64(activity.counts[0]["threads"])
        if row >= activity.rows.shape[0]:
            return np.int64(-1)
        activity.counts[0]["threads"] += put(activity.key_index, THREAD_ID, np.uint64(thread), row)
        first_life(activity.rows, row, thread)
    return row


@inlined
def _move(rows: Structured, row: Int, cpu: Int, time: Int) -> None:
    """Note on which CPU a thread is, and keep its longest stay on one."""
    thread = rows[row]
    if thread["last_cpu"] != cpu:
        if thread["last_cpu"] != NO_CPU and time - thread["stay"] > thread["long_to"] - thread["long_from"]:
            thread["long_from"] = thread["stay"]
            thread["long_to"] = time
        thread["stay"] = time
        thread["last_cpu"] = cpu


@inlined
def _lose(rows: Structured, row: Int, cpu: Int) -> None:
    """Another thread was found on a CPU that this one has not been seen to leave: when and why it left is unknown."""
    thread = rows[row]
    if thread["on_cpu"] == cpu:
        thread["on_cpu"] = NO_CPU
        thread["last_out"] = thread["last_in"]
        thread["out_state"] = UNSEEN
        thread["out_cpu"] = cpu
        thread["out_offset"] = NEVER


@inlined
def _exit(rows: Structured, row: Int, time: Int, cpu: Int, offset: Int) -> None:
    thread = rows[row]
    if thread["exited"] == NEVER or thread["exited"] < thread["started"]:
        thread["exited"] = time
        thread["exit_cpu"] = cpu
        thread["exit_offset"] = offset


@inlined
def _switch_out(activity: ActivityTables, row: Int, switches: Switches, i: Int) -> None:
    thread = activity.rows[row]
    cpu, time, reason = np.int64(switches.cpu[i]), switches.time[i], np.int64(switches.reason[i])
    old_state, user = np.int64(switches.old_state[i]), np.int64(switches.mode[i] & _USER)
    # A switch in on another CPU at the very same time came first in the file: it stays there.
    if thread["on_cpu"] == cpu or thread["last_in"] < time:
        thread["on_cpu"] = NO_CPU
        if thread["last_cpu"] == NO_CPU and activity.cpu_last[cpu] == NEVER:
            thread["stay"] = 0  # nothing was switched on this CPU since the trace's start
            thread["last_cpu"] = cpu
        else:
            _move(activity.rows, row, cpu, time)
    thread["last_out"] = time
    thread["out_offset"] = switches.offset[i]
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
        activity.ring[row, np.int64(thread["waits"]) & _RING] = time
        thread["waits"] += 1
    thread["may_echo"] = 0
    if old_state == _TERMINATED:
        thread["terminated"] = 1
        _exit(activity.rows, row, time, cpu, switches.offset[i])


@inlined
def _switch_in(activity: ActivityTables, row: Int, cpu: Int, time: Int, offset: Int) -> None:
    thread, counts = activity.rows[row], activity.counts[0]
    if thread["terminated"]:
        begin_life(activity.rows, row, time)  # the event of its start is missing
    was_readied = thread["readied"] != NEVER and thread["readied"] >= thread["last_out"]
    if was_readied and thread["readied"] > thread["last_in"]:
        counts["ready_waits"] += 1
        counts["longest_ready"] = max(counts["longest_ready"], time - thread["readied"])
    thread["may_echo"] = 1 if was_readied and is_wait(np.int64(thread["out_state"])) else 0
    _move(activity.rows, row, cpu, time)
    thread["last_in"] = time
    thread["in_offset"] = offset
    thread["in_cpu"] = cpu
    thread["on_cpu"] = cpu
    thread["switches"] += 1


@inlined
def _live_or_die(rows: Structured, row: Int, event: Int, time: Int, cpu: Int, offset: Int) -> None:
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
def follow(  # noqa: PLR0912 - a step of its own costs a call
    switches: Switches, lives: Lives, readies: Readies, activity: ActivityTables
) -> int:
    """Follow one batch's events; resumable: where there is no room, the caller makes it and calls again."""
    rows, counts = activity.rows, activity.counts[0]
    i, j, k = counts["switch"], counts["life"], counts["ready"]
    while True:
        at_switch = switches.order[i] if i < switches.order.shape[0] else _LAST
        at_life = lives.order[j] if j < lives.order.shape[0] else _LAST
        at_ready = readies.order[k] if k < readies.order.shape[0] else _LAST
        counts["switch"], counts["life"], counts["ready"] = i, j, k
        if at_switch < at_life and at_switch < at_ready:
            cpu = np.int64(switches.cpu[i])
            time = switches.time[i]
            before = np.int64(activity.cpu_row[cpu])
            old: Int = np.int64(NOBODY)
            if before >= 0 and rows[before]["thread"] == switches.old_thread[i]:
                old = before
            elif switches.old_thread[i] != _IDLE:
                old = _enter(activity, switches.old_thread[i])
                if old < 0:
                    return FULL
            new: Int = np.int64(NOBODY)
            if switches.new_thread[i] != _IDLE:
                new = _enter(activity, switches.new_thread[i])
                if new < 0:
                    return FULL
            if before >= 0 and before != old:
                _lose(rows, before, cpu)
            if old >= 0:
                _switch_out(activity, old, switches, i)
            if new >= 0:
                _switch_in(activity, new, cpu, time, switches.offset[i])
            activity.cpu_row[cpu] = new
            activity.cpu_last[cpu] = time
            counts["switches"] += 1
            i += 1
        elif at_life < at_ready:
            row = _enter(activity, lives.thread[j])
            if row < 0:
                return FULL
            _live_or_die(rows, row, np.int64(lives.event[j]), lives.time[j], np.int64(lives.cpu[j]), lives.offset[j])
            j += 1
        elif at_ready < _LAST:
            row = _enter(activity, readies.thread[k])
            if row < 0:
                return FULL
            rows[row]["readied"] = readies.time[k]
            counts["readies"] += 1
            k += 1
        else:
            break
    counts["switch"], counts["life"], counts["ready"] = 0, 0, 0
    return DONE
