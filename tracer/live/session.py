"""One session: started, asked what it has lost, stopped. A session that is not ours is only ever looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tracer.data_classes import dataclass
from tracer.errors import MachineError
from tracer.etl.headers import LogFileMode
from tracer.live import failures
from tracer.live.api import NOT_TOLD, Api, Control, Status
from tracer.live.names import KERNEL_LOGGER, Owner, owner_of
from tracer.live.steps import StartStep
from tracer.live.structures import NamedProperties

MOST_SYSTEM_LOGGERS: Final = 6
MOST_SESSIONS: Final = 64
"""Microsoft's documents: private system loggers at a time (eight, less two reserved places, which nobody else gets),
and sessions at a time, unless the registry's EtwMaxLoggers says otherwise (32 to 256)."""
RESERVED: Final = frozenset({KERNEL_LOGGER, "Circular Kernel Context Logger"})
"""System loggers by their names, with places of their own; the others say so in their mode."""
_STOPPED: Final = frozenset({Status.SUCCESS, Status.NO_SUCH_SESSION, Status.ACTIVE_CONNECTIONS})
"""Answers to a stop after which it is stopped, or being stopped."""


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
    """A running session of ours; started by :mod:`tracer.live.starting`."""

    def __init__(self, api: Api, name: str, handle: int, properties: NamedProperties) -> None:
        self._api = api
        self.name = name
        self.handle = handle
        self.mode = LogFileMode(properties.properties.LogFileMode)
        self.buffer_bytes = int(properties.properties.BufferSize) << 10
        self.losses = Losses()
        self.running = True

    def poll(self) -> Losses:
        """Ask what was lost so far; :attr:`running` becomes false where the session is gone."""
        self._take(Control.QUERY)
        return self.losses

    def stop(self) -> Losses:
        """Stop it, if it still runs; gives what was lost in all. Never raises for a session that is gone."""
        if self.running:
            status = self._take(Control.STOP)
            if status not in _STOPPED:
                raise failures.refused("ControlTraceW", self.name, status)
            self.running = False
        return self.losses

    def _take(self, code: Control) -> int:
        properties = NamedProperties.empty()
        status = self._api.control_trace(self.name, properties, code)
        if status in (Status.SUCCESS, Status.MORE_DATA):
            counters = properties.properties
            self.losses = Losses(
                counters.EventsLost, counters.LogBuffersLost, counters.RealTimeBuffersLost, counters.BuffersWritten
            )
            return Status.SUCCESS
        if status == Status.NO_SUCH_SESSION:
            self.running = False
        return status


def refused_start(api: Api, name: str, properties: NamedProperties, file: Path | None, status: int) -> MachineError:
    """Why Windows did not start a session."""
    if status == Status.ALREADY_EXISTS:
        return failures.exists(name)
    if status == Status.NO_SYSTEM_RESOURCES:
        return _limit_reached(
            api, name, system_logger=bool(properties.properties.LogFileMode & LogFileMode.SYSTEM_LOGGER)
        )
    if status == Status.ACCESS_DENIED and file is not None and not _can_write(file):
        return failures.file_refused(name, status)  # the session itself may well be allowed
    return failures.refused("StartTraceW", name, status)


def _can_write(file: Path) -> bool:
    """Whether this user may make or write it; leaves no file that was not there."""
    was_there = file.exists()
    try:
        file.open("ab").close()
    except OSError:
        return False
    if not was_there:
        file.unlink(missing_ok=True)
    return True


def _limit_reached(api: Api, name: str, *, system_logger: bool) -> MachineError:
    """Which limit it is, and who holds the sessions, system loggers first: of those there are fewest places."""
    _, running = api.sessions()
    loggers = tuple(item.name for item in running if is_private_logger(item))
    if system_logger and len(loggers) >= MOST_SYSTEM_LOGGERS:
        return failures.limit(name, "private system logger", MOST_SYSTEM_LOGGERS, loggers)
    others = tuple(item.name for item in running if not is_private_logger(item))
    return failures.limit(name, "session", MOST_SESSIONS, loggers + others)


def is_system_logger(item: NamedProperties) -> bool:
    """Whether a session gets the kernel's events."""
    return bool(item.properties.LogFileMode & LogFileMode.SYSTEM_LOGGER) or item.name in RESERVED


def is_private_logger(item: NamedProperties) -> bool:
    """Whether a session takes one of the :data:`MOST_SYSTEM_LOGGERS` places."""
    return is_system_logger(item) and item.name not in RESERVED


def reclaim(api: Api, steps: list[StartStep]) -> tuple[str, ...]:
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
        status = api.control_trace(item.name, NamedProperties.empty(), Control.STOP)
        steps.append(
            StartStep("reclaim", "ControlTraceW", item.name, status, "granted" if status in _STOPPED else "left-out")
        )
        if status in _STOPPED:
            stopped.append(item.name)
    return tuple(stopped)


def owner(api: Api) -> Owner:
    """This process, as the names of its sessions tell it."""
    process = api.own_process()
    return Owner(process, api.process_started(process))
