"""Traces as people send them: packed.

The one .etl in a .zip, .gz, .cab or .7z is unpacked to a temporary file for as long as it is read, in bounded memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self, TypeVar

from analyzers.formatting import size
from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tracer.errors import InputError
from tracer.packed.errors import PackedDamagedError, PackedRefusedError
from tui.contents import Contents
from tui.reading import seven_zip
from tui.streams import say

if TYPE_CHECKING:
    import gzip

_PIECE: Final = 1 << 20
"""Bytes in hand at a time."""
_MOST_TIMES: Final = 200
"""As many times as large as its packed form a trace may be: deflate makes a tenth or less of real ones; a file that
was made to fill a disk goes to 1,000.
"""
_FREE: Final = 256 << 20
"""Bytes of the temporary folder's disk that stay free."""
_MOST_NAMED: Final = 5

_SIGNS: Final = {b"PK\x03\x04": "zip", b"\x1f\x8b": "gz", b"MSCF": "cab", b"7z\xbc\xaf\x27\x1c": "7z"}
"""How packed files begin; no trace does: read as the size of its first buffer, each is impossible."""
_BY_HAND: Final = {
    "cab": "expand {name} -F:*.etl ." if sys.platform == "win32" else "cabextract -F '*.etl' {name}",
    "7z": "7z x {name}",
}
"""What unpacks kinds of which not every file is unpacked here."""
_WITH_7Z: Final = 'python -m pip install ".[7z]" in the folder of Poolscope\'s source opens it in place; or {by_hand}'

Read = TypeVar("Read", Snapshot, Contents)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """``path``: where the trace can be read; ``name``: what it is called for people, empty where that is the path."""

    path: Path
    name: str = ""


def named(read: Read, files: Sequence[Unpacked]) -> Read:
    """What was read of these files, with the names that people know in place of those of temporary files."""
    names = {str(file.path): file.name for file in files if file.name}
    info = read.info
    joined = tuple(replace(each, path=names.get(each.path, each.path)) for each in info.joined)
    return replace(read, info=replace(info, path=names.get(info.path, info.path), joined=joined)) if names else read


@contextmanager
def unpacked(path: Path, *, quiet: bool) -> Iterator[Unpacked]:
    """The trace at ``path``, or the one in the packed file there.

    Raises:
        InputError: there is not one trace in it, it is damaged, encrypted, or far larger than its packed form.
    """
    kind = _kind(path)
    if kind is None:
        yield Unpacked(path)
        return
    import tempfile
    import zipfile
    import zlib

    by_hand = _BY_HAND.get(kind, "")
    if kind == "7z" and not seven_zip.is_readable():
        why, how = "py7zr, which unpacks it, is not installed", _WITH_7Z.replace("{by_hand}", by_hand)
        raise _error(path, "not-unpacked", "a .7z file is not unpacked here", why, how)
    with tempfile.TemporaryDirectory(prefix="poolscope-", ignore_cleanup_errors=True) as folder:
        to = Path(folder) / path.name  # what is said of the file by its name is then true
        say(f"note: unpacking {path.name}", quiet=quiet)
        try:
            member = _UNPACK[kind](path, to)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, PackedDamagedError) as error:
            raise _error(path, "packed-damaged", "the packed file cannot be unpacked", str(error)) from error
        except (RuntimeError, NotImplementedError, PackedRefusedError) as error:  # as zipfile says encrypted
            what = "the packed file cannot be unpacked here"
            raise _error(path, "packed-refused", what, str(error), by_hand) from error
        yield Unpacked(to, f"{path}: {member}")


def _kind(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            begin = file.read(8)
    except OSError:
        return None  # who opens it as a trace says it better
    return next((kind for sign, kind in _SIGNS.items() if begin.startswith(sign)), None)


def _unzipped(path: Path, to: Path) -> str:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        files = [entry for entry in archive.infolist() if not entry.is_dir()]
        trace = files[_trace_among(path, [entry.filename for entry in files])]
        with archive.open(trace) as packed:
            _copied(packed, _Target(path, to, trace.compress_size))
        return trace.filename


def _gunzipped(path: Path, to: Path) -> str:
    import gzip

    with gzip.open(path) as packed:
        _copied(packed, _Target(path, to, path.stat().st_size))
    return path.stem


def _from_cabinet(path: Path, to: Path) -> str:
    from tracer.packed.cabinets import Cabinet

    with path.open("rb") as file:
        cabinet = Cabinet(file)
        trace = cabinet.members[_trace_among(path, [member.name for member in cabinet.members])]
        with _Target(path, to, path.stat().st_size) as target:
            for piece in cabinet.read(trace):
                target.write(piece)
    return trace.name


def _from_7z(path: Path, to: Path) -> str:
    with _Target(path, to, path.stat().st_size) as target:
        return seven_zip.unpack(path, lambda names: _trace_among(path, names), target.write)


_UNPACK: Final = {"zip": _unzipped, "gz": _gunzipped, "cab": _from_cabinet, "7z": _from_7z}


class _Target:
    """The unpacked file; stops where it becomes too much: what an archive says of a file's size need not be true."""

    def __init__(self, path: Path, to: Path, packed_bytes: int) -> None:
        self._path, self._to, self._packed_bytes, self._done = path, to, packed_bytes, 0

    def __enter__(self) -> Self:
        self._file = self._to.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        with self._room():
            self._file.close()

    def write(self, piece: bytes) -> None:
        self._done += len(piece)
        if self._done > self._packed_bytes * _MOST_TIMES:
            why = f"more than {_MOST_TIMES} times the {size(self._packed_bytes)} that it is packed in"
            raise _error(self._path, "packed-bomb", "the packed trace is far too large", why)
        folder = self._to.parent
        import shutil

        if shutil.disk_usage(folder).free < _FREE + len(piece):
            raise self._no_room(f"the disk of {folder.parent} would be full after {size(self._done)}")
        with self._room():
            self._file.write(piece)

    @contextmanager
    def _room(self) -> Iterator[None]:
        """What cannot be written is no damage of what is read."""
        try:
            yield
        except OSError as error:
            raise self._no_room(f"{self._to.parent.parent}: {error.strerror or error}") from error

    def _no_room(self, why: str) -> InputError:
        return _error(self._path, "packed-no-room", "there is no room to unpack the trace", why)


def _copied(packed: IO[bytes] | gzip.GzipFile, target: _Target) -> None:
    with target:
        while piece := packed.read(_PIECE):
            target.write(piece)


def _trace_among(path: Path, names: Sequence[str]) -> int:
    """Which of the files in it is the trace."""
    found = [place for place, name in enumerate(names) if name.lower().endswith(".etl")]
    if len(found) != 1:
        raise _no_one_trace(path, names, len(found))
    return found[0]


def _no_one_trace(path: Path, names: Sequence[str], found: int) -> InputError:
    inside = [name for name in names if not found or name.lower().endswith(".etl")]
    more = f" and {len(inside) - _MOST_NAMED:,} more" if len(inside) > _MOST_NAMED else ""
    what = f"the packed file holds {found:,} traces" if found else "the packed file holds no .etl"
    return _error(path, "packed-contents", what, f"in it: {', '.join(inside[:_MOST_NAMED]) or 'nothing'}{more}")


def _error(path: Path, code: str, what: str, why: str, how: str = "") -> InputError:
    by_hand = how.format(name=path.name) if how else "unpack it"
    return InputError(code, what, where=str(path), why=why, next=f"{by_hand}, and give the .etl file")
