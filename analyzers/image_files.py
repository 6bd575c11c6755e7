"""Which file each loaded image was: its time stamp, its size, and the PDB file that belongs to it."""

from __future__ import annotations

from typing import Final

from analyzers.image_lives import Module
from tracer.columns import EventTable
from tracer.images.carried import CarriedIdentities, ImageFile

_PAGE: Final = 0x1000
_KERNEL_PROCESSES: Final = (0, 4)
"""Under either of which identities of the kernel's images may be told."""


class ImageFiles:
    """What the identities that the trace carries say of its images."""

    def __init__(self) -> None:
        self._carried = CarriedIdentities()
        self._found: dict[tuple[Module, int], ImageFile] = {}

    def feed(self, table: EventTable) -> None:
        """Take one batch's identity events."""
        self._carried.feed(table)
        self._found.clear()

    def of(self, module: Module) -> ImageFile:
        """The file of an image; without a PDB where no event tells of one, or where it could be one of several.

        An identity is an image's if it is told for the same place, and the time stamps are alike; where the image's
        event has none, the sizes. Where nothing is told for the place, one of the same time stamp and size will do: one
        file is loaded in many processes.
        """
        key = module, module.time_date_stamp
        if key not in self._found:
            self._found[key] = self._of(module)
        return self._found[key]

    def _of(self, module: Module) -> ImageFile:
        stamp, processes = module.time_date_stamp, (module.process,) if module.process else _KERNEL_PROCESSES
        there = [file for process in processes for file in self._carried.at(process, module.base)]
        fits = {file for file in there if _is_of(file, module)}
        if not fits and stamp:
            fits = set(self._carried.alike(stamp, module.size))
        pdbs = {file.debug for file in fits if file.debug is not None}
        stamps, sizes = {file.time_date_stamp for file in fits}, {file.size for file in fits}
        return ImageFile(
            module.name,
            sizes.pop() if len(sizes) == 1 else module.size,
            stamp or (stamps.pop() if len(stamps) == 1 else 0),
            pdbs.pop() if len(pdbs) == 1 else None,
        )


def _is_of(file: ImageFile, module: Module) -> bool:
    if file.time_date_stamp and module.time_date_stamp:
        return file.time_date_stamp == module.time_date_stamp
    return not file.size or -(-file.size // _PAGE) == -(-module.size // _PAGE)
