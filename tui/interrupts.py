"""Ctrl-C at any moment ends the process quietly, with 130.

Python's own handler raises KeyboardInterrupt wherever the program is: inside of an import of C code that becomes
another error, in a destructor it is printed and forgotten. Before a command runs and after it, and while the interface
is open, others look after it (:mod:`tui.leaving`, textual).
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Self

from tui.leaving import leave_at_once


class Interrupts:
    """Inside its ``with`` block a Ctrl-C raises KeyboardInterrupt, and one more ends the process.

    ``noted``: so many before these only set ``asked``: a reading or a recording, which must not be cut in the middle of
    a batch, where the ledger does not add up, then ends with the answer for what it has.
    """

    def __init__(self, *, noted: int = 0) -> None:
        self.asked = False
        self._noted = noted
        self._came = 0
        self._installed = False
        self._before: signal.Handlers | None = None
        self._hook = sys.unraisablehook

    def __enter__(self) -> Self:
        # Python delivers signals to the main thread only; who ignores Ctrl-C (nohup) means it.
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
            self._hook, sys.unraisablehook = sys.unraisablehook, self._on_unraisable
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
        self.asked = True
        self._came += 1
        if self._came > self._noted + 1:
            leave_at_once(number, frame)
        if self._came > self._noted:
            raise KeyboardInterrupt

    def _on_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        """An interrupt that came where nothing can be raised."""
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            leave_at_once()
        self._hook(unraisable)
