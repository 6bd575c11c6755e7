"""One session: started, asked what it has lost, stopped. A session that is not ours is only ever looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tracer.errors import MachineError
from tracer.etl.headers import LogFileMode
from tracer.live import failures
from tracer.live.api import NOT_TOLD, Api, Control, Status
from tracer.live.names import KERNEL_LOGGER, Owner, owner_of
from tracer.live.structures import NamedProperties

MOST_SYSTEM_LOGGERS: Final = 8
MOST_SESSIONS: Final = 64
"""Microsoft's documents: system loggers at a time, and sessions at a time."""
_CONTEXT_LOGGER: Final = "Circular Kernel Context Logger"
"""A system logger by its name; the others say so in their mode."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What a session says it lost: events for which no buffer was free, buffers that reached no file, no consumer.

    ``written``: buffers that did.
    """

    events: int = 0
    log_buffers: int = 0
    real_time_buffers: int = 0
    written: int = 0

    @property
    def buffers(self) -> int:
        """Buffers lost on either way."""
        return self.log_buffers + self.real_time_buffers


class Session:
    """A running session of ours; made by :meth:`start`."""

    def __init__(self, api: Api, name: str, handle: int, properties: NamedProperties) -> None:
        self._api = api
        self.name = name
        self.handle = handle
        self.mode = LogFileMode(properties.properties.LogFileMode)
        self.buffer_bytes = int(properties.properties.BufferSize) << 10
        self.losses = Losses()
        self.running = True

    @classmethod
    def start(cls, api: Api, name: str, properties: NamedProperties) -> Session:
        """Start it; :class:`~tracer.errors.MachineError` where Windows refuses."""
        status, handle = api.start_trace(name, properties)
        if status == Status.ALREADY_EXISTS:
            raise failures.exists(name)
        if status == Status.NO_SYSTEM_RESOURCES:
            raise _limit_reached(api, name)
        if status != Status.SUCCESS:
            raise failures.refused("StartTraceW", name, status)
        return cls(api, name, handle, properties)

    def poll(self) -> Losses:
        """Ask what was lost so far; :attr:`running` becomes false where the session is gone."""
        self._take(Control.QUERY)
        return self.losses

    def stop(self) -> Losses:
        """Stop it, if it still runs; gives what was lost in all. Never raises for a session that is gone."""
        if self.running:
            status = self._take(Control.STOP)
            if status not in (Status.SUCCESS, Status.NO_SUCH_SESSION):
                raise failures.refused("ControlTraceW", self.name, status)
            self.running = False
        return self.losses

    def _take(self, code: Control) -> int:
        properties = NamedProperties.empty()
        status = self._api.control_trace(self.handle, self.name, properties, code)
        if status in (Status.SUCCESS, Status.MORE_DATA):
            told = properties.properties
            self.losses = Losses(told.EventsLost, told.LogBuffersLost, told.RealTimeBuffersLost, told.BuffersWritten)
            return Status.SUCCESS
        if status == Status.NO_SUCH_SESSION:
            self.running = False
        return status


def _limit_reached(api: Api, name: str) -> MachineError:
    """Which limit it is, and who holds the sessions."""
    _, running = api.sessions()
    loggers = tuple(item.name for item in running if is_system_logger(item))
    if len(loggers) >= MOST_SYSTEM_LOGGERS:
        return failures.limit(name, "system logger", MOST_SYSTEM_LOGGERS, loggers)
    return failures.limit(name, "session", MOST_SESSIONS, tuple(item.name for item in running))


def is_system_logger(item: NamedProperties) -> bool:
    """Whether a session takes one of the eight places."""
    mode = int(item.properties.LogFileMode)
    return bool(mode & LogFileMode.SYSTEM_LOGGER) or item.name in (KERNEL_LOGGER, _CONTEXT_LOGGER)


def reclaim(api: Api) -> tuple[str, ...]:
    """Stop sessions of ours that outlived the process that started them; gives their names.

    Ours by name and orphaned: no process of that id and start runs. Any other session is left alone.
    """
    status, running = api.sessions()
    if status not in (Status.SUCCESS, Status.MORE_DATA):
        return ()
    stopped: list[str] = []
    for item in running:
        owner = owner_of(item.name)
        if owner is None or api.process_started(owner.process) in (owner.started, NOT_TOLD):
            continue
        if api.control_trace(0, item.name, NamedProperties.empty(), Control.STOP) == Status.SUCCESS:
            stopped.append(item.name)
    return tuple(stopped)


def owner(api: Api) -> Owner:
    """This process, as the names of its sessions tell it."""
    process = api.own_process()
    return Owner(process, api.process_started(process))
