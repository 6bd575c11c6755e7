"""Sockets as a script: created, connected, used, closed, cleaned up, with what AFD tells of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.accuracy.scripted.machine import Image, Thread
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.scripted.requests import RESCHEDULED_NS, STEP_NS, Asked, Ending, Request, Requests
from benchmarks.accuracy.scripted.scribe import Scribe
from benchmarks.accuracy.scripted.script import BY_THREAD, Block
from benchmarks.accuracy.scripted.sites import driver_stack
from tracer.events import afd
from tracer.events.afd import EnterExit
from tracer.events.irp import MajorFunction

if TYPE_CHECKING:
    from benchmarks.accuracy.scripted.stage import Stage

FILE_TAG: Final = tag_of("File", protected=True)
ENDPOINT_TAG: Final = tag_of("AfdE")
_TCP_TAG: Final = tag_of("TcpE")
FILE_BYTES: Final = {8: 0x190, 4: 0xD0}
_ENDPOINT_BYTES: Final = {8: 0x2A0, 4: 0x170}
_TCP_BYTES: Final = {8: 0x3C0, 4: 0x210}
_BUFFER: Final = {8: 0x1F0000, 4: 0x1F0000}
_CALLS: Final = {afd.SEND: "send", afd.RECEIVE: "receive", afd.CONNECT: "connect"}


@dataclass(slots=True, eq=False)
class Socket:
    """``over``: when each of its requests has dropped the file, infinite: never."""

    thread: Thread
    file: Block
    endpoint: Block
    tcp: Block | None = None
    over: list[float] = field(default_factory=list)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What stays while its file does."""
        return (self.file, self.endpoint, *((self.tcp,) if self.tcp is not None else ()))


class Sockets:
    """The socket driver of a script."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._script = stage.script
        self._rng = stage.rng
        self.requests = Requests(stage)
        size = stage.conditions.pointer_size
        self._file_bytes, self._endpoint_bytes, self._tcp_bytes = (
            FILE_BYTES[size],
            _ENDPOINT_BYTES[size],
            _TCP_BYTES[size],
        )
        machine = stage.machine
        socket_driver = machine.drivers["afd.sys"]
        below = self.requests.stack("IopXxxControlFile", "NtDeviceIoControlFile")
        self.layers: tuple[Image, ...] = (*((machine.driver(),) if stage.conditions.filtered else ()), socket_driver)
        self._made, self._freed = (driver_stack(machine, socket_driver, below) for _ in range(2))
        transport = machine.drivers["tcpip.sys"]
        self._connected, self._disconnected = (driver_stack(machine, transport, below) for _ in range(2))
        self.events = (afd.SEND, afd.RECEIVE, afd.CONNECT)

    def open(self, at: float, thread: Thread) -> tuple[Socket, float]:
        """A new socket; gives it and when it is there."""
        user = self._stage.machine.user_call(thread.process, "socket")
        socket = Socket(
            thread,
            Block(FILE_TAG, self._file_bytes, user=user),
            Block(ENDPOINT_TAG, self._endpoint_bytes, user=user),
        )
        self._script.allocate(
            at, thread, socket.file, self.requests.stack("ObpAllocateObject", "IopAllocateFileObject")
        )
        request, at = self._own(at + STEP_NS, socket, MajorFunction.CREATE, "socket")
        self._script.allocate(at, thread, socket.endpoint, self._made)
        self.tell(at + STEP_NS, socket, afd.CREATE, EnterExit.STARTED)
        self.tell(at + STEP_NS * 2, socket, afd.CREATE, EnterExit.COMPLETED)
        at = self.requests.at_once(at + STEP_NS * 3, request)
        if self._stage.conditions.tcp:
            socket.tcp = Block(_TCP_TAG, self._tcp_bytes, user=user)
            self._script.allocate(at + STEP_NS, thread, socket.tcp, self._connected)
        return socket, at + STEP_NS * 2

    def start(
        self,
        at: float,
        socket: Socket,
        event: int,
        *,
        size: int = 0,
        thread: Thread | None = None,
        ending: Ending = Ending.PLAIN,
        pends: bool = True,
    ) -> tuple[Request, float]:
        """An operation; gives its request and when its thread goes on (``pends``), else when the driver is at work.

        Sends, receives and connects are neither buffered nor described by lists of pages of the I/O manager.
        """
        by = thread or socket.thread
        first = self._stage.conditions.afd_first
        if first:
            self.tell(at, socket, event, EnterExit.STARTED, by, size=size)
        request, at = self.requests.issue(
            at + STEP_NS, by, socket.file, self.layers, Asked(ending, call=_CALLS.get(event, "control"))
        )
        if not first:
            self.tell(at, socket, event, EnterExit.STARTED, by, size=size)
        return request, self.requests.returned(at + STEP_NS * 2, request) if pends else at + STEP_NS

    def at_once(
        self, at: float, socket: Socket, event: int, *, size: int = 0, ending: Ending = Ending.PLAIN
    ) -> tuple[Request, float]:
        """An operation that is done before its call returns, as with a local server; stage 2 is over then."""
        request, at = self.start(at, socket, event, size=size, ending=ending, pends=False)
        if self._stage.conditions.afd_completes_first:
            self.tell(at, socket, event, EnterExit.COMPLETED, size=size)
            at += STEP_NS
        over = self.requests.at_once(at, request)
        if not self._stage.conditions.afd_completes_first:
            self.tell(over - STEP_NS * 0.1, socket, event, EnterExit.COMPLETED, size=size)
        socket.over.append(over)
        return request, over + STEP_NS

    def complete(
        self, at: float, socket: Socket, request: Request, event: int, *, size: int = 0, cpu: int = -1
    ) -> float:
        """The operation is done: a deferred procedure call says so and completes its request (stage 1)."""
        cpu = self.requests.elsewhere(request.thread) if cpu < 0 else cpu
        if self._stage.conditions.afd_completes_first:
            self.tell(at, socket, event, EnterExit.COMPLETED, cpu=cpu, size=size)
            return self.requests.complete(at + STEP_NS, request, cpu=cpu)
        at = self.requests.complete(at, request, cpu=cpu)
        self.tell(at, socket, event, EnterExit.COMPLETED, cpu=cpu, size=size)
        return at + STEP_NS

    def finish(self, at: float, socket: Socket, request: Request, event: int, *, size: int = 0) -> float:
        """The same with stage 2 on the issuing thread soon after."""
        done = self.complete(at, socket, request, event, size=size)
        over = self.requests.finish(done + RESCHEDULED_NS * self._rng.uniform(1, 4), request)
        socket.over.append(over)
        return over

    def close(self, at: float, socket: Socket, *, cancelled: Sequence[Request] = ()) -> float:
        """The handle is closed; with the last reference the file goes, now, later or never. Gives when it is closed.

        ``cancelled``: requests that wait; each is completed within, and its stage 2 is an APC on the same thread.
        """
        room = STEP_NS * (16 + 3 * len(cancelled))
        request, at = self._own(at, socket, MajorFunction.CLEANUP, "close", room)
        self.tell(at, socket, afd.CLOSE, EnterExit.STARTED)
        for one in cancelled:
            at = self.requests.complete(at + STEP_NS / 2, one, socket.thread)
            self.tell(at, socket, afd.RECEIVE, EnterExit.COMPLETED)
            at = self.requests.finish(at + STEP_NS / 4, one)
        self.tell(at + STEP_NS, socket, afd.CLOSE, EnterExit.COMPLETED)
        at = self.requests.at_once(at + STEP_NS * 2, request)
        last = max((at, *socket.over)) + STEP_NS / 2
        if last < math.inf:
            self.release(last, socket)
        return at

    def release(self, at: float, socket: Socket, *, endpoint_goes: bool = True) -> float:
        """The last reference is gone: a close request, cleanup, and the memory.

        ``endpoint_goes``: unless somebody forgot a reference on it.
        """
        request, at = self._own(at, socket, MajorFunction.CLOSE, "close")
        if endpoint_goes:
            self.tell(at, socket, afd.CLEANUP, EnterExit.STARTED)
            self.tell(at + STEP_NS, socket, afd.CLEANUP, EnterExit.COMPLETED)
            self._script.free(at + STEP_NS * 2, socket.thread, socket.endpoint, self._freed)
            if socket.tcp is not None:
                self._script.free(at + STEP_NS * 2.5, socket.thread, socket.tcp, self._disconnected)
        at = self.requests.at_once(at + STEP_NS * 3, request)
        gone = self.requests.stack("ObpFreeObject", "IopDeleteFile", "ObpRemoveObjectRoutine", "NtClose")
        self._script.free(at, socket.thread, socket.file, gone)
        return at + STEP_NS

    def tell(
        self,
        at: float,
        socket: Socket,
        event: int,
        step: EnterExit,
        thread: Thread | None = None,
        *,
        cpu: int = BY_THREAD,
        size: int = 0,
    ) -> None:
        """An AFD event; of the socket's thread where neither thread nor CPU is given."""
        by = thread or (socket.thread if cpu == BY_THREAD else None)
        self._script.add(at, by, partial(_tell, socket=socket, event=event, step=step, size=size), cpu)

    def _own(
        self, at: float, socket: Socket, major: int, call: str, room: float = STEP_NS * 20
    ) -> tuple[Request, float]:
        """A request that the I/O manager makes itself: create, cleanup, close."""
        return self.requests.issue(
            at, socket.thread, socket.file, self.layers, Asked(major=major, call=call, quota=False, room=room)
        )


def held(sockets: Sequence[Socket]) -> tuple[Block, ...]:
    """All blocks of sockets that stay."""
    return tuple(block for socket in sockets for block in socket.blocks)


def _tell(scribe: Scribe, socket: Socket, event: int, step: EnterExit, size: int) -> None:
    process = socket.thread.process
    offset = scribe.conditions.pool_offset + scribe.conditions.endpoint_offset
    values = {
        "enter_exit": step,
        "location": 3000 + event % 100 + step,
        "process_object": process.key,
        "endpoint": socket.endpoint.address + offset,
        "address_family": 2,
        "socket_type": 1,
        "protocol": 6,
        "process_id": process.id,
        "buffer_count": 1,
        "buffer": _BUFFER[scribe.conditions.pointer_size],
        "buffer_length": size,
    }
    scribe.afd(event, values)
