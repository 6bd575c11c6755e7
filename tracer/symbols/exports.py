"""Names from an image's own exports, read by ``pefile``: what is left where there is no PDB.

An image exports few of its functions, so the nearest export before an address may well not be the function that the
address is in: such a name is never as sure as a PDB's, and whoever shows it says "nearest export".
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from pathlib import Path
from typing import Final

import pefile

from tracer.symbols.pdbs import MOST_TEXT, PdbError
from tracer.symbols.symbol import Symbol

_EXECUTABLE: Final = 0x20000000
"""IMAGE_SCN_MEM_EXECUTE (page "PE Format")."""


def nearest_exports(path: Path, stamp: int, size: int, addresses: list[int]) -> list[Symbol | None]:
    """The last export at or before each address, in the same section.

    Raises PdbError where the file is no image, or not the one of this time stamp and size in memory.
    """
    found = _exports(path, stamp, size)
    begins = [begin for begin, _, _ in found]
    symbols: list[Symbol | None] = []
    for address in addresses:
        begin, end, name = found[at] if (at := bisect_right(begins, address) - 1) >= 0 else (0, 0, "")
        symbols.append(Symbol(name, address - begin) if address < end else None)
    return symbols


@lru_cache(maxsize=64)
def _exports(path: Path, stamp: int, size: int) -> list[tuple[int, int, str]]:
    """Where each exported function begins, where its section ends, and its name."""
    try:
        with pefile.PE(str(path), fast_load=True) as image:
            told = image.FILE_HEADER.TimeDateStamp, image.OPTIONAL_HEADER.SizeOfImage
            if told != (stamp, size):
                raise PdbError(f"{path} is another build: its time stamp and size are {told[0]:#x} and {told[1]:#x}")
            image.parse_data_directories([pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_EXPORT"]])
            directory = getattr(image, "DIRECTORY_ENTRY_EXPORT", None)
            code = [
                (section.VirtualAddress, section.VirtualAddress + section.Misc_VirtualSize)
                for section in image.sections
                if section.Characteristics & _EXECUTABLE
            ]
            return sorted(
                (export.address, end, export.name.decode("ascii", "replace")[:MOST_TEXT])
                for export in (directory.symbols if directory else ())
                if export.name and export.forwarder is None
                for begin, end in code
                if begin <= export.address < end
            )
    except pefile.PEFormatError as error:
        raise PdbError(f"{path} is no image: {error.value}") from error
