"""Raw timestamps of a session clock in nanoseconds, as kernels count them."""

from __future__ import annotations

import numpy as np

from tracer.arrays import I64
from tracer.etl.clock import NS_PER_SECOND, Clock, ClockTerms
from tracer.jit import Int, inlined, kernel


@inlined
def tick_ns(raw: Int, terms: ClockTerms) -> Int:
    """Nanoseconds since the origin of a raw time, rounded down.

    A time outside the representable ones, which only a damaged record says, becomes the nearest inside.
    """
    origin, least, most, frequency, whole = terms
    ticks = min(max(raw, least), most) - origin
    if whole != 0:
        return ticks * whole
    seconds = ticks // frequency
    return seconds * NS_PER_SECOND + (ticks - seconds * frequency) * NS_PER_SECOND // frequency


@kernel
def _convert(raw: I64, out: I64, terms: ClockTerms) -> None:
    for i in range(raw.shape[0]):
        out[i] = tick_ns(raw[i], terms)


def times_ns(clock: Clock, raw: I64) -> I64:
    """Nanoseconds since the trace's start of raw times (int64, one dimension), by the rule of :func:`tick_ns`."""
    out = np.empty(len(raw), np.int64)
    _convert(raw, out, clock.terms)
    return out
