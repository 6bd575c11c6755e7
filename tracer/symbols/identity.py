"""By what a PDB file is known: its name, its GUID and its age, and where a symbol store keeps it.

Source: "Symbol Store Folder Tree" and "How SymSrv Locates Files" (page "Advanced SymSrv Use") of learn.microsoft.com.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

from tracer.images.headers import DebugFile

_LONGEST: Final = 255
_NO_FILE: Final = re.compile(r'[\x00-\x1f<>:"|?*]')


def pdb_name(debug: DebugFile) -> str:
    """The file's name without folders, whichever system's they are; empty where it is no name of a file.

    It comes out of a trace, so it is held to what Windows takes as a name: it never leads out of a folder.
    """
    name = re.split(r"[\\/]", debug.name)[-1].strip()
    fits = 0 < len(name) <= _LONGEST and not name.endswith(".") and _NO_FILE.search(name) is None
    return name if fits else ""


def store_key(debug: DebugFile) -> str:
    """The name of its folder in a store: the GUID without dashes, then the age, both hexadecimal."""
    return f"{debug.guid.hex.upper()}{debug.age:X}"


def store_path(debug: DebugFile) -> PurePosixPath:
    """``NAME/KEY/NAME``: where a store of one tier, and a server, has it."""
    name = pdb_name(debug)
    return PurePosixPath(name, store_key(debug), name)


def packed_name(name: str) -> str:
    """The name of a file that makecab has compressed: ``_`` for the last letter."""
    return f"{name[:-1]}_"
