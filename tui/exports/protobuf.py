"""The few wire types of protocol buffers that a profile is written in.

Source: "Encoding" of protobuf.dev. Libraries for this need a generated module for each format; this is all one takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

_VARINT = 0
_LENGTH = 2


class Message:
    """Fields of one message, in the order in which they are added."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def __bytes__(self) -> bytes:
        return bytes(self._bytes)

    def number(self, field: int, value: int) -> Self:
        """A whole number, uint64 or not negative; 0 is what is read where nothing is written."""
        if value:
            self._bytes += _varint(field << 3 | _VARINT) + _varint(value)
        return self

    def text(self, field: int, value: str) -> Self:
        """A string, also an empty one."""
        return self._block(field, value.encode())

    def message(self, field: int, value: Message) -> Self:
        """A message in this one."""
        return self._block(field, bytes(value))

    def packed(self, field: int, values: Iterable[int]) -> Self:
        """Whole numbers, packed."""
        return self._block(field, b"".join(map(_varint, values)))

    def _block(self, field: int, block: bytes) -> Self:
        self._bytes += _varint(field << 3 | _LENGTH) + _varint(len(block)) + block
        return self


def _varint(value: int) -> bytes:
    done = bytearray()
    while value > 0x7F:
        done.append(value & 0x7F | 0x80)
        value >>= 7
    done.append(value)
    return bytes(done)
