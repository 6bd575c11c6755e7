"""Cabinets (.cab), read as a stream in bounded memory.

Layout: Microsoft Cabinet Format ([MS-CAB], learn.microsoft.com, "Microsoft Cabinet File Format") and MSZIP ([MS-MCI]).
It reads what is stored or MSZIP, which ``makecab`` writes unless told otherwise; LZX and Quantum are refused, and the
error names what unpacks them. It is our own because no library fits: cabarchive knows no more methods, and unpacks a
whole cabinet in memory; libarchive and libmspack (in archi, pylibmspack) know LZX, but are C that would run here over
a file from anybody, and libarchive's LZX decoder wrote past its buffer (github.com/libarchive/libarchive/pull/2919,
March 2026).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any, Final

import numpy as np

from tracer.data_classes import dataclass
from tracer.packed.errors import PackedDamagedError, PackedRefusedError

_HEADER: Final = struct.Struct("<4s4xI4xI4xBBHHHHH")
_RESERVED: Final = struct.Struct("<HBB")
_FOLDER: Final = struct.Struct("<IHH")
_FILE: Final = struct.Struct("<IIHHHH")
_DATA: Final = struct.Struct("<IHH")
_PREVIOUS, _NEXT, _HAS_RESERVED = 0x1, 0x2, 0x4
_METHOD: Final = 0xF
_STORED, _MSZIP = 0, 1
_NAMES: Final = {2: "Quantum", 3: "LZX"}
_LONGEST_NAME: Final = 256
"""With its zero; a name is no longer than 255 bytes."""
_UTF8: Final = 0x80
_BLOCK: Final = 32_768
"""Bytes of a block, unpacked, and of the window that the next one may refer to."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file: its name, how long it is, and where it lies in which folder's unpacked stream."""

    name: str
    size: int
    at: int
    folder: int


@dataclass(frozen=True, slots=True)
class _Folder:
    at: int
    blocks: int
    method: int


class Cabinet:
    """The members of a cabinet; :meth:`read` gives one of them piece by piece."""

    def __init__(self, file: IO[bytes]) -> None:
        """Read the tables. Raises PackedDamagedError, PackedRefusedError."""
        self._file = file
        sign, _, files_at, minor, major, folders, files, flags, _, _ = self._take(_HEADER)
        if sign != b"MSCF" or (major, minor) != (1, 3):
            raise PackedDamagedError("it does not begin as a cabinet of version 1.3")
        if flags & (_PREVIOUS | _NEXT):
            raise PackedRefusedError("it is one of a set of several cabinets")
        header, folder, self._reserved = self._take(_RESERVED) if flags & _HAS_RESERVED else (0, 0, 0)
        file.seek(header, 1)
        self._folders = []
        for _ in range(folders):
            at, blocks, method = self._take(_FOLDER)
            file.seek(folder, 1)
            self._folders.append(_Folder(at, blocks, method & _METHOD))
        file.seek(files_at)
        self.members = tuple(self._member() for _ in range(files))

    def read(self, member: Member) -> Iterator[bytes]:
        """Its bytes, no more than a block at a time. Raises PackedDamagedError, PackedRefusedError."""
        if member.folder >= len(self._folders):
            raise PackedRefusedError("the file goes on in another cabinet of a set")
        skip, left = member.at, member.size
        for block in self._blocks(self._folders[member.folder]):
            piece = block[skip : skip + left]
            skip -= min(skip, len(block))
            left -= len(piece)
            if piece:
                yield piece
            if not left:
                return
        if left:
            raise PackedDamagedError(f"its data end {left:,} bytes before the end of the file in it")

    def _blocks(self, folder: _Folder) -> Iterator[bytes]:
        """The unpacked blocks of a folder; each may refer to what the one before it holds."""
        if folder.method not in (_STORED, _MSZIP):
            raise PackedRefusedError(f"it is packed by {_NAMES.get(folder.method, f'method {folder.method}')}")
        self._file.seek(folder.at)
        before = b""
        for number in range(1, folder.blocks + 1):
            checksum, packed, unpacked = self._take(_DATA)
            self._file.seek(self._reserved, 1)
            data = self._exactly(packed)
            if unpacked > _BLOCK:
                raise PackedDamagedError(f"block {number} is longer than a block can be")
            if checksum and checksum != _checksum(_DATA.pack(0, packed, unpacked)[4:], _checksum(data, 0)):
                raise PackedDamagedError(f"the checksum of block {number} is not that of its data")
            if folder.method == _MSZIP:
                data = before = _inflated(data, before, number)
            if len(data) != unpacked:
                raise PackedDamagedError(f"block {number} has {len(data):,} bytes, not {unpacked:,}")
            yield data

    def _member(self) -> Member:
        size, at, folder, _, _, attributes = self._take(_FILE)
        begin = self._file.tell()
        name, zero, _ = self._file.read(_LONGEST_NAME).partition(b"\0")
        if not zero:
            raise PackedDamagedError("the name of a file in it does not end")
        self._file.seek(begin + len(name) + 1)
        return Member(name.decode("utf-8" if attributes & _UTF8 else "cp437", "replace"), size, at, folder)

    def _take(self, layout: struct.Struct) -> tuple[Any, ...]:
        return layout.unpack(self._exactly(layout.size))

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise PackedDamagedError("it ends before its data do")
        return data


def _inflated(data: bytes, before: bytes, number: int) -> bytes:
    if not data.startswith(b"CK"):
        raise PackedDamagedError(f"block {number} does not begin as one of MSZIP")
    inflate = zlib.decompressobj(-zlib.MAX_WBITS, zdict=before)
    try:
        return inflate.decompress(data[2:], _BLOCK + 1)
    except zlib.error as error:
        raise PackedDamagedError(f"block {number}: {error}") from error


def _checksum(data: bytes, seed: int) -> int:
    """All words of four bytes by exclusive or, with what is left over as one word, its first byte the highest."""
    whole = len(data) // 4 * 4
    words = np.frombuffer(data, "<u4", whole // 4)
    return seed ^ int(np.bitwise_xor.reduce(words, initial=0)) ^ int.from_bytes(data[whole:], "big")
