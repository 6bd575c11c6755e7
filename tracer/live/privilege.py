"""The right to profile the system, which system loggers and their stacks want and which is off until it is turned on.

PerfView turns it on before it starts a kernel session; an elevated process has it, others have not.
"""

from __future__ import annotations

import ctypes as ct
from typing import Any, Final

from tracer.live.api import Status
from tracer.live.structures import TokenPrivileges

_PRIVILEGE: Final = "SeSystemProfilePrivilege"
_ADJUST_AND_QUERY: Final = 0x20 | 0x8
"""TOKEN_ADJUST_PRIVILEGES and TOKEN_QUERY."""
_ENABLED: Final = 0x2
_NOT_ALL_ASSIGNED: Final = 1300


def enable_profiling(advapi32: Any, kernel32: Any) -> int:  # noqa: ANN401 - libraries of ctypes
    """Turn it on for this process: 0, or Windows' error code (1314 where this user has not the right)."""
    token = ct.c_void_p()
    kernel32.GetCurrentProcess.restype = ct.c_void_p
    advapi32.OpenProcessToken.argtypes = [ct.c_void_p, ct.c_uint32, ct.c_void_p]
    advapi32.AdjustTokenPrivileges.argtypes = [
        ct.c_void_p,
        ct.c_int,
        ct.c_void_p,
        ct.c_uint32,
        ct.c_void_p,
        ct.c_void_p,
    ]
    if not advapi32.OpenProcessToken(kernel32.GetCurrentProcess(), _ADJUST_AND_QUERY, ct.byref(token)):
        return int(kernel32.GetLastError())
    try:
        wanted = TokenPrivileges(PrivilegeCount=1, Attributes=_ENABLED)
        if not advapi32.LookupPrivilegeValueW(None, _PRIVILEGE, ct.byref(wanted, TokenPrivileges.Luid.offset)):
            return int(kernel32.GetLastError())
        if not advapi32.AdjustTokenPrivileges(token, 0, ct.byref(wanted), 0, None, None):
            return int(kernel32.GetLastError())
        status = int(kernel32.GetLastError())
    finally:
        kernel32.CloseHandle(token)
    return Status.PRIVILEGE_NOT_HELD if status == _NOT_ALL_ASSIGNED else Status.SUCCESS
