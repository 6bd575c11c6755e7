"""Sockets as a script: created, connected, used, closed, cleaned up, with what AFD tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.accuracy.scripted.machine import Thread
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.scripted.requests import STEP_NS, Request, Requests
from benchmarks.accuracy.scripted.scribe import Scribe
from benchmarks.accuracy.scripted.script import BY_THREAD, Block
from benchmarks.accuracy.scripted.sites import driver_stack
from tracer.events import afd
from tracer.events.afd import EnterExit
from tracer.events.irp import MajorFunction

if TYPE_CHECKING:
    from benchmarks.accuracy.scripted.stage import Stage

_FILE: Final = tag_of("File", protected=True)
_ENDPOINT: Final = tag_of("AfdE")
_FILE_BYTES: Final = {8: 0x190, 4: 0xD0}
_ENDPOINT_BYTES: Final = {8: 0x2A0, 4: 0x170}
_BUFFER: Final = {8: 0x1F0000, 4: 0x1F0000}


@dataclass(slots=True, eq=False)
class Socket:
    """``requests``: those that nobody retired yet hold it."""

    thread: Thread
    file: Block
    endpoint: Block
    requests: list[Request] = field(default_factory=list)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What stays when it is never cleaned up: its own, and its requests'."""
        return (self.file, self.endpoint, *(block for request in self.requests for block in request.blocks))


class Sockets:
    """The socket driver of a script."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._script = stage.script
        self._rng = stage.rng
        self.requests = Requests(stage)
        size = stage.conditions.pointer_size
        self._file_bytes, self._endpoint_bytes = _FILE_BYTES[size], _ENDPOINT_BYTES[size]
        image = stage.machine.drivers["afd.sys"]
        below = self.requests.kernel_stack(3, 5)
        self._made = driver_stack(stage.machine, image, below)
        self._freed = driver_stack(stage.machine, image, below)
        self.events = (afd.SEND, afd.RECEIVE, afd.CONNECT)

    def open(self, at: float, thread: Thread) -> tuple[Socket, float]:
        """A new socket; gives it and when it is there."""
        socket = Socket(thread, Block(_FILE, self._file_bytes), Block(_ENDPOINT, self._endpoint_bytes))
        self._script.allocate(at, thread, socket.file, self.requests.kernel_stack(4))
        request, at = self.requests.issue(at + STEP_NS, thread, socket.file, major=MajorFunction.CREATE)
        self._script.allocate(at, thread, socket.endpoint, self._made)
        self.tell(at + STEP_NS, socket, afd.CREATE, EnterExit.STARTED)
        self.tell(at + STEP_NS * 2, socket, afd.CREATE, EnterExit.COMPLETED)
        return socket, self._at_once(at + STEP_NS * 3, request)

    def start(
        self, at: float, socket: Socket, event: int, *, size: int = 0, thread: Thread | None = None
    ) -> tuple[Request, float]:
        """An operation that pends; gives its request and when its thread goes on."""
        by = thread or socket.thread
        first = self._stage.conditions.afd_first
        if first:
            self.tell(at, socket, event, EnterExit.STARTED, by, size=size)
        pages = 1 + size // 0x1000 if self._rng.random() < 0.6 else 0
        request, at = self.requests.issue(
            at + STEP_NS, by, socket.file, buffered=0 if pages else max(16, size), pages=pages
        )
        if not first:
            self.tell(at, socket, event, EnterExit.STARTED, by, size=size)
        return request, self.requests.returned(at + STEP_NS * 2, request)

    def finish(self, at: float, socket: Socket, request: Request, event: int, *, size: int = 0) -> float:
        """The operation is done: a deferred procedure call says so and completes its request."""
        cpu = self.requests.elsewhere(request.thread)
        if self._stage.conditions.afd_completes_first:
            self.tell(at, socket, event, EnterExit.COMPLETED, cpu=cpu, size=size)
            return self.requests.complete(at + STEP_NS, request, cpu=cpu)
        at = self.requests.complete(at, request, cpu=cpu)
        self.tell(at, socket, event, EnterExit.COMPLETED, cpu=cpu, size=size)
        return at + STEP_NS

    def close(self, at: float, socket: Socket, *, released: bool) -> float:
        """The handle is closed; with the last reference gone (``released``) the endpoint is cleaned up and freed."""
        request, at = self.requests.issue(at, socket.thread, socket.file, major=MajorFunction.CLEANUP)
        self.tell(at, socket, afd.CLOSE, EnterExit.STARTED)
        self.tell(at + STEP_NS, socket, afd.CLOSE, EnterExit.COMPLETED)
        at = self._at_once(at + STEP_NS * 2, request)
        return self.release(at, socket) if released else at

    def release(self, at: float, socket: Socket) -> float:
        """The last reference is gone: a close request, cleanup, and the memory."""
        request, at = self.requests.issue(at, socket.thread, socket.file, major=MajorFunction.CLOSE)
        self.clean_up(at, socket)
        at = self._at_once(at + STEP_NS * 3, request)
        self._script.free(at, socket.thread, socket.file, self.requests.kernel_stack(5, 5))
        return at + STEP_NS

    def release_file_only(self, at: float, socket: Socket) -> float:
        """The file goes, but somebody forgot a reference on the endpoint."""
        request, at = self.requests.issue(at, socket.thread, socket.file, major=MajorFunction.CLOSE)
        at = self._at_once(at + STEP_NS * 3, request)
        self._script.free(at, socket.thread, socket.file, self.requests.kernel_stack(5, 5))
        return at + STEP_NS

    def clean_up(self, at: float, socket: Socket) -> None:
        """AFD's endpoint goes."""
        self.tell(at, socket, afd.CLEANUP, EnterExit.STARTED)
        self.tell(at + STEP_NS, socket, afd.CLEANUP, EnterExit.COMPLETED)
        self._script.free(at + STEP_NS * 2, socket.thread, socket.endpoint, self._freed)

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

    def _at_once(self, at: float, request: Request) -> float:
        """Completed and retired within the call that issued it."""
        at = self.requests.complete(at, request, request.thread)
        at = self.requests.returned(at, request)
        return self.requests.retire(at, request)


def _tell(scribe: Scribe, socket: Socket, event: int, step: EnterExit, size: int) -> None:
    process = socket.thread.process
    values = {
        "enter_exit": step,
        "location": 3000 + event % 100 + step,
        "process_object": process.key,
        "endpoint": socket.endpoint.address + scribe.conditions.endpoint_offset,
        "address_family": 2,
        "socket_type": 1,
        "protocol": 6,
        "process_id": process.id,
        "buffer_count": 1,
        "buffer": _BUFFER[scribe.conditions.pointer_size],
        "buffer_length": size,
    }
    scribe.afd(event, values)
