"""The thin seam to Windows: the few calls that a capture makes. Statuses are Windows' error codes, 0 for success."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from tracer.live.structures import EnableTraceParameters, EventTraceLogfile, NamedProperties

INVALID_HANDLE: Final = 0xFFFFFFFFFFFFFFFF
"""What OpenTrace gives where it fails (INVALID_PROCESSTRACE_HANDLE)."""


NOT_TOLD: Final = -1
"""Start of a process that runs and that this user may not ask."""


class Status(IntEnum):
    """Error codes of winerror.h that a capture tells apart."""

    SUCCESS = 0
    ACCESS_DENIED = 5
    SHARING_VIOLATION = 32
    NOT_SUPPORTED = 50
    INVALID_PARAMETER = 87
    DISK_FULL = 112
    CALL_NOT_IMPLEMENTED = 120
    BAD_PATHNAME = 161
    ALREADY_EXISTS = 183
    MORE_DATA = 234
    CANCELLED = 1223
    PRIVILEGE_NOT_HELD = 1314
    NO_SYSTEM_RESOURCES = 1450
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
class Moment:
    """One moment by both clocks: ``ticks`` of the performance counter, and a FILETIME."""

    ticks: int
    filetime: int


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

    def now(self) -> Moment:
        """This moment."""

    def own_process(self) -> int:
        """Id of this process."""

    def process_started(self, process: int) -> int:
        """FILETIME of a process's start; 0 where none of that id runs, :data:`NOT_TOLD` where Windows does not say."""

    def start_trace(self, name: str, properties: NamedProperties) -> tuple[int, int]:
        """StartTraceW: (status, handle)."""

    def control_trace(self, handle: int, name: str, properties: NamedProperties, code: Control) -> int:
        """ControlTraceW, by handle, or by name where the handle is 0: status; ``properties`` is filled."""

    def enable_trace(
        self, handle: int, provider: uuid.UUID, code: Enable, level: int, any_keyword: int,
        parameters: EnableTraceParameters | None,
    ) -> int:  # fmt: skip
        """EnableTraceEx2 without waiting: status."""

    def set_information(self, handle: int, information: InfoClass, data: bytes) -> int:
        """TraceSetInformation: status."""

    def open_trace(self, logfile: EventTraceLogfile) -> tuple[int, int]:
        """OpenTraceW: (status, handle); ``logfile.LogfileHeader`` is filled."""

    def process_trace(self, handle: int) -> int:
        """ProcessTrace: delivers events in the calling thread until the session or the handle is closed; status."""

    def close_trace(self, handle: int) -> int:
        """CloseTrace: status."""

    def sessions(self) -> tuple[int, Sequence[NamedProperties]]:
        """QueryAllTracesW: (status, all sessions that this user may see)."""
