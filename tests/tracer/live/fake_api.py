"""Windows, played: sessions, who may start how many, and events that come through the real callback.

It keeps the rules that a capture has to live with: names are unique, eight system loggers and 64 sessions at most,
a session that is stopped delivers what it holds before ProcessTrace comes back.
"""

from __future__ import annotations

import ctypes as ct
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.tracer.live.delivery import Delivery
from tracer.etl.headers import LogFileMode
from tracer.live.api import INVALID_HANDLE, Control, Enable, InfoClass, Machine, Moment, Status
from tracer.live.names import KERNEL_LOGGER
from tracer.live.session import MOST_SESSIONS, MOST_SYSTEM_LOGGERS
from tracer.live.snapshot import Snapshot
from tracer.live.structures import EnableTraceParameters, EventTraceLogfile, NamedProperties, text_of

OWN_PROCESS = 4242
STARTED = 0x1DD000000000000


@dataclass
class FakeSession:
    """What runs under a name."""

    name: str
    handle: int
    mode: int
    file: str = ""
    enabled: dict[uuid.UUID, tuple[int, bool]] = field(default_factory=dict)
    captured_state: list[uuid.UUID] = field(default_factory=list)
    information: dict[InfoClass, bytes] = field(default_factory=dict)
    lost: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def is_system_logger(self) -> bool:
        return bool(self.mode & LogFileMode.SYSTEM_LOGGER) or self.name == KERNEL_LOGGER


class FakeApi:
    """Satisfies :class:`tracer.live.api.Api`. ``refuse``: by call the status that it gives instead of doing it.

    ``kernel`` and ``sockets``: what the sessions deliver. ``running``: by process the FILETIME of its start. ``there``:
    what a snapshot gives.
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
        self.running = {OWN_PROCESS: STARTED}
        self.sessions_by_name: dict[str, FakeSession] = {}
        self.there = Snapshot(Moment(0, STARTED))
        self.log: list[str] = []
        self._machine = Machine(build, processors, 8, 10_000_000)
        self._handles = iter(range(100, 1 << 20))
        self._opened: dict[int, tuple[FakeSession | None, int, int, threading.Event]] = {}

    def machine(self) -> Machine:
        return self._machine

    def now(self) -> Moment:
        return Moment(0, STARTED)

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
        if status := self._asked("StartTraceW"):
            return status, 0
        if name in self.sessions_by_name:
            return Status.ALREADY_EXISTS, 0
        made = FakeSession(name, next(self._handles), int(properties.properties.LogFileMode))
        loggers = sum(session.is_system_logger for session in self.sessions_by_name.values())
        if len(self.sessions_by_name) >= MOST_SESSIONS or (made.is_system_logger and loggers >= MOST_SYSTEM_LOGGERS):
            return Status.NO_SYSTEM_RESOURCES, 0
        made.file = text_of(bytes(properties.file_name))
        self.sessions_by_name[name] = made
        return Status.SUCCESS, made.handle

    def control_trace(self, handle: int, name: str, properties: NamedProperties, code: Control) -> int:
        if status := self._asked(f"ControlTraceW {code.name.lower()}"):
            return status
        session = self._by_handle(handle) if handle else self.sessions_by_name.get(name)
        if session is None:
            return Status.NO_SUCH_SESSION
        properties.properties.EventsLost = session.lost
        properties.properties.BuffersWritten = 1
        if code is Control.STOP:
            self.end(session.name)
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
        if code is Enable.CAPTURE_STATE:
            session.captured_state.append(provider)
        else:
            session.enabled[provider] = (any_keyword, parameters is not None)
        return Status.SUCCESS

    def set_information(self, handle: int, information: InfoClass, data: bytes) -> int:
        if status := self._asked(f"TraceSetInformation {information.name.lower()}"):
            return status
        session = self._by_handle(handle)
        assert session is not None
        session.information[information] = data
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
        return self.refuse.get(call, 0)

    def _by_handle(self, handle: int) -> FakeSession | None:
        return next((item for item in self.sessions_by_name.values() if item.handle == handle), None)


def _told(session: FakeSession) -> NamedProperties:
    made = NamedProperties.empty()
    made.properties.LogFileMode = session.mode
    for at, unit in enumerate(session.name):
        made.logger_name[at] = ord(unit)
    return made
