"""How a pool tag is shown and compared."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

PROTECTED_POOL: Final = 0x80000000
"""Set in a tag that must be freed with the same tag; not part of its name."""
BIG_POOL: Final = 0x10000000
"""ETW_POOLTRACE_BIGPOOL_MASK in a pool type: the allocation is larger than a page."""
PAGED: Final = 0x1
"""Bit 0 of a pool type: paged pool."""


@lru_cache(maxsize=4096)
def tag_text(tag: int) -> str:
    """Four characters, unprintable bytes as ``.``, the protected bit cleared."""
    raw = (tag & ~PROTECTED_POOL & 0xFFFFFFFF).to_bytes(4, "little")
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in raw)


def tag_hex(tag: int) -> str:
    """The four bytes in display order as hex, the protected bit cleared."""
    return (tag & ~PROTECTED_POOL & 0xFFFFFFFF).to_bytes(4, "little").hex()
