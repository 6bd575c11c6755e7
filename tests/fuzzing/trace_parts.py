"""A trace taken apart into buffers and records, changed as a bad machine or a bad person would, and put together."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from fixtures.etl.xpress import compress
from tests.fuzzing.mutations import BINARY, MOST_BYTES, ODD, edited, spliced
from tracer.etl.headers import HEADER_BYTES, BufferFlag, BufferType, HeaderType

_SIZE_AT_4: Final = frozenset(
    {
        *(HeaderType.SYSTEM32, HeaderType.SYSTEM64, HeaderType.COMPACT32, HeaderType.COMPACT64),
        *(HeaderType.PERFINFO32, HeaderType.PERFINFO64),
    }
)
"""Records whose size stands in bytes 4 and 5; of others in bytes 0 and 1."""
_TIME_AT: Final = {HeaderType.PERFINFO32: 8, HeaderType.PERFINFO64: 8}
"""Elsewhere at 16; of a message and of what has no time it is just another place."""
_FIELDS_OF_A_BUFFER: Final = (
    (0, "<I"),
    (4, "<I"),
    (8, "<I"),
    (0x10, "<q"),
    (0x18, "<q"),
    (0x28, "<H"),
    (0x2C, "<I"),
    (0x30, "<I"),
    (0x34, "<H"),
    (0x36, "<H"),
)
_MOST_BUFFERS: Final = 64


@dataclass(slots=True)
class Part:
    """A buffer: its header, and its records with their padding."""

    header: bytes
    records: list[bytes]


Change = Callable[[random.Random, list[Part]], None]


@lru_cache(maxsize=256)
def parts_of(data: bytes) -> tuple[Part, ...]:
    """The buffers of a sound trace without compressed ones; nobody changes what is kept here."""
    parts, at = [], 0
    while at + HEADER_BYTES <= len(data) and (stride := int.from_bytes(data[at : at + 4], "little")) >= HEADER_BYTES:
        used = int.from_bytes(data[at + 4 : at + 8], "little")
        parts.append(Part(data[at : at + HEADER_BYTES], _records(data[at + HEADER_BYTES : at + used])))
        at += stride
    return tuple(parts)


def _records(body: bytes) -> list[bytes]:
    records, at = [], 0
    while at + 8 <= len(body) and (size := _size(body, at)) >= 4:
        end = at + (size + 7 & ~7)
        records.append(body[at:end])
        at = end
    return records


def _size(body: bytes, at: int) -> int:
    place = at + 4 if body[at + 2] in _SIZE_AT_4 and body[at + 3] == 0xC0 else at
    return int.from_bytes(body[place : place + 2], "little")


def joined(parts: Sequence[Part], *, packs: bool) -> bytes:
    """The file of the buffers; one that has become too long goes on in another. ``packs``: compress what shrinks."""
    out = []
    for part in parts:
        room = min(max(int.from_bytes(part.header[:4], "little"), HEADER_BYTES + 64), MOST_BYTES)
        rest = part.records
        while True:
            body, taken = b"", 0
            for record in rest:
                if taken and HEADER_BYTES + len(body) + len(record) > room:
                    break
                body, taken = body + record, taken + 1
            rest = rest[taken:]
            out.append(_buffer(part.header, body, room, packs=packs))
            if not rest:
                break
    return b"".join(out)


def _buffer(header: bytes, body: bytes, room: int, *, packs: bool) -> bytes:
    head = bytearray(header)
    used = HEADER_BYTES + len(body)
    for at in (4, 8, 0x30):
        struct.pack_into("<I", head, at, used)
    if packs and head[0x36] != BufferType.HEADER and len(packed := compress(body)) < len(body):
        head[0x34] |= BufferFlag.COMPRESSED
        struct.pack_into("<I", head, 0, HEADER_BYTES + len(packed))
        return bytes(head) + packed
    struct.pack_into("<I", head, 0, max(room, used))
    return bytes(head) + body + b"\xff" * max(room - used, 0)


def _some(rng: random.Random, parts: list[Part]) -> tuple[Part, int] | None:
    """A record, not the trace's header mostly."""
    for _ in range(4):
        part = parts[rng.randrange(len(parts))]
        if part.records and (part is not parts[0] or rng.random() < 0.2):
            return part, rng.randrange(len(part.records))
    return None


def _changed(edit: Callable[[random.Random, bytearray], None]) -> Change:
    def change(rng: random.Random, parts: list[Part]) -> None:
        if (place := _some(rng, parts)) is not None:
            part, number = place
            record = bytearray(part.records[number])
            if len(record) >= 8:
                edit(rng, record)
            record += bytes(-len(record) % 8)
            part.records[number] = bytes(record)

    return change


def _field(rng: random.Random, record: bytearray) -> None:
    """A number of the payload: odd, or another's of the same record."""
    width = rng.choice((1, 2, 4, 4, 8, 8))
    if len(record) < 16 + width:
        return
    at = rng.randrange(8, len(record) - width + 1) // width * width
    value = rng.choice(ODD) if rng.random() < 0.7 else int.from_bytes(record[-8:], "little")
    record[at : at + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")


def _time(rng: random.Random, record: bytearray) -> None:
    at = _TIME_AT.get(HeaderType(record[2]), 16) if record[2] in set(HeaderType) else 16
    if at + 8 <= len(record):
        now = int.from_bytes(record[at : at + 8], "little", signed=True)
        steps = (1, -1, 1_000, -1_000, 10_000_000, -10_000_000, 1 << 40, -(1 << 40), 1 << 62)
        then = now + rng.choice(steps) if rng.random() < 0.8 else rng.choice(ODD)
        record[at : at + 8] = (then & (1 << 64) - 1).to_bytes(8, "little")


def _kind(rng: random.Random, record: bytearray) -> None:
    """Another hook, version, type of header or size."""
    at = rng.choice((0, 1, 2, 4, 5, 6, 7))
    record[at] = rng.choice((rng.randrange(256), *HeaderType, 0x20, 0x22, 0x0E))


def _bytes(rng: random.Random, record: bytearray) -> None:
    edited(rng, record, BINARY)


def _cut_record(rng: random.Random, record: bytearray) -> None:
    """It ends early, and says so."""
    if len(record) > 24:
        del record[rng.randrange(16, len(record)) :]
        at = 4 if record[2] in _SIZE_AT_4 else 0
        struct.pack_into("<H", record, at, len(record))


def _taken_out(rng: random.Random, parts: list[Part]) -> None:
    if (place := _some(rng, parts)) is not None:
        part, number = place
        del part.records[number : number + rng.choice((1, 1, 2, 5))]


def _again(rng: random.Random, parts: list[Part]) -> None:
    if (place := _some(rng, parts)) is not None:
        part, number = place
        part.records[number:number] = part.records[number : number + 1] * rng.choice((1, 1, 3, 30))


def _elsewhere(rng: random.Random, parts: list[Part]) -> None:
    source, target = _some(rng, parts), _some(rng, parts)
    if source is not None and target is not None:
        record = source[0].records.pop(source[1])
        target[0].records.insert(target[1], record)


def _swapped(rng: random.Random, parts: list[Part]) -> None:
    """The payload of one behind the header of another."""
    source, target = _some(rng, parts), _some(rng, parts)
    if source is not None and target is not None:
        one, other = source[0].records[source[1]], target[0].records[target[1]]
        at = rng.choice((16, 24, 32, 80))
        target[0].records[target[1]] = other[:at] + one[at : len(other)] + bytes(max(len(other) - max(len(one), at), 0))


def _buffer_field(rng: random.Random, parts: list[Part]) -> None:
    number = rng.randrange(len(parts))
    at, form = rng.choice(_FIELDS_OF_A_BUFFER[3:])
    header = bytearray(parts[number].header)
    size = struct.calcsize(form)
    value = (
        rng.choice(ODD)
        if rng.random() < 0.5
        else int.from_bytes(header[at : at + size], "little") + rng.choice((-2, -1, 1, 2, 64))
    )
    header[at : at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    parts[number] = replace(parts[number], header=bytes(header))


def _buffer_moves(rng: random.Random, parts: list[Part]) -> None:
    part = parts.pop(rng.randrange(len(parts)))
    for _ in range(rng.choice((0, 1, 1, 2))):
        parts.insert(rng.randrange(len(parts) + 1), Part(part.header, list(part.records)))
    if not parts:
        parts.append(part)


_CHANGES: Final[tuple[Change, ...]] = (
    *(_changed(edit) for edit in (_field, _field, _field, _time, _time, _kind, _bytes, _cut_record)),
    *(_taken_out, _again, _elsewhere, _swapped, _buffer_field, _buffer_moves),
)


_SOUND: Final[tuple[Change, ...]] = (*(_changed(edit) for edit in (_field, _time)), _taken_out, _again, _elsewhere)
"""What leaves every header as it is, but for times."""


def well_formed(rng: random.Random, inputs: Sequence[bytes]) -> bytes:
    """Other records, in sound buffers: what any reader reads. The first stays, which says how many there are."""
    first, *rest = (Part(part.header, list(part.records)) for part in parts_of(rng.choice(inputs))[:_MOST_BUFFERS])
    for change in rng.choices(_SOUND, k=rng.choice((1, 2, 3, 5))):
        if rest:
            change(rng, rest)
    return joined([first, *rest], packs=False)


def mutated(rng: random.Random, inputs: Sequence[bytes]) -> bytes:
    """Mostly records and buffers of a trace that stays well formed; bytes of anything sometimes."""
    whole = rng.choice(inputs)
    parts = [Part(part.header, list(part.records)) for part in parts_of(whole)[:_MOST_BUFFERS]]
    if parts and not _is_packed(whole) and rng.random() < 0.85:
        if rng.random() < 0.05:
            other = parts_of(rng.choice(inputs))
            parts[rng.randrange(len(parts)) :] = [
                Part(part.header, list(part.records)) for part in other[rng.randrange(len(other)) :]
            ]
        for change in rng.choices(_CHANGES, k=rng.choice((1, 1, 2, 3, 4, 8))):
            if parts:
                change(rng, parts)
        data = bytearray(joined(parts, packs=rng.random() < 0.15))
    else:
        data = bytearray(whole)
    if parts and rng.random() > 0.25:
        return bytes(data[:MOST_BYTES])
    if rng.random() < 0.1:
        spliced(rng, data, inputs)
    edited(rng, data, BINARY)
    if rng.random() < 0.3:
        _odd_header(rng, data)
    return bytes(data[:MOST_BYTES])


def _is_packed(data: bytes) -> bool:
    """Whether some buffer is compressed: those are changed byte by byte."""
    return any(part.header[0x34] & BufferFlag.COMPRESSED for part in parts_of(data))


def _odd_header(rng: random.Random, data: bytearray) -> None:
    """A field of a buffer's header as it lies in the file, its sizes too."""
    starts = range(0, max(len(data) - HEADER_BYTES, 1), 1_024)
    at, form = rng.choice(_FIELDS_OF_A_BUFFER)
    place = rng.choice(starts) + at
    size = struct.calcsize(form)
    if place + size <= len(data):
        data[place : place + size] = (rng.choice(ODD) & (1 << 8 * size) - 1).to_bytes(size, "little")
