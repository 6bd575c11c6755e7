"""Plain XPRESS (LZ77) decompression, bounded on both sides.

Source: MS-XCA 2.4.4 "LZ77 decompression"; confirmed on 635 buffers of real traces
(``docs/etl-format.md``). Flag bits are taken from 32-bit words, highest bit first; a match is
a 16-bit word of offset - 1 (13 bits) and length (3 bits), with longer lengths in a shared
nibble, then a byte, a u16, a u32.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import I64, U8
from tracer.jit import Int, inlined, kernel
from tracer.unaligned import leading_zeros, load64, store64

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
_EXCESS: Final = 16  # bytes that a copy may write too many
_ROOM: Final = 32  # literals before the flags are used up


@inlined
def _flags(source: U8, pos: Int, end: Int) -> np.uint32:
    """The 32 flag bits at ``pos``, of which at least 4 bytes are there."""
    if pos + 8 <= end:
        return np.uint32(load64(source, int(pos)) & np.uint64(0xFFFFFFFF))
    flags = np.uint32(0)
    for byte in range(4):
        flags |= np.uint32(source[pos + byte]) << np.uint32(8 * byte)
    return flags


@inlined
def _literals_ahead(flags: np.uint32, left: Int) -> Int:
    """How many of the ``left`` lowest flag bits, highest first, are literals before the first match."""
    return leading_zeros(np.uint64(flags) << np.uint64(64 - left) | np.uint64(1) << np.uint64(63 - left))


@inlined
def _copy(source: U8, at: Int, end: Int, output: U8, out: Int, last: Int, length: Int) -> None:
    """Copy ``length`` bytes, eight at a time where the excess stays before ``end`` and ``last``.

    Most are no more than 16, and how many cannot be foreseen: so many are copied without asking.
    """
    step = np.int64(0)
    if at + length + _EXCESS <= end and out + length + _EXCESS <= last:
        store64(output, int(out), load64(source, int(at)))
        store64(output, int(out + 8), load64(source, int(at + 8)))
        step = np.int64(16)
        while step < length:
            store64(output, int(out + step), load64(source, int(at + step)))
            step += 8
        return
    while step < length:
        output[out + step] = source[at + step]
        step += 1


@inlined
def _long_length(source: U8, pos: Int, end: Int) -> tuple[Int, Int]:
    """A length that did not fit its nibble: (length in excess of the short forms, position behind it).

    A negative length is a status.
    """
    if pos >= end:
        return INPUT_ENDS, pos
    length = np.int64(source[pos])
    pos += 1
    if length < _BYTE:
        return length + _NIBBLE, pos
    if pos + 2 > end:
        return INPUT_ENDS, pos
    length = np.int64(source[pos]) | np.int64(source[pos + 1]) << 8
    pos += 2
    if length == 0:
        if pos + 4 > end:
            return INPUT_ENDS, pos
        for byte in range(4):
            length |= np.int64(source[pos + byte]) << (8 * byte)
        pos += 4
    if length < _NIBBLE + _SHORT:
        return LENGTH_INVALID, pos
    return length - _SHORT, pos


# One loop with all its cases: a call for each token would cost more than what the call does.
@kernel
def decompress(  # noqa: PLR0912, PLR0915 - see above
    source: U8,
    output: U8,
    spans: I64,
    results: I64,
) -> None:
    """Decompress streams: each row of ``spans`` is (start, end, first, last), each of ``results`` (status, bytes).

    ``source[start:end]`` becomes at most ``output[first:last]``. The status is :data:`WHOLE` or one of
    the negative codes above; the bytes written are valid whatever it is. A caller that wants only
    the first bytes of a stream asks for a short output and gets :data:`OUTPUT_FULL`.
    """
    for row in range(spans.shape[0]):
        pos: Int = spans[row, 0]
        end = spans[row, 1]
        first = spans[row, 2]
        last = spans[row, 3]
        out: Int = first
        flags = np.uint32(0)
        left: Int = np.int64(0)
        nibble_at: Int = np.int64(-1)
        status: Int = np.int64(WHOLE)
        while pos < end:
            if left == 0:
                if pos + 4 > end:
                    status = INPUT_ENDS
                    break
                flags = _flags(source, pos, end)
                pos += 4
                left = 32
                continue
            run = _literals_ahead(flags, left)
            if pos + _ROOM <= end and out + _ROOM <= last:
                # Every other run is empty, which cannot be foreseen either: eight bytes are copied without asking.
                store64(output, int(out), load64(source, int(pos)))
                if run > 8:
                    _copy(source, pos + 8, end, output, out + 8, last, run - 8)
                left -= run
                pos += run
                out += run
                if left == 0:
                    continue
            elif run > 0:
                taken = min(run, end - pos, last - out)
                _copy(source, pos, end, output, out, last, taken)
                left -= taken
                pos += taken
                out += taken
                if taken < run and pos < end:
                    status = OUTPUT_FULL
                    break
                continue
            left -= 1
            if pos + 2 > end:
                status = INPUT_ENDS
                break
            token = np.int64(source[pos]) | np.int64(source[pos + 1]) << 8
            pos += 2
            distance = (token >> 3) + 1
            length: Int = token & _SHORT
            if length == _SHORT:
                if nibble_at >= 0:
                    length = np.int64(source[nibble_at]) >> 4
                    nibble_at = -1
                elif pos < end:
                    length = np.int64(source[pos]) & _NIBBLE
                    nibble_at = pos
                    pos += 1
                else:
                    status = INPUT_ENDS
                    break
                if length == _NIBBLE:
                    length, pos = _long_length(source, pos, end)
                    if length < 0:
                        status = length
                        break
                length += _SHORT
            length += 3
            if distance > out - first:
                status = OFFSET_BEFORE_START
                break
            taken = min(length, last - out)
            if distance >= 8:
                _copy(output, out - distance, last, output, out, last, taken)
            else:
                for step in range(taken):
                    output[out + step] = output[out + step - distance]
            out += taken
            if taken < length:
                status = OUTPUT_FULL
                break
        results[row, 0] = status
        results[row, 1] = out - first
