"""Ctrl-C at any moment ends the process quietly, with 130; so does whatever else asks it to end.

That is SIGTERM and SIGHUP, on Windows Ctrl-Break and a window that is closed. What is being written goes, what is
captured is stopped. Python's own handler of Ctrl-C raises KeyboardInterrupt wherever the program is: inside of an
import of C code that becomes another error, in a destructor it is printed and forgotten. Before a command runs and
after it, others look after it (:mod:`tui.leaving`).
"""

from __future__ import annotations

import functools
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Final, Self

from tui.leaving import leave_at_once

_ENDING: Final = tuple(
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if name in signal.Signals.__members__
)
_CLOSING: Final = 2
"""CTRL_CLOSE_EVENT; those of a logoff and a shutdown are above it, Ctrl-C and Ctrl-Break below."""
_MOST_SECONDS: Final = 5.0
"""After which Windows ends a process whose window was closed, whatever it does."""


class TerminationError(KeyboardInterrupt):
    """Raised in the place of KeyboardInterrupt by all but Ctrl-C, which may be meant for what is in hand alone."""


class Interrupts:
    """Inside its ``with`` block a Ctrl-C raises KeyboardInterrupt, and one more ends the process.

    ``noted``: so many before these only set ``asked``: a reading or a recording, which must not be cut in the middle of
    a batch, where the ledger does not add up, then ends with the answer for what it has.
    """

    def __init__(self, *, noted: int = 0) -> None:
        self.asked = False
        self._noted = noted
        self._came = 0
        self._before: dict[signal.Signals, Any] = {}
        self._hook = sys.unraisablehook

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # Python delivers signals to it only
            self._hook, sys.unraisablehook = sys.unraisablehook, self._on_unraisable
            for number in _ENDING:
                # Who ignores it (nohup) means it; None is a handler that is not Python's.
                if signal.getsignal(number) not in {signal.SIG_IGN, None}:
                    self._before[number] = signal.signal(number, self._on_interrupt)
            _wait_as_the_window_closes()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if threading.current_thread() is threading.main_thread():
            sys.unraisablehook = self._hook

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self._came += 1
        if self._came > self._noted + 1:
            leave_at_once(number, frame)
        if self._came > self._noted:
            raise KeyboardInterrupt if number == signal.SIGINT else TerminationError

    def _on_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        """An interrupt that came where nothing can be raised."""
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            leave_at_once()
        self._hook(unraisable)


@functools.cache
def _wait_as_the_window_closes() -> Any:  # noqa: ANN401 - a callback, which lives as long as Windows may call it
    """Let a window's closing, a logoff and a shutdown be a Ctrl-Break, and leave the time to come to an end.

    Python's own handler notes it and returns, and Windows ends the process as that returns.
    """
    if sys.platform != "win32":
        return None
    import _thread
    import ctypes

    @ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint32)
    def on_event(event: int) -> int:
        if event < _CLOSING:
            return 0  # the C runtime's, and by it Python's
        _thread.interrupt_main(signal.SIGBREAK)
        threading.Event().wait(_MOST_SECONDS)
        return 1

    ctypes.windll.kernel32.SetConsoleCtrlHandler(on_event, 1)
    return on_event
