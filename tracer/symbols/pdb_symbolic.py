"""PDB files read by ``symbolic``, which makes a cache of sorted addresses of each: read once, looked up often.

A cache is kept under the PDB's name, GUID and age, and the size and time of its file: a stripped and a full PDB of one
build have the same GUID and age, as a damaged one and its next copy have, and one is not answered from the other's.
"""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from symbolic.debuginfo import Archive
from symbolic.symcache import SYMCACHE_LATEST_VERSION, SymCache

from tracer.symbols.pdbs import MOST_INLINED, MOST_TEXT, Identity, PdbError, line_or_none, refuse_another
from tracer.symbols.symbol import Inlined, Symbol
from tracer.whole_files import growing

_MOST_OPEN: Final = 4
"""Caches: those of large PDBs have 15 MB, and count for what the process may take."""
_AFTER_ARGUMENTS: Final = frozenset({"", "const", "volatile", "const volatile"})
_DECORATED: Final = re.compile(r"\?([A-Za-z_]\w*(?:@[A-Za-z_]\w*)*)@@")
"""A decorated name of C++ without templates and operators: scopes from the inside out, then the types (LLVM's
MicrosoftDemangle.cpp). Public symbols have only those; others stay as they are."""


class SymbolicPdbs:
    """A reader by symbolic; ``cache``: the folder of what it made of PDB files before."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache
        self._open: dict[Path, SymCache] = {}

    def identity(self, path: Path) -> Identity:
        """Whose symbols the file has."""
        return _identity(_pdb(path).debug_id)

    def symbols(self, path: Path, wanted: Identity, size: int, addresses: list[int]) -> list[Symbol | None]:
        """What is at each address from the begin of the image."""
        cache = self._cache(path, wanted)
        return [_symbol(cache.lookup(address), address) if address < size else None for address in addresses]

    def _cache(self, path: Path, wanted: Identity) -> SymCache:
        file = path.stat()
        version = f"{file.st_size:x}-{file.st_mtime_ns:x}.v{SYMCACHE_LATEST_VERSION}"
        kept = self._folder / f"{path.name}-{wanted.guid.hex}{wanted.age:x}-{version}"
        cache = self._open.pop(kept, None) or self._kept(kept, wanted) or self._made(path, wanted, kept)
        self._open[kept] = cache
        if len(self._open) > _MOST_OPEN:
            del self._open[next(iter(self._open))]
        return cache

    def _kept(self, kept: Path, wanted: Identity) -> SymCache | None:
        with suppress(Exception):  # a cache that cannot be read is made again
            cache = SymCache.open(str(kept))
            if cache.is_latest_version and _identity(cache.debug_id) == wanted:
                return cache
        return None

    def _made(self, path: Path, wanted: Identity, kept: Path) -> SymCache:
        pdb = _pdb(path)
        refuse_another(path, _identity(pdb.debug_id), wanted)
        cache = pdb.make_symcache()
        with suppress(OSError):  # a cache that cannot be kept serves this process
            self._folder.mkdir(parents=True, exist_ok=True)
            with growing(kept, durable=False) as file:
                cache.dump_into(file)
        return cache


def _pdb(path: Path) -> Any:  # noqa: ANN401 - an Object of symbolic
    with path.open("rb"):  # says in the system's words why it cannot be opened
        pass
    found = next(Archive.open(str(path)).iter_objects(), None)
    if found is None or found.file_format != "pdb":
        raise PdbError(f"{path} is no PDB file")
    return found


def _identity(debug_id: str) -> Identity:
    """Of symbolic's ``GUID-AGE``, the age hexadecimal and left out where it is 0."""
    guid, _, age = debug_id[:36], debug_id[36:37], debug_id[37:]
    return Identity(uuid.UUID(guid), int(age or "0", 16))


def _symbol(frames: list[Any], address: int) -> Symbol | None:
    """Of the frames at an address: inlined ones, which have no address of their own, before the function itself."""
    if not frames:
        return None
    *inlined, function = frames
    return Symbol(
        bare_name(function.symbol)[:MOST_TEXT],
        address - function.sym_addr,
        (function.full_path or "")[-MOST_TEXT:],
        line_or_none(function.line),
        tuple(
            Inlined(bare_name(each.symbol)[:MOST_TEXT], (each.full_path or "")[-MOST_TEXT:], line_or_none(each.line))
            for each in inlined[:MOST_INLINED]
        ),
    )


def bare_name(name: str) -> str:
    """A function's name as debuggers show it: without the argument list that symbolic adds to some."""
    if decorated := _DECORATED.match(name):
        return "::".join(reversed(decorated[1].split("@")))
    end = name.rfind(")")
    if end < 0 or name[end + 1 :].strip() not in _AFTER_ARGUMENTS:
        return name
    depth = 0
    for at in range(end, -1, -1):
        depth += (name[at] == ")") - (name[at] == "(")
        if depth == 0:
            before = name[:at]
            return name if not before or before.endswith("operator") else before
    return name
