"""The one table that the benchmark prints, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.size import size_text


class Unit(StrEnum):
    """What a value counts, and how it is shown."""

    SECONDS = "s"
    BYTES = "B"
    BYTES_PER_SECOND = "B/s"
    RECORDS_PER_SECOND = "records/s"

    def text(self, value: float) -> str:
        """The value with its unit."""
        if self is Unit.SECONDS:
            return f"{value:.3f} s"
        if self is Unit.BYTES:
            return size_text(int(value))
        if self is Unit.BYTES_PER_SECOND:
            return f"{size_text(int(value))}/s"
        return f"{value:,.0f} records/s"


class Bound(StrEnum):
    """Which side of the limit is good."""

    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    ``ratio`` says how many times ``to`` it is, ``limit`` what the ratio must keep to.
    ``problem`` is why there is no value; ``broken``: because the measurement itself failed.
    """

    section: str
    name: str
    value: float | None = None
    unit: Unit = Unit.SECONDS
    ratio: float | None = None
    to: str = ""
    bound: Bound = Bound.AT_MOST
    limit: float | None = None
    note: str = ""
    problem: str = ""
    broken: bool = False

    @property
    def passed(self) -> bool | None:
        """Whether the limit is kept; ``None`` where there is none, or nothing to compare with it."""
        if self.limit is None or self.ratio is None:
            return None
        return self.ratio <= self.limit if self.bound is Bound.AT_MOST else self.ratio >= self.limit

    def cells(self) -> tuple[str, ...]:
        """What the table shows."""
        verdict = "FAIL" if self.broken else {True: "pass", False: "FAIL", None: ""}[self.passed]
        return (
            self.name,
            "" if self.value is None else self.unit.text(self.value),
            "" if self.ratio is None else f"{_short(self.ratio)} × {self.to}",
            "" if self.limit is None else f"{self.bound} {self.limit:,g}",
            verdict,
            "; ".join(filter(None, (self.problem, self.note))),
        )

    def document(self) -> dict[str, object]:
        """The row for ``--json``."""
        return {
            "section": self.section,
            "name": self.name,
            "value": self.value,
            "unit": self.unit.value,
            "ratio": self.ratio,
            "to": self.to,
            "bound": self.bound.name.lower().replace("_", "-"),
            "limit": self.limit,
            "passed": self.passed,
            "note": self.note,
            "problem": self.problem,
            "broken": self.broken,
        }


_TITLES = ("measured", "value", "ratio", "limit", "", "note")


def table(rows: Sequence[Row]) -> str:
    """All rows under one set of column heads, with a line before each section."""
    cells = [row.cells() for row in rows]
    widths = [max(map(len, column)) for column in zip(_TITLES, *cells, strict=True)]
    lines = [_line(_TITLES, widths)]
    section = None
    for row, texts in zip(rows, cells, strict=True):
        if row.section != section:
            section = row.section
            lines.append(f"── {section} ".ljust(sum(widths[:-1]) + 2 * len(widths), "─"))
        lines.append(_line(texts, widths))
    return "\n".join(lines)


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    name, value, ratio, limit, verdict, note = (text.ljust(width) for text, width in zip(texts, widths, strict=True))
    shown = (name, value.strip().rjust(widths[1]), ratio.strip().rjust(widths[2]), limit, verdict, note)
    return "  ".join(shown).rstrip()


def _short(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"
