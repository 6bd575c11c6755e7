"""The text of a filter to its terms.

``word`` · ``"two words"`` · ``field:value`` (``?`` and ``*`` stand for other characters) · ``field>value`` with
``=``, ``!=``, ``<``, ``<=``, ``>=`` · ``-term`` for its opposite. A row has to fit all terms, or with ``or`` between
them all on one of its sides.
"""

from __future__ import annotations

import re
from typing import Final

from tui.filtering.terms import FieldTerm, FilterError, Or, Relation, Term, Word

_PIECE: Final = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_FIELD: Final = re.compile(r"(?P<field>[A-Za-z][\w-]*)(?P<relation>!=|<=|>=|:|=|<|>)(?P<value>.*)", re.DOTALL)


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a filter. Raises FilterError for a text that is none."""
    pieces = _PIECE.findall(text)
    if [piece.lower() for piece in pieces] == ["or"]:
        return (Word(pieces[0]),)
    return tuple(Or() if piece.lower() == "or" else _term(piece) for piece in pieces)


def _term(piece: str) -> Term:
    if piece.count('"') % 2:
        raise FilterError('a " without its partner', piece, '"two words"')
    negated = piece.startswith("-")
    rest = piece[negated:]
    if not rest.replace('"', ""):
        raise FilterError("nothing to look for", piece, "-afd")
    match = None if rest.startswith('"') else _FIELD.fullmatch(rest)
    if match is None:
        return Word(rest.replace('"', ""), negated)
    value = match["value"].replace('"', "")
    if not value:
        raise FilterError("a field without a value", piece, f"{match['field']}{match['relation']}{_sample(match)}")
    return FieldTerm(match["field"].lower(), Relation(match["relation"]), value, negated)


def _sample(match: re.Match[str]) -> str:
    return "Irp?" if match["relation"] == ":" else "10"
