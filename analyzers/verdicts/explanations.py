"""Why memory of requests stays, where no event tells: each possible reason, and whether the evidence bears it out.

A request is finished in two stages. Stage 2, in the context of its thread, frees the buffer and the file reference, and
then either frees the IRP, or queues it as a user-mode APC, or puts it into the file's completion port (ReactOS,
``ntoskrnl/io/iomgr/irp.c``, IopCompleteRequest; learn.microsoft.com, "How Completion Processing Is Performed"). So what
stays together with the IRPs tells which stage they have passed, and with that who may hold them.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from analyzers.findings import Cause, Explanation, Fits, fits_first
from tracer.data_classes import dataclass


class Memory(Enum):
    """What it is that stays."""

    IRPS = auto()  # IRPs that the I/O manager made for a caller
    PORT_PACKETS = auto()  # completion packets of ports, without IRPs
    OBJECTS = auto()  # files, sockets and what hangs on them, without IRPs
    BUFFERS = auto()  # buffers, memory descriptor lists and contexts of requests, without IRPs
    HANDLES = auto()  # kernel objects that programs open handles to
    OF_DRIVER = auto()  # IRPs that a driver made itself


class Stays(Enum):
    """Whether what stage 2 releases, a request's file or its buffer, is still there."""

    GONE = auto()
    KEPT = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of some memory that stays. ``None``: nothing tells.

    ``count``: blocks; ``listed``: how many may rest on lookaside lists at most. ``files``, ``buffers``: of the same
    requests. ``calls_on``: whether their threads went on making calls from user mode. ``completed``: whether the driver
    completed them. ``queued``: whether they are in a completion port. ``exited``: whether their threads ended since.
    ``delivered``: whether others of the program's were freed as user-mode APCs, and none out of a port; ``taken``: the
    other way round; both as function names tell. ``threaded``: the function by which a driver made IRPs that the
    I/O manager frees. ``irps``: whether the program's request
    IRPs stay as well, though not in step. ``kind``: what objects they are; ``anybody``: whether programs often open
    those of others. ``stacks``: whether call stacks show who made them. ``driver``: who did,
    empty for nobody in particular.
    """

    memory: Memory
    count: int
    listed: int = 0
    files: Stays = Stays.UNKNOWN
    buffers: Stays = Stays.UNKNOWN
    calls_on: bool | None = None
    completed: bool | None = None
    queued: bool | None = None
    exited: bool | None = None
    delivered: bool = False
    taken: bool = False
    threaded: str = ""
    irps: bool = False
    kind: str = "objects"
    anybody: bool = False
    stacks: bool = True
    driver: str = ""

    @property
    def finished(self) -> bool:
        """Stage 2 has released what they held."""
        return Stays.GONE in {self.files, self.buffers}

    @property
    def whole(self) -> bool:
        """Stage 2 has not released what they hold."""
        return Stays.KEPT in {self.files, self.buffers}


_QUEUES: Final = (
    "kernel queue events show what goes into a completion port and who takes it out; !thread shows a thread's APCs"
)
_COMPLETIONS: Final = "driver (IRP) events show whether the driver completes each request"
_TAKEN: Final = "function names show others of the program's that were taken out of a completion port"
_Row = tuple[Cause, Fits, str, str]


def explanations(signs: Signs) -> tuple[Explanation, ...]:
    """The possible reasons, those that fit first; where several are left, with what would decide between them."""
    rows = tuple(_RULES[signs.memory](signs))
    is_settled = sum(fits is not Fits.NO for _, fits, _, _ in rows) == 1
    return fits_first(
        Explanation(why, fits, says, "" if is_settled or fits is Fits.NO else apart) for why, fits, says, apart in rows
    )


def _of_irps(signs: Signs) -> Iterator[_Row]:
    yield Cause.USER_APC, *_user_apc(signs), _QUEUES
    yield Cause.PORT, *_port(signs), _QUEUES
    yield Cause.DRIVER_KEPT, *_driver_kept(signs), _COMPLETIONS
    yield Cause.COMPLETION_STOPPED, *_completion_stopped(signs), _COMPLETIONS
    yield Cause.SPECIAL_APC, *_special_apc(signs), "context switches show whether the thread runs at all"
    if not signs.stacks:
        says = "no call stack tells whether a driver made them, which it then has to free itself"
        yield Cause.MISSING_FREE, Fits.UNKNOWN, says, "call stacks of pool allocations show who makes them"
    yield Cause.LIST, *_list(signs), "a longer recording shows whether their number is bounded"


def _user_apc(signs: Signs) -> tuple[Fits, str]:
    if signs.completed is False:
        return Fits.NO, "their driver has not completed them"
    if signs.whole:
        return Fits.NO, f"their {_kept(signs)} are still there, and go before a user-mode APC is queued"
    if signs.queued:
        return Fits.NO, "they are in a completion port, and a file with a port takes no completion routine"
    if signs.exited:
        return Fits.NO, "their threads have ended, which frees the user-mode APCs of a thread"
    if signs.delivered:
        return Fits.YES, "function names show others of the program's that were freed as user-mode APCs"
    if signs.taken:
        return Fits.UNKNOWN, f"{_TAKEN}, and a file with one takes no completion routine"
    return Fits.YES, f"{_left(signs)}, as with a completion routine whose thread never waits alertably"


def _port(signs: Signs) -> tuple[Fits, str]:
    if signs.completed is False:
        return Fits.NO, "their driver has not completed them"
    if signs.queued is False:
        return Fits.NO, "kernel queue events show none of them in a completion port"
    if signs.queued:
        return Fits.YES, "they went into a completion port and were not taken out"
    if signs.taken:
        return Fits.YES, _TAKEN
    if signs.delivered and not signs.whole:
        return Fits.UNKNOWN, "function names show user-mode APCs of the program's, and nothing taken out of a port"
    if signs.whole:
        return Fits.YES, f"IRPs, {_kept(signs)} stay together, as in a completion port that nobody reads"
    return Fits.YES, f"{_left(signs)}, as with an event on a file whose completion port nobody reads"


def _driver_kept(signs: Signs) -> tuple[Fits, str]:
    if signs.finished:
        return Fits.NO, f"their {_gone(signs)} are gone, so their driver completed them"
    if signs.completed:
        return Fits.NO, "their driver completed them"
    if signs.completed is False:
        return Fits.YES, "their driver has not completed them"
    if signs.whole:
        return Fits.YES, f"IRPs, {_kept(signs)} stay together, as before the driver completes the requests"
    return Fits.UNKNOWN, "their files may still be open, and the trace does not show whether the driver completed them"


def _completion_stopped(signs: Signs) -> tuple[Fits, str]:
    if signs.finished:
        return Fits.NO, f"their {_gone(signs)} are gone, so no completion routine stopped the completion"
    if signs.completed is False:
        return Fits.NO, "their driver has not completed them"
    if signs.whole:
        return Fits.YES, f"IRPs, {_kept(signs)} stay together, as after a completion routine stopped the completion"
    return Fits.UNKNOWN, "their files may still be open, and a completion routine may have kept the IRPs"


def _special_apc(signs: Signs) -> tuple[Fits, str]:
    if signs.completed is False:
        return Fits.NO, "their driver has not completed them"
    if signs.finished:
        return Fits.NO, f"their {_gone(signs)} are gone, so no special kernel APC is pending"
    if signs.calls_on:
        return Fits.NO, "their thread made calls from user mode since, so no special kernel APC is pending"
    return Fits.UNKNOWN, "the trace does not show whether their thread ran in user mode since"


def _list(signs: Signs) -> tuple[Fits, str]:
    if signs.count > signs.listed:
        return Fits.NO, f"{signs.count:,} are more than lookaside lists hold"
    return Fits.UNKNOWN, f"{signs.count:,} may rest on lookaside lists until they are used again"


def _left(signs: Signs) -> str:
    return f"only the IRPs stay (their {_gone(signs)} are gone)" if signs.finished else "only the IRPs stay"


def _gone(signs: Signs) -> str:
    return _named(signs, Stays.GONE)


def _kept(signs: Signs) -> str:
    return _named(signs, Stays.KEPT)


def _named(signs: Signs, state: Stays) -> str:
    named = [name for name, one in (("files", signs.files), ("buffers", signs.buffers)) if one is state]
    return " and ".join(named)


def _of_port_packets(signs: Signs) -> Iterator[_Row]:
    apart = "kernel queue events show who puts IRPs into the port, and who takes them out"
    yield (
        Cause.PORT,
        Fits.YES,
        "such IRPs lie in completion ports (PostQueuedCompletionStatus, or a call that finished at once) until"
        " somebody takes them out",
        apart,
    )
    yield Cause.USER_APC, Fits.NO, "a user-mode APC of a request is its IRP, and no IRPs stay", ""
    yield Cause.LIST, *_list(signs), "a longer recording shows whether their number is bounded"


def _of_objects(signs: Signs) -> Iterator[_Row]:
    apart = "handle events, or !handle and !object in a kernel debugger, show who still refers to one"
    yield Cause.REFERENCE, Fits.YES, "the program, or a driver, still holds a handle or a reference on each", apart
    fits, says = Fits.NO, "no IRPs stay with them"
    if signs.irps:
        fits, says = Fits.UNKNOWN, "IRPs of the program stay as well, and one of them may hold each"
    yield Cause.DRIVER_KEPT, fits, says, _COMPLETIONS
    yield Cause.PORT, fits, says, _QUEUES
    yield Cause.USER_APC, Fits.NO, "the file of a request is released before its user-mode APC is queued", ""


def _of_handles(signs: Signs) -> Iterator[_Row]:
    yield (
        Cause.HANDLE,
        Fits.YES,
        f"the program creates or opens {signs.kind} and never closes its handles",
        "if it is a handle leak, the program's handle count grows (Task Manager, !handle 0 0), and !htrace lists who"
        " opened them",
    )
    others = "another program, " if signs.anybody else ""
    yield (
        Cause.REFERENCE,
        Fits.UNKNOWN,
        f"{others}a driver or the kernel may keep them, though the program closed its handles",
        "if its handle count does not grow, !object shows who else has one open, and object reference tracing"
        " (GFlags, !obtrace) who took each reference",
    )


def _of_buffers(_: Signs) -> Iterator[_Row]:
    yield Cause.MISSING_FREE, Fits.UNKNOWN, "their driver may have taken them over and not freed them", _COMPLETIONS
    yield Cause.DRIVER_KEPT, Fits.UNKNOWN, "IRPs from lookaside lists are not seen being allocated", _COMPLETIONS
    yield Cause.USER_APC, Fits.NO, "they are released before a user-mode APC is queued", ""


def _of_driver(signs: Signs) -> Iterator[_Row]:
    if signs.threaded:
        made = f"{signs.driver} made them with {signs.threaded} (by function names)"
        yield Cause.DRIVER_KEPT, Fits.YES, f"{made}: the driver that they were sent to may not have completed them", ""
        says = f"{made}, and the I/O manager frees such IRPs when they are completed"
        yield Cause.MISSING_FREE, Fits.NO, says, ""
        yield Cause.SPECIAL_APC, Fits.UNKNOWN, f"{made}, and their thread may be held off from its APCs", ""
        return
    yield (
        Cause.MISSING_FREE,
        Fits.YES,
        f"{signs.driver} made these IRPs itself, so it has to free them",
        "",
    )
    for why, word in ((Cause.USER_APC, "user-mode APC"), (Cause.PORT, "completion port")):
        yield why, Fits.NO, f"no {word} belongs to an IRP that a driver made itself", ""


_RULES: Final = {
    Memory.IRPS: _of_irps,
    Memory.PORT_PACKETS: _of_port_packets,
    Memory.OBJECTS: _of_objects,
    Memory.BUFFERS: _of_buffers,
    Memory.HANDLES: _of_handles,
    Memory.OF_DRIVER: _of_driver,
}
