"""The text of a filter to its terms.

``word`` · ``"two words"`` · ``field:value`` (``?`` and ``*`` stand for other characters) · ``field>value`` with
``=``, ``!=``, ``<``, ``<=``, ``>=`` · ``-term`` for its opposite. A row has to fit all terms.
"""

from __future__ import annotations

import re
from typing import Final

from tui.filtering.terms import FieldTerm, FilterError, Relation, Term, Word

_PIECE: Final = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_FIELD: Final = re.compile(r"(?P<field>[A-Za-z][\w-]*)(?P<relation>!=|<=|>=|:|=|<|>)(?P<value>.*)", re.DOTALL)

EXAMPLES: Final = (
    ("afd", "rows that hold the text, upper and lower case alike"),
    ("tag:Irp?", "by field; ? and * stand for other characters; case counts in tags"),
    ("driver:afd", "a part of the name is enough"),
    ("process:client", "by the process that holds the memory"),
    ("size>4k", "sizes take k, M, G (of 1024)"),
    ("age>1s", "times take ns, us, ms, s, min, h"),
    ("count>=10", "also = != < <= >"),
    ("verdict:missing-free", "by verdict"),
    ("-afd", "not; several terms: all of them"),
)
"""The language by examples, for the help."""


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a filter. Raises FilterError for a text that is none."""
    return tuple(_term(piece) for piece in _PIECE.findall(text))


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
