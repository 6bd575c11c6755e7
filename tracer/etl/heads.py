"""Whether the heads of two files are of one clock, and of one session."""

from __future__ import annotations

from typing import Final

from tracer.etl.clock import NS_PER_SECOND
from tracer.etl.headers import ClockType
from tracer.etl.logfile import LogFile

_FILETIME_SECOND: Final = 10_000_000
_SLACK_SECONDS: Final = 1
"""A boot time, and where the clock stood at a moment, are not read at once, and the time service moves both."""
_DRIFT: Final = 5_000
"""A performance counter and the time of day part by less than one in so many (0.02 %)."""
_ROUNDED: Final = 100
"""A processor's speed is told in whole MHz: 1 %, and a little, of what it counts."""


def same_clock(a: LogFile, b: LogFile) -> bool:
    """Whether both count the same ticks: of one machine, since one boot.

    A boot time is a count of 100 ns; that two machines share one does not happen. Within one boot it moves a little
    when the time of day is set, so that near ones count as well where the clocks stand alike.
    """
    if (a.clock.kind, a.clock.frequency, a.build) != (b.clock.kind, b.clock.frequency, b.build):
        return False
    if a.boot and a.boot == b.boot:
        return True
    if a.boot and b.boot and abs(a.boot - b.boot) > _SLACK_SECONDS * _FILETIME_SECOND:
        return False
    # The time of day is the same on all machines: it tells nothing.
    return a.clock.kind is not ClockType.SYSTEM_TIME and _stand_alike(a, b)


def _stand_alike(a: LogFile, b: LogFile) -> bool:
    """Whether the two clocks went as far between the starts of the sessions as the time of day did."""
    by_day = (b.start - a.start) * NS_PER_SECOND // _FILETIME_SECOND
    by_clock = (b.clock.origin - a.clock.origin) * NS_PER_SECOND // a.clock.frequency
    share = _ROUNDED if a.clock.kind is ClockType.CPU_CYCLES else _DRIFT
    return abs(by_day - by_clock) <= _SLACK_SECONDS * NS_PER_SECOND + abs(by_day) // share


def same_session(a: LogFile, b: LogFile) -> bool:
    """Whether both were written by sessions of one name."""
    return bool(a.session) and a.session == b.session


def same_start(a: LogFile, b: LogFile) -> bool:
    """Whether both were written by one session that was started once."""
    return same_session(a, b) and (a.start, a.clock.origin) == (b.start, b.clock.origin)
