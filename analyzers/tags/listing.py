"""Reads a list of tags in the form of pooltag.txt, which Microsoft ships with its debuggers and with poolmon.

One tag a line, ``Tag - module - description``: the first four characters are the tag, with its
spaces and wildcards; ``rem`` and ``//`` begin comments. People edit these files by hand and save
them in every encoding, so a line that is none of this is counted and left out, never an error.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import Final

from analyzers.tags.pattern import TagPattern, tag_pattern
from tracer.data_classes import dataclass

_COMMENT: Final = re.compile(r"\s*(//|rem(\s|$))", re.IGNORECASE)
_LINE: Final = re.compile(r"(?P<tag>.{4})\s*-(?P<rest>.*)")
_SHORT_TAG: Final = re.compile(r"(?P<tag>\S{1,3})\s+-(?P<rest>.*)")
"""A tag of fewer than four characters whose writer did not fill it up to four."""
_NO_DESCRIPTION: Final = re.compile(r"\s+-\s*$")
"""The dash before a description that is not there."""
_LOOKED_AT: Final = 1 << 16
_STRANGE: Final = frozenset({"Cc", "Cs", "Co", "Cn"})
"""Controls, surrogates, private use, unassigned (Unicode general categories): other files are full of them."""
_USUAL: Final = "\t\r\n\f\x1a"
_MOST_STRANGE: Final = 0.02
"""Share of them from which on it is no text: a tag or two may hold one, random bytes have a quarter."""
_UNKNOWN_MODULE: Final = "<unknown>"
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class TagLine:
    """One line: the tags it stands for, whose they are (empty where the list does not know), and what for."""

    pattern: TagPattern
    driver: str
    description: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The tag lines of a file in its order, and how many lines were neither tag, comment nor blank."""

    lines: tuple[TagLine, ...]
    junk_lines: int


def read_listing(data: bytes) -> Listing:
    """The tag lines in a file's bytes, whatever the bytes are."""
    lines: list[TagLine] = []
    junk = 0
    for text in _decode(data).splitlines():
        if not text.strip("\0 \t\x1a") or _COMMENT.match(text):
            continue
        line = _tag_line(text)
        if line is None:
            junk += 1
        else:
            lines.append(line)
    return Listing(tuple(lines), junk)


def is_text(data: bytes) -> bool:
    """Whether the bytes are text in an encoding that such lists have, and no program, picture or trace."""
    begin = _decode(data[:_LOOKED_AT])
    strange = sum(unicodedata.category(sign) in _STRANGE and sign not in _USUAL for sign in begin)
    return strange <= _MOST_STRANGE * len(begin)


def _decode(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace")
    if data[1:2] == b"\0":  # UTF-16 without its mark: no tag has a zero as its second character
        return data.decode("utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _tag_line(text: str) -> TagLine | None:
    match = _LINE.match(text) or _SHORT_TAG.match(text)
    if match is None:
        return None
    try:
        pattern = tag_pattern(match["tag"])
    except ValueError:  # blank, or characters that no tag has
        return None
    rest = _NO_DESCRIPTION.sub("", match["rest"])
    module, dash, description = rest.partition(" - ")
    if not dash and " " in module.strip():  # one part only: several words are no module
        module, description = "", module
    return TagLine(pattern, _driver(module), description.strip())


def _driver(module: str) -> str:
    """The module's name; pooltag.txt writes parts of the kernel as ``nt!io``."""
    name = module.strip().partition("!")[0]
    return "" if name.lower() == _UNKNOWN_MODULE else name
