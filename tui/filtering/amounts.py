"""Sizes, counts and durations as people type them."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

_AMOUNT: Final = re.compile(r"([+-]?(?:\d[\d,]*)?(?:\.\d+)?)\s*([a-zµμ]*)", re.IGNORECASE)
_MOST_DIGITS: Final = 20
"""An unsigned 64-bit number has no more; the limit also keeps conversion cheap."""

_MULTIPLES: Final = {"": 1} | {
    form: 1024**power for power, letter in enumerate("kmgtp", 1) for form in (letter, f"{letter}b", f"{letter}ib")
}
_MULTIPLES["b"] = 1
"""Sizes go by 1024, as everywhere in this program."""

_SPANS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "min": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}


def amount(text: str, *, is_time: bool) -> Fraction | None:
    """The number that ``text`` stands for, in bytes or nanoseconds; ``None`` for no such amount.

    A hexadecimal number is one where no time is asked for; a time needs its unit.
    """
    match = _AMOUNT.fullmatch(text)
    if not is_time and re.fullmatch(r"0x[0-9a-f]{1,16}", text, re.IGNORECASE):
        return Fraction(int(text, 16))
    if match is None or not any(map(str.isdecimal, match[1])) or len(match[1]) > _MOST_DIGITS:
        return None
    unit = (_SPANS if is_time else _MULTIPLES).get(match[2].lower())
    return None if unit is None else Fraction(match[1].replace(",", "")) * unit
