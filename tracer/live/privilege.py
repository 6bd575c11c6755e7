"""Rights of an administrator's process that are off until they are turned on.

System loggers and their stacks want the right to profile the system, and PerfView turns it on before it starts a kernel
session. From Windows 11 24H2 on kernel addresses are told only to who has turned on the right to debug
(windows-internals.com, "KASLR Leaks Restriction").
"""

from __future__ import annotations

import ctypes as ct
from typing import Any, Final

from tracer.live import libraries
from tracer.live.api import Status
from tracer.live.structures import TokenPrivileges

PROFILE: Final = "SeSystemProfilePrivilege"
DEBUG: Final = "SeDebugPrivilege"
_ADJUST_AND_QUERY: Final = 0x20 | 0x8
"""TOKEN_ADJUST_PRIVILEGES and TOKEN_QUERY."""
_ENABLED: Final = 0x2
_NOT_ALL_ASSIGNED: Final = 1300


def enable_profiling() -> int:
    """Turn on the right to profile, and to debug where there is one: 0, or Windows' error code of the first.

    1314 where this user has not the right.
    """
    enable(DEBUG)
    return enable(PROFILE)


def enable(privilege: str) -> int:
    """Turn on one right of this process: 0, or Windows' error code (1314 where this user has not the right)."""
    advapi32, kernel32 = libraries.library("advapi32"), libraries.library("kernel32")
    kernel32.GetCurrentProcess.restype = ct.c_void_p
    kernel32.CloseHandle.argtypes = [ct.c_void_p]
    advapi32.OpenProcessToken.argtypes = [ct.c_void_p, ct.c_uint32, ct.c_void_p]
    advapi32.LookupPrivilegeValueW.argtypes = [ct.c_wchar_p, ct.c_wchar_p, ct.c_void_p]
    advapi32.AdjustTokenPrivileges.argtypes = [
        ct.c_void_p, ct.c_int, ct.c_void_p, ct.c_uint32, ct.c_void_p, ct.c_void_p,
    ]  # fmt: skip
    token = ct.c_void_p()
    if not advapi32.OpenProcessToken(kernel32.GetCurrentProcess(), _ADJUST_AND_QUERY, ct.byref(token)):
        return libraries.last_error()
    try:
        return _turn_on(advapi32, token, privilege)
    finally:
        kernel32.CloseHandle(token)


def _turn_on(advapi32: Any, token: ct.c_void_p, privilege: str) -> int:  # noqa: ANN401 - a library of ctypes
    wanted = TokenPrivileges(PrivilegeCount=1, Attributes=_ENABLED)
    if not advapi32.LookupPrivilegeValueW(None, privilege, ct.byref(wanted, TokenPrivileges.Luid.offset)):
        return libraries.last_error()
    if not advapi32.AdjustTokenPrivileges(token, 0, ct.byref(wanted), 0, None, None):
        return libraries.last_error()
    # It succeeds also where it has turned on nothing: the last error tells (documentation of AdjustTokenPrivileges).
    return Status.PRIVILEGE_NOT_HELD if libraries.last_error() == _NOT_ALL_ASSIGNED else Status.SUCCESS
