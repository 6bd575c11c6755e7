"""What a document is made of, and how it is written."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Final, TypeAlias

from tui.safe_text import valid_unicode

Value: TypeAlias = "bool | int | float | str | Sequence[Value] | Mapping[str, Value] | None"
Object: TypeAlias = dict[str, Value]

SCHEMA: Final = 2
"""Version of the contract; only a change that breaks a reader changes it."""

_HOLDS: Final = frozenset((dict, list, tuple))
"""What is written in several lines: exactly these types."""


def document_text(document: Object) -> str:
    """The document as one JSON text in ASCII: safe in any encoding, with no control character in it."""
    return _text(document, 1)


def _text(value: Value, depth: int) -> str:
    """What ``json.dumps(value, indent=1)`` gives inside of so many objects and lists, in a third of the time.

    json's encoder is compiled, but only for texts without lines: so it writes what holds nothing else, as much of it as
    follows on each other, with the line's end and its indent for a separator.
    """
    if value and isinstance(value, dict):
        return _object(value, depth)
    return _list(value, depth) if value and isinstance(value, list | tuple) else _flat(value, depth)


def _flat(value: Value, depth: int) -> str:
    return "".join(_encoder(depth)(value, 0))


def _object(value: Object, depth: int) -> str:
    line = "\n" + " " * depth
    written = []
    plain: Object = {}
    for key, each in value.items():
        if not each or type(each) not in _HOLDS:
            plain[key] = each
            continue
        if plain:
            written.append(_flat(plain, depth)[1:-1])
            plain = {}
        written.append(f"{encode_basestring_ascii(key)}: {_text(each, depth + 1)}")
    if plain:
        written.append(_flat(plain, depth)[1:-1])
    return f"{{{line}{f',{line}'.join(written)}{line[:-1]}}}"


def _list(values: Sequence[Value], depth: int) -> str:
    line = "\n" + " " * depth
    if _HOLDS.isdisjoint(map(type, values)):
        written = _flat(values, depth)[1:-1]
    else:
        written = _rows(values, depth) or f",{line}".join([_text(each, depth + 1) for each in values])
    return f"[{line}{written}{line[:-1]}]"


def _rows(values: Sequence[Value], depth: int) -> str:
    """Objects that hold nothing else, written at once; empty where they are none, or a string has a bracket in it.

    No string of JSON has a line's end in it: one behind a bracket and a comma parts two objects.
    """
    first = values[0]
    if not isinstance(first, dict) or not _HOLDS.isdisjoint(map(type, first.values())):
        return ""
    written = _flat(values, depth + 1)
    if (
        written.count("{") != len(values)
        or written.count("[") > 1
        or not all(type(each) is dict and each for each in values)
    ):
        return ""
    row, line = "\n" + " " * depth, "\n" + " " * (depth + 1)
    between = written[2:-2].replace(f"}},{line}{{", f"{row}}},{row}{{{line}")
    return f"{{{line}{between}{row}}}"


@functools.cache
def _encoder(depth: int) -> Callable[[object, int], tuple[str, ...]]:
    """The compiled encoder, which :class:`json.JSONEncoder` makes anew for each text."""
    default, separator = json.JSONEncoder().default, ",\n" + " " * depth
    made: Callable[[object, int], tuple[str, ...]] = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
        None, default, encode_basestring_ascii, None, ": ", separator, False, False, False
    )
    return made


def write_document(document: Object) -> None:
    """Write the document to stdout."""
    sys.stdout.write(document_text(document) + "\n")


def string(text: str) -> str:
    """A string out of a trace or a path: lone surrogates, which JSON readers refuse, become U+FFFD."""
    return text if text.isascii() else valid_unicode(text)


def address(value: int) -> str:
    """An address as a string: JSON numbers lose bits above 2**53."""
    return f"0x{value:x}"
