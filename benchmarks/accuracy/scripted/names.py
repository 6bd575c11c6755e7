"""Names that nobody has seen before: drivers, programs and pool tags."""

from __future__ import annotations

import random
from typing import Final

_HEADS: Final = ("ac", "bel", "cor", "dyn", "eld", "fin", "gal", "hex", "ion", "jav", "kor", "lum", "mar", "nov", "oct")
_TAILS: Final = (
    "flt",
    "net",
    "mon",
    "av",
    "vpn",
    "disk",
    "usb",
    "crypt",
    "fs",
    "bus",
    "hid",
    "cam",
    "drv",
    "sec",
    "log",
)
_PROGRAMS: Final = ("sync", "agent", "backup", "server", "client", "index", "player", "chat", "build", "proxy")
_TAG_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
PROTECTED: Final = 0x80000000
"""Bit 31 of a tag: the block must be freed with the same tag."""


def driver_name(rng: random.Random) -> str:
    """File name of a driver that no list knows."""
    name = rng.choice(_HEADS) + rng.choice(("", "o", "i", "a")) + rng.choice(_TAILS) + rng.choice(("", "64", "k", "2"))
    return (name.upper() if rng.random() < 0.1 else name) + ".sys"


def program_name(rng: random.Random) -> str:
    """File name of a program."""
    return f"{rng.choice(_HEADS)}{rng.choice(_PROGRAMS)}{rng.choice(('', '64', 'svc'))}.exe"


def tag_of(text: str, *, protected: bool = False) -> int:
    """Four characters as the number that events carry: the first is the lowest byte."""
    return int.from_bytes(text.encode("ascii"), "little") | (PROTECTED if protected else 0)


def fresh_tag(rng: random.Random) -> int:
    """A tag as a driver's author would choose one; begins with Z, which no documented tag of these traces does."""
    return tag_of("Z" + "".join(rng.choice(_TAG_LETTERS) for _ in range(3)))
