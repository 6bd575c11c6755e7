"""Windows, played: sessions, who may start how many, and events that come through the real callback.

It keeps the rules that a capture has to live with (docs/live.md says which document each is from): names are unique,
six private system loggers and 64 sessions at most, no file's name in a session without a file, files within what is
free, no state of a system provider; a session that is stopped delivers what it holds before ProcessTrace comes back.
"""

from __future__ import annotations

import ctypes as ct
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.tracer.live.delivery import Delivery
from tracer.etl.headers import LogFileMode
from tracer.live.api import INVALID_HANDLE, ClockReading, Control, Enable, InfoClass, Machine, Snapshot, Status
from tracer.live.enabling import IO, MEMORY, PROCESS, SCHEDULER
from tracer.live.structures import (
    ClassicEventId,
    EnableTraceParameters,
    EventTraceLogfile,
    NamedProperties,
    text_of,
)

OWN_PROCESS = 4242
STARTED = 0x1DD000000000000
MOST_SESSIONS, MOST_PRIVATE_LOGGERS = 64, 6
PLENTY = 1 << 42
KEPT_FREE = 200 << 20
RESERVED_NAMES = ("NT Kernel Logger", "Circular Kernel Context Logger")
SYSTEM_PROVIDERS = {PROCESS: "process", MEMORY: "memory", SCHEDULER: "scheduler", IO: "io"}
POOL_CLASS = uuid.UUID("0268a8b6-74fd-4302-9dd0-6e8f1795c0cf")
DISK_CLASS = uuid.UUID("3d6fa8d4-fe05-11d0-9dda-00c04fd7ba7c")


@dataclass
class FakeSession:
    """What runs under a name."""

    name: str
    handle: int
    mode: int
    file: str = ""
    flush_seconds: int = 0
    most_megabytes: int = 0
    stopping: bool = False
    stack_hooks: tuple[int, ...] = ()
    enabled: dict[uuid.UUID, tuple[int, bool]] = field(default_factory=dict)
    captured_state: list[uuid.UUID] = field(default_factory=list)
    information: dict[InfoClass, bytes] = field(default_factory=dict)
    lost: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def is_system_logger(self) -> bool:
        return bool(self.mode & LogFileMode.SYSTEM_LOGGER) or self.name in RESERVED_NAMES

    @property
    def is_private_logger(self) -> bool:
        return self.is_system_logger and self.name not in RESERVED_NAMES


class FakeApi:
    """Satisfies :class:`tracer.live.api.Api`. ``refuse``: by call the status that it gives instead of doing it.

    ``once`` is the same for the next call alone. Parts of calls have names of their own: ``StartTraceW independent``,
    ``EnableTraceEx2 memory`` (and the other system providers), ``TraceSetInformation stack_tracing pool`` and
    ``… completion`` for lists with such events. ``kernel`` and ``sockets``: what the sessions deliver. ``running``: by
    process the FILETIME of its start. ``free``: bytes of every disk. ``there``: what a snapshot gives.
    """

    def __init__(
        self,
        kernel: Delivery | None = None,
        sockets: Delivery | None = None,
        *,
        build: int = 26100,
        processors: int = 4,
    ) -> None:
        self.kernel = kernel or Delivery([])
        self.sockets = sockets or Delivery([])
        self.refuse: dict[str, int] = {}
        self.once: dict[str, int] = {}
        self.free = PLENTY
        self.running = {OWN_PROCESS: STARTED}
        self.sessions_by_name: dict[str, FakeSession] = {}
        self.there = Snapshot(ClockReading(0, STARTED))
        self.log: list[str] = []
        self._machine = Machine(build, processors, 8, 10_000_000)
        self._handles = iter(range(100, 1 << 20))
        self._opened: dict[int, tuple[FakeSession | None, int, int, threading.Event]] = {}

    def machine(self) -> Machine:
        return self._machine

    def now(self) -> ClockReading:
        return ClockReading(0, STARTED)

    def snapshot(self) -> Snapshot:
        self.log.append("snapshot")
        return self.there

    def own_process(self) -> int:
        return OWN_PROCESS

    def process_started(self, process: int) -> int:
        return self.running.get(process, 0)

    def enable_profiling(self) -> int:
        return self._asked("AdjustTokenPrivileges")

    def foreign(self, name: str, mode: int = LogFileMode.REAL_TIME) -> FakeSession:
        """A session that runs already."""
        made = FakeSession(name, next(self._handles), mode)
        self.sessions_by_name[name] = made
        return made

    def start_trace(self, name: str, properties: NamedProperties) -> tuple[int, int]:
        asked = properties.properties
        if status := self._asked("StartTraceW"):
            return status, 0
        if asked.LogFileMode & LogFileMode.INDEPENDENT_SESSION and (status := self._asked("StartTraceW independent")):
            return status, 0
        made = FakeSession(name, next(self._handles), int(asked.LogFileMode))
        made.file = text_of(bytes(properties.file_name)) if asked.LogFileNameOffset else ""
        made.flush_seconds, made.most_megabytes = int(asked.FlushTimer), int(asked.MaximumFileSize)
        if bool(asked.LogFileNameOffset) != bool(made.file):
            return Status.INVALID_PARAMETER, 0
        if name in self.sessions_by_name:
            return Status.ALREADY_EXISTS, 0
        loggers = sum(session.is_private_logger for session in self.sessions_by_name.values())
        if len(self.sessions_by_name) >= MOST_SESSIONS or (made.is_private_logger and loggers >= MOST_PRIVATE_LOGGERS):
            return Status.NO_SYSTEM_RESOURCES, 0
        if made.file and (status := self._file_status(made)):
            return status, 0
        self.sessions_by_name[name] = made
        return Status.SUCCESS, made.handle

    def _file_status(self, made: FakeSession) -> int:
        path = Path(made.file)
        if any(session.file == made.file for session in self.sessions_by_name.values()):
            return Status.BAD_PATHNAME
        if (made.most_megabytes << 20) + KEPT_FREE > self.free:
            return Status.DISK_FULL
        if path.is_dir():
            return Status.ACCESS_DENIED
        if path.parent.is_dir():
            return Status.SUCCESS
        return Status.DIRECTORY if path.parent.exists() else Status.PATH_NOT_FOUND

    def free_bytes(self, folder: Path) -> int | None:
        return self.free if folder.is_dir() else None

    def control_trace(self, name: str, properties: NamedProperties, code: Control) -> int:
        if status := self._asked(f"ControlTraceW {code.name.lower()}"):
            return status
        session = self.sessions_by_name.get(name)
        if session is None:
            return Status.NO_SUCH_SESSION
        properties.properties.EventsLost = session.lost
        properties.properties.BuffersWritten = 1
        if code is Control.STOP:
            self.end(session.name)
            if session.stopping:
                return Status.ACTIVE_CONNECTIONS
        return Status.SUCCESS

    def enable_trace(
        self, handle: int, provider: uuid.UUID, code: Enable, level: int, any_keyword: int,  # noqa: ARG002
        parameters: EnableTraceParameters | None,
    ) -> int:  # fmt: skip
        if parameters is not None and (status := self._asked("filter")):
            return status
        if status := self._asked("EnableTraceEx2"):
            return status
        session = self._by_handle(handle)
        assert session is not None
        if provider in SYSTEM_PROVIDERS and (status := self._asked(f"EnableTraceEx2 {SYSTEM_PROVIDERS[provider]}")):
            return status
        if code is Enable.CAPTURE_STATE and provider in SYSTEM_PROVIDERS:
            return Status.NOT_SUPPORTED
        if code is Enable.CAPTURE_STATE:
            session.captured_state.append(provider)
        else:
            session.enabled[provider] = (any_keyword, parameters is not None)
        return Status.SUCCESS

    def set_information(self, handle: int, information: InfoClass, data: bytes) -> int:
        call = f"TraceSetInformation {information.name.lower()}"
        classes = _classes(data) if information is InfoClass.STACK_TRACING else set()
        parts = [f"{call} {part}" for part, of in (("pool", POOL_CLASS), ("completion", DISK_CLASS)) if of in classes]
        for asked in (call, *parts):
            if status := self._asked(asked):
                return status
        session = self._by_handle(handle)
        assert session is not None
        session.information[information] = data
        return Status.SUCCESS

    def set_stack_hooks(self, handle: int, hooks: Sequence[int]) -> int:
        if status := self._asked("NtSetSystemInformation"):
            return status
        session = self._by_handle(handle)
        assert session is not None
        session.stack_hooks = tuple(hooks)
        return Status.SUCCESS

    def open_trace(self, logfile: EventTraceLogfile) -> tuple[int, int]:
        if status := self._asked("OpenTraceW"):
            return status, INVALID_HANDLE
        name = text_of(ct.string_at(logfile.LoggerName, 512))
        handle = next(self._handles)
        session = self.sessions_by_name.get(name)
        self._opened[handle] = (session, logfile.EventRecordCallback, logfile.Context, threading.Event())
        return Status.SUCCESS, handle

    def process_trace(self, handle: int) -> int:
        session, callback, context, closed = self._opened[handle]
        if session is None:
            return Status.NO_SUCH_SESSION
        if status := self._asked("ProcessTrace"):
            return status
        delivery = self.kernel if session.is_system_logger else self.sockets
        delivery.run(callback, context, lambda: closed.is_set() or session.stopped.is_set())
        while not (session.stopped.is_set() or closed.is_set()):
            session.stopped.wait(0.01)
        return Status.SUCCESS

    def close_trace(self, handle: int) -> int:
        self._opened[handle][3].set()
        return Status.SUCCESS

    def sessions(self) -> tuple[int, Sequence[NamedProperties]]:
        if status := self._asked("QueryAllTracesW"):
            return status, ()
        return Status.SUCCESS, [_told(session) for session in self.sessions_by_name.values()]

    def end(self, name: str) -> None:
        """The session is stopped, by whomever."""
        session = self.sessions_by_name.pop(name)
        self.log.append(f"stopped {name}")
        session.stopped.set()

    @property
    def ours(self) -> list[str]:
        """Names of the sessions of ours that run."""
        return [name for name in self.sessions_by_name if name.startswith("Poolscope")]

    def _asked(self, call: str) -> int:
        self.log.append(call)
        return self.once.pop(call, 0) or self.refuse.get(call, 0)

    def _by_handle(self, handle: int) -> FakeSession | None:
        return next((item for item in self.sessions_by_name.values() if item.handle == handle), None)


def _classes(stacks: bytes) -> set[uuid.UUID]:
    """Classes of the events in a list of stacks."""
    size = ct.sizeof(ClassicEventId)
    return {uuid.UUID(bytes_le=stacks[at : at + 16]) for at in range(0, len(stacks), size)}


def _told(session: FakeSession) -> NamedProperties:
    made = NamedProperties.empty()
    made.properties.LogFileMode = session.mode
    for at, unit in enumerate(session.name):
        made.logger_name[at] = ord(unit)
    return made
