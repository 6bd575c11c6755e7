"""Windows' last error, on Windows CPython, while something writes over it between any two lines of Python."""

from __future__ import annotations

import ctypes as ct
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from tests.windows.controller import CONSUME
from tests.windows.standin import StandIn
from tracer.live import libraries
from tracer.live.api import INVALID_HANDLE, NOT_TOLD, Status
from tracer.live.privilege import enable
from tracer.live.structures import EventTraceLogfile, wide
from tracer.live.windows import WindowsApi

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="only Windows has a last error")

_RESOURCES = 1450


@contextmanager
def _written_over() -> Iterator[None]:
    """Every line sets the last error to 0, as taking the interpreter's lock back may (CPython #116012)."""
    forget: Callable[[int], None] = vars(ct)["windll"].kernel32.SetLastError

    def trace(_frame: FrameType, _event: str, _argument: Any) -> Any:
        forget(0)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


class Refusing:
    """kernel32 of a machine on which no process may be asked."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.OpenProcess = self._refuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @staticmethod
    def _refuse(*_: object) -> int:
        vars(ct)["set_last_error"](Status.ACCESS_DENIED)
        return 0


def test_a_process_that_may_not_be_asked_is_not_told_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    api = WindowsApi()
    with _written_over():
        assert api.process_started(os.getpid()) > 0
        assert api.process_started(0x7FFF_FFFC) == 0
    real = libraries.library("kernel32")

    monkeypatch.setattr(api, "_kernel", Refusing(real))
    with _written_over():
        assert api.process_started(os.getpid()) == NOT_TOLD


def test_a_right_that_nobody_has_is_told_by_its_own_error() -> None:
    with _written_over():
        assert enable("SeNoSuchPrivilege") == 1313  # ERROR_NO_SUCH_PRIVILEGE


def test_events_that_cannot_be_opened_are_told_by_the_error_that_windows_gave(standin: StandIn) -> None:
    standin.refuse("OpenTraceW", _RESOURCES)
    api, name = WindowsApi(), wide("a session")
    logfile = EventTraceLogfile(LoggerName=ct.addressof(name), ProcessTraceMode=CONSUME, EventRecordCallback=1)
    with _written_over():
        assert api.open_trace(logfile) == (_RESOURCES, INVALID_HANDLE)
