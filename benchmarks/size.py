"""Sizes in bytes, as people write them: ``64MiB``, ``4G``, ``65536``. Units are binary."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from typing import Final

KIB: Final = 1 << 10
MIB: Final = 1 << 20
GIB: Final = 1 << 30

_UNITS: Final = {"": 1, "K": KIB, "M": MIB, "G": GIB}
_PATTERN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes; ``ArgumentTypeError`` where the text is no size (this is an argparse type)."""
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ArgumentTypeError(f"not a size: {text!r} (write 64MiB, 1GiB or a number of bytes)")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def size_text(size: int) -> str:
    """The size in the largest unit that leaves a number of at least one."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} B"
