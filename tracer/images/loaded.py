"""The images that a trace says were loaded, and what their files say of them now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from tracer.columns import EventTable
from tracer.data_classes import dataclass
from tracer.etl.file import EtlFile
from tracer.images.headers import ImageHeaders, NotAnImage, read_image_headers
from tracer.images.optional import blobs, numbers

IMAGES: Final = "image"
_PAGE: Final = 4096


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """An image in the memory of a process (0: the kernel's), as an event tells it; zeros where it does not.

    ``path``: as the kernel says it, most often by device.
    """

    base: int
    size: int
    process: int
    time_date_stamp: int
    path: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A loaded image and the headers of its file."""

    image: LoadedImage
    headers: ImageHeaders


class Why(StrEnum):
    """Why the file of an image is not known."""

    ELSEWHERE = "not on a drive of this machine"
    GONE = "gone from disk"
    UNREADABLE = "cannot be read"
    NO_IMAGE = "no program file"
    ANOTHER = "another version than the one loaded"


@dataclass(frozen=True, slots=True)
class Missing:
    """A file whose images get no identity."""

    path: str
    why: Why


@dataclass(frozen=True, slots=True)
class Identities:
    """Of all images of a trace. ``loaded``: how many there were, one for each process and place."""

    loaded: int
    found: tuple[Identity, ...]
    missing: tuple[Missing, ...]


def images_in(path: Path) -> list[LoadedImage]:
    """Every image that an event of the trace tells, once. Raises InputError."""
    found: dict[LoadedImage, None] = {}
    with EtlFile.open(path) as trace:
        for batch in trace.batches({IMAGES}):
            if (table := batch.tables.get(IMAGES)) is not None:
                found.update(dict.fromkeys(_images(table)))
    return list(found)


def _images(table: EventTable) -> Iterable[LoadedImage]:
    base, process, stamp = (numbers(table, name) for name in ("base", "process", "time_date_stamp"))
    size, size_32 = numbers(table, "size"), numbers(table, "size32")  # of the oldest layout
    names = blobs(table, "file_name")
    return (
        LoadedImage(base[row], size[row] or size_32[row], process[row], stamp[row], names.utf16(row))
        for row in range(len(table))
    )


def identities(images: Sequence[LoadedImage], opened_by: Callable[[str], Path | None]) -> Identities:
    """Read the headers of every image's file, once for each file.

    ``opened_by``: the path under which the kernel's path can be opened here; ``None`` where there is none.
    """
    files = {path: _headers(path, opened_by) for path in dict.fromkeys(image.path for image in images)}
    found: list[Identity] = []
    missing: dict[Missing, None] = {}
    for image in images:
        headers = files[image.path]
        if isinstance(headers, Why):
            missing[Missing(image.path, headers)] = None
        elif _is_loaded_one(image, headers):
            found.append(Identity(image, headers))
        else:
            missing[Missing(image.path, Why.ANOTHER)] = None
    return Identities(len(images), tuple(found), tuple(missing))


def _headers(path: str, opened_by: Callable[[str], Path | None]) -> ImageHeaders | Why:
    here = opened_by(path)
    if here is None:
        return Why.ELSEWHERE
    try:
        return read_image_headers(here)
    except FileNotFoundError:
        return Why.GONE
    except (OSError, ValueError):  # a ValueError is a path that no system takes
        return Why.UNREADABLE
    except NotAnImage:
        return Why.NO_IMAGE


def _is_loaded_one(image: LoadedImage, headers: ImageHeaders) -> bool:
    """By the linker's time stamp; where the event has none (an older layout, or 0 on disk), by its size."""
    if image.time_date_stamp:
        return image.time_date_stamp == headers.time_date_stamp
    return -(-image.size // _PAGE) == -(-headers.size // _PAGE)
