"""How fast a finding's memory grows, in words that say no more than the trace shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from analyzers.findings import Finding
from analyzers.formatting import duration, size
from analyzers.snapshot import Snapshot

_SECOND_NS: Final = 1_000_000_000
HOUR_SECONDS: Final = 3600
_SHORTEST_FOR_A_RATE_NS: Final = _SECOND_NS
"""A shorter trace is not extrapolated at all."""
_SHORTEST_FOR_AN_HOUR_NS: Final = 60 * _SECOND_NS
"""From a shorter trace a rate is told by the second: an hour would be more than sixty times what was seen."""
_WIDEST: Final = 1.0
"""A 95 % interval wider than so many times the rate itself tells no rate: it may be half of it or twice as much."""


def is_by_second(snapshot: Snapshot) -> bool:
    """Whether rates are told by the second: the trace is shorter than a minute."""
    return _traced_ns(snapshot) < _SHORTEST_FOR_AN_HOUR_NS


def _traced_ns(snapshot: Snapshot) -> int:
    """How long allocations counted: a rate is told of that time, without a drain behind it."""
    drain = None if snapshot.coverage is None else snapshot.coverage.drain
    return snapshot.at_ns if drain is None else drain.from_ns


def size_a_second(bytes_per_hour: float) -> str:
    """The bytes of a second at a rate by the hour."""
    return size(round(bytes_per_hour / HOUR_SECONDS))


def rate_over(nanoseconds: int) -> tuple[str, Callable[[int], str]] | None:
    """How a rate seen over so long is told: its unit, and its words from bytes an hour; ``None``: not at all."""
    if nanoseconds < _SHORTEST_FOR_A_RATE_NS:
        return None
    return ("an hour", size) if nanoseconds >= _SHORTEST_FOR_AN_HOUR_NS else ("a second", size_a_second)


def reliable_rate(finding: Finding, snapshot: Snapshot) -> float | None:
    """Bytes per hour; ``None`` where the trace is too short, the interval wider than its value, or nothing grows on."""
    if finding.unloaded_ns is not None:
        return None
    low, high = finding.bytes_per_hour_interval
    rate = finding.bytes_per_hour
    if _traced_ns(snapshot) < _SHORTEST_FOR_A_RATE_NS or not all(map(math.isfinite, (rate, low, high))):
        return None
    return rate if high - low <= _WIDEST * abs(rate) else None


def rate_words(finding: Finding, snapshot: Snapshot) -> str:
    """The rate with its interval and what it was measured over; else what was seen, and that it tells no rate.

    Empty for what an unloaded driver left: no more of it comes.
    """
    if finding.unloaded_ns is not None:
        return ""
    rate = reliable_rate(finding, snapshot)
    if rate is None:
        why = "too short" if _traced_ns(snapshot) < _SHORTEST_FOR_A_RATE_NS else "too uneven"
        return f"{size(finding.bytes)} in {duration(_traced_ns(snapshot))}; {why} for a rate"
    show, unit = (size_a_second, "a second") if is_by_second(snapshot) else (_size_an_hour, "an hour")
    low, high = map(show, finding.bytes_per_hour_interval)
    return f"{show(rate)} {unit} (95 % interval {low} to {high}), over {duration(_traced_ns(snapshot))}"


def _size_an_hour(bytes_per_hour: float) -> str:
    return size(round(bytes_per_hour))
