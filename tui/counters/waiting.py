"""Counting without an interface: for a time, or until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable

from analyzers.snapshot import Snapshot
from tui.counters.beside import Beside
from tui.counters.sampling import EVERY, Sampling
from tui.interrupts import Interrupts
from tui.streams import say


def counted_for(
    sampling: Sampling,
    seconds: float | None,
    sleep: Callable[[float], None] = time.sleep,
    beside: Beside | None = None,
) -> Snapshot:
    """What is counted after so many seconds; partial where Ctrl-C came before. Without a time Ctrl-C is the end.

    ``beside`` sees each sample; its alarms are told on stderr. Raises OutputError where its log cannot be written.
    """
    beside = beside or Beside()
    with Interrupts(noted=1) as interruption:
        _tell(beside.look(sampling.snapshot()))
        is_over = False
        while not (interruption.asked or is_over):
            left = EVERY if seconds is None else seconds - sampling.at_ns / 1e9
            sleep(min(max(left, 0.0), EVERY))
            _tell(beside.look(sampling.sample()))
            is_over = seconds is not None and sampling.at_ns >= seconds * 1e9
        return sampling.snapshot(partial=interruption.asked and seconds is not None)


def _tell(alarms: tuple[str, ...]) -> None:
    for alarm in alarms:
        say(alarm)
