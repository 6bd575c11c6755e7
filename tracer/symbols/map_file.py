"""Names from a plain map file: lines of ``MODULE OFFSET NAME``, the offset hexadecimal, from the image's begin.

``contosodev.sys 0x1050 CtAllocateContext``. Empty lines and lines that begin with ``#`` say nothing. A map has no
identity, so nothing tells whether it belongs to the build that was loaded: its names are as sure as whoever made it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tracer.data_classes import dataclass
from tracer.errors import InputError
from tracer.symbols.pdbs import MOST_TEXT
from tracer.symbols.symbol import Symbol

_MOST_BYTES: Final = 64 << 20
_MOST_LINES: Final = 1_000_000
"""The kernel has 30,000 functions; a map of all drivers of a machine stays below."""
_FORM: Final = "MODULE OFFSET NAME, for instance 'contosodev.sys 0x1050 CtAllocateContext'"


@dataclass(frozen=True, slots=True)
class _Names:
    offsets: list[int]
    names: list[str]


class MapFile:
    """The names of each module, by the module's file name in any case of letters, with or without its ending."""

    def __init__(self, path: Path) -> None:
        """Read it. Raises InputError, with the line."""
        self.path = path
        entries: dict[str, dict[int, str]] = {}
        for module, offset, name in _lines(path):
            entries.setdefault(module.lower(), {}).setdefault(offset, name)
        self._modules = {
            module: _Names(sorted(names), [names[offset] for offset in sorted(names)])
            for module, names in entries.items()
        }

    def has(self, module: str) -> bool:
        """Whether it has names of this module."""
        return self._of(module) is not None

    def symbols(self, module: str, addresses: list[int]) -> list[Symbol | None]:
        """The last name at or before each address from the begin of the image."""
        known = self._of(module)
        if known is None:
            return [None] * len(addresses)
        found = ((address, bisect_right(known.offsets, address) - 1) for address in addresses)
        return [Symbol(known.names[at], address - known.offsets[at]) if at >= 0 else None for address, at in found]

    def _of(self, module: str) -> _Names | None:
        name = module.lower()
        return self._modules.get(name) or self._modules.get(name.rpartition(".")[0])


def _lines(path: Path) -> Iterator[tuple[str, int, str]]:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise _refused(path, 0, error.strerror or str(error)) from error
    if len(data) > _MOST_BYTES:
        raise _refused(path, 0, f"it has more than {_MOST_BYTES >> 20} MB")
    for number, raw in enumerate(data.split(b"\n"), 1):
        if number > _MOST_LINES:
            raise _refused(path, number, f"it has more than {_MOST_LINES:,} lines")
        try:
            line = raw.decode("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise _refused(path, number, "it is no text in UTF-8") from error
        if line and not line.startswith("#"):
            yield _entry(path, number, line)


def _entry(path: Path, number: int, line: str) -> tuple[str, int, str]:
    parts = line.split(None, 2)
    if len(parts) < 3:
        raise _refused(path, number, f"it has {len(parts)} words, not three")
    module, offset, name = parts
    if len(name) > MOST_TEXT:
        raise _refused(path, number, f"its name has more than {MOST_TEXT:,} letters")
    if not name.isprintable():
        raise _refused(path, number, "its name has letters that cannot be shown")
    try:
        value = int(offset, 16)
    except ValueError as error:
        raise _refused(path, number, f"{offset[:40]!r} is no hexadecimal number") from error
    if not 0 <= value < 1 << 32:
        raise _refused(path, number, f"{offset[:40]} is no offset in an image")
    return module, value, name


def _refused(path: Path, line: int, why: str) -> InputError:
    where = f"{path}, line {line}" if line else str(path)
    return InputError("map-file-unreadable", "the map file cannot be read", where=where, why=why, next=f"write {_FORM}")
