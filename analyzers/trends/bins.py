"""Bins for durations: half octaves, so that microseconds and hours fit into one small histogram."""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import F64
from tracer.jit import Int, inlined
from tracer.natural import natural
from tracer.unaligned import leading_zeros

BINS: Final = 64
_FIRST_OCTAVE: Final = 10
"""Bin 0 is everything below 1.5 µs (1,024 ns and its half octave)."""

EDGES: Final[F64] = np.array(
    [(1 << (_FIRST_OCTAVE + half // 2)) * (1.0 if half % 2 == 0 else 1.5) for half in range(BINS + 1)]
)
"""float64 (BINS + 1) nanoseconds: bin ``i`` holds ``EDGES[i] <= duration < EDGES[i + 1]``; bin 0 also shorter ones and
the last also longer ones."""


@inlined
def bin_of(duration: Int) -> Int:
    """Bin of a duration in nanoseconds; negative ones count as 0."""
    if duration < (1 << _FIRST_OCTAVE):
        return np.int64(0)
    octave = np.int64(63) - leading_zeros(np.uint64(duration))
    half = (np.int64(duration) >> (octave - np.int64(1))) & np.int64(1)
    return natural(min(np.int64(BINS - 1), np.int64(2) * (octave - np.int64(_FIRST_OCTAVE)) + half))
