"""Windows itself, through pywintrace (``etw``): its bindings for starting, controlling, enabling, consuming.

What pywintrace lacks is bound here: TraceSetInformation (the pool group, stacks) and QueryAllTracesW; and OpenTraceW,
whose failure only the thread's last error tells (:mod:`tracer.live.libraries`). Its classes are left out:
``EventConsumer`` does not notice an OpenTrace that failed, calls ProcessTrace again and again, and wants a callback in
Python; ``ETW`` drops the statuses of query, update and stop.

Proven on Windows CPython under Wine against a stand-in advapi32; never run on a live Windows kernel.
"""

from __future__ import annotations

import ctypes as ct
import os
import platform
import shutil
import struct
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tracer.live import failures, libraries
from tracer.live.all_sessions import all_sessions
from tracer.live.api import INVALID_HANDLE, Api, ClockReading, Control, Enable, InfoClass, Machine, Snapshot, Status
from tracer.live.counters import windows_query
from tracer.live.privilege import enable_profiling
from tracer.live.process_start import process_started
from tracer.live.structures import EnableTraceParameters, EventTraceLogfile, NamedProperties
from tracer.live.toolhelp import take_snapshot

_PERFORMANCE_TRACE: Final = 31
_STACK_TRACING_INFORMATION: Final = 6
"""SystemPerformanceTraceInformation, and its class EventTraceStackTracingInformation."""


def windows_api() -> Api:
    """The API of this machine; :class:`~tracer.errors.MachineError` ``no-capture`` where it is not Windows."""
    if sys.platform != "win32":
        raise failures.no_capture(f"{platform.system() or 'unknown system'} {platform.release()}".strip())
    return WindowsApi()


class WindowsApi:
    """Satisfies :class:`~tracer.live.api.Api` on Windows."""

    def __init__(self) -> None:
        from etw import evntrace  # binds advapi32: on Windows alone

        self._etw: Any = evntrace
        self._guid: Any = evntrace.GUID
        self._kernel: Any = libraries.library("kernel32")
        advapi = libraries.library("advapi32")
        self._set_information: Any = advapi.TraceSetInformation
        self._set_information.argtypes = [ct.c_uint64, ct.c_int, ct.c_void_p, ct.c_uint32]
        self._set_information.restype = ct.c_uint32
        self._query_all: Any = advapi.QueryAllTracesW
        self._query_all.argtypes = [ct.c_void_p, ct.c_uint32, ct.POINTER(ct.c_uint32)]
        self._query_all.restype = ct.c_uint32
        self._open_trace: Any = advapi.OpenTraceW
        self._open_trace.argtypes = [ct.POINTER(EventTraceLogfile)]
        self._open_trace.restype = ct.c_uint64

    def machine(self) -> Machine:
        """Build, CPUs, and the performance counter's frequency."""
        frequency = ct.c_int64()
        self._kernel.QueryPerformanceFrequency(ct.byref(frequency))
        return Machine(_build(), os.cpu_count() or 1, ct.sizeof(ct.c_void_p), frequency.value)

    def now(self) -> ClockReading:
        """The performance counter and the system's time."""
        ticks, filetime = ct.c_int64(), ct.c_int64()
        self._kernel.GetSystemTimeAsFileTime(ct.byref(filetime))
        self._kernel.QueryPerformanceCounter(ct.byref(ticks))
        return ClockReading(ticks.value, filetime.value)

    def own_process(self) -> int:
        """Id of this process."""
        return os.getpid()

    def snapshot(self) -> Snapshot:
        """Tool Help's lists, and the kernel's of its modules."""
        return take_snapshot(libraries.library("kernel32"), windows_query(), self.now())

    def process_started(self, process: int) -> int:
        """Creation time of a process that runs."""
        return process_started(self._kernel, process)

    def enable_profiling(self) -> int:
        """AdjustTokenPrivileges: an elevated process has the right, but not turned on."""
        return enable_profiling()

    def start_trace(self, name: str, properties: NamedProperties) -> tuple[int, int]:
        """StartTraceW."""
        handle = self._etw.TRACEHANDLE()
        status = self._etw.StartTraceW(ct.byref(handle), name, self._as_theirs(properties))
        return int(status), int(handle.value)

    def control_trace(self, name: str, properties: NamedProperties, code: Control) -> int:
        """ControlTraceW by name: the handle of a session that is gone may be refused with 87, or be another's by now.

        Microsoft's pages on StopTrace (87) and on QueryAllTraces, whose example calls the handle a session's id.
        """
        return int(self._etw.ControlTraceW(0, name, self._as_theirs(properties), int(code)))

    def enable_trace(
        self, handle: int, provider: uuid.UUID, code: Enable, level: int, any_keyword: int,
        parameters: EnableTraceParameters | None,
    ) -> int:  # fmt: skip
        """EnableTraceEx2."""
        guid = self._guid.from_buffer_copy(provider.bytes_le)
        theirs = ct.POINTER(self._etw.ENABLE_TRACE_PARAMETERS)
        given = None if parameters is None else ct.cast(ct.pointer(parameters), theirs)
        return int(
            self._etw.EnableTraceEx2(handle, ct.byref(guid), int(code), bytes([level]), any_keyword, 0, 0, given)
        )

    def set_information(self, handle: int, information: InfoClass, data: bytes) -> int:
        """TraceSetInformation."""
        return int(self._set_information(handle, int(information), data, len(data)))

    def set_stack_hooks(self, handle: int, hooks: Sequence[int]) -> int:
        """NtSetSystemInformation(SystemPerformanceTraceInformation), as System Informer's ``ntwmi.h`` declares it."""
        data = struct.pack(f"<I4xQ{len(hooks)}I", _STACK_TRACING_INFORMATION, handle, *hooks)
        ask = libraries.library("ntdll").NtSetSystemInformation
        ask.argtypes, ask.restype = [ct.c_uint32, ct.c_void_p, ct.c_uint32], ct.c_uint32
        return int(ask(_PERFORMANCE_TRACE, ct.create_string_buffer(data, len(data)), len(data)))

    def free_bytes(self, folder: Path) -> int | None:
        """GetDiskFreeSpaceEx, by way of Python."""
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            return None

    def open_trace(self, logfile: EventTraceLogfile) -> tuple[int, int]:
        """OpenTraceW, whose failure only the handle and the thread's last error tell."""
        handle = int(self._open_trace(ct.byref(logfile)))
        if handle != INVALID_HANDLE:
            return Status.SUCCESS, handle
        return libraries.last_error() or Status.INVALID_PARAMETER, handle

    def process_trace(self, handle: int) -> int:
        """ProcessTrace; the GIL is free meanwhile."""
        return int(self._etw.ProcessTrace(ct.byref(self._etw.TRACEHANDLE(handle)), 1, None, None))

    def close_trace(self, handle: int) -> int:
        """CloseTrace."""
        return int(self._etw.CloseTrace(handle))

    def sessions(self) -> tuple[int, Sequence[NamedProperties]]:
        """QueryAllTracesW."""
        return all_sessions(self._sessions)

    def _sessions(self, found: Sequence[NamedProperties]) -> tuple[int, int]:
        pointers = (ct.c_void_p * len(found))(*(ct.addressof(item) for item in found))
        count = ct.c_uint32()
        status = int(self._query_all(pointers, len(found), ct.byref(count)))
        return status, count.value

    def _as_theirs(self, properties: NamedProperties) -> Any:  # noqa: ANN401 - a type of pywintrace's
        """Our structure as pywintrace's bindings want to have it; the layout is the same."""
        return ct.cast(ct.pointer(properties), ct.POINTER(self._etw.EVENT_TRACE_PROPERTIES))


def _build() -> int:
    version: Any = getattr(sys, "getwindowsversion", None)
    return int(version().build)
