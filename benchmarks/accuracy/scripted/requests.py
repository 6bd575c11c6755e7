"""I/O requests as a script: issued by a thread, completed somewhere (stage 1), finished (stage 2), retired, or not.

What each step frees, and in which order, follows ReactOS, ntoskrnl/io/iomgr/irp.c (IofCompleteRequest,
IopCompleteRequest), and, where current kernels differ, published analyses of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.accuracy.scripted.lists import ScriptedIrp
from benchmarks.accuracy.scripted.machine import Image, Stack, Thread
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.scripted.scribe import Scribe
from benchmarks.accuracy.scripted.script import BY_THREAD, Action, Block
from tracer.events import irp
from tracer.events.irp import MajorFunction

if TYPE_CHECKING:
    from benchmarks.accuracy.scripted.stage import Stage

IRP_TAG: Final = tag_of("Irp ")
_SYSTEM_BUFFER: Final = tag_of("IoSB")
_MDL: Final = tag_of("Mdl ")
_MDL_PAGES: Final = 17
"""Lists of pages with no more come off a lookaside list: the pool does not see them."""
_MDL_BYTES: Final = {8: 0x30, 4: 0x1C}
STEP_NS: Final = 900
"""From one step of an operation to the next, about."""
_CALL_NS: Final = 16 * STEP_NS
"""A call of a program is over by then, from the first allocation to the last free."""
RESCHEDULED_NS: Final = 1_500
"""From a completion elsewhere to stage 2 on the issuing thread, at least."""


class Ending(Enum):
    """How a request ends. ``PLAIN``: stage 2 frees it. ``ROUTINE``: it becomes the user APC of a completion routine.

    ``AGNOSTIC``: its completion puts it in the file's port, and stage 2 runs when it is dequeued. ``EVENT``: the file
    has a port and the request an event, so stage 2 puts it there.
    """

    PLAIN = auto()
    ROUTINE = auto()
    AGNOSTIC = auto()
    EVENT = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for. ``buffered``: bytes of a system buffer; ``pages``: those that a list describes.

    ``call``: the program's call below which it is made. ``quota``: its handle is asynchronous. ``room``: how long
    its thread is in the call; where it is in another one at that moment, this one comes later.
    """

    ending: Ending = Ending.PLAIN
    major: int = MajorFunction.DEVICE_CONTROL
    buffered: int = 0
    pages: int = 0
    call: str = "control"
    quota: bool = True
    room: float = _CALL_NS


@dataclass(slots=True, eq=False)
class Request:
    """``irp``: there once it is taken; ``block``: its allocation, whose record is -1 where the file shows none.

    ``pointer``: of the IRP. ``issued``, ``completed``: records, -1 where there are none. ``layers``: the drivers
    that are called, the last of them completes. ``ids``: of the calls that have not returned. ``deferred``: where it is
    done at once, the caller runs stage 2 (reads and writes). ``over``: when stage 2 is, infinite: never.
    """

    thread: Thread
    file: Block
    layers: tuple[Image, ...]
    ending: Ending
    quota: bool
    block: Block
    buffers: list[Block] = field(default_factory=list)
    irp: ScriptedIrp | None = None
    pointer: int = 0
    ids: list[int] = field(default_factory=list)
    deferred: bool = False
    over: float = math.inf
    issued: int = -1
    completed: int = -1

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All that stays while stage 2 has not run."""
        return (self.block, *self.buffers)


class Requests:
    """The I/O manager of a script."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._script = stage.script
        self._rng = stage.rng
        self._size = stage.conditions.pointer_size
        self._id = stage.rng.randrange(1 << 20)

    def stack(self, *names: str) -> Stack:
        """Frames of functions of the kernel, innermost first, down to the system call."""
        return self._stage.machine.functions(*names, "KiSystemServiceCopyEnd")

    def issue(
        self,
        at: float,
        thread: Thread,
        file: Block,
        layers: Sequence[Image],
        asked: Asked = Asked(),
    ) -> tuple[Request, float]:
        """A request of a thread, sent to the first of the drivers; gives it and when the last has been called."""
        major = asked.major
        at = self._script.reserve(thread, at, asked.room)
        user = self._stage.machine.user_call(thread.process, asked.call)
        request = Request(thread, file, tuple(layers), asked.ending, asked.quota, Block(IRP_TAG, 0, user=user))
        request.deferred = major in {MajorFunction.READ, MajorFunction.WRITE}
        service = "NtReadFile" if request.deferred else "NtDeviceIoControlFile"
        below = ("IopXxxControlFile", service) if service == "NtDeviceIoControlFile" else (service,)
        made = self.stack("ExAllocatePool2", "IopAllocateIrpPrivate", *below)
        number = len(layers) + self._rng.randrange(2)
        self._script.add(at, thread, partial(_take, request=request, locations=number, stack=made))
        if asked.buffered:
            at = self._buffer(at, request, _SYSTEM_BUFFER, asked.buffered, self.stack("ExAllocatePool2", *below))
        if asked.pages > _MDL_PAGES:
            size = _MDL_BYTES[self._size] + self._size * asked.pages
            at = self._buffer(at, request, _MDL, size, self.stack("ExAllocatePool2", "IoAllocateMdl", *below))
        return request, self.call(at + STEP_NS, request, major)

    def call(self, at: float, request: Request, major: int = MajorFunction.DEVICE_CONTROL) -> float:
        """The drivers are called, one by the other; each call has an id of its own."""
        for layer in request.layers:
            request.ids.append(self._next_id())
            routine = self._stage.machine.function(f"dispatch {major}", layer)
            action = partial(_call, request=request, major=major, routine=routine, number=request.ids[-1])
            self._script.add(at, request.thread, action)
            at += STEP_NS / 3
        return at

    def returned(self, at: float, request: Request) -> float:
        """The drivers have returned to the caller."""
        while request.ids:
            number = request.ids.pop()
            if self._stage.conditions.returns:
                action = partial(_log, hook=irp.RETURN, request=request, number=number)
                self._script.add(at, request.thread, action)
                at += STEP_NS / 4
        return at

    def complete(
        self,
        at: float,
        request: Request,
        thread: Thread | None = None,
        cpu: int = BY_THREAD,
        *,
        inner: float = 0,
        queued: Action | None = None,
    ) -> float:
        """Stage 1, by a thread, or on a CPU by a deferred procedure call; gives when it is over.

        The completion and its routines share an id, which no call has. ``inner``: how long what a thread does before it
        returns takes. ``queued``: what a deferred procedure call, which nothing interrupts, does before that.
        """
        number, machine = self._next_id(), self._stage.machine
        by = machine.function("complete", request.layers[-1])
        log = partial(_log, request=request, number=number)
        steps: list[Action] = [partial(_completed, request=request, log=partial(log, hook=irp.COMPLETE, routine=by))]
        for layer in reversed(request.layers[:-1]):
            steps.append(partial(log, hook=irp.COMPLETION_ROUTINE, routine=machine.function("routine", layer)))
        steps += [queued] if queued is not None else []
        ends: list[Action] = [partial(log, hook=irp.COMPLETE_RETURN)] if self._stage.conditions.returns else []
        if thread is None:
            self._script.add(at, None, partial(_one_by_one, steps=steps + ends), cpu)
            return at + STEP_NS / 2
        for step in steps:
            self._script.add(at, thread, step)
            at += STEP_NS / 4
        for step in ends:
            self._script.add(at + inner, thread, step)
        return at + inner + STEP_NS / 4

    def at_once(self, at: float, request: Request) -> float:
        """Completed by the issuing thread within its call; gives when that has returned.

        Stage 2 runs directly, between the completion and its return, or deferred, when the drivers have returned. Of a
        request that becomes a user APC the IRP stays.
        """
        if request.deferred:
            at = self.returned(self.complete(at, request, request.thread) + STEP_NS / 2, request)
            return self._finish(at + STEP_NS / 4, request, "IopSynchronousServiceTail", "NtReadFile") + STEP_NS / 2
        inner = STEP_NS / 3 * (len(request.buffers) + 1) + STEP_NS / 4
        over = self.complete(at, request, request.thread, inner=inner)
        begins = at + STEP_NS * (0.1 + 0.25 * (len(request.layers) - 1))
        self._finish(begins, request, "IopfCompleteRequest", "IofCompleteRequest")
        return self.returned(over + STEP_NS / 2, request)

    def finish(self, at: float, request: Request) -> float:
        """Stage 2 as a special kernel APC of the issuing thread."""
        return self._finish(at, request, "KiDeliverApc", "KiSwapThread")

    def deliver(self, at: float, request: Request, *, first: bool) -> float:
        """A user APC is delivered: the IRP goes just before the routine runs; the first one of a wait or not."""
        below = ("KiDeliverApc", "KiInitiateUserApc") if first else ("KiDeliverApc", "KiContinueEx", "NtContinueEx")
        return self.release(at, request, request.thread, ("IopUserRundown", *below))

    def run_down(self, at: float, request: Request) -> float:
        """Its thread exits, and its user APC with it."""
        return self.release(at, request, request.thread, ("IopUserRundown", "KeRundownApcQueues", "PspExitThread"))

    def free_buffers(self, at: float, request: Request, by: Thread, stack: Stack) -> float:
        """What stage 2 frees before the IRP."""
        for block in request.buffers:
            self._script.free(at, by, block, stack)
            at += STEP_NS / 3
        return at

    def release(self, at: float, request: Request, by: Thread, names: Sequence[str]) -> float:
        """The IRP goes, below these functions: to its list or to the pool."""
        stack = self.stack("ExFreePoolWithTag", "IopFreeIrp", *names)
        self._script.add(at, by, partial(_put, request=request, stack=stack))
        return at + STEP_NS / 3

    def elsewhere(self, thread: Thread) -> int:
        """A CPU on which a deferred procedure call completes a thread's request."""
        cpus = self._stage.conditions.cpus
        if cpus == 1 or self._rng.random() < self._stage.conditions.same_cpu:
            return thread.home
        return (thread.home + self._rng.randrange(1, cpus)) % cpus

    def _finish(self, at: float, request: Request, *below: str) -> float:
        names = ("IopCompleteRequest", *below)
        at = self.free_buffers(at, request, request.thread, self.stack("ExFreePoolWithTag", *names))
        at = self.release(at, request, request.thread, names) if request.ending is Ending.PLAIN else at
        request.over = at
        return at

    def _buffer(self, at: float, request: Request, tag: int, size: int, stack: Stack) -> float:
        block = self._script.allocate(at + STEP_NS, request.thread, Block(tag, size, user=request.block.user), stack)
        request.buffers.append(block)
        return at + STEP_NS

    def _next_id(self) -> int:
        """One counter for calls and completions."""
        self._id = self._id + 1 & 0xFFFFFFFF
        return self._id


def _take(scribe: Scribe, request: Request, locations: int, stack: Stack) -> None:
    irp = scribe.lists.take(scribe.cpu, locations, quota=request.quota)
    request.irp, request.block.size = irp, irp.size
    if irp.address:
        request.block.address, request.block.record = irp.address, irp.record
    else:
        new = scribe.addresses.fresh if irp.from_before else scribe.addresses.take
        irp.address = request.block.address = new(irp.size, paged=False)
        if not irp.from_before:
            irp.record = request.block.record = scribe.pool(request.block, stack, freed=False)
    request.pointer = irp.address + scribe.conditions.pool_offset


def _put(scribe: Scribe, request: Request, stack: Stack) -> None:
    irp = request.irp
    if irp is None or scribe.lists.put(irp):
        return
    scribe.pool(request.block, stack, freed=True)
    scribe.addresses.give(irp.address, irp.size, paged=False)


def _call(scribe: Scribe, request: Request, major: int, routine: int, number: int) -> None:
    file = request.file.address + scribe.conditions.pool_offset + scribe.conditions.file_offset
    values = {"major": major, "routine": routine, "file_object": file, "irp": request.pointer, "id": number}
    record = scribe.kernel(irp.CALL, values, scribe.conditions.request_header)
    request.issued = record if request.issued < 0 else request.issued


def _one_by_one(scribe: Scribe, steps: list[Action]) -> None:
    for step in steps:
        step(scribe)


def _log(scribe: Scribe, *, hook: int, request: Request, number: int, routine: int = 0) -> int:
    values = {"irp": request.pointer, "id": number, "routine": routine}
    return scribe.kernel(hook, values, scribe.conditions.request_header)


def _completed(scribe: Scribe, request: Request, log: partial[int]) -> None:
    request.completed = log(scribe)
