"""Moments of a trace as people type them: since its start, or as a date and time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from tracer.data_classes import dataclass

_SPANS: Final = {
    "ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "": 1_000_000_000,
    "min": 60_000_000_000, "h": 3_600_000_000_000, "d": 86_400_000_000_000,
}  # fmt: skip
"""Nanoseconds of each unit; seconds without one."""
_SINCE: Final = r"(?i)\+?(\d{1,15})(?:\.(\d{1,18}))?\s*([a-zµμ]*)"
_CLOCK: Final = r"\+?(\d{1,6}):([0-5]\d)(?::([0-5]\d))?(?:\.(\d{1,9}))?"
_DATE: Final = r"(?i)(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?\s*(Z|UTC|[+-]\d\d:?\d\d)?"
"""Compiled when a moment is typed, not at each start; so are others."""
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
"""Of FILETIMEs, which count 100 ns."""
_SECOND: Final = 1_000_000_000

EXAMPLES: Final = "1.5s, +00:01:02 or 2024-09-05T08:53:20Z"


@dataclass(frozen=True, slots=True)
class TypedTime:
    """Nanoseconds since the start of a trace, or since 1601 where ``is_date``; ``text``: as it was typed."""

    ns: int
    is_date: bool
    text: str

    def since(self, start: int) -> int:
        """Nanoseconds since the start of a trace that began at ``start`` (a FILETIME)."""
        return self.ns - start * 100 if self.is_date else self.ns


def moment_of(text: str) -> TypedTime:
    """The moment that ``text`` stands for; a date without a zone is UTC, as in the reports.

    Raises:
        ValueError: it stands for none.
    """
    word = text.strip()
    if match := re.fullmatch(_CLOCK, word):
        first, second, third, fraction = match.groups()
        hours, minutes, seconds = (first, second, third) if third else ("0", first, second)
        whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
        return TypedTime(whole * _SECOND + _fraction(fraction), is_date=False, text=text)
    if match := re.fullmatch(_SINCE, word):
        span = _SPANS.get(match[3].lower())
        if span is not None:
            digits = match[2] or "0"
            return TypedTime(int(match[1]) * span + int(digits) * span // 10 ** len(digits), is_date=False, text=text)
    if match := re.fullmatch(_DATE, word):
        zone = (match[3] or "Z").upper().replace("UTC", "Z")
        elapsed = datetime.fromisoformat(match[1] + zone) - _EPOCH  # ValueError for the 31st of February
        whole = elapsed.days * 86_400 + elapsed.seconds
        return TypedTime(whole * _SECOND + _fraction(match[2]), is_date=True, text=text)
    raise ValueError(f"'{text}' is no time such as {EXAMPLES}")


def _fraction(digits: str | None) -> int:
    """Nanoseconds of the digits after the point."""
    return int((digits or "0").ljust(9, "0"))
