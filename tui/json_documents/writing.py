"""What a document is made of, and how it is written."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Final, TypeAlias

from tui.safe_text import valid_unicode

Value: TypeAlias = "bool | int | float | str | Sequence[Value] | Mapping[str, Value] | Written | None"
Object: TypeAlias = dict[str, Value]

SCHEMA: Final = 2
"""Version of the contract; only a change that breaks a reader changes it."""


class Written:
    """A value that is text already, as it stands outermost: what there is much of is never a dictionary."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def list_of(cls, texts: Sequence[str]) -> Written:
        """A list of values as :class:`Row` and :func:`text_in_list` write them."""
        return cls(list_text(texts, 0))


class Row:
    """Objects of the same keys, each as text in a list."""

    def __init__(self, *keys: str, depth: int = 1) -> None:
        """``depth``: lists and objects around it, with its own list."""
        line = "\n" + " " * (depth + 1)
        named = (encode_basestring_ascii(key).replace("%", "%%") for key in keys)
        self._form = f"{{{','.join(f'{line}{key}: %s' for key in named)}{line[:-1]}}}"

    def text(self, *values: object) -> str:
        """One of them: of each value its text, or an integer."""
        return self._form % values


def list_text(texts: Sequence[str], depth: int) -> str:
    """A list inside of so many objects and lists, of values that are written one deeper."""
    line = "\n" + " " * (depth + 1)
    return f"[{line}{f',{line}'.join(texts)}{line[:-1]}]" if texts else "[]"


_HOLDS: Final = frozenset((dict, list, tuple, Written))
"""What is written in several lines: exactly these types."""


def document_text(document: Object) -> str:
    """The document as one JSON text in ASCII: safe in any encoding, with no control character in it."""
    return _text(document, 1)


def text_in_list(value: Value, depth: int = 1) -> str:
    """A value inside of so many objects and lists."""
    return _text(value, depth + 1)


def _text(value: Value, depth: int) -> str:
    """What ``json.dumps(value, indent=1)`` gives inside of so many objects and lists, in a third of the time.

    json's encoder is compiled, but only for texts without lines: so it writes what holds nothing else, as much of it as
    follows on each other, with the line's end and its indent for a separator.
    """
    parts: list[str] = []
    _put(value, depth, parts)
    return "".join(parts)


def _put(value: Value, depth: int, parts: list[str]) -> None:
    if type(value) is Written:
        parts.append(value.text.replace("\n", "\n" + " " * (depth - 1)))
    elif value and isinstance(value, dict):
        _put_object(value, depth, parts)
    elif value and isinstance(value, list | tuple):
        _put_list(value, depth, parts)
    else:
        parts.append(_flat(value, depth))


def _flat(value: Value, depth: int) -> str:
    return "".join(_encoder(depth)(value, 0))


def _put_object(value: Object, depth: int, parts: list[str]) -> None:
    line = "\n" + " " * depth
    lead, next_lead = "{" + line, "," + line
    plain: Object = {}
    for key, each in value.items():
        if not each or type(each) not in _HOLDS:
            plain[key] = each
            continue
        if plain:
            parts += lead, _flat(plain, depth)[1:-1]
            lead, plain = next_lead, {}
        parts.append(f"{lead}{encode_basestring_ascii(key)}: ")
        lead = next_lead
        _put(each, depth + 1, parts)
    if plain:
        parts += lead, _flat(plain, depth)[1:-1]
    parts.append(line[:-1] + "}")


def _put_list(values: Sequence[Value], depth: int, parts: list[str]) -> None:
    line = "\n" + " " * depth
    lead = "[" + line
    if _HOLDS.isdisjoint(map(type, values)):
        parts += lead, _flat(values, depth)[1:-1]
    elif rows := _rows(values, depth):
        parts += lead, rows
    else:
        for each in values:
            parts.append(lead)
            _put(each, depth + 1, parts)
            lead = "," + line
    parts.append(line[:-1] + "]")


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
    sys.stdout.write(document_text(document))
    sys.stdout.write("\n")


def string(text: str) -> str:
    """A string out of a trace or a path: lone surrogates, which JSON readers refuse, become U+FFFD."""
    return text if text.isascii() else valid_unicode(text)


def string_text(text: str) -> str:
    """:func:`string` as it is written."""
    return encode_basestring_ascii(text if text.isascii() else valid_unicode(text))


def address(value: int) -> str:
    """An address as a string: JSON numbers lose bits above 2**53."""
    return f"0x{value:x}"
