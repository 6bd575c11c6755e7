"""What a tag stands for, from the user's lists first and from our own after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from analyzers.formatting import counted
from analyzers.tags.listing import Listing, TagLine, is_text, read_listing
from analyzers.tags.pattern import normal
from analyzers.tags.places import microsofts, users_own
from tracer.data_classes import dataclass
from tracer.errors import InputError

_OURS: Final = Path(__file__).with_name("known.txt")
MAX_FILE_BYTES: Final = 16 << 20
"""Microsoft's own list has a quarter of a megabyte; far more is not a list of tags."""

_MOST_JUNK: Final = 10
"""Other lines for each tag of a list: prose has a line that could be a tag here and there."""

Origin = Literal["poolscope", "pooltag.txt"]


@dataclass(frozen=True, slots=True)
class TagName:
    """Whose a tag is and what for; either may be empty. ``source`` says who says so."""

    driver: str
    description: str
    source: Origin


@dataclass(frozen=True, slots=True)
class TagsFile:
    """A list of tags that is in use: how many tag lines it has, and how many lines that are nothing known."""

    path: Path
    tags: int
    junk_lines: int


class TagNames:
    """Looks up tags. A specific tag beats a wildcard; of two equally specific, the earlier list's counts."""

    __slots__ = ("_by_mask", "files")

    def __init__(self, names: Iterable[tuple[TagLine, Origin]], used: tuple[TagsFile, ...] = ()) -> None:
        self.files: Final = used
        by_mask: dict[int, dict[int, TagName]] = {}
        ordered = sorted(names, key=lambda name: name[0].pattern.specificity, reverse=True)
        for line, origin in ordered:
            by_value = by_mask.setdefault(line.pattern.mask, {})
            by_value.setdefault(line.pattern.value, TagName(line.driver, line.description, origin))
        self._by_mask: Final[Mapping[int, Mapping[int, TagName]]] = by_mask

    @classmethod
    def load(cls, pooltag: Path | None = None) -> TagNames:
        """Our own names, and before them those of the given file, or of the lists found on this machine.

        Raises:
            InputError: the given file cannot be read, or has no tag in it. A list that was only
                found, and cannot be read, is passed over.
        """
        lists = [(pooltag, _given(pooltag))] if pooltag is not None else list(_found())
        used = tuple(TagsFile(path, len(listing.lines), listing.junk_lines) for path, listing in lists)
        theirs: Iterator[tuple[TagLine, Origin]] = (
            (line, "pooltag.txt") for _, listing in lists for line in listing.lines
        )
        ours: Iterator[tuple[TagLine, Origin]] = ((line, "poolscope") for line in _ours())
        return cls((*theirs, *ours), used)

    def lookup(self, tag: int) -> TagName | None:
        """What the tag stands for, ``None`` where no list knows it. The protected bit makes no difference."""
        known = normal(tag)
        for mask, by_value in self._by_mask.items():  # most specific first
            name = by_value.get(known & mask)
            if name is not None:
                return name
        return None


def built_in() -> TagNames:
    """Our own names alone."""
    return TagNames((line, "poolscope") for line in _ours())


def _ours() -> tuple[TagLine, ...]:
    return read_listing(_OURS.read_bytes()).lines


def _given(path: Path) -> Listing:
    try:
        listing = read_listing(_typed(_read(path)))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise InputError(
            "pooltag-unreadable",
            "The list of pool tags cannot be read",
            where=str(path),
            why=reason or str(error),
            next="Give --pooltag the path of a pooltag.txt, or leave it out to use the built-in names.",
        ) from error
    if not listing.lines or listing.junk_lines > _MOST_JUNK * len(listing.lines):
        raise InputError(
            "pooltag-empty",
            "This is no list of pool tags",
            where=str(path),
            why=f"{counted(len(listing.lines), 'line reads', 'lines read') if listing.lines else 'No line reads'}"
            f" 'Tag - module - description'; {counted(listing.junk_lines, 'other does', 'others do')} not.",
            next="Give --pooltag a file in the form of the pooltag.txt that comes with Microsoft's debuggers.",
        )
    return listing


def _found() -> Iterator[tuple[Path, Listing]]:
    """The user's own list, then the first of Microsoft's that can be read."""
    for group in ((users_own(),), microsofts()):
        for path in group:
            try:
                listing = read_listing(_read(path))
            except (OSError, ValueError):
                continue
            yield path, listing
            break


def _typed(data: bytes) -> bytes:
    """The bytes, if they are a text's. A list that was only found is taken as it is: it has a list's name and place."""
    if not is_text(data):
        raise ValueError("it is no text: much of it is characters that nobody types")
    return data


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"it is larger than {MAX_FILE_BYTES >> 20} MB")
    return data
