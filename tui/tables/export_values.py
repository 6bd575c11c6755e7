"""What the cells of a column stand for, in full: whole numbers in base units, where ``2.66 MiB`` is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from analyzers.formatting import duration, moment, number, size
from tracer.data_classes import dataclass
from tui.findings.rates import size_a_second
from tui.findings.words import whole_percent
from tui.tables.columns import Column, DrawnColumn, MaybeUnknown, NumberColumn
from tui.tables.tree import TreeColumn
from tui.tables.words import share

Value: TypeAlias = str | int | float | None
"""``None``: not known, or there is no such number."""


@dataclass(frozen=True, slots=True)
class ExactColumn:
    """``name``: for programs, such as ``peak_bytes``; ``value``: of a row of the model."""

    name: str
    value: Callable[[int], Value]


_UNITS: Final[Mapping[Callable[..., str], tuple[str, Callable[[int], Value]]]] = {
    size: ("bytes", int),
    size_a_second: ("bytes", int),
    number: ("", int),
    str: ("", int),
    duration: ("ns", int),
    moment: ("ns", int),
    whole_percent: ("percent", int),
    share: ("percent", lambda thousandths: thousandths / 10),
}
"""By the way a number is shown: its unit, and the number in it."""


def exact_columns(columns: tuple[Column, ...]) -> list[ExactColumn]:
    """The columns for an export; what is only drawn is left out, and a tree tells the level of each row."""
    return [exact for column in columns for exact in _exact(column)]


def _exact(column: Column) -> list[ExactColumn]:
    name = column.heading.exported or column.heading.key.replace("-", "_")
    match column:
        case DrawnColumn():
            return []
        case TreeColumn():
            level = ExactColumn("level", lambda row: int(column.branches.level[row]))
            return [level, ExactColumn(name, column.full or column.name)]
        case NumberColumn():
            return [_number(name, column, is_named=bool(column.heading.exported))]
        case _:
            return [ExactColumn(name, lambda row: column.text(row).strip())]


def _number(name: str, column: NumberColumn, *, is_named: bool) -> ExactColumn:
    show: Callable[[int], str] = column.show
    is_unknown: Callable[[int], bool] = _never
    if isinstance(show, MaybeUnknown):
        is_unknown, show = show.is_unknown, show.show
    unit, convert = _UNITS.get(show, ("", show))
    suffix = "" if is_named or not unit or unit in name.split("_") else f"_{unit}"

    def value(row: int) -> Value:
        stored: Any = column.values[row]
        return None if is_unknown(int(stored)) else convert(int(stored))

    return ExactColumn(name + suffix, value)


def _never(_value: int) -> bool:
    return False
