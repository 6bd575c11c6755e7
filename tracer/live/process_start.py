"""Whether a process runs, and since when: what tells a session of ours that is left behind from one that is in use."""

from __future__ import annotations

import ctypes as ct
from typing import Any, Final

from tracer.live import libraries
from tracer.live.api import NOT_TOLD, Status

_MAY_ASK: Final = 0x1000
"""PROCESS_QUERY_LIMITED_INFORMATION."""
_STILL_ACTIVE: Final = 259


def process_started(kernel32: Any, process: int) -> int:  # noqa: ANN401 - a library of ctypes
    """FILETIME of its start; 0 where none of that id runs, :data:`~tracer.live.api.NOT_TOLD` where that is not known.

    OpenProcess answers 87 where there is no such process; whatever else it answers, there may be one.
    """
    kernel32.OpenProcess.restype = ct.c_void_p
    kernel32.CloseHandle.argtypes = [ct.c_void_p]
    kernel32.GetExitCodeProcess.argtypes = [ct.c_void_p, ct.c_void_p]
    kernel32.GetProcessTimes.argtypes = [ct.c_void_p, *[ct.c_void_p] * 4]
    handle = kernel32.OpenProcess(_MAY_ASK, 0, process)
    if not handle:
        return 0 if libraries.last_error() == Status.INVALID_PARAMETER else NOT_TOLD
    try:
        code, times = ct.c_uint32(), (ct.c_int64 * 4)()
        if not kernel32.GetExitCodeProcess(handle, ct.byref(code)):
            return NOT_TOLD
        if code.value != _STILL_ACTIVE:
            return 0
        parts = [ct.byref(times, 8 * part) for part in range(4)]
        return int(times[0]) if kernel32.GetProcessTimes(handle, *parts) else NOT_TOLD
    finally:
        kernel32.CloseHandle(handle)
