"""What tells of people and machines wherever it stands: paths, addresses of the network, security identifiers."""

from __future__ import annotations

import re
from typing import Final

PATHS: Final = re.compile(
    r"\\\\[?.]?[^\s'\",;|<>]+"  # a share, a device, \\?\
    r"|\b[A-Za-z]:[\\/](?:(?!: | \()[^'\",;|<>])*"  # may have blanks in it
    r"|(?<![\w/.])/[\w.@+~-]+/[^\s'\",;|<>]*"
)
DEVICE_PATHS: Final = re.compile(r"(?<!\w)\\[^\s\\'\",;|<>]+\\[^\s'\",;|<>]*")
r"""Of the kernel: ``\Device\HarddiskVolume3\…``."""
SECURITY_IDS: Final = re.compile(r"\bS-1-\d+(?:-\d+)+\b")
IPV4: Final = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?!\.)")
IPV6: Final = re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?:%\w+)?(?![\w:])")
"""What may be one: only reading it tells."""
HEXADECIMAL: Final = re.compile(r"\b0x[0-9a-fA-F]{8,16}\b")
