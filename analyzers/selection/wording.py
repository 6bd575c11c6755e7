"""The words that ask for names, on the command line and in the filter of the interface alike.

A word stands for every name that holds it. With ``?`` (one character) or ``*`` (any number of them) it stands for
names that are like it from end to end, and after a ``=`` for the one name that it is. Blanks at the end of a name do
not count: a pool tag of three letters has one. Upper and lower case are alike, but not in pool tags: ``Irp`` and
``irp`` are two tags to Windows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeAlias

WHOLE: Final = "="
"""Before a word that is all of a name."""
_WILD_CARDS: Final = "?*"
_ENDINGS: Final = (".sys", ".exe")

Fits: TypeAlias = Callable[[str], bool]


class WordKind(StrEnum):
    """What a word is about."""

    TAG = "tag"
    PROCESS = "process"
    DRIVER = "driver"
    FUNCTION = "function"

    @property
    def keeps_case(self) -> bool:
        """Whether upper and lower case make two names."""
        return self is WordKind.TAG


def names_of(kind: WordKind, word: str) -> Fits:
    """Whether a name of that kind is what ``word`` stands for; the ending of a program's file may be left out of both.

    A function's name is ``MODULE!FUNCTION``, and its module may be left out of the word.
    (Lists of tags leave it out: a tag's driver is ``afd``, a stack's ``afd.sys``.)
    """
    fits = names_like(word, keeps_case=kind.keeps_case)
    if kind is WordKind.TAG:
        return fits
    if kind is WordKind.FUNCTION:
        return lambda name: fits(name) or fits(name.partition("!")[2])
    ending = next((ending for ending in _ENDINGS if word.lower().endswith(ending)), "")

    def fits_file(name: str) -> bool:
        stem = name[:-4] if name[-4:].lower() in _ENDINGS else name
        return fits(name) or fits(stem) or (stem == name and bool(ending) and fits(name + ending))

    return fits_file


def names_like(word: str, *, keeps_case: bool = False, whole: bool = False) -> Fits:
    """Whether a name is what ``word`` stands for; ``whole``: it is all of the name, as after a ``=``."""
    is_whole = whole or word.startswith(WHOLE)
    text = _folded(word if whole else word.removeprefix(WHOLE), keeps_case=keeps_case)
    if not is_whole and not any(sign in text for sign in _WILD_CARDS):
        return lambda name: text in _folded(name, keeps_case=keeps_case)
    expression = re.compile(_as_expression(text.rstrip()), re.DOTALL)

    def fits(name: str) -> bool:
        folded = _folded(name, keeps_case=keeps_case)
        return bool(expression.fullmatch(folded) or expression.fullmatch(folded.rstrip()))

    return fits


def _as_expression(text: str) -> str:
    """Wildcards as a regular expression; what lies between two stars is taken where it first fits, once and for all.

    Else many stars would be tried in every combination.
    """
    first, *others = (re.escape(piece).replace(r"\?", ".") for piece in text.split("*"))
    if not others:
        return first
    between = "".join(f"(?>.*?{piece})" for piece in others[:-1] if piece)
    return f"{first}{between}.*{others[-1]}"


def _folded(text: str, *, keeps_case: bool) -> str:
    return text if keeps_case else text.casefold()
