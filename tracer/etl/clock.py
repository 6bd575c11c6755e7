"""Raw timestamps → nanoseconds since the trace's start, and FILETIME.

Source: TRACE_LOGFILE_HEADER as documented by Microsoft; QPC and system time are confirmed on real
traces, CPU cycles are not (``docs/etl-format.md``).
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from tracer.data_classes import dataclass
from tracer.etl.headers import ClockType

NS_PER_SECOND: Final = 1_000_000_000
_LEAST: Final = int(np.iinfo(np.int64).min)
_MOST: Final = int(np.iinfo(np.int64).max)
MAX_FREQUENCY: Final = _MOST // NS_PER_SECOND
"""Ticks a second up to which a part of a second fits int64 in nanoseconds times ticks: 9.2 GHz."""
_FILETIME_NS: Final = 100
CLOCK_NAMES: Final = {
    ClockType.RAW: "qpc",  # files of old sessions say 0 and hold performance counter values
    ClockType.QPC: "qpc",
    ClockType.SYSTEM_TIME: "system-time",
    ClockType.CPU_CYCLES: "cpu-cycles",
}


ClockTerms: TypeAlias = tuple[int, int, int, int, int]
"""Origin, least and greatest representable raw time, frequency, whole nanoseconds a tick or 0."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A session clock: ``origin`` is the raw time of the trace's first record, ``frequency`` ticks a second.

    ``start`` is the FILETIME of the origin.
    """

    kind: ClockType
    frequency: int
    origin: int
    start: int

    @property
    def name(self) -> str:
        """The clock as ``--json`` names it."""
        return CLOCK_NAMES[self.kind]

    @property
    def representable(self) -> tuple[int, int]:
        """The least and greatest raw time less than 292 years from the start: what int64 nanoseconds hold."""
        span = min(_MOST, _MOST // NS_PER_SECOND * self.frequency)
        return max(_LEAST, self.origin - span), min(_MOST, self.origin + span)

    @property
    def terms(self) -> ClockTerms:
        """What :func:`~tracer.etl.ticks.tick_ns` needs."""
        whole = NS_PER_SECOND // self.frequency if NS_PER_SECOND % self.frequency == 0 else 0
        return self.origin, *self.representable, self.frequency, whole

    def ns_of(self, raw: int) -> int:
        """Nanoseconds since the trace's start of one raw time, by the rule of :func:`~tracer.etl.ticks.tick_ns`."""
        least, most = self.representable
        return (min(max(raw, least), most) - self.origin) * NS_PER_SECOND // self.frequency

    def filetime(self, raw: int) -> int:
        """FILETIME of a raw time."""
        return self.start + self.ns_of(raw) // _FILETIME_NS

    def raw(self, ns: int) -> int:
        """Raw ticks in a duration of ``ns`` nanoseconds, rounded down."""
        return ns * self.frequency // NS_PER_SECOND


def clock_of(kind: int, perf_freq: int, cpu_mhz: int, origin: int, start: int) -> Clock:
    """The session's clock from the fields of the log file header; odd values fall back to 10 MHz QPC."""
    clock = ClockType(kind) if kind in ClockType.__members__.values() else ClockType.QPC
    frequency = perf_freq
    if clock is ClockType.SYSTEM_TIME:
        frequency = NS_PER_SECOND // _FILETIME_NS
    elif clock is ClockType.CPU_CYCLES:
        frequency = cpu_mhz * 1_000_000
    if not 0 < frequency <= MAX_FREQUENCY:
        frequency = NS_PER_SECOND // _FILETIME_NS
    return Clock(clock, frequency, origin, start)
