"""Other inputs of those that there are: bytes and words put in, taken out, doubled, moved, and numbers of odd sizes."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from typing import Final

from tests.fuzzing.target import Mutate

ODD: Final = (
    *(
        0,
        1,
        2,
        3,
        4,
        7,
        8,
        15,
        16,
        31,
        32,
        63,
        64,
        127,
        128,
        255,
        256,
        512,
        1024,
        4096,
        0x7FFF,
        0x8000,
        0xFFFF,
        0x10000,
    ),
    *(0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 2, (1 << 64) - 1),
)
"""Numbers at which counters, lengths and signs turn."""
MOST_BYTES: Final = 32 << 10
"""An input grows no longer: hangs are looked for by time for each byte, not by size."""
_WIDTHS: Final = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}
_LETTERS: Final = (
    *(
        "\0",
        "\x07",
        "\x1b",
        "\x7f",
        "\x85",
        "\xa0",
        "\u0130",
        "\u017f",
        "\u0660",
        "\u00b2",
        "\u2028",
        "\u202e",
        "\ufeff",
    ),
    *("\ufffd", "\uff11", "\U0001f600", "\\", '"', "'", "%", "{", "[", "<", "*", "?", "=", "\n", "\r", "\t"),
)
"""Letters that terminals, parsers and changes of case take for something."""
Edit = Callable[[random.Random, bytearray], None]


def odd_number(rng: random.Random, data: bytearray) -> None:
    """A number of 1 to 8 bytes, mostly where one may stand."""
    width = rng.choice((1, 2, 4, 4, 8))
    at = rng.randrange(len(data))
    at -= at % width if rng.random() < 0.8 else 0
    if at + width <= len(data):
        struct.pack_into(_WIDTHS[width], data, at, rng.choice(ODD) & ((1 << 8 * width) - 1))


def nudged(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    data[at] = (data[at] + rng.choice((-16, -8, -4, -2, -1, 1, 2, 4, 8, 16))) & 0xFF


def flipped(rng: random.Random, data: bytearray) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def scribbled(rng: random.Random, data: bytearray) -> None:
    at, length = rng.randrange(len(data)), rng.choice((1, 2, 4, 16))
    data[at : at + length] = rng.randbytes(length)


def cut(rng: random.Random, data: bytearray) -> None:
    del data[rng.randrange(len(data)) :]


def taken_out(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 1, 2, 4, 8, 24))]


def doubled(rng: random.Random, data: bytearray) -> None:
    at, length = rng.randrange(len(data)), rng.choice((1, 2, 4, 8, 32))
    data[at:at] = data[at : at + length] * rng.choice((1, 1, 2, 40))


def moved(rng: random.Random, data: bytearray) -> None:
    at, length = rng.randrange(len(data)), rng.choice((1, 4, 8, 24))
    piece = bytes(data[at : at + length])
    place = rng.randrange(len(data))
    data[place : place + len(piece)] = piece


BINARY: Final[tuple[Edit, ...]] = (odd_number, odd_number, nudged, flipped, scribbled, cut, taken_out, doubled, moved)
TEXT: Final[tuple[Edit, ...]] = (flipped, cut, taken_out, doubled, moved)


def edited(rng: random.Random, data: bytearray, edits: Sequence[Edit]) -> None:
    """Some of the edits, mostly few."""
    for edit in rng.choices(edits, k=rng.choice((1, 1, 1, 2, 2, 3, 5))):
        if data:
            edit(rng, data)


def spliced(rng: random.Random, data: bytearray, inputs: Sequence[bytes]) -> None:
    """From some place on, what another input has from some place on."""
    other = rng.choice(inputs)
    if data and other:
        data[rng.randrange(len(data)) :] = other[rng.randrange(len(other)) :]


def binary(edits: Sequence[Edit] = BINARY) -> Mutate:
    """Of inputs that are numbers."""
    return _mutating(edits, 0.1)


def text(*words: str) -> Mutate:
    """Of inputs that are text, with the words that the parser knows."""
    known = [word.encode("utf-8", "surrogatepass") for word in (*words, *_LETTERS)]

    def put_in(rng: random.Random, data: bytearray) -> None:
        at = rng.randrange(len(data) + 1)
        data[at:at] = rng.choice(known)

    def put_over(rng: random.Random, data: bytearray) -> None:
        word = rng.choice(known)
        at = rng.randrange(len(data))
        data[at : at + len(word)] = word

    def digits(rng: random.Random, data: bytearray) -> None:
        at = rng.randrange(len(data) + 1)
        data[at:at] = str(rng.choice(ODD)).encode() * rng.choice((1, 1, 1, 1, 1, 1, 1, 300))

    return _mutating((*TEXT, put_in, put_in, put_over, digits), 0.15)


def _mutating(edits: Sequence[Edit], splices: float) -> Mutate:
    """One input edited, which ``splices`` of the times first gets a part of another."""

    def mutate(rng: random.Random, inputs: Sequence[bytes]) -> bytes:
        data = bytearray(rng.choice(inputs))
        if rng.random() < splices:
            spliced(rng, data, inputs)
        edited(rng, data, edits)
        return bytes(data[:MOST_BYTES])

    return mutate
