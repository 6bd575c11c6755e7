"""XPRESS, held against a slow decompressor from the document; and what is compressed comes back.

Of an input the first two bytes say how much room there is, the rest is the stream.
"""

from __future__ import annotations

import numpy as np

from fixtures.etl.xpress import compress
from tests.fuzzing.mutations import binary
from tests.fuzzing.target import Target, insist
from tracer.etl import xpress

_GUARD, _MARGIN, _MOST_ROOM = 0xA5, 16, 4096
_TEXTS = (b"", b"a", b"\0" * 300, b"ab" * 90, b"stack" * 60, bytes(range(256)), b"pool" + bytes(40) + b"pool" * 9)


def _seeds() -> list[bytes]:
    rooms = (len(text).to_bytes(2, "little") for text in _TEXTS)
    return [room + compress(text) for room, text in zip(rooms, _TEXTS, strict=True)] + [
        b"\x10\0",
        b"\xff\x03\xff\xff\xff\x7fa\x07\0\x0f\xff\0\0\x40\0\0\0",
    ]


def check(data: bytes) -> None:
    room, packed = int.from_bytes(data[:2], "little") % (_MOST_ROOM + 1), data[2:]
    found = _unpacked(packed, room)
    wanted = slowly_unpacked(packed, room)
    insist(found == wanted, f"status and bytes are {found}, by the document {wanted}")
    insist(_unpacked(compress(data), len(data)) == (xpress.WHOLE, data), "what was compressed does not come back")


def _unpacked(packed: bytes, room: int) -> tuple[int, bytes]:
    margin = bytes([_GUARD]) * _MARGIN
    source = np.frombuffer(margin + packed + margin, np.uint8)
    output = np.full(room + 2 * _MARGIN, _GUARD, np.uint8)
    results = np.zeros((1, 2), np.int64)
    xpress.decompress(source, output, np.array([[_MARGIN, _MARGIN + len(packed), _MARGIN, _MARGIN + room]]), results)
    status, written = results[0].tolist()
    insist(0 <= written <= room, f"{written} bytes in a room of {room}")
    whole = output.tobytes()
    insist(whole[:_MARGIN] == margin and whole[_MARGIN + room :] == margin, "written beyond the room")
    return status, whole[_MARGIN : _MARGIN + written]


def slowly_unpacked(packed: bytes, room: int) -> tuple[int, bytes]:
    """MS-XCA 2.4.4 item by item: the kernel's status, and the output up to where it ends."""
    out = bytearray()
    at = flags = left = 0
    half_byte_at = -1

    def number(width: int) -> int:
        nonlocal at
        if at + width > len(packed):
            raise _EndsError
        at += width
        return int.from_bytes(packed[at - width : at], "little")

    try:
        while at < len(packed):
            if left == 0:
                flags, left = number(4), 32
                continue
            if not flags >> (left - 1) & 1:
                if len(out) == room:
                    return xpress.OUTPUT_FULL, bytes(out)
                left -= 1
                out.append(number(1))
                continue
            left -= 1
            token = number(2)
            length, distance = token & 7, (token >> 3) + 1
            if length == 7:
                if half_byte_at >= 0:
                    length, half_byte_at = packed[half_byte_at] >> 4, -1
                else:
                    half_byte_at = at
                    length = number(1) & 15
                if length == 15:
                    length = number(1)
                    if length == 255:
                        length = number(2) or number(4)
                        if length < 15 + 7:
                            return xpress.LENGTH_INVALID, bytes(out)
                        length -= 15 + 7
                    length += 15
                length += 7
            if distance > len(out):
                return xpress.OFFSET_BEFORE_START, bytes(out)
            taken = min(length + 3, room - len(out))
            for _ in range(taken):
                out.append(out[-distance])
            if taken < length + 3:
                return xpress.OUTPUT_FULL, bytes(out)
    except _EndsError:
        return xpress.INPUT_ENDS, bytes(out)
    return xpress.WHOLE, bytes(out)


class _EndsError(Exception):
    """The input ends in the middle of an item."""


TARGET = Target(check, _seeds, binary(), 15_000)
