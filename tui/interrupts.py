"""Ctrl-C at any moment ends the process quietly, with 130.

While a trace is read, a capture runs, or the interface is open, these look after it themselves; this is for every
other moment. Python's own handler raises KeyboardInterrupt wherever the program is: inside of an import of C code that
becomes another error, in a destructor it is printed and forgotten.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Final, Self

_INTERRUPTED: Final = 130
"""As :class:`tui.exit_codes.ExitCode`, which is not imported yet when this is needed first."""


def leave_at_once(number: int = 0, frame: FrameType | None = None) -> None:
    """End the process here and now, without a word: for the time before a command runs, and after it."""
    del number, frame
    os._exit(_INTERRUPTED)


class Interrupts:
    """Inside its ``with`` block the first Ctrl-C raises KeyboardInterrupt; ``asked`` tells that it came."""

    def __init__(self) -> None:
        self.asked = False
        self._installed = False
        self._before: signal.Handlers | None = None
        self._hook = sys.unraisablehook

    def __enter__(self) -> Self:
        # Python delivers signals to the main thread only; who ignores Ctrl-C (nohup) means it.
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
            sys.unraisablehook = self._on_unraisable
            self._before = signal.signal(signal.SIGINT, self._on_interrupt)  # type: ignore[assignment]
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._before)
            sys.unraisablehook = self._hook

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            leave_at_once(number, frame)
        self.asked = True
        raise KeyboardInterrupt

    def _on_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        """An interrupt that came where nothing can be raised."""
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            leave_at_once()
        self._hook(unraisable)
