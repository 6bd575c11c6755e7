"""How sizes, counts and durations are written."""

from __future__ import annotations

from typing import Final

_BINARY_UNITS: Final = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400


def size(count: int) -> str:
    """Bytes with three or four figures: ``512 B``, ``9.77 KiB``, ``3.10 MiB``, ``1023 GiB``."""
    if abs(count) < 1024:
        return f"{count} B"
    value = float(count)
    for unit in _BINARY_UNITS:
        value /= 1024
        if abs(value) < 1023.5 or unit == _BINARY_UNITS[-1]:
            break
    decimals = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:.{decimals}f} {unit}"


def exact_size(count: int) -> str:
    """Bytes both ways: ``3.10 MiB (3,250,176 bytes)``; small ones only as they are."""
    return counted(count, "byte") if abs(count) < 1024 else f"{size(count)} ({counted(count, 'byte')})"


def number(count: int) -> str:
    """A count with its thousands apart."""
    return f"{count:,}"


def agreeing(count: int, one: str, many: str) -> str:
    """The form of a word that goes with a count: ``one`` with 1 alone."""
    return one if count == 1 else many


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun: ``1 byte``, ``2,048 bytes``; ``many`` where an s does not do: ``2 entries were``."""
    return f"{count:,} {agreeing(count, one, many or f'{one}s')}"


def part_of(count: int, total: int) -> str:
    """How many of some there are, before their noun: ``all 300``, ``none of the 300``, ``2 of the 300``."""
    return f"all {total:,}" if count == total else f"{f'{count:,}' if count else 'none'} of the {total:,}"


def duration(nanoseconds: int) -> str:
    """A stretch of time: ``850 ns``, ``12.3 µs``, ``45.0 s``, ``4 min 05 s``, ``3 h 07 min``, ``2 d 04 h``."""
    seconds = abs(nanoseconds) // 1_000_000_000
    sign = "-" if nanoseconds < 0 else ""
    if seconds >= _DAY:
        return f"{sign}{seconds // _DAY} d {seconds % _DAY // _HOUR:02d} h"
    if seconds >= _HOUR:
        return f"{sign}{seconds // _HOUR} h {seconds % _HOUR // _MINUTE:02d} min"
    if seconds >= _MINUTE:
        return f"{sign}{seconds // _MINUTE} min {seconds % _MINUTE:02d} s"
    return sign + _short_duration(abs(nanoseconds))


def _short_duration(nanoseconds: int) -> str:
    for unit, scale in (("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000)):
        if nanoseconds >= scale:
            value = nanoseconds / scale
            return f"{value:.2f} {unit}" if value < 10 else f"{value:.1f} {unit}"
    return f"{nanoseconds} ns"


def moment(nanoseconds: int) -> str:
    """A time since the trace's start, in seconds to the microsecond."""
    sign = "-" if nanoseconds < 0 else "+"
    microseconds = abs(nanoseconds) // 1000
    return f"{sign}{microseconds // 1_000_000}.{microseconds % 1_000_000:06d} s"
