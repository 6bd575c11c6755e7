"""What to do next, for each kind of accusation: one sentence, or two short ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzers.formatting import agreeing
from analyzers.pooltag import tag_text
from analyzers.tags.callers import FILE, IRP, PORT_PACKET, SOCKETS
from analyzers.tags.objects import object_words

_CAPTURE: Final = {
    "stacks": "call stacks on pool allocations and frees",
    "context_switches": "context switches",
    "requests": "driver (IRP) events",
}


def user_apc(process: str, thread: int | None, irp: int) -> str:
    """Where to look for the alertable wait that a thread does not do; ``irp`` 0 for none."""
    owner = process or "the program"
    example = f", and !irp 0x{irp:x} one of the IRPs" if irp else ""
    return (
        f"In {owner}, look for the alertable wait (SleepEx, WaitForSingleObjectEx) that should follow calls with a"
        f" completion routine. In a kernel debugger, !thread shows the user APC queue of {_thread(thread)}{example}."
    )


def special_apc(process: str, thread: int | None, irp: int, *, starved: bool = False) -> str:
    """Where to look for what keeps a thread from taking its special kernel APCs; ``starved``: it gets no CPU."""
    owner = process or "its process"
    if starved:
        return (
            f"Look for what keeps {_thread(thread)} of {owner} off every CPU. In a kernel debugger, !ready shows its"
            f" priority, !running the threads that run instead, and !irp 0x{irp:x} one of its requests."
        )
    return (
        f"In a kernel debugger, !thread shows whether {_thread(thread)} of {owner} waits for a CPU. If it does not,"
        f" look for the long kernel call or guarded region that it is in. !irp 0x{irp:x} shows one of its requests."
    )


def undrained_port(process: str, readers: Sequence[int] = ()) -> str:
    """Who should take IRPs out of a completion port; ``readers``: threads that did so."""
    owner = process or "the program"
    look = "for the thread that should take entries out of this port"
    if readers:
        who = agreeing(len(readers), f"thread {readers[0]} takes", f"its {len(readers)} threads take")
        look = f"why {who} entries out of this port too slowly"
    return (
        f"In {owner}, look {look} (GetQueuedCompletionStatus). In a kernel debugger, !icpleak 1 finds the completion"
        " port with the most entries, and who has it open."
    )


def driver_kept(driver: str, irp: int, *, completed: bool) -> str:
    """Where a driver keeps requests; ``completed``: it began to complete them, and stopped."""
    owner = driver or "the driver"
    how = (
        "a completion routine that returns STATUS_MORE_PROCESSING_REQUIRED and does not complete the request again"
        if completed
        else "the queue in which it holds requests, and for paths that never complete them"
    )
    return f"In {owner}, look for {how}. In a kernel debugger, !irp 0x{irp:x} shows one of the requests."


def caller(process: str, thread: int | None, tag: int, calls: Sequence[str] = ()) -> str:
    """Where to look in the program that asked for it; ``calls``: modules from which it does, innermost first."""
    owner = process or "the program"
    at = f" (through {calls[0]})" if calls else ""
    on = "" if thread is None else f" on thread {thread}"
    if tag == IRP:
        return (
            f"In {owner}, look at the requests that it makes{on}{at}; !irp on one shows what it waits for. With a"
            " completion routine, its thread has to wait alertably (SleepEx); with a completion port, somebody has to"
            " read the port (!icpleak)."
        )
    if tag == PORT_PACKET:
        return f"In {owner}, look at who should take IRPs out of its completion ports; !icpleak finds the fullest."
    if tag == FILE or tag in SOCKETS:
        what = "files and devices" if tag == FILE else "sockets"
        return (
            f"In {owner}, look for {what} that are opened{on}{at} and not closed. If its handle count (!handle) does"
            " not grow, a driver keeps the references (!object)."
        )
    return (
        f"In {owner}, look at the requests that it makes{on}{at}. Record again with driver (IRP) events to see which"
        " of them are not finished."
    )


def handles(process: str, thread: int | None, tag: int, calls: Sequence[str] = ()) -> str:
    """How to find handles that a program never closes, and how to tell them from kept references."""
    owner = process or "the program"
    at = f" (through {calls[0]})" if calls else ""
    on = "" if thread is None else f" on thread {thread}"
    return (
        f"Watch the handle count of {owner} (Task Manager, !handle 0 0). If it grows with them, look for"
        f" {object_words(tag)} that are created or opened{on}{at} and not closed (!htrace -enable, then !htrace -diff)."
        " If it does not, something keeps a reference (!obtrace)."
    )


def references(driver: str, place: str, tag: int) -> str:
    """How to find the references on objects that a driver does not give back."""
    return (
        f"In {driver}, look for the ZwClose or ObDereferenceObject that is missing for {object_words(tag)} that"
        f" {place or 'it'} creates. Object reference tracing for tag {tag_text(tag)!r} (GFlags), then !obtrace on one"
        " of them, shows who took a reference and kept it."
    )


def missing_free(driver: str, place: str, tag: int, allocator: str = "") -> str:
    """Which code to read; ``allocator``: another driver that allocates for it."""
    if not driver:
        return (
            f"Record again with stacks on pool events to see who allocates {tag_text(tag)!r}. Or look at the blocks"
            f" with !poolfind {tag_text(tag)} in a kernel debugger."
        )
    if allocator:
        return (
            f"In {driver}, follow what {place or 'it'} gets from {allocator} (tag {tag_text(tag)!r}) to every return"
            " that skips the call which gives it back (error paths first)."
        )
    return (
        f"In {driver}, follow what {place or 'it'} allocates with tag {tag_text(tag)!r} to every return that skips the "
        f"free (error paths first). Driver Verifier with pool tracking on {driver} confirms it."
    )


def unloaded(driver: str, place: str, tag: int) -> str:
    """Which code to read, where the driver has left blocks behind."""
    return (
        f"In {driver}, look at the unload routine and the error paths: they have to free what {place or 'it'} allocates"
        f" with tag {tag_text(tag)!r}. Driver Verifier with pool tracking on {driver} stops the machine at the next"
        " such unload (bug check 0xC4, 0x62)."
    )


def with_drain(advised: str) -> str:
    """The same, and how to tell frees that come late from frees that are missing."""
    return f"{advised} poolscope record --drain 1m tells it from frees that come late."


def growth(driver: str, tag: int, missing: str, *, part: bool = False, drained: bool = False) -> str:
    """What to capture to be surer: ``missing`` names the kind of evidence that the trace lacks, empty for none.

    ``part``: the trace is one part of a longer recording, so that what came before and after it is there already.
    ``drained``: it went on after the load.
    """
    owner = driver or f"whoever allocates {tag_text(tag)!r}"
    wanted = _CAPTURE.get(missing)
    if part:
        lacking = (
            f" This one has no {wanted}; if the others have none either, record again with them." if wanted else ""
        )
        return f"Give the other parts of this recording as well, to see whether {owner} frees these there.{lacking}"
    more = f" with {wanted}" if wanted else ", through at least one shutdown of the program that uses it"
    late = "" if drained else " or late (--drain 1m goes on after the load)"
    return (
        f"Record for longer{more}, to see whether {owner} ever frees these{late}. Then compare with a trace of normal"
        " use."
    )


def _thread(thread: int | None) -> str:
    return "the threads" if thread is None else f"thread {thread}"
