"""What tells of people and machines wherever it stands: paths, addresses of the network, security identifiers."""

from __future__ import annotations

import re
from typing import Final

PATHS: Final = re.compile(
    r"\\\\[?.]?(?:(?!: | \()[^'\",;|<>])+"  # a share, a device, \\?\; may have blanks in it, as the next
    r"|\b[A-Za-z]:[\\/](?:(?!: | \()[^'\",;|<>])*"
    r"|(?<![\w/.])/[\w.@+~-]+/(?:[^\s'\",;|<>]| (?=[^'\",;|<>:/]*(?:/\w|\.[A-Za-z]\w{1,4}\b)))*"  # more follows a blank
)
DEVICE_PATHS: Final = re.compile(r"(?<!\w)\\[^\s\\'\",;|<>]+\\(?:(?!: | \()(?:[^'\",;|<>]|;(?=\S)))*")
r"""Of the kernel: ``\Device\HarddiskVolume3\…``; also what may follow a blank."""
PLAIN_DEVICE_PATHS: Final = re.compile(r"(?<!\w)\\[^\s\\'\",;|<>]+\\[^\s'\",;|<>]*")
"""The same up to the first blank."""
URL: Final = re.compile(r"\b(?:https?|ftp|file|smb|wss?)://[^\s'\",;|<>]+", re.IGNORECASE)
MAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
"""Also the names of users in a domain, which look the same."""
SECURITY_IDS: Final = re.compile(r"\bS-1-\d+(?:-\d+)+\b")
IPV4: Final = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?!\.)")
IPV6: Final = re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?:%\w+)?(?![\w:])")
"""What may be one: only reading it tells."""
HEXADECIMAL: Final = re.compile(r"\b0x[0-9a-fA-F]{8,16}\b")
