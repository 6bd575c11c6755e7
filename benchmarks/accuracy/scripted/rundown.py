"""Process, thread and image events: what a session lists at its start and end, and what begins and ends between."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Final

from benchmarks.accuracy.scripted.machine import Image, Machine, Process, Thread
from benchmarks.accuracy.scripted.scribe import Scribe
from benchmarks.accuracy.scripted.script import Script
from tracer.events import image, process, thread
from tracer.events.encode import Value

_BEFORE: Final = -1
"""The moment of what was there when the trace began."""
_SYSTEM_SID: Final = bytes([1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0])
_STACK: Final = {8: 0xFFFFD00000000000, 4: 0xA2000000}


def list_at_start(scribe: Scribe) -> None:
    """Everything that was there before the trace."""
    _list(scribe, (process.RUNDOWN_START, thread.RUNDOWN_START, image.RUNDOWN_START), _BEFORE)


def list_at_end(scribe: Scribe, ends: int) -> None:
    """Everything that is there when the session is stopped, so many nanoseconds after its start."""
    _list(scribe, (process.RUNDOWN_END, thread.RUNDOWN_END, image.RUNDOWN_END), ends)


def _list(scribe: Scribe, hooks: tuple[int, int, int], at: float) -> None:
    machine = scribe.machine
    for mapped in machine.mapped():
        if machine.loads.get(mapped, _BEFORE) <= at < machine.unloads.get(mapped, math.inf):
            _image(scribe, hook=hooks[2], mapped=mapped, owner=0)
    for each in machine.processes:
        if _there(each, at):
            _process(scribe, hook=hooks[0], of=each)
            for mapped in machine.images_of(each):
                _image(scribe, hook=hooks[2], mapped=mapped, owner=each.id)
    for one in machine.threads:
        if _there(one, at) and _there(one.process, at):
            _thread(scribe, hook=hooks[1], of=one)


def lay_down_lives(machine: Machine, script: Script) -> None:
    """Starts and ends within the trace."""
    for lives, hook in ((machine.loads, image.LOAD), (machine.unloads, image.UNLOAD)):
        for mapped, at in lives.items():
            script.add(at, None, partial(_image, hook=hook, mapped=mapped, owner=0), 0)
    for each in machine.processes:
        if each.started >= 0:
            script.add(each.started, None, partial(_process, hook=process.START, of=each), 0)
            for mapped in machine.images_of(each):
                script.add(each.started, None, partial(_image, hook=image.LOAD, mapped=mapped, owner=each.id), 0)
        if each.ended >= 0:
            script.add(each.ended, None, partial(_process, hook=process.END, of=each), 0)
    for one in machine.threads:
        if one.started >= 0:
            script.add(one.started, None, partial(_thread, hook=thread.START, of=one), 0)
        if one.ended >= 0:
            script.add(one.ended, one, partial(_thread, hook=thread.END, of=one))


def _there(one: Process | Thread, at: float) -> bool:
    return one.started <= at and not 0 <= one.ended <= at


def _process(scribe: Scribe, hook: int, of: Process) -> None:
    values: Mapping[str, Value] = {
        "key": of.key,
        "process": of.id,
        "parent": 0 if of.image is None else 4,
        "session": of.session,
        "exit_status": 0,
        "sid": _SYSTEM_SID,
        "image_name": of.name,
        "command_line": of.name,
    }
    scribe.rundown(hook, values)


def _thread(scribe: Scribe, hook: int, of: Thread) -> None:
    base = _STACK[scribe.conditions.pointer_size] + of.id * 0x1000
    values: dict[str, Value] = {
        "process": of.process.id,
        "thread": of.id,
        "stack_base": base,
        "stack_limit": base - 0x6000,
    }
    scribe.rundown(hook, {**values, "base_priority": of.priority})


def _image(scribe: Scribe, hook: int, mapped: Image, owner: int) -> None:
    values: dict[str, Value] = {"base": mapped.base, "size": mapped.size, "process": owner, "file_name": mapped.path}
    scribe.rundown(hook, {**values, "default_base": mapped.base})
