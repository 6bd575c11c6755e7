"""What a process is called: its image name as logged, or better where Unicode tells it whole.

The image name of a process event is in the machine's code page, which the trace does not say: what is not ASCII is
shown as bytes, and never guessed. Some writers take it from the EPROCESS, whose ImageFileName has 15 bytes, the last
of which may be the terminator: longer names are cut there. The command line and the paths of images are Unicode;
where they agree with what the image name does tell, the name is theirs.
"""

from __future__ import annotations

import re
from typing import Final

_CUT_LENGTHS: Final = (14, 15)
"""Bytes of a name that may have been cut."""
_EXTENSION: Final = re.compile(rb"\.[A-Za-z0-9]{3}$")
_MINIMAL: Final = b"MemCompression"
"""A process without an image, whose name is whole."""
_PROGRAM: Final = re.compile(r'"([^"]*)"?|((?:[a-z]:|\\|%).*?\.exe)(?=\s|$)|(\S*)', re.IGNORECASE | re.DOTALL)
"""First part of a command line: in quotes; of a path up to the first ``.exe``, as it may have blanks; or a word."""
CUT_MARK: Final = "…"
"""Stands behind a name that may go on."""


def program_of(command_line: str) -> str:
    """File name of the program that a command line begins with; empty where there is none."""
    found = _PROGRAM.match(command_line.strip())
    return file_name(next(filter(None, found.groups()), "")) if found else ""


def file_name(path: str) -> str:
    """The last part of a path."""
    return re.split(r"[\\/]", path)[-1]


def as_logged(raw: bytes) -> str:
    r"""The name with bytes that are not ASCII as ``\xd6``."""
    return "".join(chr(byte) if byte < 0x80 else f"\\x{byte:02x}" for byte in raw)


def is_whole(raw: bytes) -> bool:
    """Whether the logged name needs no other source."""
    return bool(raw) and raw.isascii() and not _maybe_cut(raw)


def shown(raw: bytes, *, never_cut: bool = False) -> str:
    """The logged name as it is shown where no other source has one; ``never_cut``: this trace has longer ones."""
    return as_logged(raw) + (CUT_MARK if _maybe_cut(raw) and not never_cut else "")


def is_too_long_to_be_cut(raw: bytes) -> bool:
    """Whether a name shows that its writer does not cut names."""
    return len(raw) > max(_CUT_LENGTHS)


def fits(raw: bytes, name: str) -> bool:
    """Whether a Unicode file name agrees with everything that a logged one, which is not whole, tells."""
    end = b"" if _maybe_cut(raw) else raw[raw.rfind(b".") :] if b"." in raw else b""
    if not raw or (not raw.isascii() and not end and not _maybe_cut(raw)):
        end = b".exe"
    begin = re.match(rb"[\x00-\x7f]*", raw)[0].decode("ascii")  # type: ignore[index]  # it matches the empty string
    folded = name.lower()
    agrees = folded.startswith(begin.lower()) and folded.endswith(end.decode("ascii", "replace").lower())
    return bool(name) and agrees and (raw.isascii() or not name.isascii())


def _maybe_cut(raw: bytes) -> bool:
    return len(raw) in _CUT_LENGTHS and raw != _MINIMAL and not _EXTENSION.search(raw)
