"""What a column is: values to sort and filter by as arrays, text made only for the row that is looked at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from rich.cells import cell_len

from analyzers.findings import codes_of
from analyzers.selection.wording import Fits
from tracer.arrays import I64, Mask, Numbers, unique
from tracer.data_classes import dataclass
from tui.safe_text import safe


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's name and how it gives way: the highest ``drop`` leaves first where the width is short.

    ``key`` names the column in code, ``sort_key`` is the key that sorts by it in the terminal
    interface (empty: none). A column never gets narrower than ``minimum`` cells. ``field`` names it in a
    filter (empty: its ``key``), ``change`` is the key of the column that holds its change since the last refresh.
    ``exported`` names it in an export with all digits (empty: ``key`` and unit say it).
    """

    key: str
    title: str
    sort_key: str = ""
    minimum: int = 1
    drop: int = 0
    right: bool = False
    most_first: bool = False
    field: str = ""
    change: str = ""
    exported: str = ""


class Column(Protocol):
    """One column of a table."""

    @property
    def heading(self) -> Heading:
        """Its name and manners."""

    def text(self, row: int) -> str:
        """What stands in the row's cell; harmless, on one line."""

    def ranks(self) -> Numbers:
        """An array that sorts as the column does."""

    def width(self) -> int:
        """Cells that its widest text needs."""

    def matches(self, needle: str) -> Mask | None:
        """Rows whose text holds the case-folded ``needle``; ``None`` where nobody would search."""


class Styled(ABC):
    """A column whose cells may have a style of their own; what it says must be readable without.

    A base class: whether a column has a style is asked for every cell that is drawn, and a protocol answers slowly.
    """

    __slots__ = ()

    @abstractmethod
    def style(self, row: int) -> str:
        """A style as rich spells it, empty for none."""


@dataclass(frozen=True, slots=True, eq=False)
class MaybeUnknown:
    """Shows a number by ``show``, and those that stand for no number by ``word``."""

    show: Callable[[int], str]
    is_unknown: Callable[[int], bool]
    word: Callable[[int], str]

    def __call__(self, value: int) -> str:
        """What stands in the cell."""
        return self.word(value) if self.is_unknown(value) else self.show(value)


@dataclass(frozen=True, slots=True, eq=False)
class NumberColumn:
    """Numbers, shown by ``show``."""

    heading: Heading
    values: Numbers
    show: Callable[[int], str]

    def text(self, row: int) -> str:
        """The number as shown."""
        return self.show(int(self.values[row]))

    def ranks(self) -> Numbers:
        """The numbers themselves."""
        return self.values

    def width(self) -> int:
        """Measured on the largest, the smallest and a thousand between (units make short numbers wide)."""
        if not len(self.values):
            return 0
        some = self.values[:: max(1, len(self.values) // 1000)]
        ends = (int(self.values.max()), int(self.values.min()))
        return max(len(self.show(value)) for value in (*ends, *(int(value) for value in some)))

    def matches(self, needle: str) -> None:
        """Numbers are sorted, not searched."""
        del needle


@dataclass(frozen=True, slots=True, eq=False)
class ChangeColumn(NumberColumn, Styled):
    """Numbers that grew or shrank, by sign and colour; nothing where nothing changed."""

    def text(self, row: int) -> str:
        """The change with its sign."""
        return self._signed(int(self.values[row]))

    def width(self) -> int:
        """Of the longest."""
        return max((len(self._signed(int(value))) for value in unique(self.values)), default=0)

    def style(self, row: int) -> str:
        """Growth is red, shrinking green."""
        value = int(self.values[row])
        return "red" if value > 0 else "green" if value < 0 else ""

    def _signed(self, value: int) -> str:
        if not value:
            return ""
        return f"+{self.show(value)}" if value > 0 else self.show(value)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnColumn(Styled):
    """A drawing that is made for the row that is looked at and for no other; neither searched nor sorted by."""

    heading: Heading
    rows: int
    draw: Callable[[int], str]
    cells: int

    def text(self, row: int) -> str:
        """What is drawn."""
        return self.draw(row)

    def ranks(self) -> Numbers:
        """All alike."""
        return np.zeros(self.rows, np.int64)

    def width(self) -> int:
        """As promised."""
        return self.cells

    def style(self, row: int) -> str:
        """Under the cursor as elsewhere: the other way round it would show the opposite."""
        del row
        return "not reverse not underline"

    def matches(self, needle: str) -> None:
        """Not searched."""
        del needle


@dataclass(frozen=True, slots=True, eq=False)
class LabelColumn:
    """Names: ``codes`` (an index for each row) into ``labels``, so that a million rows cost a few strings."""

    heading: Heading
    codes: Numbers
    labels: tuple[str, ...]

    def text(self, row: int) -> str:
        """The name, harmless."""
        return safe(self.labels[int(self.codes[row])])

    def ranks(self) -> Numbers:
        """Alphabetical order, upper and lower case alike."""
        if not self.labels:
            return np.zeros(0, np.int64)
        folded = np.array([label.casefold() for label in self.labels], dtype=np.object_)
        return np.unique(folded, return_inverse=True)[1].reshape(-1)[self.codes]

    def width(self) -> int:
        """Of the widest label."""
        return max((cell_len(safe(label)) for label in self.labels), default=0)

    def matches(self, needle: str) -> Mask:
        """Rows whose name holds ``needle``."""
        found = np.array([needle in label.casefold() for label in self.labels], np.bool_)
        return found[self.codes] if len(found) else np.zeros(0, np.bool_)


def labels_of(heading: Heading, texts: Sequence[str]) -> LabelColumn:
    """A label column of one text for each row."""
    return LabelColumn(heading, *codes_of(texts))


@dataclass(frozen=True, slots=True, eq=False)
class TableModel:
    """Columns of equal length; ``also_matches`` finds rows by what no column shows, a filter calls it ``also_field``.

    ``changed``: rows that are not as they were at the last refresh. ``arrange``: gives sorted rows the order of a tree
    (:mod:`tui.tables.tree`). ``by_function``: rows by the functions of their call stacks.
    """

    columns: tuple[Column, ...]
    length: int
    also_matches: Callable[[str], Mask] | None = None
    also_field: str = ""
    changed: Mask | None = None
    arrange: Callable[[I64], I64] | None = None
    by_function: Callable[[Fits], Mask] | None = None

    def column(self, key: str) -> Column:
        """The column of that key; ``KeyError`` for none."""
        for column in self.columns:
            if column.heading.key == key:
                return column
        raise KeyError(key)

    def has(self, key: str) -> bool:
        """Whether there is a column of that key."""
        return any(column.heading.key == key for column in self.columns)
