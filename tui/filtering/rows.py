"""Which rows of a table fit the terms of a filter."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analyzers.quantities import duration, moment
from analyzers.selection.wording import Fits, Kind, names_like
from tui.filtering.amounts import amount
from tui.filtering.terms import FieldTerm, FilterError, Relation, Term, Word
from tui.findings.rates import HOUR_SECONDS, size_a_second
from tui.hints import did_you_mean
from tui.tables.columns import Column, LabelColumn, Mask, NumberColumn, Untold

if TYPE_CHECKING:
    from tui.tables.model import TableModel

_ALIASES: Final = {"size": "bytes", "bytes": "size", "count": "outstanding", "diff": "outstanding", "name": "process"}
"""Another name for a field, where a table has none of the first name."""

_COMPARE: Final[Mapping[Relation, Callable[[Any, Any], Any]]] = {
    Relation.HOLDS: operator.eq,
    Relation.EQUAL: operator.eq,
    Relation.NOT_EQUAL: operator.ne,
    Relation.LESS: operator.lt,
    Relation.LEAST: operator.ge,
    Relation.MOST: operator.le,
    Relation.MORE: operator.gt,
}
_OF_TEXT: Final = (Relation.HOLDS, Relation.EQUAL, Relation.NOT_EQUAL)


def fitting(model: TableModel, terms: Sequence[Term]) -> Mask:
    """The rows that fit all terms. Raises FilterError for a term that this table cannot answer."""
    mask = np.ones(model.length, np.bool_)
    for term in terms:
        found = _holding(model, term.text) if isinstance(term, Word) else _by_field(model, term)
        mask &= found != term.negated
    return mask


def fields(model: TableModel) -> list[str]:
    """What can stand before a colon here."""
    own = [field_of(column) for column in model.columns if isinstance(column, (LabelColumn, NumberColumn))]
    return list(dict.fromkeys([*own, *([model.also_field] if model.also_field else [])]))


def field_of(column: Column) -> str:
    """The column's name in a filter."""
    return (column.heading.field or column.heading.key).lower()


def _holding(model: TableModel, text: str) -> Mask:
    needle = text.casefold()
    found = np.zeros(model.length, np.bool_)
    for column in model.columns:
        matches = column.matches(needle)
        if matches is not None:
            found |= matches
    return found | model.also_matches(needle) if model.also_matches is not None else found


def _by_field(model: TableModel, term: FieldTerm) -> Mask:
    for name in (term.field, _ALIASES.get(term.field, "")):
        for column in model.columns:
            if name and field_of(column) == name:
                if isinstance(column, LabelColumn):
                    return _labels(column, term)
                if isinstance(column, NumberColumn):
                    return _numbers(column, term)
        if name and name == model.also_field and model.also_matches is not None:
            return _also(model.also_matches, term)
    known = fields(model)
    hint = did_you_mean(term.field, [*known, *_ALIASES])
    raise FilterError(
        f"no field {term.field} here ({hint + '; ' if hint else ''}there are {', '.join(known) or 'none'})",
        str(term),
        term.value,
    )


def _labels(column: LabelColumn, term: FieldTerm) -> Mask:
    _texts_only(term, f"{term.field}:afd")
    fits = _pattern(term)
    found = np.array([fits(label) for label in column.labels], np.bool_)
    return found[column.codes] if len(found) else np.zeros(len(column.codes), np.bool_)


def _also(matches: Callable[[str], Mask], term: FieldTerm) -> Mask:
    _texts_only(term, f"{term.field}:client")
    if any(sign in term.value for sign in "?*") or term.relation is not Relation.HOLDS:
        raise FilterError("only a part of the name is understood here", str(term), f"{term.field}:client")
    return matches(term.value.casefold())


def _texts_only(term: FieldTerm, example: str) -> None:
    if term.relation not in _OF_TEXT:
        raise FilterError(f"{term.field} is a text, not a number", str(term), example)


def _pattern(term: FieldTerm) -> Fits:
    """Whether a label fits: the words are those of the command line's filters."""
    fits = names_like(term.value, keeps_case=term.field == Kind.TAG, whole=term.relation is not Relation.HOLDS)
    return fits if term.relation is not Relation.NOT_EQUAL else lambda label: not fits(label)


def _numbers(column: NumberColumn, term: FieldTerm) -> Mask:
    show = column.show.show if isinstance(column.show, Untold) else column.show
    is_time = show in (duration, moment)
    example = f"{term.field}>{'1s' if is_time else '4k'}"
    wanted = amount(term.value, is_time=is_time)
    if wanted is None:
        what = (
            "a time with its unit (ns us ms s min h) is missing" if is_time else f"'{term.value}' is no number or size"
        )
        raise FilterError(what, str(term), example)
    if show is size_a_second:
        wanted *= HOUR_SECONDS
    return _compared(column.values, term.relation, wanted)


def _compared(values: np.ndarray[Any, Any], relation: Relation, wanted: Fraction) -> Mask:
    """The comparison with whole numbers of the values' own type: exact, and without an overflow at either end."""
    if relation in (Relation.MORE, Relation.MOST):
        bound = floor(wanted)
    elif wanted.denominator != 1 and relation not in (Relation.LESS, Relation.LEAST):
        return np.full(len(values), relation is Relation.NOT_EQUAL, np.bool_)
    else:
        bound = ceil(wanted)
    limits = np.iinfo(values.dtype)
    if not int(limits.min) <= bound <= int(limits.max):
        return np.full(len(values), _COMPARE[relation](0, bound), np.bool_)
    found: Mask = _COMPARE[relation](values, values.dtype.type(bound))
    return found
