"""Who was running: the thread of pool events that came without a stack, from context switches.

A context switch names the thread that runs next on its CPU, and the one that ran until then. What
is taken from it is inferred, and is labelled :attr:`~tracer.columns.Who.CONTEXT_SWITCH`. Events of an interrupt or
a DPC are charged to the thread they interrupted: the trace does not tell them apart. On a CPU on which nothing was
switched, the thread that other events name there has run all along (:mod:`analyzers.sighted`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.sighted import Sighted
from tracer.columns import UNKNOWN_ID, EventTable, Who
from tracer.etl.headers import MAX_PROCESSORS
from tracer.jit import kernel

_UNKNOWN: Final = UNKNOWN_ID
_INFERRED: Final = int(Who.CONTEXT_SWITCH)
_NEVER: Final = np.iinfo(np.int64).max


@kernel
def follow(
    switch_order: npt.NDArray[np.int64],
    switch_time: npt.NDArray[np.int64],
    switch_cpu: npt.NDArray[np.uint16],
    new_thread: npt.NDArray[np.uint32],
    old_thread: npt.NDArray[np.uint32],
    order: npt.NDArray[np.int64],
    cpu: npt.NDArray[np.uint16],
    thread: npt.NDArray[np.uint32],
    who: npt.NDArray[np.uint8],
    running: npt.NDArray[np.uint32],
    first_thread: npt.NDArray[np.uint32],
    first_time: npt.NDArray[np.int64],
) -> None:
    """Fill in ``thread`` and ``who`` of events that nobody claims, and note each CPU's first switch.

    ``running``, ``first_thread`` and ``first_time`` are by CPU and outlive the batch.
    """
    j = 0
    for i in range(order.shape[0] + 1):
        until = order[i] if i < order.shape[0] else _NEVER
        while j < switch_order.shape[0] and switch_order[j] < until:
            on = switch_cpu[j]
            if first_time[on] == _NEVER:
                first_time[on] = switch_time[j]
                first_thread[on] = old_thread[j]
            running[on] = new_thread[j]
            j += 1
        if i < order.shape[0] and who[i] == 0 and running[cpu[i]] != _UNKNOWN:
            thread[i] = running[cpu[i]]
            who[i] = _INFERRED


class Running:
    """Which thread runs on which CPU, as far as context switches have told."""

    def __init__(self) -> None:
        self._running = np.full(MAX_PROCESSORS, UNKNOWN_ID, np.uint32)
        self._first_thread = np.full(MAX_PROCESSORS, UNKNOWN_ID, np.uint32)
        self._first_time = np.full(MAX_PROCESSORS, _NEVER, np.int64)
        self._sighted = Sighted()

    def follow(self, pool: EventTable | None, switches: EventTable | None, sighted: Sighted | None = None) -> None:
        """Take one batch: its pool events get their thread in place. ``sighted`` has taken it before."""
        if sighted is not None:
            self._sighted = sighted
            sighted.begin(self._running)
        none, ids, cpus = np.zeros(0, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.uint16)
        order, cpu, thread, who = none, cpus, ids, np.zeros(0, np.uint8)
        if pool is not None:
            order, cpu, thread, who = pool.order, pool.cpu, pool.thread, pool.who
        when, at, on, new, old = none, none, cpus, ids, ids
        if switches is not None:
            when, at, on = switches.order, switches.time, switches.cpu
            new, old = (switches.array(name).astype(np.uint32, copy=False) for name in ("new_thread", "old_thread"))
        follow(when, at, on, new, old, order, cpu, thread, who, self._running, self._first_thread, self._first_time)

    def before_first_switch(self, cpu: npt.NDArray[np.uint16], time: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
        """Thread that ran on ``cpu`` at ``time``, for events that nobody claims; UNKNOWN_ID where nothing tells.

        Such an event at the very time of the CPU's first switch was logged before it, or the switch would tell.
        """
        first = np.where(self._first_time == _NEVER, self._sighted.now, self._first_thread)
        return np.where(time <= self._first_time[cpu], first[cpu], np.uint32(UNKNOWN_ID)).astype(np.uint32)
