"""Which images are Windows' own: their names say nothing of whose machine it was.

Drivers: :func:`analyzers.modules.is_inbox`. Programs and libraries: the system's processes (Windows Internals, 7th
edition, part 1, chapters 2, 3 and 10), and the libraries below the API and the sockets (Microsoft Learn, "Windows API
sets" and "Windows umbrella libraries"). A name that is missing here is only replaced; the answer stays as it is.
"""

from __future__ import annotations

import re
from typing import Final

from analyzers.modules import KERNEL, is_inbox, is_library

_PROGRAM_NAMES: Final = (
    "audiodg conhost csrss ctfmon dllhost dwm explorer fontdrvhost lsaiso lsass msdtc mstsc ntoskrnl rundll32 "
    "runtimebroker searchindexer services sihost smss spoolsv svchost taskhostw taskmgr userinit wininit winlogon "
    "wmiprvse wudfhost cmd powershell wpr xperf"
)
_LIBRARY_NAMES: Final = (
    "advapi32 afunix bcrypt bcryptprimitives combase crypt32 dnsapi fwpuclnt gdi32 gdi32full iphlpapi kernel32 "
    "kernelbase msvcp_win msvcrt mswsock ncrypt nsi ntdll ole32 oleaut32 rpcrt4 schannel sechost secur32 shell32 "
    "shlwapi sspicli ucrtbase user32 webio win32u winhttp wininet wow64 wow64base wow64con wow64cpu wow64win "
    "ws2_32 wshqos wshtcpip wship6"
)
_PROGRAMS: Final = frozenset(_PROGRAM_NAMES.split())
_LIBRARIES: Final = frozenset(_LIBRARY_NAMES.split())
_SYSTEM: Final = frozenset(("system", "idle", "registry", "memcompression", "secure system", "vmmem"))
"""Processes without an image."""
_IN_WINDOWS: Final = re.compile(
    r"(?:\\SystemRoot|%SystemRoot%|%windir%"
    r"|(?:\\\?\?\\|\\\\\?\\)?(?:[A-Za-z]:|\\Device\\\w+)?\\(?:Windows|WINNT))\\",
    re.IGNORECASE | re.ASCII,
)


def is_windows_own(name: str) -> bool:
    """Whether an image or process of this name, as a trace or a list of tags has it, comes with Windows."""
    image = name.lower().partition("!")[0]
    stem, dot, ending = image.rpartition(".")
    if not dot:
        return image in _SYSTEM or is_inbox(image) or _is_driver(f"{image}.sys")
    by_ending = {"exe": stem in _PROGRAMS, "dll": stem in _LIBRARIES, "sys": _is_driver(image)}
    return by_ending.get(ending, False) or KERNEL.match(image) is not None


def in_windows_folder(path: str) -> bool:
    """Whether an image lies where Windows' own do; one of which only the name is known is taken for that."""
    return not re.search(r"[\\/]", path) or _IN_WINDOWS.match(path) is not None


def _is_driver(image: str) -> bool:
    return is_inbox(image) or is_library(image)
