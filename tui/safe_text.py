r"""Names out of a trace are written by whoever wrote the trace: here they become harmless.

A process may be called ``\x1b[2J`` or hold a right-to-left override that turns ``gpj.exe`` into
something else on screen. What has no glyph of its own is shown as an escape, never sent on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final

_ESCAPED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls (C0, C1, DEL), format characters (bidi, zero width, tags), surrogates, private use,
unassigned, line and paragraph separators: Unicode general categories, UAX #44 table 12."""


def _is_harmless(character: str) -> bool:
    return unicodedata.category(character) not in _ESCAPED_CATEGORIES


def _escape(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def safe(text: str) -> str:
    r"""``text`` on one line with every character visible: ESC becomes ``\x1b``, U+202E ``\u202e``.

    A combining mark at the start is escaped too: it would change the character before the name.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = escaped_unless(text, _is_harmless)
    if unicodedata.category(shown[0]).startswith("M"):
        return _escape(shown[0]) + shown[1:]
    return shown


def escaped_unless(text: str, is_shown: Callable[[str], bool]) -> str:
    """``text`` with an escape for every character that cannot be shown."""
    return "".join(c if is_shown(c) else _escape(c) for c in text)


def valid_unicode(text: str) -> str:
    """``text`` with lone surrogates as U+FFFD: what JSON and UTF-8 can carry."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
