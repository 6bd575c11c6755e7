"""Ctrl-C while a trace is read.

The first one asks for the answer for what was read; it must not cut an analysis in the middle of
a batch, where the ledger does not add up. The second one ends at once.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class Interruption:
    """Inside its ``with`` block, ``asked`` turns true at the first Ctrl-C; the second raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.asked = False
        self._installed = False
        self._before: signal.Handlers | None = None

    def __enter__(self) -> Self:
        # Python delivers signals to the main thread only, and lets no other set a handler.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_interrupt)  # type: ignore[assignment]
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._before)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
