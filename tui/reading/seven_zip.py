"""The trace in a .7z, unpacked in bounded memory by py7zr, which is installed only where it is asked for.

py7zr hands on what a mebibyte of the archive unpacks to, at most 128 MB at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from analyzers.formatting import size
from tracer.errors import InputError
from tracer.packed.errors import PackedDamagedError, PackedRefusedError

_LZMA, _LZMA2 = b"\x03\x01\x01", b"\x21"
_READ: Final = frozenset({b"\x00", b"\x03", b"\x04", b"\x03\x03\x01\x03", _LZMA, _LZMA2})
"""Methods (7-Zip's ``Methods.txt``): copy, delta, the x86 filter, LZMA, LZMA2. py7zr gives these piece by piece; others
it unpacks in one, or needs a password for."""
_LARGEST_DICTIONARY: Final = 256 << 20
"""What was unpacked last stays in memory as far back as the dictionary reaches: 64 MiB at 7-Zip's strongest setting."""


def is_readable() -> bool:
    """Whether py7zr is installed."""
    try:
        import py7zr  # noqa: F401
    except ImportError:
        return False
    return True


def unpack(path: Path, choose: Callable[[Sequence[str]], int], write: Callable[[bytes], object]) -> str:
    """Hand the file in the archive that ``choose`` takes to ``write``, piece by piece; gives its name.

    What ``choose`` and ``write`` raise comes through.

    Raises:
        PackedDamagedError, PackedRefusedError: it cannot be unpacked, or not here.
    """
    import py7zr

    try:
        with path.open("rb") as file, py7zr.SevenZipFile(file) as archive:
            names = [entry.filename for entry in archive.list() if entry.is_file]
            name: str = names[choose(names)]
            _check(archive)
            archive.extract(targets=[name], factory=_Writer(write))
    except py7zr.exceptions.PasswordRequired as error:
        raise PackedRefusedError("it is encrypted") from error
    except (PackedRefusedError, InputError, OSError):
        raise
    except Exception as error:  # what reads damaged bytes raises all kinds
        raise PackedDamagedError(str(error) or type(error).__name__) from error
    return name


def _check(archive: Any) -> None:  # noqa: ANN401 - py7zr may not be installed
    """Refuse what would not be unpacked piece by piece, or with too large a dictionary."""
    streams = archive.header.main_streams
    for folder in [] if streams is None else streams.unpackinfo.folders:
        for coder in folder.coders:
            method, properties = bytes(coder["method"]), bytes(coder["properties"] or b"")
            if method not in _READ:
                raise PackedRefusedError(f"it is packed by method {method.hex()}: LZMA and LZMA2 are read here")
            dictionary = _dictionary(method, properties)
            if dictionary > _LARGEST_DICTIONARY:
                raise PackedRefusedError(f"its dictionary of {size(dictionary)} would be in memory as a whole")


def _dictionary(method: bytes, properties: bytes) -> int:
    """Bytes of the dictionary (7-Zip's ``lzma-specification.txt``): LZMA says how many, LZMA2 which half octave."""
    if method == _LZMA and len(properties) >= 5:
        return int.from_bytes(properties[1:5], "little")
    if method == _LZMA2 and properties:
        return (2 | properties[0] & 1) << (properties[0] // 2 + 11)
    return 0


class _Writer:
    """What py7zr calls a factory, and the one file that it makes: bytes go on and are not kept."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._done = 0

    def create(self, _: str) -> _Writer:
        return self

    def write(self, piece: bytes) -> int:
        self._write(piece)
        self._done += len(piece)
        return len(piece)

    def size(self) -> int:
        return self._done

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        return 0

    def read(self, _: int | None = None) -> bytes:
        return b""

    def flush(self) -> None:
        return

    def close(self) -> None:
        return
