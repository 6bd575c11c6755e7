"""Which machine a trace is of, and which version of each of its drivers ran there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final, NamedTuple

from analyzers.image_lives import Module
from tracer.events.machine import MACHINE
from tracer.images.carried import ImageFile
from tracer.images.optional import blobs, numbers
from tracer.trace import Batch

VERSIONS: Final = "image_version"
"""Kind of the events that tell file versions: only traces that were merged have them."""


class DriverFile(NamedTuple):
    """An image of the kernel's space: ``name`` without its path, ``version`` its file version, empty where not told.

    ``time_date_stamp`` and ``size`` are its linker's, and tell builds apart that say the same of themselves.
    """

    name: str
    path: str
    version: str
    time_date_stamp: int
    size: int

    @property
    def label(self) -> str:
        """The version for people, with stamp and size as symbol servers write them: ``1.2.0.7 (65E1F3A021000)``."""
        key = f"{self.time_date_stamp:08X}{self.size:x}"
        return f"{self.version} ({key})" if self.version else key


class MachineFacts:
    """Takes batches; ``computer`` is empty where the trace does not name it."""

    KINDS: ClassVar = frozenset({MACHINE, VERSIONS})

    def __init__(self) -> None:
        self.computer = ""
        self._versions: dict[tuple[int, int], str] = {}

    def feed(self, batch: Batch) -> None:
        """Take a batch's events of the machine and of file versions."""
        if (table := batch.tables.get(MACHINE)) is not None:
            names = blobs(table, "computer")
            for row in range(len(table)):
                self.computer = names.utf16(row) or self.computer
        if (table := batch.tables.get(VERSIONS)) is not None:
            exact, words = blobs(table, "binary_file_version"), blobs(table, "file_version")
            keys = zip(numbers(table, "time_date_stamp"), numbers(table, "size"), strict=True)
            for row, key in enumerate(keys):
                self._versions[key] = exact.utf16(row) or words.utf16(row)

    def drivers(self, images: Iterable[tuple[Module, ImageFile]]) -> tuple[DriverFile, ...]:
        """Images, each with what is known of its file: every file once, by name."""
        found = {
            DriverFile(
                image.name,
                image.path,
                self._versions.get((file.time_date_stamp, file.size), ""),
                file.time_date_stamp,
                file.size,
            )
            for image, file in images
            if image.name
        }
        return tuple(sorted(found, key=lambda each: (each.name.lower(), each)))
