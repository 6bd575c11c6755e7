"""Whether things keep coming, up to the end: what grows for good does, a burst or a start-up does not."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.policy import COURSE

I64 = npt.NDArray[np.int64]

_MOMENTS: Final = 64


def keep_coming(times_ns: I64, start_ns: int, end_ns: int) -> bool:
    """Judge int64 times, in any order, within a trace; ``end_ns``: until when one could have come."""
    times = np.sort(times_ns)
    if len(times) < COURSE.fewest:
        return False
    span = max(end_ns - start_ns, 1)
    first, last = int(times[0]), int(times[-1])
    moments = len(np.unique((times - start_ns) * _MOMENTS // span))
    if last - first < COURSE.shortest * span or moments < COURSE.fewest_occasions:
        return False
    if np.count_nonzero(times > last - (last - first) // 3) < COURSE.slowing * len(times):
        return False
    return end_ns - last <= max(COURSE.pause * int(np.diff(times).max()), COURSE.long_pause * span)


def held_keep_coming(times_ns: I64, start_ns: int, at_ns: int) -> bool:
    """The same of things that are held at ``at_ns``: they stay so when no more come, unless that was so early on."""
    last = int(times_ns.max(initial=start_ns))
    return keep_coming(
        times_ns, start_ns, last if at_ns - last <= COURSE.held_ended_early * (at_ns - start_ns) else at_ns
    )
