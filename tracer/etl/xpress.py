"""Plain XPRESS (LZ77) decompression, bounded on both sides.

Source: MS-XCA 2.4.4 "LZ77 decompression"; confirmed on 635 buffers of real traces
(``docs/etl-format.md``). Flag bits are taken from 32-bit words, highest bit first; a match is
a 16-bit word of offset - 1 (13 bits) and length (3 bits), with longer lengths in a shared
nibble, then a byte, a u16, a u32.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.jit import kernel

WHOLE: Final = 0
"""All of the input was read."""
INPUT_ENDS: Final = -1
"""The input ends in the middle of a token."""
OFFSET_BEFORE_START: Final = -2
"""A match reaches back before the first byte of the output."""
LENGTH_INVALID: Final = -3
"""A long match length is encoded as a shorter form would have been."""
OUTPUT_FULL: Final = -4
"""The data holds more than the output it declares."""

_SHORT: Final = 7  # longest length of the 3-bit field before the nibble
_NIBBLE: Final = 15  # longest length of the nibble before the byte
_BYTE: Final = 255


@kernel
def decompress(
    source: npt.NDArray[np.uint8], start: int, end: int, output: npt.NDArray[np.uint8], first: int, last: int
) -> tuple[int, int]:
    """Decompress ``source[start:end]`` into ``output[first:last]``: (status, bytes written).

    The status is :data:`WHOLE` or one of the negative codes above; the bytes written are valid
    whatever it is. A caller that wants only the first bytes of a stream asks for a short output and
    gets :data:`OUTPUT_FULL`.
    """
    pos = start
    out = first
    flags = np.uint32(0)
    left = 0
    nibble_at = -1
    while pos < end:
        if left == 0:
            if pos + 4 > end:
                return INPUT_ENDS, out - first
            flags = (
                np.uint32(source[pos])
                | np.uint32(source[pos + 1]) << np.uint32(8)
                | np.uint32(source[pos + 2]) << np.uint32(16)
                | np.uint32(source[pos + 3]) << np.uint32(24)
            )
            pos += 4
            left = 32
            if pos >= end:
                break
        left -= 1
        if (flags >> np.uint32(left)) & np.uint32(1) == np.uint32(0):
            if out >= last:
                return OUTPUT_FULL, out - first
            output[out] = source[pos]
            pos += 1
            out += 1
            continue
        if pos + 2 > end:
            return INPUT_ENDS, out - first
        token = np.int64(source[pos]) | np.int64(source[pos + 1]) << 8
        pos += 2
        distance = (token >> 3) + 1
        length = token & _SHORT
        if length == _SHORT:
            if nibble_at < 0:
                if pos >= end:
                    return INPUT_ENDS, out - first
                length = np.int64(source[pos]) & _NIBBLE
                nibble_at = pos
                pos += 1
            else:
                length = np.int64(source[nibble_at]) >> 4
                nibble_at = -1
            if length == _NIBBLE:
                if pos >= end:
                    return INPUT_ENDS, out - first
                length = np.int64(source[pos])
                pos += 1
                if length == _BYTE:
                    if pos + 2 > end:
                        return INPUT_ENDS, out - first
                    length = np.int64(source[pos]) | np.int64(source[pos + 1]) << 8
                    pos += 2
                    if length == 0:
                        if pos + 4 > end:
                            return INPUT_ENDS, out - first
                        length = (
                            np.int64(source[pos])
                            | np.int64(source[pos + 1]) << 8
                            | np.int64(source[pos + 2]) << 16
                            | np.int64(source[pos + 3]) << 24
                        )
                        pos += 4
                    if length < _NIBBLE + _SHORT:
                        return LENGTH_INVALID, out - first
                    length -= _NIBBLE + _SHORT
                length += _NIBBLE
            length += _SHORT
        length += 3
        origin = out - distance
        if origin < first:
            return OFFSET_BEFORE_START, out - first
        overrun = length > last - out
        stop = last if overrun else out + length
        while out < stop:
            output[out] = output[origin]
            out += 1
            origin += 1
        if overrun:
            return OUTPUT_FULL, out - first
    return WHOLE, out - first
