"""What a reader of PDB files is asked, whoever does the reading; it runs in a process of its own (:mod:`.child`)."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Final, Protocol

from tracer.data_classes import dataclass
from tracer.symbols.symbol import Symbol

MOST_INLINED: Final = 16
"""Functions inlined into each other; a compiler's limit is far lower than what a made-up file may say."""
MOST_TEXT: Final = 1024
"""Letters of a name or of a path."""
_NO_LINES: Final = frozenset({0xF00F00, 0xFEEFEE})
"""Lines that compilers give to code of no line (LLVM's CodeView/Line.h: never and always step into)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A PDB file's own GUID and age: the age of its debug information, which its image has too."""

    guid: uuid.UUID
    age: int

    def __str__(self) -> str:
        return f"GUID {self.guid}, age {self.age}"


class PdbError(Exception):
    """The file cannot be read, or is another one; the message says which."""


class Pdbs(Protocol):
    """A reader. Both methods raise :class:`PdbError`; what the library itself raises is an error of the file too."""

    def identity(self, path: Path) -> Identity:
        """Whose symbols the file has."""

    def symbols(self, path: Path, wanted: Identity, size: int, addresses: list[int]) -> list[Symbol | None]:
        """What is at each address from the begin of the image, whose ``size`` in memory is given."""


def line_or_none(line: int) -> int:
    """A line of a source file; 0 for those that mean none."""
    return 0 if line in _NO_LINES else line


def refuse_another(path: Path, found: Identity, wanted: Identity) -> None:
    """Raise where the file is not the wanted one."""
    if found != wanted:
        raise PdbError(f"{path} belongs to another build: it has {found}, the image {wanted}")
