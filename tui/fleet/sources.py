"""The traces of a fleet: files, folders, lists and addresses become one place each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tracer.data_classes import dataclass
from tracer.errors import InputError, MachineError
from tui.commands.traces import expanded

ENDINGS: Final = (".etl", ".etl.gz", ".zip", ".cab", ".7z")
"""Of the files that are taken from a folder; a file that is named itself may have any."""
_LIST: Final = ".txt"
_ADDRESS: Final = "://"
_STAMPS: Final = ("ETag", "etag", "LastModified", "last_modified", "updated", "mtime")
"""What file systems of fsspec tell of when a file was changed, each in its own word."""


@dataclass(frozen=True, slots=True)
class Source:
    """``place``: an absolute path, or an address of fsspec's.

    ``stamp``: the same as long as the file is not written again, empty where nothing tells; ``bytes``: 0 then.
    """

    place: str
    stamp: str = ""
    bytes: int = 0

    @property
    def is_remote(self) -> bool:
        """Whether fsspec brings it."""
        return _ADDRESS in self.place

    @property
    def folder(self) -> str:
        """What it lies in."""
        return self.place.rpartition("/")[0] if self.is_remote else str(Path(self.place).parent)


def sources_of(words: Sequence[str], *, storage: Mapping[str, Any] | None = None) -> list[Source]:
    """Each once, in the order of their places.

    A word is a trace, a folder with all below it, a list (``.txt``: a word a line, ``#`` for remarks), a pattern, or an
    address of a file or folder. ``storage``: options of fsspec's file systems.

    Raises:
        InputError: there is no such file, folder or list, or nothing in all of them.
        MachineError: an address is of a kind for which nothing is installed.
    """
    found: dict[str, Source] = {}
    for word in words:
        for each in _of_word(word, storage or {}):
            found.setdefault(each.place, each)
    if not found:
        raise InputError(
            "no-traces",
            "there is no trace",
            where=", ".join(words),
            why=f"of folders, files that end in {', '.join(ENDINGS)} are taken",
            next="name folders with traces in them, or the files themselves",
        )
    return [found[place] for place in sorted(found)]


def _of_word(word: str, storage: Mapping[str, Any]) -> Iterator[Source]:
    if _ADDRESS in word:
        yield from _remote(word, storage)
        return
    for path in expanded(Path(word)):
        if path.is_dir():
            yield from map(_local, _below(path))
        elif path.suffix.lower() == _LIST:
            yield from _listed(path, storage)
        elif path.exists():
            yield _local(path)
        else:
            raise InputError(
                "no-such-file",
                "there is no such file or folder",
                where=word,
                next="check the path (poolscope fleet --help)",
            )


def _below(folder: Path) -> Iterator[Path]:
    """The traces in a folder and in all below it; links to folders are not followed. Raises InputError."""

    def unreadable(error: OSError) -> None:
        raise InputError(
            "folder-unreadable",
            "a folder cannot be read",
            where=str(error.filename),
            why=error.strerror or str(error),
            next="give yourself the right to read it, or name the others",
        ) from error

    for where, _, names in os.walk(folder, onerror=unreadable):
        yield from (Path(where) / name for name in names if name.lower().endswith(ENDINGS))


def _listed(path: Path, storage: Mapping[str, Any]) -> Iterator[Source]:
    """What a list names; a trace that is not there is told in its row, as others of the list are."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "list-unreadable",
            "the list cannot be read",
            where=str(path),
            why=str(error),
            next="a list is a text in UTF-8 with a path or an address a line",
        ) from error
    for line in map(str.strip, lines):
        if not line or line.startswith("#"):
            continue
        here = line if _ADDRESS in line else str(path.parent / line)
        if _ADDRESS not in here and not Path(here).exists():
            yield Source(os.path.abspath(here))  # noqa: PTH100 - resolve() would follow links
        elif here.lower().endswith(_LIST):
            yield _local(Path(here))
        else:
            yield from _of_word(here, storage)


def _local(path: Path) -> Source:
    place = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
    try:
        found = path.stat()
    except OSError:
        return Source(place)
    return Source(place, f"{found.st_size}:{found.st_mtime_ns}", found.st_size)


def _remote(address: str, storage: Mapping[str, Any]) -> Iterator[Source]:
    """The file of an address, or the traces below it; one that cannot be asked is told in its row."""
    system, path = file_system(address, storage)
    try:
        is_folder = system.isdir(path)
        files = system.find(path, detail=True) if is_folder else {path: system.info(path)}
    except (OSError, ValueError) as error:
        if address.lower().endswith(ENDINGS):
            yield Source(address)
            return
        raise InputError(
            "address-unreadable",
            "the address cannot be read",
            where=address,
            why=str(error) or type(error).__name__,
            next="check it, and what its store wants to know of you (fsspec's documentation says how)",
        ) from error
    for name, facts in files.items():
        if is_folder and not name.lower().endswith(ENDINGS):
            continue
        size = int(facts.get("size") or 0)
        stamp = next((str(facts[key]) for key in _STAMPS if facts.get(key)), "")
        yield Source(system.unstrip_protocol(name) if is_folder else address, f"{size}:{stamp}" if stamp else "", size)


def file_system(address: str, storage: Mapping[str, Any]) -> tuple[Any, str]:
    """Fsspec's file system for an address, and the path in it. Raises MachineError where that is not installed."""
    try:
        from fsspec.core import url_to_fs

        return url_to_fs(address, **storage)  # type: ignore[no-any-return]
    except (ImportError, ValueError) as error:
        raise MachineError(
            "no-file-system",
            "this kind of address cannot be read here",
            where=address,
            why=str(error),
            next="install what fsspec names, as s3fs for s3://, on every machine that reads",
        ) from error


def total_bytes(sources: Iterable[Source]) -> int:
    """Of all whose size is known."""
    return sum(each.bytes for each in sources)
