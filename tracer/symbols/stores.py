"""Where a PDB file may lie on this machine: beside its image, in plain folders, in symbol stores.

Sources: "Symbol path for Windows debuggers" (the three folders of a folder), "Symbol Store Folder Tree" (stores of one
and two tiers) and "Symbol Storage Format" (pointers) of learn.microsoft.com; the words ``PATH:`` and ``MSG:`` before
what a pointer says are those of symsrv's clients. What is found is a candidate: only its reader knows its identity.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tracer.data_classes import dataclass
from tracer.images.carried import ImageFile
from tracer.images.headers import DebugFile
from tracer.symbols.identity import Stored, packed_name, store_key, stored_name
from tracer.symbols.path import Chain, Folder, Omitted, SymbolPath, why_not_opened

POINTER: Final = "file.ptr"
_TWO_TIERS: Final = "index2.txt"
_IMAGE_KINDS: Final = ("sys", "dll", "exe")
_MOST_POINTER: Final = 4096


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be the one. ``packed``: it is a cabinet, and what is in it goes to the store ``kept_in``."""

    path: Path
    packed: bool
    kept_in: Path


def candidates(debug: DebugFile, image: Path | None, path: SymbolPath) -> Iterator[Candidate | Omitted]:
    """Every place on this machine that has a file of the PDB's name, in the order in which they are to be tried.

    Beside the ``image`` (its file here, if it has one), where the linker wrote it, then by the symbol path. Pointers
    that lead nowhere come as :class:`Omitted`.
    """
    if not (name := stored_name(debug)):
        return
    if image is not None:
        yield from _in_folder(image.parent, name, path.default_store)
    linked = Path(debug.name)
    if linked.is_absolute() and not why_not_opened(debug.name, network=path.network) and _is_file(linked):
        yield Candidate(linked, packed=False, kept_in=path.default_store)
    for place in path.places:
        if isinstance(place, Chain):
            for store in place.stores:
                yield from _in_store(store, debug, place.kept_in, path)
        else:
            yield from _in_plain(place, debug, path)


def image_candidates(image: ImageFile, path: SymbolPath) -> Iterator[Candidate | Omitted]:
    """Every place in the stores of this machine that has the image, as :func:`candidates`."""
    if stored_name(image):
        for place in path.places:
            for store in place.stores if isinstance(place, Chain) else (place.path,):
                yield from _in_store(store, image, place.kept_in, path)


def find_entry(folder: Path, name: str) -> Path | None:
    """What the folder has under this name, whatever its case, as on Windows; ``None`` where there is nothing."""
    with suppress(OSError):
        if (folder / name).exists():
            return folder / name
        if os.name != "nt":
            wanted = name.lower()
            found = sorted(entry.name for entry in os.scandir(folder) if entry.name.lower() == wanted)
            return folder / found[0] if found else None
    return None


def kept_path(store: Path, wanted: Stored) -> Path:
    """Where a store on this machine keeps this file, by its one or two tiers."""
    name = stored_name(wanted)
    return _tier(store, name) / name / store_key(wanted) / name


def pointed_to(text: bytes) -> tuple[str, str]:
    """What a pointer says: the path it leads to, or the message it has instead."""
    said = text[:_MOST_POINTER].decode("utf-8", "replace").partition("\n")[0].strip().lstrip("\ufeff")
    if said.upper().startswith("MSG:"):
        return "", said[4:].strip() or "no message"
    return (said[5:].strip() if said.upper().startswith("PATH:") else said), ""


def _in_plain(place: Folder, debug: DebugFile, path: SymbolPath) -> Iterator[Candidate | Omitted]:
    name = stored_name(debug)
    symbols = find_entry(place.path, "symbols")
    for parent in (symbols, place.path):
        for kind in _IMAGE_KINDS:
            if parent is not None and (folder := find_entry(parent, kind)) is not None:
                yield from _in_folder(folder, name, place.kept_in)
    yield from _in_folder(place.path, name, place.kept_in)
    yield from _in_store(place.path, debug, place.kept_in, path)


def _in_store(store: Path, wanted: Stored, kept_in: Path, path: SymbolPath) -> Iterator[Candidate | Omitted]:
    name = stored_name(wanted)
    folder: Path | None = _tier(store, name)
    for step in (name, store_key(wanted)):
        folder = find_entry(folder, step) if folder is not None else None
    if folder is not None:
        yield from _in_folder(folder, name, kept_in)
        if (pointer := find_entry(folder, POINTER)) is not None:
            yield _followed(pointer, kept_in, path)


def _in_folder(folder: Path, name: str, kept_in: Path) -> Iterator[Candidate]:
    for wanted, packed in ((name, False), (packed_name(name), True)):
        found = find_entry(folder, wanted)
        if found is not None and _is_file(found):
            yield Candidate(found, packed, kept_in)


def _followed(pointer: Path, kept_in: Path, path: SymbolPath) -> Candidate | Omitted:
    try:
        with pointer.open("rb") as file:
            leads_to, message = pointed_to(file.read(_MOST_POINTER))
    except OSError as error:
        return Omitted(str(pointer), f"the pointer cannot be read: {error.strerror}")
    if message:
        return Omitted(str(pointer), f"it has a message in place of the file: {message}")
    if why := why_not_opened(leads_to, network=path.network):
        return Omitted(str(pointer), f"it points to {leads_to}: {why}")
    target = pointer.parent / leads_to
    if not leads_to or not _is_file(target):
        return Omitted(str(pointer), f"it points to {leads_to or 'nothing'}, where there is no file")
    return Candidate(target, packed=target.name.endswith("_"), kept_in=kept_in)


def _tier(store: Path, name: str) -> Path:
    if find_entry(store, _TWO_TIERS) is None:
        return store
    return find_entry(store, name[:2]) or store / name[:2].lower()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a ValueError is a path that no system takes
        return False
