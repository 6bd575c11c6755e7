"""What was allocated before a capture, where Windows tells it."""

from __future__ import annotations

from tracer.errors import MachineError
from tracer.live.counters import PoolCounters, pool_counters
from tracer.live.this_machine import ThisMachine
from tui.streams import say


def baseline(machine: ThisMachine, *, quiet: bool) -> PoolCounters | None:
    """The pool's counters now; ``None``, and a word of it, where Windows does not tell them."""
    try:
        return pool_counters(machine.query, machine.api.machine().pointer_size)
    except MachineError as error:
        say(f"note: what was allocated before is not known: {error.why}", quiet=quiet)
        return None
