"""What shows that a thread has been in user mode."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from tests.laws.events import KERNEL_PROCESSES, Event, LoggedTrace, What, is_started
from tracer.columns import UNKNOWN_ID
from tracer.events import afd
from tracer.events.irp import MajorFunction
from tracer.events.thread import WAIT_MODE_USER, ThreadState, WaitReason

_BY_A_HANDLE: Final = {MajorFunction.CREATE: "a file is opened", MajorFunction.CLEANUP: "a handle is closed"}
_NOT_ASKED_FOR: Final = frozenset({afd.CLOSE, afd.CLEANUP})
_SUSPENDED: Final = frozenset({WaitReason.SUSPENDED, WaitReason.WR_SUSPENDED})


@dataclass(frozen=True, slots=True)
class Activity:
    """An event that only a system call from user mode can have caused, and what it says."""

    event: Event
    says: str


def in_user_mode(logged: LoggedTrace) -> dict[int, list[Activity]]:
    """By thread of a program, in time order, up to the end event of the thread: after that it stays in the kernel."""
    found: dict[int, list[Activity]] = defaultdict(list)
    exiting: set[int] = set()
    depth: dict[int, int] = defaultdict(int)
    returns = any(event.what is What.RETURN for event in logged.events)
    for event in logged.events:
        if event.what is What.START:
            exiting.discard(event["thread"])
        elif event.what is What.END:
            exiting.add(event["thread"])
        says = _says(event, depth[event.thread])
        if event.what is What.CALL or event.what is What.RETURN:
            depth[event.thread] += returns * (1 if event.what is What.CALL else -1)
        kernel = logged.processes.get(event.thread, event.process) in KERNEL_PROCESSES | {UNKNOWN_ID}
        if says and not kernel and event.thread not in exiting:
            found[event.thread].append(Activity(event, says))
    return found


def _says(event: Event, depth: int) -> str:
    if event.what is What.SWITCH and event["old_state"] == ThreadState.WAITING:
        in_user = event["old_wait_mode_flags"] & WAIT_MODE_USER and event["old_wait_reason"] not in _SUSPENDED
        return "a user-mode wait begins" if in_user else ""
    if is_started(event) and event.event not in _NOT_ASKED_FOR:
        return f"socket operation {event.event} begins"
    if event.what is What.CALL and depth <= 0 and event["major"] in _BY_A_HANDLE:
        return _BY_A_HANDLE[MajorFunction(event["major"])]
    return ""
