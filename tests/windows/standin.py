"""The stand-ins for advapi32 and ntdll from Python: what they play, refuse, answer and have counted. Windows alone."""

from __future__ import annotations

import ctypes as ct
import os
import sys
from pathlib import Path
from typing import Any, Final

from tracer.live import libraries

VARIABLE: Final = "POOLSCOPE_STANDIN"
"""Environment variable that names the DLL for advapi32, the other beside it; ``.ci/windows/run`` sets it."""

ALWAYS: Final = 1 << 30


_FILES: Final[dict[str, str]] = {}
"""By library of Windows the stand-in that is loaded for it."""


def _library(name: str) -> Any:
    if sys.platform != "win32":
        raise OSError("a stand-in is a Windows library")
    return ct.WinDLL(_FILES.get(name, name), use_last_error=True)


def _put_in_place(name: str, path: str, dll: Any) -> None:
    """For pywintrace, which takes libraries from ``ctypes.windll``, and for ourselves."""
    setattr(vars(ct)["windll"], name, dll)  # a name that exists on Windows alone
    _FILES[name] = path
    libraries.library = _library


class StandIn:
    """The DLL. It is one for a process, so a test that has used it calls :meth:`reset` before the next."""

    def __init__(self, path: str) -> None:
        self.dll = _library(path)
        for name in ("standin_set", "standin_get"):
            getattr(self.dll, name).argtypes = [ct.c_char_p, ct.c_uint64][: 1 + (name == "standin_set")]
        self.dll.standin_get.restype = ct.c_uint64
        self.dll.standin_refuse.argtypes = [ct.c_char_p, ct.c_uint32, ct.c_uint32, ct.c_uint32]
        self.dll.standin_foreign.argtypes = [ct.c_wchar_p, ct.c_uint32]
        for name in ("standin_play", "standin_record", "standin_stop", "standin_stopping"):
            getattr(self.dll, name).argtypes = [ct.c_wchar_p]

    @classmethod
    def bound(cls) -> StandIn:
        """The stand-in in the place of advapi32, for every library that is imported from now on.

        ``KeyError`` where the environment does not say which DLL, ``OSError`` where this is not Windows or the DLL
        cannot be loaded.
        """
        path = os.environ[VARIABLE]
        made = cls(path)
        _put_in_place("advapi32", path, made.dll)
        return made

    def reset(self) -> None:
        """No session runs, nothing is refused, settings and counters are as at the start."""
        self.dll.standin_reset()

    def play(self, path: Path) -> None:
        """Play this stream from now on. Not while a consumer has a handle (``OSError``)."""
        self._check(self.dll.standin_play(str(path)))

    def record(self, path: Path) -> None:
        """What the file of a recording session holds when it stops."""
        self._check(self.dll.standin_record(str(path)))

    def set(self, **values: int) -> None:
        """Settings, by the names in ``standin/control.c`` with underscores for blanks."""
        for name, value in values.items():
            self._check(self.dll.standin_set(name.replace("_", " ").encode(), value))

    def count(self, name: str) -> int:
        """A counter of ``standin/control.c``; sessions that run are ``ours`` and ``foreign``."""
        return int(self.dll.standin_get(name.encode()))

    def refuse(self, function: str, status: int, *, skip: int = 0, times: int = ALWAYS) -> None:
        """After ``skip`` calls of the function, ``times`` calls give this status and do nothing."""
        self._check(self.dll.standin_refuse(function.encode(), status, skip, times))

    def foreign(self, name: str, mode: int = 0x100) -> None:
        """A session that somebody else has started; ``mode`` is its LogFileMode."""
        self._check(self.dll.standin_foreign(name, mode))

    def stopping(self, name: str) -> None:
        """Somebody else has begun to stop a session: whoever stops it now is told so, and it ends."""
        self._check(self.dll.standin_stopping(name))

    def stop(self, name: str) -> None:
        """Somebody else stops a session."""
        self._check(self.dll.standin_stop(name))

    @staticmethod
    def _check(status: int) -> None:
        if status:
            raise OSError(f"the stand-in refuses: error {status}")


class Counters:
    """NtQuerySystemInformation with answers laid ready."""

    def __init__(self, path: str) -> None:
        self.dll = _library(path)
        self.dll.counters_answer.argtypes = [ct.c_uint32, ct.c_uint32, ct.c_char_p, ct.c_uint32]

    @classmethod
    def bound(cls) -> Counters:
        """The stand-in in the place of ntdll, for whoever loads it from now on."""
        path = str(Path(os.environ[VARIABLE]).with_name("ntdll-standin.dll"))
        made = cls(path)
        _put_in_place("ntdll", path, made.dll)
        return made

    def answer(self, kind: int, data: bytes, *, status: int = 0) -> None:
        """What this class of information is from now on; with a status, how it is refused."""
        if self.dll.counters_answer(kind, status, data, len(data)):
            raise OSError("the stand-in has no room for another answer")
