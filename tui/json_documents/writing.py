"""What a document is made of, and how it is written."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from tui.safe_text import valid_unicode

Value: TypeAlias = "bool | int | float | str | Sequence[Value] | Mapping[str, Value] | None"
Object: TypeAlias = dict[str, Value]

SCHEMA: Final = 2
"""Version of the contract; only a change that breaks a reader changes it."""

_HOLDS: Final = (dict, list, tuple)


def document_text(document: Object) -> str:
    """The document as one JSON text in ASCII: safe in any encoding, with no control character in it."""
    return _text(document, 1)


def _text(value: Value, depth: int) -> str:
    """What ``json.dumps(value, indent=1, allow_nan=False)`` gives inside of so many objects and lists, sooner.

    Only without ``indent`` is json's encoder compiled, so it writes what holds nothing, all of it that follows on
    each other at once.
    """
    if isinstance(value, dict) and value:
        begin, end, written = "{", "}", _pieces(value, depth)
    elif isinstance(value, list | tuple) and value:
        begin, end, written = "[", "]", _items(value, depth)
    else:
        return _encoder(depth).encode(value)
    line = "\n" + " " * depth
    return f"{begin}{line}{f',{line}'.join(written)}{line[:-1]}{end}"


def _pieces(value: Mapping[str, Value], depth: int) -> Iterator[str]:
    encode, plain = _encoder(depth).encode, dict[str, Value]()
    for key, each in value.items():
        if not isinstance(each, _HOLDS):
            plain[key] = each
            continue
        if plain:
            yield encode(plain)[1:-1]
            plain = {}
        yield f"{encode(key)}: {_text(each, depth + 1)}"
    if plain:
        yield encode(plain)[1:-1]


def _items(value: Sequence[Value], depth: int) -> Iterator[str]:
    if any(isinstance(each, _HOLDS) for each in value):
        return (_text(each, depth + 1) for each in value)
    return iter((_encoder(depth).encode(value)[1:-1],))


@functools.cache
def _encoder(depth: int) -> json.JSONEncoder:
    return json.JSONEncoder(allow_nan=False, separators=(",\n" + " " * depth, ": "))


def write_document(document: Object) -> None:
    """Write the document to stdout."""
    sys.stdout.write(document_text(document) + "\n")


def string(text: str) -> str:
    """A string out of a trace or a path: lone surrogates, which JSON readers refuse, become U+FFFD."""
    return valid_unicode(text)


def address(value: int) -> str:
    """An address as a string: JSON numbers lose bits above 2**53."""
    return f"0x{value:x}"
