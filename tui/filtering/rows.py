"""Which rows of a table fit the terms of a filter."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from math import ceil, floor
from typing import Any, Final

import numpy as np

from analyzers.formatting import duration, moment, size
from analyzers.selection.wording import Fits, WordKind, names_like
from tracer.arrays import Mask
from tui.filtering.amounts import amount
from tui.filtering.terms import FieldTerm, FilterError, Or, Relation, Term, Word
from tui.findings.rates import HOUR_SECONDS, size_a_second
from tui.hints import did_you_mean
from tui.tables.columns import Column, LabelColumn, MaybeUnknown, NumberColumn, TableModel

_ALIASES: Final = {"size": "bytes", "bytes": "size", "count": "outstanding", "diff": "outstanding", "name": "process"}
"""Another name for a field, where a table has none of the first name."""

FUNCTION: Final = "function"
"""The field that asks for functions of call stacks."""
_OF_FUNCTIONS: Final = (
    f"{FUNCTION}:",
    "by a function in the call stack, inlined ones too, where functions have names; a part is enough",
)
_NAME: Final = re.compile(r"[a-z][\w-]*")
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
    sides = [list(side) for is_or, side in groupby(terms, lambda term: isinstance(term, Or)) if not is_or]
    masks = [_fitting_all(model, side) for side in sides]
    return np.logical_or.reduce(masks) if masks else np.ones(model.length, np.bool_)


def _fitting_all(model: TableModel, terms: Sequence[Term]) -> Mask:
    mask = np.ones(model.length, np.bool_)
    for term in terms:
        match term:
            case Word():
                mask &= _holding(model, term.text) != term.negated
            case FieldTerm():
                mask &= _by_field(model, term) != term.negated
    return mask


def fields(model: TableModel) -> list[str]:
    """What can stand before a colon here: the columns by the names that they have on the screen."""
    own = [named(column) for column in _by_need(model)]
    others = [model.also_field, FUNCTION if model.by_function is not None else ""]
    return list(dict.fromkeys([*own, *filter(None, others)]))


def offers(model: TableModel) -> list[tuple[str, str]]:
    """Terms that can be typed for this table, each with what it means; the most important columns first, ids last."""
    some = [
        ("afd", "rows that hold the text, upper and lower case alike"),
        ("-afd", "not; several terms: all of them"),
        ("afd or tcp", "rows that fit what stands on one of its sides"),
    ]
    last = sorted(_by_need(model), key=_is_number_of_a_thing)
    return [*some, *(_offer(column) for column in last), *([_OF_FUNCTIONS] if model.by_function is not None else [])]


def _is_number_of_a_thing(column: LabelColumn | NumberColumn) -> bool:
    """Whether it holds ids or addresses, which hardly anybody compares."""
    return isinstance(column, NumberColumn) and not column.heading.most_first


def _offer(column: LabelColumn | NumberColumn) -> tuple[str, str]:
    name, title = named(column), column.heading.title
    if isinstance(column, LabelColumn):
        return f"{name}:", f"by {title}; a part is enough, ? and * stand for other characters"
    if _is_time(column):
        return f"{name}>1s", f"by {title}; times take ns, us, ms, s, min, h"
    if _shown_by(column) in (size, size_a_second):
        return f"{name}>4k", f"by {title}; sizes take k, M, G (of 1024)"
    return f"{name}>10", f"by {title}; also = != < <= >"


def _by_need(model: TableModel) -> list[LabelColumn | NumberColumn]:
    own = [column for column in model.columns if isinstance(column, (LabelColumn, NumberColumn))]
    return sorted(own, key=lambda column: column.heading.drop)


def named(column: Column) -> str:
    """The column's name in a filter: its title in small letters, with ``-`` for blanks; its key where that has others.

    ``Per alloc`` is ``per-alloc``, ``#`` is ``rank``.
    """
    title = column.heading.title.lower().replace(" ", "-")
    return title if _NAME.fullmatch(title) else column.heading.key.lower()


def _names(column: Column) -> tuple[str, ...]:
    """All that it is called in a filter."""
    return named(column), column.heading.key.lower(), column.heading.field.lower()


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
            if name and name in _names(column):
                if isinstance(column, LabelColumn):
                    return _labels(column, term)
                if isinstance(column, NumberColumn):
                    return _numbers(column, term)
        if name == FUNCTION and model.by_function is not None:
            return _functions(model.by_function, term)
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


def _functions(find: Callable[[Fits], Mask], term: FieldTerm) -> Mask:
    """The rows in whose stack one fits; after ``!=`` those in whose stack none does."""
    _texts_only(term, f"{FUNCTION}:CtDispatch")
    found = find(names_like(term.value, whole=term.relation is not Relation.HOLDS))
    return ~found if term.relation is Relation.NOT_EQUAL else found


def _texts_only(term: FieldTerm, example: str) -> None:
    if term.relation not in _OF_TEXT:
        raise FilterError(f"{term.field} is a text, not a number", str(term), example)


def _pattern(term: FieldTerm) -> Fits:
    """Whether a label fits: the words are those of the command line's filters."""
    fits = names_like(term.value, keeps_case=term.field == WordKind.TAG, whole=term.relation is not Relation.HOLDS)
    return fits if term.relation is not Relation.NOT_EQUAL else lambda label: not fits(label)


def _numbers(column: NumberColumn, term: FieldTerm) -> Mask:
    is_time = _is_time(column)
    example = f"{term.field}>{'1s' if is_time else '4k'}"
    wanted = amount(term.value, is_time=is_time)
    if wanted is None:
        what = (
            "a time with its unit (ns us ms s min h) is missing" if is_time else f"'{term.value}' is no number or size"
        )
        raise FilterError(what, str(term), example)
    if _shown_by(column) is size_a_second:
        wanted *= HOUR_SECONDS
    return _compared(column.values, term.relation, wanted)


def _shown_by(column: NumberColumn) -> Callable[[int], str]:
    return column.show.show if isinstance(column.show, MaybeUnknown) else column.show


def _is_time(column: NumberColumn) -> bool:
    return _shown_by(column) in (duration, moment)


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
