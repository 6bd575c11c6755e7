"""Finds what must not get out in any text: known names first, then whatever looks like a path or an address."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Final

from analyzers.process_names import file_name
from tui.redaction.patterns import (
    DEVICE_PATHS,
    HEXADECIMAL,
    IPV4,
    IPV6,
    MAIL,
    PATHS,
    PLAIN_DEVICE_PATHS,
    SECURITY_IDS,
    URL,
)
from tui.redaction.stand_ins import Kind, StandIns
from tui.redaction.windows_names import in_windows_folder, is_windows_own

_PIECE: Final = re.compile(r"[^\W_]+|[\W_]", re.DOTALL)
"""A word, or one character between words; the underscore stands between words, too."""
_FUNCTION: Final = re.compile(r"!([^\s+,;'\"]+)")
_REMEMBERED: Final = 1 << 14
"""Texts whose replacement is remembered: a trace that is followed for days says ever new ones."""


class Replacing:
    """Replaces in texts, for any thread. ``shift``: what becomes of an address of the kernel's memory."""

    def __init__(self, stand_ins: StandIns, shift: Callable[[int], int] | None) -> None:
        self._stand_ins, self._shift = stand_ins, shift
        self._known: dict[str, str] = {}
        self._by_piece: dict[str, list[str]] = {}
        self._done: dict[str, str] = {}
        self._lock = threading.RLock()

    def know(self, name: str, stand_in: str) -> None:
        """From now on the name is replaced wherever it stands by itself; the first stand-in of a name stays.

        One character, digits or signs are in any sentence: as names they are replaced where nothing else stands.
        """
        folded = _folded(name)
        piece = _PIECE.match(folded)
        if piece is None or folded in self._known:
            return
        with self._lock:
            self._known[folded] = stand_in
            for text in [each for each in self._done if folded in _folded(each)]:
                del self._done[text]
            if len(folded) == 1 or folded.isdecimal() or not any(map(str.isalnum, folded)):
                return
            alike = self._by_piece.setdefault(piece[0], [])
            alike.append(folded)
            alike.sort(key=len, reverse=True)

    def known(self, name: str) -> str | None:
        """The stand-in of a name that is known, as a whole."""
        return self._known.get(_folded(name))

    def text(self, text: str) -> str:
        """The text with stand-ins."""
        with self._lock:
            if text not in self._done:
                if len(self._done) >= _REMEMBERED:
                    self._done.clear()
                whole = self.known(text)
                self._done[text] = self._replaced(text) if whole is None else whole
            return self._done[text]

    def _replaced(self, text: str) -> str:
        folded, at, made = _folded(text), 0, list[str]()
        while at < len(text):
            stand_in, end = self._at(text, folded, at)
            made.append(stand_in)
            at = end
        return "".join(made)

    def _at(self, text: str, folded: str, at: int) -> tuple[str, int]:
        """What stands at a place, replaced, and where it ends."""
        piece = _PIECE.match(folded, at)
        end = at + 1 if piece is None else piece.end()
        if (found := MAIL.match(text, at)) is not None:  # before the name in it
            return self._stand_ins.of(Kind.USER, found[0]), found.end()
        for name in self._by_piece.get(folded[at:end], ()):
            if folded.startswith(name, at) and _is_border(folded, at + len(name)):
                return self._with_function(text, name, at + len(name))
        return self._unknown(text, at) or (text[at:end], end)

    def _with_function(self, text: str, name: str, end: int) -> tuple[str, int]:
        function = _FUNCTION.match(text, end)
        if function is None:
            return self._known[name], end
        return f"{self._known[name]}!{self.function(name, function[1])}", function.end()

    def function(self, module: str, name: str) -> str:
        """The stand-in of a function's name."""
        return self._stand_ins.of(Kind.FUNCTION, f"{module}!{name}")

    def _unknown(self, text: str, at: int) -> tuple[str, int] | None:
        if (found := URL.match(text, at)) is not None:
            return self._stand_ins.of(Kind.HOST, found[0]), found.end()
        found = PLAIN_DEVICE_PATHS.match(text, at)
        if found is not None and in_windows_folder(found[0]) and is_windows_own(file_name(found[0])):
            return found[0], found.end()
        for pattern in (PATHS, DEVICE_PATHS):
            if (found := pattern.match(text, at)) is not None:
                return self._stand_ins.of(Kind.PATH, found[0]), found.end()
        for pattern in (IPV4, IPV6):
            found = pattern.match(text, at)
            address = None if found is None else self._stand_ins.address(found[0])
            if found is not None and address is not None:
                return address, found.end()
        if (found := SECURITY_IDS.match(text, at)) is not None:
            return self._stand_ins.of(Kind.USER, found[0]), found.end()
        if self._shift is not None and (found := HEXADECIMAL.match(text, at)) is not None:
            return f"0x{self._shift(int(found[0], 16)):x}", found.end()
        return None


def _is_border(text: str, at: int) -> bool:
    """Whether a name that ends there is not the beginning of a longer word."""
    return at >= len(text) or not (text[at].isalnum() and text[at - 1].isalnum())


def _folded(text: str) -> str:
    """In lower case, and as long."""
    return text.lower() if text.isascii() else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
