"""A tag as it is written in a list of tags, with its wildcards, as a mask and a value."""

from __future__ import annotations

from typing import Final

from analyzers.pooltag import PROTECTED_POOL
from tracer.data_classes import dataclass

_ANY_ONE: Final = "?"
_ANY_REST: Final = "*"
_MASK: Final = 0xFFFFFFFF & ~PROTECTED_POOL


@dataclass(frozen=True, slots=True)
class TagPattern:
    """Stands for every tag with ``normal(tag) & mask == value``; both are in the order of a tag in memory."""

    mask: int
    value: int

    @property
    def specificity(self) -> tuple[int, bytes]:
        """Sorts patterns: more literal characters are more specific, and of equally many the earlier ones."""
        literal = self.mask.to_bytes(4, "little")
        return sum(byte != 0 for byte in literal), literal


def normal(tag: int) -> int:
    """A tag as lists of tags know it: the protected bit cleared, a missing character as a space.

    A driver that gives only three characters leaves a zero byte, and a list can only write a space there.
    """
    raw = (tag & _MASK).to_bytes(4, "little")
    return int.from_bytes(raw.replace(b"\0", b" "), "little")


def tag_pattern(text: str) -> TagPattern:
    """The pattern of up to four characters; a shorter tag is filled up with spaces.

    ``?`` is any character; ``*`` any rest when nothing but spaces follows it, else also one character.
    Tags are bytes: characters are those of Windows code page 1252.

    Raises:
        ValueError: it is empty, longer than four characters, or has a character that is no such byte.
    """
    if not text.strip() or len(text) > 4:
        raise ValueError(f"a pool tag has one to four characters: {text!r}")
    head, star, rest = text.partition(_ANY_REST)
    if star and not rest.strip():
        text = head + _ANY_ONE * (4 - len(head))
    mask, value = bytearray(4), bytearray(4)
    for place, character in enumerate(text.ljust(4)):
        if character not in (_ANY_ONE, _ANY_REST):
            mask[place] = 0xFF
            value[place] = character.encode("cp1252")[0]
    full = int.from_bytes(mask, "little") & _MASK
    return TagPattern(full, int.from_bytes(value, "little") & full)
