"""What a view that is a table shows: a model, what its rows mean, and where they lead."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from rich.text import Text

from analyzers.selection.query import Query
from tracer.arrays import I64
from tracer.data_classes import dataclass
from tui.tables.columns import TableModel
from tui.tables.order import Keys


@dataclass(frozen=True, slots=True)
class Location:
    """Where one is, or Enter on a row leads: a view, limited to ``scope``.

    ``label``: words for the last limit, made harmless by who shows it.
    """

    view: str
    scope: Query
    label: str = ""


def _nowhere(_row: int) -> Location | None:
    return None


def _nothing(_row: int) -> str:
    return ""


def _no_document(_row: int) -> tuple[str, str] | None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """``row`` arguments are rows of the model.

    ``identity``: what stays the same about a row from refresh to refresh; ``keys``: the same of all rows as an array,
    for tables too long to ask row by row. ``describe``: the side panel's words, with the rule for anything inferred.
    ``step``: where Enter leads, ``None`` for nowhere. ``copy``: what copying the row gives; ``document``: the
    name and text of a file that is all about the row. ``empty``: what stands
    there when there is no row at all. ``totals``: words for the rows that are shown, below them. ``needs``: rows that
    are enough where there is much to say about one; ``None`` for as many as there are.
    """

    model: TableModel
    identity: Callable[[int], Hashable]
    describe: Callable[[int], Text]
    empty: str
    step: Callable[[int], Location | None] = _nowhere
    copy: Callable[[int], str] = _nothing
    document: Callable[[int], tuple[str, str] | None] = _no_document
    keys: Keys | None = None
    totals: Callable[[I64], Text] | None = None
    needs: int | None = None
