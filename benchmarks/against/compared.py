"""One row: what was measured of this tree, beside the commit."""

from __future__ import annotations

from benchmarks.table import Row, Unit


def compared(
    section: str, name: str, to: str, before: float, after: float, *, limit: float | None = None,
    unit: Unit = Unit.SECONDS, note: str = "",
) -> Row:  # fmt: skip
    """``before`` is what the commit ``to`` takes; nothing is said of a difference that is no more than noise."""
    there = f"{unit.text(before)} there{'; ' if note else ''}{note}"
    if before <= 0 or after <= 0:
        return Row(section, name, after, unit, limit=limit, note=there, problem="too small to be measured")
    return Row(section, name, after, unit, ratio=after / before, to=to, limit=limit, note=there)
