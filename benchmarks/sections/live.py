"""Live capture: what Windows' thread does for each event, beside a callback that does nothing."""

from __future__ import annotations

import ctypes as ct
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from benchmarks.best import best_of
from benchmarks.plan import Plan
from benchmarks.table import Row, Unit
from benchmarks.traces import Traces
from tracer.arrays import I64
from tracer.live.ring import CONTROL_HEAD, CONTROL_TAIL, LARGEST_ENTRY, Ring
from tracer.live.structures import EventRecord

RATE: Final = 200_000
"""Records a second that a capture has to keep up with."""
_CALLS: Final = 200_000
_RING_BYTES: Final = 64 * (LARGEST_ENTRY // 8) * 8
_PAYLOADS: Final = {"pool event": 24, "stack of 16 frames": 16 + 16 * 8}
"""Bytes of payload."""

Drive = Callable[[Any, int, int, I64], None]


def rows(plan: Plan, traces: Traces) -> Iterator[Row]:  # noqa: ARG001 - no trace is needed
    """Compiled code calls the callback over and over, as ProcessTrace does, on a ring that is emptied at once."""
    from tracer.live.callback import compiled_callback

    drive, empty = _driver()
    for name, size in _PAYLOADS.items():
        ring, payload, record = Ring(_RING_BYTES), ct.create_string_buffer(size), EventRecord()
        record.UserDataLength, record.UserData, record.UserContext = size, ct.addressof(payload), ring.context
        address = ct.addressof(record)
        own, nothing = (
            best_of(partial(drive, callback, address, _CALLS, ring.control), plan.runs, 30.0)[0]
            for callback in (compiled_callback(), empty)
        )
        note = f"{own / _CALLS * 1e9:.0f} ns each, {own / _CALLS * RATE:.1%} of a core at {RATE:,} records/s"
        yield Row(
            "live: the callback", name, _CALLS / own, Unit.RECORDS_PER_SECOND, ratio=own / nothing,
            to="an empty callback", note=note,
        )  # fmt: skip


def _driver() -> tuple[Drive, object]:
    """(Compiled code that calls a callback many times, a callback that does nothing)."""
    from numba import cfunc, njit, types

    def nothing(record: int) -> None:
        """Nothing."""

    def drive(callback: Callable[[int], None], record: int, count: int, control: I64) -> None:
        for _ in range(count):
            callback(record)
            control[CONTROL_TAIL] = control[CONTROL_HEAD]

    compiled: Drive = njit(nogil=True)(drive)
    return compiled, cfunc(types.void(types.int64))(nothing)
