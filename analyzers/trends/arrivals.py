"""Whether things keep coming, up to the end: what grows for good does, a burst or a start-up does not."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]

FEWEST: Final = 12
"""Fewer tell no course."""
_MOMENTS: Final = 64
_FEWEST_MOMENTS: Final = 5
"""They must come from as many of 64 equal parts of the trace, else it was a few bursts."""
_SHORTEST: Final = 0.1
"""What came within a smaller share of the trace is a burst."""
_SLOWING: Final = 0.12
"""Share that came in the last third of their time below which their number levels off (even arrivals: a third)."""
_PAUSE: Final = 2.0
_LONG_PAUSE: Final = 0.15
"""Longest pause at the end: twice the longest before it, or this share of the trace."""
_ENDED_EARLY: Final = 0.6
"""Share of the trace after the last one from which what came before was a start-up."""


def keep_coming(times_ns: I64, start_ns: int, end_ns: int) -> bool:
    """Judge int64 times, in any order, within a trace; ``end_ns``: until when one could have come."""
    times = np.sort(times_ns)
    if len(times) < FEWEST:
        return False
    span = max(end_ns - start_ns, 1)
    first, last = int(times[0]), int(times[-1])
    moments = len(np.unique((times - start_ns) * _MOMENTS // span))
    if last - first < _SHORTEST * span or moments < _FEWEST_MOMENTS:
        return False
    if np.count_nonzero(times > last - (last - first) // 3) < _SLOWING * len(times):
        return False
    return end_ns - last <= max(_PAUSE * int(np.diff(times).max()), _LONG_PAUSE * span)


def held_keep_coming(times_ns: I64, start_ns: int, at_ns: int) -> bool:
    """The same of things that are held at ``at_ns``: they stay so when no more come, unless that was so early on."""
    last = int(times_ns.max(initial=start_ns))
    return keep_coming(times_ns, start_ns, last if at_ns - last <= _ENDED_EARLY * (at_ns - start_ns) else at_ns)
