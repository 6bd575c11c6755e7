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

_HOLDS: Final = (dict, list, tuple)


def document_text(document: Object) -> str:
    """The document as one JSON text in ASCII: safe in any encoding, with no control character in it."""
    return _text(document, 1)


def _text(value: Value, depth: int) -> str:
    """What ``json.dumps(value, indent=1)`` gives for what lies inside of so many objects and lists, in half the time.

    json's encoder is compiled, but only for texts without lines: so it writes what holds nothing else, as much of it as
    follows on each other, with the line's end and its indent for a separator.
    """
    flat, line = _encoder(depth), "\n" + " " * depth
    if isinstance(value, dict):
        written = []
        plain: Object = {}
        for key, each in value.items():
            if not isinstance(each, _HOLDS):
                plain[key] = each
                continue
            if plain:
                written.append("".join(flat(plain, 0))[1:-1])
                plain = {}
            written.append(f"{encode_basestring_ascii(key)}: {_text(each, depth + 1)}")
        if plain:
            written.append("".join(flat(plain, 0))[1:-1])
        return f"{{{line}{f',{line}'.join(written)}{line[:-1]}}}" if written else "{}"
    if isinstance(value, list | tuple):
        written = [_text(each, depth + 1) for each in value]
        return f"[{line}{f',{line}'.join(written)}{line[:-1]}]" if written else "[]"
    return "".join(flat(value, 0))


@functools.cache
def _encoder(depth: int) -> Callable[[Value, int], tuple[str, ...]]:
    """The compiled encoder, which :class:`json.JSONEncoder` makes anew for each text."""
    default, separator = json.JSONEncoder().default, ",\n" + " " * depth
    made: Callable[[Value, int], tuple[str, ...]] = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
        None, default, encode_basestring_ascii, None, ": ", separator, False, False, False
    )
    return made


def write_document(document: Object) -> None:
    """Write the document to stdout."""
    sys.stdout.write(document_text(document) + "\n")


def string(text: str) -> str:
    """A string out of a trace or a path: lone surrogates, which JSON readers refuse, become U+FFFD."""
    return valid_unicode(text)


def address(value: int) -> str:
    """An address as a string: JSON numbers lose bits above 2**53."""
    return f"0x{value:x}"
