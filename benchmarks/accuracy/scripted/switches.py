"""Context switches that fit a script: every event happens on a CPU that its thread has at that moment."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

from benchmarks.accuracy.scripted.machine import Machine, Thread
from benchmarks.accuracy.scripted.scribe import Scribe, Switch
from benchmarks.accuracy.scripted.script import BY_THREAD, Event
from tracer.events.thread import ThreadState, WaitReason

_PAUSE_NS: Final = 300_000
"""A thread without an event for longer than this has left the CPU meanwhile."""
_LINGER_NS: Final = (2_000, 40_000)
"""How long it goes on after its last event before it waits."""

_Rest = tuple[WaitReason, ThreadState, bool]
"""Why a thread left its CPU, its state then, and whether it waits in user mode."""
_IDLE: Final[_Rest] = (WaitReason.EXECUTIVE, ThreadState.RUNNING, False)
_PREEMPTED: Final[_Rest] = (WaitReason.WR_PREEMPTED, ThreadState.READY, False)


@dataclass(frozen=True, slots=True)
class _Stay:
    """What one thread does in one go on a CPU: from its first event to its last."""

    thread: Thread
    first: int
    last: int


def placed(events: list[Event], machine: Machine) -> list[Event]:
    """The events with their CPUs, and the context switches between them; by time."""
    _place(events, machine)
    by_cpu: dict[int, list[_Stay]] = defaultdict(list)
    nexts = _next_times(events)
    for event in events:
        if event.thread is not None:
            _extend(by_cpu[event.cpu], event)
    switches: list[Event] = []
    for cpu, stays in by_cpu.items():
        switches += _switches(cpu, stays, nexts, machine)
    order = {id(event): position for position, event in enumerate(events)}
    return sorted([*events, *switches], key=lambda event: (event.at, order.get(id(event), -1)))


def _place(events: list[Event], machine: Machine) -> None:
    last: dict[int, tuple[int, int]] = {}
    for event in events:
        if event.thread is None or event.cpu != BY_THREAD:
            continue
        at, cpu = last.get(event.thread.id, (-_PAUSE_NS * 2, event.thread.home))
        event.cpu = cpu if event.at - at < 2 * _PAUSE_NS else machine.cpu_for(event.thread)
        last[event.thread.id] = (event.at, event.cpu)


def _extend(stays: list[_Stay], event: Event) -> None:
    thread = event.thread
    if thread is None:
        return
    if stays and stays[-1].thread is thread and (event.at - stays[-1].last < _PAUSE_NS or thread.spins):
        stays[-1] = _Stay(thread, stays[-1].first, event.at)
    else:
        stays.append(_Stay(thread, event.at, event.at))


def _next_times(events: list[Event]) -> dict[tuple[int, int], int]:
    """(thread, time of one of its events) → time of its next."""
    out: dict[tuple[int, int], int] = {}
    later: dict[int, int] = {}
    for event in reversed(events):
        if event.thread is not None:
            if event.thread.id in later and (event.thread.id, event.at) not in out:
                out[event.thread.id, event.at] = later[event.thread.id]
            later[event.thread.id] = event.at
    return out


def _switches(cpu: int, stays: list[_Stay], nexts: dict[tuple[int, int], int], machine: Machine) -> list[Event]:
    """From stay to stay: straight, or by way of the idle thread or of the one that spins on this CPU."""
    spinner: Thread | None = None
    out = [_event(stays[0].first, cpu, Switch(stays[0].thread, *_IDLE))]
    for before, after in pairwise(stays):
        spinner = before.thread if before.thread.spins and before.thread.ended < 0 else spinner
        leaves, arrives = _between(before.last, after.first, machine.rng)
        if after.first - before.last < _PAUSE_NS or before.thread is spinner:
            out.append(_event(arrives, cpu, Switch(after.thread, *_why(before, after, nexts))))
            continue
        out.append(_event(leaves, cpu, Switch(spinner, *_resting(before.thread, before.last))))
        if after.thread is not spinner:
            out.append(_event(arrives, cpu, Switch(after.thread, *(_IDLE if spinner is None else _PREEMPTED))))
    return out + _last(cpu, stays[-1], spinner, machine)


def _last(cpu: int, stay: _Stay, spinner: Thread | None, machine: Machine) -> list[Event]:
    """After the last event: the thread waits, is gone, is held off for good, or goes on spinning."""
    thread = stay.thread
    if thread.spins and thread.ended < 0:
        return []
    at = stay.last + machine.rng.randrange(*_LINGER_NS)
    return (
        [_event(at, cpu, Switch(spinner, *_resting(thread, stay.last)))] if at < machine.conditions.duration_ns else []
    )


def _between(last: int, first: int, rng: random.Random) -> tuple[int, int]:
    """Two moments strictly inside, where there is room."""
    room = first - last
    leaves = last + max(1, min(rng.randrange(*_LINGER_NS), room // 3))
    arrives = first - max(0, min(rng.randrange(200, 3_000), room // 3))
    return leaves, arrives


def _why(before: _Stay, after: _Stay, nexts: dict[tuple[int, int], int]) -> _Rest:
    """Preempted when it goes on soon, at rest when not."""
    thread = before.thread
    goes_on = nexts.get((thread.id, before.last), after.first + _PAUSE_NS)
    if (thread.spins and thread.ended < 0) or goes_on - after.first < _PAUSE_NS:
        return _PREEMPTED
    return _resting(thread, before.last)


def _resting(thread: Thread, at: int) -> _Rest:
    """Why a thread is off its CPU after its event of that moment."""
    if 0 <= thread.ended <= at:
        return WaitReason.WR_TERMINATED, ThreadState.TERMINATED, False
    if thread.held_off[0] <= at < thread.held_off[1]:
        return WaitReason.WR_QUANTUM_END, ThreadState.READY, False
    if thread.suspended[0] <= at < thread.suspended[1]:
        return WaitReason.SUSPENDED, ThreadState.WAITING, False
    return thread.wait, ThreadState.WAITING, thread.waits_in_user_mode


def _event(at: int, cpu: int, switch: Switch) -> Event:
    return Event(at, 0, None, partial(_log, switch=switch), cpu)


def _log(scribe: Scribe, switch: Switch) -> None:
    scribe.switch(switch)
