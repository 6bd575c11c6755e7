"""Whether things keep coming, up to the end: what grows for good does, a burst or a start-up does not."""

from __future__ import annotations

import numpy as np

from analyzers.policy import COURSE
from tracer.arrays import I64


def is_burst(times: I64, start_ns: int, length_ns: int) -> bool:
    """Whether times (int64, ascending, not empty) lie in a small part of a trace, or at a few moments of it."""
    moment = (times - start_ns) * COURSE.moments // length_ns
    moments = 1 + np.count_nonzero(moment[1:] != moment[:-1])
    return bool(times[-1] - times[0] < COURSE.shortest * length_ns or moments < COURSE.fewest_occasions)


def levels_off(times: I64) -> bool:
    """Whether hardly any of them (int64, ascending, not empty) came in the last third of their time."""
    first, last = int(times[0]), int(times[-1])
    return bool(np.count_nonzero(times > last - (last - first) // COURSE.last_part) < COURSE.slowing * len(times))


def may_go_on(times: I64, length_ns: int, pause_ns: int) -> bool:
    """Whether a pause after the last of them (int64, ascending, at least two) is like one before, or short."""
    return pause_ns <= COURSE.long_pause * length_ns or pause_ns <= COURSE.pause * int(np.diff(times).max())


def keep_coming(times_ns: I64, start_ns: int, end_ns: int) -> bool:
    """Judge int64 times, in any order, within a trace; ``end_ns``: until when one could have come."""
    times, span = np.sort(times_ns), max(end_ns - start_ns, 1)
    if len(times) < COURSE.fewest or is_burst(times, start_ns, span) or levels_off(times):
        return False
    return may_go_on(times, span, end_ns - int(times[-1]))


def held_keep_coming(times_ns: I64, start_ns: int, at_ns: int) -> bool:
    """Whether things held at ``at_ns`` keep coming; a pause up to then counts only where the last one came early."""
    last = int(times_ns.max(initial=start_ns))
    return keep_coming(times_ns, start_ns, last if at_ns - last <= COURSE.ended_early * (at_ns - start_ns) else at_ns)
