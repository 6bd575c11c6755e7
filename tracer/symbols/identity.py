"""By what a symbol store keeps a file: a PDB by its name, GUID and age, an image by its name, time stamp and size.

Sources: "Symbol Store Folder Tree" and "How SymSrv Locates Files" (page "Advanced SymSrv Use") of learn.microsoft.com;
an image's key, eight digits and as many as it takes: "Symbols the Microsoft Way", randomascii.wordpress.com.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final, TypeAlias

from tracer.images.carried import ImageFile
from tracer.images.headers import DebugFile

_LONGEST: Final = 255
_NO_FILE: Final = re.compile(r'[\x00-\x1f<>:"|?*]')


Stored: TypeAlias = DebugFile | ImageFile
"""What a store may have: a PDB, or an image."""


def stored_name(wanted: Stored) -> str:
    """The file's name without folders, whichever system's they are; empty where it is no name of a file.

    It comes out of a trace, so it is held to what Windows takes as a name: it never leads out of a folder.
    """
    name = re.split(r"[\\/]", wanted.name)[-1].strip()
    fits = 0 < len(name) <= _LONGEST and not name.endswith(".") and _NO_FILE.search(name) is None
    return name if fits else ""


def store_key(wanted: Stored) -> str:
    """The name of its folder in a store, hexadecimal: GUID without dashes and age; of an image time stamp and size."""
    if isinstance(wanted, ImageFile):
        return f"{wanted.time_date_stamp:08X}{wanted.size:x}"
    return f"{wanted.guid.hex.upper()}{wanted.age:X}"


def store_path(wanted: Stored) -> PurePosixPath:
    """``NAME/KEY/NAME``: where a store of one tier, and a server, has it."""
    name = stored_name(wanted)
    return PurePosixPath(name, store_key(wanted), name)


def packed_name(name: str) -> str:
    """The name of a file that makecab has compressed: ``_`` for the last letter."""
    return f"{name[:-1]}_"
