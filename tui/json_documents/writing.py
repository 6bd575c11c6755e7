"""What a document is made of, and how it is written."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from tui.safe_text import valid_unicode

Value: TypeAlias = "bool | int | float | str | Sequence[Value] | Mapping[str, Value] | None"
Object: TypeAlias = dict[str, Value]

SCHEMA: Final = 2
"""Version of the contract; only a change that breaks a reader changes it."""


def document_text(document: Object) -> str:
    """The document as one JSON text in ASCII: safe in any encoding, with no control character in it."""
    return json.dumps(document, indent=1, allow_nan=False)


def write_document(document: Object) -> None:
    """Write the document to stdout."""
    sys.stdout.write(document_text(document) + "\n")


def string(text: str) -> str:
    """A string out of a trace or a path: lone surrogates, which JSON readers refuse, become U+FFFD."""
    return valid_unicode(text)


def address(value: int) -> str:
    """An address as a string: JSON numbers lose bits above 2**53."""
    return f"0x{value:x}"
