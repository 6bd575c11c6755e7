"""PDB files put into a store on this machine: whole and believed, or not at all.

A file grows in the folder ``KEY.part`` beside its place ``KEY``, where no debugger looks, and moves when it is whole
and the one that was asked for. A part that may be gone on with another day stays.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from tracer.packed.cabinets import Cabinet
from tracer.packed.errors import PackedDamagedError, PackedRefusedError
from tracer.symbols.identity import Stored
from tracer.symbols.stores import kept_path

MOST_BYTES: Final = 2 << 30
"""Of a file, fetched or unpacked. The PDB files of the largest programs have about so many; a driver's has 50 MB."""


Progress = Callable[[str, int, int | None], None]
"""Told a file's name, how many of its bytes are here, and how many there are if the server says so."""


class NotFetchedError(Exception):
    """A file did not come; the message says what, where from, why, and what next."""


def keep(wanted: Stored, store: Path, bring: Callable[[Path], bool], why_not: Callable[[Path], str]) -> Path | None:
    """The file in the ``store``, where it is already or is brought to; ``None`` where there is none to bring.

    ``bring``: writes the file to a path, and says whether there was one. ``why_not``: why a file is not the wanted one;
    empty where it is. Raises NotFetchedError, and OSError where the store cannot be written to; the store has no such
    file then.
    """
    place = kept_path(store, wanted)
    if place.is_file() and not why_not(place):
        return place
    part = place.parent.with_name(f"{place.parent.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    whole = part / place.name
    if not bring(whole):
        _drop(part)
        return None
    if why := why_not(whole):
        _drop(part)
        raise NotFetchedError(f"the file that came is not believed: {why}; tell the keeper of the store or server")
    place.parent.mkdir(exist_ok=True)
    whole.replace(place)
    _drop(part)
    return place


def _drop(part: Path) -> None:
    """A part, and the folder of the PDB's name where it holds nothing else."""
    shutil.rmtree(part, ignore_errors=True)
    with suppress(OSError):
        part.parent.rmdir()


def unpack_pdb(packed: Path, to: Path, most_bytes: int = MOST_BYTES) -> None:
    """Unpack the one PDB that a cabinet holds; there is no file where it cannot be.

    Raises NotFetchedError, and OSError where it cannot be read or written.
    """
    try:
        with packed.open("rb") as file:
            cabinet = Cabinet(file)
            members = [member for member in cabinet.members if member.name.lower().endswith(to.suffix.lower())]
            if len(members) != 1:
                raise NotFetchedError(f"{packed} holds {len(members)} files of the kind {to.suffix}, not one")
            if members[0].size > most_bytes:
                raise NotFetchedError(f"{packed} holds {members[0].size:,} bytes, at most {most_bytes:,} are taken")
            with to.open("wb") as unpacked:
                unpacked.writelines(cabinet.read(members[0]))
    except (PackedDamagedError, PackedRefusedError) as error:
        to.unlink(missing_ok=True)
        next = "unpack it yourself (expand FILE.pd_ FILE.pdb) and name its folder"
        raise NotFetchedError(f"{packed} cannot be unpacked: {error}; {next}") from error
