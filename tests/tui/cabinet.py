"""Writes cabinets, after the published description of their layout ([MS-CAB]) alone."""

from __future__ import annotations

import struct
import zlib
from functools import reduce
from operator import xor

BLOCK = 32_768


def cabinet(files: dict[str, bytes], *, method: int = 1, flags: int = 0) -> bytes:
    """A cabinet of one folder, its blocks MSZIP (1) or stored (0) whatever ``method`` says."""
    stream = b"".join(files.values())
    blocks, before = [], b""
    for begin in range(0, len(stream), BLOCK):
        piece = stream[begin : begin + BLOCK]
        blocks.append(_block(piece, _deflated(piece, before) if method == 1 else piece))
        before = piece
    entries, at = b"", 0
    for name, data in files.items():
        entries += struct.pack("<IIHHHH", len(data), at, 0, 0x5A21, 0x6000, 0x20) + name.encode("ascii") + b"\0"
        at += len(data)
    files_at, data_at = 36 + 8, 36 + 8 + len(entries)
    size = data_at + sum(map(len, blocks))
    header = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, size, 0, files_at, 0, 3, 1, 1, len(files), flags, 1, 0)
    return b"".join((header, struct.pack("<IHH", data_at, len(blocks), method), entries, *blocks))


def _deflated(piece: bytes, before: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=before)
    return b"CK" + deflate.compress(piece) + deflate.flush()


def _block(piece: bytes, packed: bytes) -> bytes:
    sizes = struct.pack("<HH", len(packed), len(piece))
    return struct.pack("<I", _sum(packed) ^ _sum(sizes)) + sizes + packed


def _sum(data: bytes) -> int:
    """CSUMCompute of the description."""
    whole = len(data) & ~3
    words = (int.from_bytes(data[at : at + 4], "little") for at in range(0, whole, 4))
    return reduce(xor, words, int.from_bytes(data[whole:], "big"))
