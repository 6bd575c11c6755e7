"""The thin seam to Windows: the few calls that a capture makes. Statuses are Windows' error codes, 0 for success."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Final, Protocol

from tracer.data_classes import dataclass
from tracer.live.structures import EnableTraceParameters, EventTraceLogfile, NamedProperties

INVALID_HANDLE: Final = 0xFFFFFFFFFFFFFFFF
"""What OpenTrace gives where it fails (INVALID_PROCESSTRACE_HANDLE)."""


NOT_TOLD: Final = -1
"""Start of a process that runs and that this user may not ask."""


class Status(IntEnum):
    """Error codes of winerror.h that a capture tells apart."""

    SUCCESS = 0
    FILE_NOT_FOUND = 2
    PATH_NOT_FOUND = 3
    ACCESS_DENIED = 5
    BAD_LENGTH = 24
    SHARING_VIOLATION = 32
    NOT_SUPPORTED = 50
    INVALID_PARAMETER = 87
    DISK_FULL = 112
    CALL_NOT_IMPLEMENTED = 120
    INVALID_NAME = 123
    BAD_PATHNAME = 161
    BUSY = 170
    ALREADY_EXISTS = 183
    MORE_DATA = 234
    DIRECTORY = 267  # the name of a folder is none
    CANCELLED = 1223
    PRIVILEGE_NOT_HELD = 1314
    NO_SYSTEM_RESOURCES = 1450
    ACTIVE_CONNECTIONS = 2402  # of a session: it is being stopped already
    NO_SUCH_SESSION = 4201  # ERROR_WMI_INSTANCE_NOT_FOUND


class Control(IntEnum):
    """EVENT_TRACE_CONTROL_*."""

    QUERY = 0
    STOP = 1


class Enable(IntEnum):
    """EVENT_CONTROL_CODE_*."""

    DISABLE = 0
    ENABLE = 1
    CAPTURE_STATE = 2


class InfoClass(IntEnum):
    """TRACE_QUERY_INFO_CLASS values (evntrace.h)."""

    STACK_TRACING = 3
    SYSTEM_FLAGS = 4


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One moment by both clocks: ``ticks`` of the performance counter, and a FILETIME."""

    ticks: int
    filetime: int


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A process that runs; ``name``: of its program, without the path."""

    id: int
    parent: int
    name: str


@dataclass(frozen=True, slots=True)
class RunningImage:
    """An image in memory; ``process`` is 0 for the kernel's."""

    base: int
    size: int
    process: int
    path: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was there. ``taken``: before the first question; what Windows does not tell is empty.

    ``threads``: (thread, process). ``hidden``: images of the kernel whose address Windows does not tell to this user.
    ``closed``: processes whose images it does not tell.
    """

    taken: ClockReading
    processes: tuple[RunningProcess, ...] = ()
    threads: tuple[tuple[int, int], ...] = ()
    images: tuple[RunningImage, ...] = ()
    hidden: int = 0
    closed: int = 0

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of tables that there is something for."""
        told = {"process": self.processes, "thread": self.threads, "image": self.images}
        return frozenset(kind for kind, rows in told.items() if rows)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a capture needs to know of the machine. ``frequency``: ticks of the performance counter a second."""

    build: int
    processors: int
    pointer_size: int
    frequency: int


class Api(Protocol):
    """Windows, as far as a capture needs it."""

    def machine(self) -> Machine:
        """The machine."""

    def now(self) -> ClockReading:
        """This moment."""

    def own_process(self) -> int:
        """Id of this process."""

    def snapshot(self) -> Snapshot:
        """What runs now; for any thread, beside everything else. What Windows does not tell is empty."""

    def process_started(self, process: int) -> int:
        """FILETIME of a process's start; 0 where none of that id runs, :data:`NOT_TOLD` where Windows does not say."""

    def enable_profiling(self) -> int:
        """Turn on this process's right to profile the system (SeSystemProfilePrivilege): status."""

    def start_trace(self, name: str, properties: NamedProperties) -> tuple[int, int]:
        """StartTraceW: (status, handle)."""

    def control_trace(self, name: str, properties: NamedProperties, code: Control) -> int:
        """ControlTraceW by the session's name: status; ``properties`` is filled."""

    def enable_trace(
        self, handle: int, provider: uuid.UUID, code: Enable, level: int, any_keyword: int,
        parameters: EnableTraceParameters | None,
    ) -> int:  # fmt: skip
        """EnableTraceEx2 without waiting: status."""

    def set_information(self, handle: int, information: InfoClass, data: bytes) -> int:
        """TraceSetInformation: status."""

    def set_stack_hooks(self, handle: int, hooks: Sequence[int]) -> int:
        """NtSetSystemInformation with the hook ids of events whose stacks are wanted: an NTSTATUS, 0 for success."""

    def free_bytes(self, folder: Path) -> int | None:
        """Free bytes of the disk that a folder is on; ``None`` where there is no such folder."""

    def open_trace(self, logfile: EventTraceLogfile) -> tuple[int, int]:
        """OpenTraceW: (status, handle); ``logfile.LogfileHeader`` is filled."""

    def process_trace(self, handle: int) -> int:
        """ProcessTrace: delivers events in the calling thread until the session or the handle is closed; status."""

    def close_trace(self, handle: int) -> int:
        """CloseTrace: status."""

    def sessions(self) -> tuple[int, Sequence[NamedProperties]]:
        """QueryAllTracesW: (status, all sessions that this user may see)."""
