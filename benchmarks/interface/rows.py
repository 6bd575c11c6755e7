"""How a measured time or size becomes a row of the table."""

from __future__ import annotations

from benchmarks.table import Row, Unit


def against_budget(
    section: str, name: str, value: float, budget: float | None, unit: Unit = Unit.SECONDS, note: str = ""
) -> Row:
    """``budget``: what the value may be at most; ``None``: it is only shown."""
    if budget is None:
        return Row(section, name, value, unit, note=note)
    said = f"budget {unit.text(budget)}"
    return Row(
        section, name, value, unit, value / budget, "budget", limit=1.0, note=f"{said}; {note}" if note else said
    )
