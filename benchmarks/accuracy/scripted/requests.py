"""I/O requests as a script: issued by a thread, completed somewhere, retired by its thread, or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.accuracy.scripted.machine import Image, Stack, Thread
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.scripted.scribe import Scribe
from benchmarks.accuracy.scripted.script import BY_THREAD, Block
from tracer.events import irp
from tracer.events.irp import MajorFunction

if TYPE_CHECKING:
    from benchmarks.accuracy.scripted.stage import Stage

_IRP: Final = tag_of("Irp ")
_SYSTEM_BUFFER: Final = tag_of("IoSB")
_MDL: Final = tag_of("Mdl ")
_IRP_BYTES: Final = {8: (0xE8, 0x118, 0x1A8, 0x238), 4: (0x94, 0xB8, 0x100)}
_FILE_HEADER: Final = {8: 0x50, 4: 0x28}
"""From a file object's pool block to the file object: object headers lie in front."""
_MDL_BYTES: Final = {8: 0x40, 4: 0x24}
STEP_NS: Final = 900
"""From one step of an operation to the next, about."""


@dataclass(slots=True, eq=False)
class Request:
    """``block``: of the packet; one off a list keeps the allocation that it once had. ``pointer``: of the packet."""

    thread: Thread
    file: Block
    image: Image
    block: Block
    buffers: list[Block] = field(default_factory=list)
    pointer: int = 0
    ids: list[int] = field(default_factory=list)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All that goes when it is retired."""
        return (self.block, *self.buffers)


class Requests:
    """The I/O manager of a script."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._rng = stage.rng
        self._size = stage.conditions.pointer_size
        self._id = stage.rng.randrange(1 << 20)
        self._image = stage.machine.drivers["afd.sys"]
        self._layer = stage.machine.driver()
        kernel = stage.machine.kernel
        self._frames = tuple(kernel.frame(self._rng) for _ in range(12))
        self._routine = self._image.frame(self._rng)

    def kernel_stack(self, first: int, depth: int = 4) -> Stack:
        """Frames of the kernel alone; the same for the same numbers."""
        return tuple(self._frames[(first + i) % len(self._frames)] for i in range(depth))

    def issue(
        self, at: float, thread: Thread, file: Block, *, buffered: int = 0, pages: int = 0, major: int = 14
    ) -> tuple[Request, float]:
        """A request of a thread, sent to the driver; gives it and when the driver has been called."""
        request = Request(thread, file, self._image, Block(_IRP, self._rng.choice(_IRP_BYTES[self._size])))
        self._stage.script.add(at, thread, partial(_take, request=request, stack=self.kernel_stack(0)))
        for tag, size in ((_SYSTEM_BUFFER, buffered), (_MDL, pages and _MDL_BYTES[self._size] + self._size * pages)):
            if size:
                at += STEP_NS
                stack = self.kernel_stack(1 if tag == _MDL else 2)
                request.buffers.append(self._stage.script.allocate(at, thread, Block(tag, size), stack))
        return request, self.call(at + STEP_NS, request, major)

    def call(self, at: float, request: Request, major: int = MajorFunction.DEVICE_CONTROL) -> float:
        """The drivers of the stack are called, one by the other."""
        self._id += 1
        for _ in range(self._stage.conditions.layers):
            self._id += self._stage.conditions.id_per_call
            request.ids.append(self._id & 0xFFFFFFFF)
            action = partial(_call, request=request, major=major, routine=self._routine, number=request.ids[-1])
            self._stage.script.add(at, request.thread, action)
            at += STEP_NS / 3
        return at

    def returned(self, at: float, request: Request) -> float:
        """The drivers have returned to the caller."""
        if self._stage.conditions.returns:
            for number in reversed(request.ids):
                self._stage.script.add(
                    at, request.thread, partial(_log, hook=irp.RETURN, request=request, number=number)
                )
                at += STEP_NS / 4
        return at

    def complete(self, at: float, request: Request, thread: Thread | None = None, cpu: int = BY_THREAD) -> float:
        """Completed: by a thread, or on a CPU by a deferred procedure call."""
        self._id += 1
        number = self._id & 0xFFFFFFFF if self._stage.conditions.id_per_call else request.ids[0]
        add = self._stage.script.add
        if self._stage.conditions.layers > 1:
            passed = partial(_log, hook=irp.COMPLETION_ROUTINE, request=request, number=number, routine=self._routine)
            add(at + STEP_NS / 3, thread, passed, cpu)
        add(at, thread, partial(_log, hook=irp.COMPLETE, request=request, number=number, routine=self._routine), cpu)
        if self._stage.conditions.returns:
            after = at + STEP_NS * 0.8
            add(after, thread, partial(_log, hook=irp.COMPLETE_RETURN, request=request, number=number), cpu)
        return at + STEP_NS

    def retire(self, at: float, request: Request, thread: Thread | None = None) -> float:
        """Buffers and packet go; on the issuing thread unless another is given."""
        by = thread or request.thread
        for position, block in enumerate(request.buffers):
            self._stage.script.free(at, by, block, self.kernel_stack(6 + position, 5))
            at += STEP_NS / 2
        limit = self._stage.conditions.lookaside
        self._stage.script.add(at, by, partial(_put, request=request, stack=self.kernel_stack(8, 5), limit=limit))
        return at + STEP_NS / 2

    def elsewhere(self, thread: Thread) -> int:
        """A CPU on which a deferred procedure call completes a thread's request."""
        cpus = self._stage.conditions.cpus
        if cpus == 1 or self._rng.random() < self._stage.conditions.same_cpu:
            return thread.home
        return (thread.home + self._rng.randrange(1, cpus)) % cpus


def _take(scribe: Scribe, request: Request, stack: Stack) -> None:
    if scribe.lookaside:
        packet, block = scribe.lookaside.pop(), request.block
        block.address, block.size, block.record = packet.address, packet.size, packet.record
        request.pointer = block.address + scribe.conditions.irp_offset
        return
    take_packet(scribe, request, stack)


def take_packet(scribe: Scribe, request: Request, stack: Stack) -> None:
    """A packet out of pool."""
    block = request.block
    block.address = scribe.addresses.take(block.size, paged=False)
    block.record = scribe.pool(block, stack, freed=False)
    request.pointer = block.address + scribe.conditions.irp_offset


def _put(scribe: Scribe, request: Request, stack: Stack, limit: int) -> None:
    if len(scribe.lookaside) < limit:
        scribe.lookaside.append(request.block)
        return
    block = request.block
    scribe.pool(block, stack, freed=True)
    scribe.addresses.give(block.address, block.size, paged=False)


def _call(scribe: Scribe, request: Request, major: int, routine: int, number: int) -> None:
    file = request.file.address + _FILE_HEADER[scribe.conditions.pointer_size]
    values = {"major": major, "routine": routine, "file_object": file, "irp": request.pointer, "id": number}
    scribe.kernel(irp.CALL, values, scribe.conditions.request_header)


def _log(scribe: Scribe, hook: int, request: Request, number: int, routine: int = 0) -> None:
    values = {"irp": request.pointer, "id": number, "routine": routine}
    scribe.kernel(hook, values, scribe.conditions.request_header)
