"""Traces as people send them: packed.

The one .etl in a .zip or .gz is unpacked to a temporary file for as long as it is read, in bounded memory.
"""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final, TypeVar

from analyzers.quantities import size
from analyzers.snapshot import Snapshot
from tracer.errors import InputError
from tui.contents import Contents
from tui.safe_text import safe
from tui.streams import say

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
"""Kinds that are not unpacked here, and what unpacks them."""

Read = TypeVar("Read", Snapshot, Contents)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """``path``: where the trace can be read; ``name``: what it is called for people, empty where that is the path."""

    path: Path
    name: str = ""

    def named(self, read: Read) -> Read:
        """What was read, with the name that people know in place of the temporary file's."""
        return read if not self.name else replace(read, info=replace(read.info, path=self.name))


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
    if kind in _BY_HAND:
        raise _error(path, "not-unpacked", f"a .{kind} file is not unpacked here", "", _BY_HAND[kind])
    with tempfile.TemporaryDirectory(prefix="poolscope-", ignore_cleanup_errors=True) as folder:
        to = Path(folder) / "trace.etl"
        say(f"note: unpacking {safe(path.name)}", quiet=quiet)
        try:
            member = _unzipped(path, to) if kind == "zip" else _gunzipped(path, to)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise _error(path, "packed-damaged", "the packed file cannot be unpacked", str(error)) from error
        except (RuntimeError, NotImplementedError) as error:  # how zipfile says encrypted, and other methods
            raise _error(path, "packed-refused", "the packed file cannot be unpacked here", str(error)) from error
        yield Unpacked(to, f"{path}: {member}")


def _kind(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            begin = file.read(8)
    except OSError:
        return None  # who opens it as a trace says it better
    return next((kind for sign, kind in _SIGNS.items() if begin.startswith(sign)), None)


def _unzipped(path: Path, to: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        files = [entry for entry in archive.infolist() if not entry.is_dir()]
        found = [entry for entry in files if entry.filename.lower().endswith(".etl")]
        if len(found) != 1:
            raise _no_one_trace(path, [entry.filename for entry in files], len(found))
        with archive.open(found[0]) as packed:
            _copied(path, packed, to, found[0].compress_size)
        return found[0].filename


def _gunzipped(path: Path, to: Path) -> str:
    with gzip.open(path) as packed:
        _copied(path, packed, to, path.stat().st_size)
    return path.stem


def _copied(path: Path, packed: IO[bytes] | gzip.GzipFile, to: Path, packed_bytes: int) -> None:
    """Copy, and stop where it becomes too much; what an archive says of a file's size need not be true."""
    most, done = packed_bytes * _MOST_TIMES, 0
    with to.open("wb") as file:
        while piece := packed.read(_PIECE):
            done += len(piece)
            if done > most:
                why = f"more than {_MOST_TIMES} times the {size(packed_bytes)} that it is packed in"
                raise _error(path, "packed-bomb", "the packed trace is far too large", why)
            if shutil.disk_usage(to.parent).free < _FREE + len(piece):
                why = f"the disk of {to.parent.parent} would be full after {size(done)}"
                raise _error(path, "packed-no-room", "there is no room to unpack the trace", why)
            file.write(piece)


def _no_one_trace(path: Path, names: Sequence[str], found: int) -> InputError:
    inside = [name for name in names if not found or name.lower().endswith(".etl")]
    more = f" and {len(inside) - _MOST_NAMED:,} more" if len(inside) > _MOST_NAMED else ""
    what = f"the packed file holds {found} traces" if found else "the packed file holds no .etl"
    return _error(path, "packed-contents", what, f"in it: {', '.join(inside[:_MOST_NAMED]) or 'nothing'}{more}")


def _error(path: Path, code: str, what: str, why: str, how: str = "") -> InputError:
    by_hand = how.format(name=path.name) if how else "unpack it"
    return InputError(code, what, where=str(path), why=why, next=f"{by_hand}, and give the .etl file")
