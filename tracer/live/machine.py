"""What this machine offers a capture: facts, gathered through a thin seam so that they can be told of any machine."""

from __future__ import annotations

import os
import platform
import struct
import sys
from importlib import metadata
from typing import Final, Protocol

from tracer.data_classes import dataclass
from tracer.live.api import NOT_TOLD, Api, Status
from tracer.live.names import owner_of
from tracer.live.plan import FIRST_BUILD, Way, way_for
from tracer.live.session import RESERVED, is_system_logger

CONSUMER: Final = "pywintrace"
"""The package that receives events (imported as ``etw``)."""
SYMBOL_PATH: Final = "_NT_SYMBOL_PATH"


class Asking(Protocol):
    """Questions to Windows that a capture itself need not ask."""

    def elevated(self) -> bool | None:
        """Whether this process has an administrator's rights; ``None`` where Windows does not say."""

    def paging_executive_disabled(self) -> bool | None:
        """The registry's DisablePagingExecutive; ``None`` where it cannot be read."""

    def in_container(self) -> bool | None:
        """Whether this is a Windows container; ``None`` where the registry cannot be read."""

    def machine_bits(self) -> int:
        """64 or 32: of Windows, not of this Python."""


@dataclass(frozen=True, slots=True)
class RunningSession:
    """A session that somebody runs. ``left_behind``: ours, by a process that is gone."""

    name: str
    is_system_logger: bool
    left_behind: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """A machine. ``build`` is 0, and what only Windows tells is ``None``, where it is not Windows.

    ``way`` is ``None`` where no way can work. ``sessions`` is ``None`` where this user may not see them,
    ``sessions_status`` is then Windows' error. ``consumer``: version of pywintrace, empty where it is missing.
    """

    system: str
    release: str
    build: int
    way: Way | None
    processors: int
    python: str
    python_bits: int
    machine_bits: int
    consumer: str
    symbol_path: bool
    elevated: bool | None = None
    paging_executive_disabled: bool | None = None
    in_container: bool | None = None
    sessions: tuple[RunningSession, ...] | None = None
    sessions_status: int = 0

    @property
    def is_windows(self) -> bool:
        """Whether there is a Windows kernel to ask."""
        return self.system == "Windows"

    @property
    def private_loggers(self) -> tuple[RunningSession, ...]:
        """Sessions that take one of the places of private system loggers."""
        loggers = (session for session in self.sessions or () if session.is_system_logger)
        return tuple(session for session in loggers if session.name not in RESERVED)


def facts(asking: Asking | None = None, api: Api | None = None) -> Facts:
    """What this machine is; without somebody to ask, only what Python knows."""
    bits = struct.calcsize("P") * 8
    windows = asking is not None and api is not None
    machine = api.machine() if api is not None else None
    build = machine.build if machine is not None else 0
    status, sessions = _sessions(api) if api is not None else (0, None)
    return Facts(
        system="Windows" if windows else platform.system() or sys.platform,
        release=platform.release(),
        build=build,
        way=way_for(build) if build >= FIRST_BUILD else None,
        processors=machine.processors if machine is not None else os.cpu_count() or 0,
        python=platform.python_version(),
        python_bits=bits,
        machine_bits=asking.machine_bits() if asking is not None else bits,
        consumer=_version(CONSUMER),
        symbol_path=bool(os.environ.get(SYMBOL_PATH)),
        elevated=asking.elevated() if asking is not None else None,
        paging_executive_disabled=asking.paging_executive_disabled() if asking is not None else None,
        in_container=asking.in_container() if asking is not None else None,
        sessions=sessions,
        sessions_status=status,
    )


def _sessions(api: Api) -> tuple[int, tuple[RunningSession, ...] | None]:
    status, running = api.sessions()
    if status not in (Status.SUCCESS, Status.MORE_DATA):
        return status, None
    return 0, tuple(RunningSession(item.name, is_system_logger(item), _left_behind(api, item.name)) for item in running)


def _left_behind(api: Api, name: str) -> bool:
    owner = owner_of(name)
    return owner is not None and api.process_started(owner.process) not in (owner.started, NOT_TOLD)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
