"""The identities of images that a trace carries: those of a merge, or of a recording of Poolscope's own."""

from __future__ import annotations

import uuid
from typing import Final

from tracer.columns import EventTable
from tracer.data_classes import dataclass
from tracer.events.image import DEBUG_IDENTITY
from tracer.images.headers import DebugFile
from tracer.images.optional import blobs, numbers

IDENTITIES: Final = "image_identity"
"""Kind of the events."""

_NOBODY: Final = ("", 0, 0)


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A program file that was loaded, once or often, and the PDB file that belongs to it."""

    name: str
    size: int
    time_date_stamp: int
    debug: DebugFile | None


_GUID_BYTES: Final = 16


class CarriedIdentities:
    """Identities in the order of their events: what an image is, then its PDB, both by process and base."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[str, int, int]] = {}
        self._files: dict[ImageFile, set[tuple[int, int]]] = {}
        self._at: dict[tuple[int, int], list[ImageFile]] = {}

    def feed(self, table: EventTable) -> None:
        """Take one batch's events."""
        names, pdbs, signatures = (blobs(table, name) for name in ("file_name", "pdb", "signature"))
        size, stamp, age = (numbers(table, name) for name in ("size", "time_date_stamp", "age"))
        places = zip(numbers(table, "process"), numbers(table, "base"), strict=True)
        for row, (event, place) in enumerate(zip(table.event.tolist(), places, strict=True)):
            known = self._known.pop(place, None)
            if event == DEBUG_IDENTITY:
                guid = signatures.bytes(row)
                if len(guid) == _GUID_BYTES:
                    self._add(place, known or _NOBODY, DebugFile(uuid.UUID(bytes_le=guid), age[row], pdbs.ansi(row)))
                elif known is not None:  # the record was cut short
                    self._add(place, known, None)
                continue
            if known is not None:
                self._add(place, known, None)
            self._known[place] = (names.utf16(row), size[row], stamp[row])

    def _add(self, place: tuple[int, int], known: tuple[str, int, int], debug: DebugFile | None) -> None:
        file = ImageFile(*known, debug)
        self._files.setdefault(file, set()).add(place)
        self._at.setdefault(place, []).append(file)

    def at(self, process: int, base: int) -> list[ImageFile]:
        """The files that were loaded there, in the order of their events."""
        known = self._known.get((process, base))
        return [*self._at.get((process, base), ()), *([ImageFile(*known, None)] if known else [])]

    def alike(self, time_date_stamp: int, size: int) -> list[ImageFile]:
        """The files of this time stamp and size, wherever they were loaded."""
        return [file for file in self._files if (file.time_date_stamp, file.size) == (time_date_stamp, size)]

    def files(self) -> dict[ImageFile, int]:
        """Each file, by name, and how many loaded images it was: at how many places of processes."""
        while self._known:
            place, known = self._known.popitem()
            self._add(place, known, None)
        ordered = sorted(self._files, key=lambda file: (file.name.lower(), file.time_date_stamp))
        return {file: len(self._files[file]) for file in ordered}
