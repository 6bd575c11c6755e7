"""The keys that can be pressed before a picture is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys

from tracer.errors import UsageError
from tui.hints import did_you_mean

_WITH: Final = ("ctrl", "shift", "alt", "meta", "super", "hyper")
_NAMED: Final = sorted({key.value for key in Keys if key.value.isalnum() and len(key.value) > 1} - {"return"})
"""Keys that write nothing, and what textual calls them."""
_SIGNS: Final = {*KEY_TO_UNICODE_NAME, *KEY_NAME_REPLACEMENTS.values()}
"""Keys that write a sign which has a meaning in a list of keys, or in a shell."""


def check_keys(keys: Sequence[str]) -> None:
    """Raise UsageError for the first key that there is not."""
    for key in keys:
        if not _is_key(key):
            raise UsageError(
                "no-such-key",
                f"no key is called '{key}'",
                where="--press",
                why=did_you_mean(key, [*_NAMED, *_SIGNS]) or f"there are letters, digits, {', '.join(_NAMED)}",
                next="name keys as in --press enter,down,5,question_mark,ctrl+p",
            )


def _is_key(key: str) -> bool:
    *held, last = key.split("+") if len(key) > 1 else [key]
    return all(word in _WITH for word in held) and (len(last) == 1 or last in _NAMED or last in _SIGNS)
