"""Payloads of any bytes by every layout, held against a slow decoder.

Of an input two bytes say which layout and one the size of a pointer; payloads follow, each behind two bytes of its
length.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

import numpy as np

from tests.fuzzing.mutations import BINARY, MOST_BYTES, edited
from tests.fuzzing.target import Target, insist
from tests.tracer.events.reference import Value, read
from tracer.columns import BlobColumn, Column
from tracer.etl.rows import EVENT
from tracer.events.decode import Extent, decode
from tracer.events.encode import encode
from tracer.events.layout import Code, Field, Layout
from tracer.events.registry import LAYOUTS

_HEAD = struct.Struct("<HB")
_MOST_RECORDS = 16


def _seeds() -> list[bytes]:
    """Of every layout a payload of zeros and one of numbers, for both sizes of pointers."""
    seeds = []
    for number, layout in enumerate(LAYOUTS):
        for pointer in (4, 8):
            plain = encode(layout, pointer, {})
            full = encode(layout, pointer, {field.name: _sample(field) for field in layout.fields})
            seeds.append(
                _HEAD.pack(number, pointer) + b"".join(struct.pack("<H", len(each)) + each for each in (full, plain))
            )
    return seeds


def _sample(field: Field) -> Value | str:
    if field.dtype is not None:
        return 3
    if field.code is Code.PTRS:
        return (0x1000, 0x2000, 0x3000)
    if field.code is Code.SID:
        return bytes.fromhex("010100000000000512000000")
    return "abc" if field.code in {Code.WSTR, Code.ASTR} else b"abc"


def _mutate(rng: random.Random, inputs: Sequence[bytes]) -> bytes:
    """The layout stays mostly, as its payloads are to fit it more or less."""
    data = bytearray(rng.choice(inputs))
    if rng.random() < 0.1:
        data[:3] = _HEAD.pack(rng.randrange(len(LAYOUTS)), rng.choice((4, 8)))
    rest = data[3:]
    edited(rng, rest, BINARY)
    return bytes(data[:3] + rest)[:MOST_BYTES]


def check(data: bytes) -> None:
    if len(data) < _HEAD.size:
        return
    number, pointer = _HEAD.unpack_from(data)
    layout, pointer = LAYOUTS[number % len(LAYOUTS)], 4 if pointer % 8 == 4 else 8
    payloads = _payloads(data[_HEAD.size :])
    columns, short = _decoded(layout, payloads, pointer)
    insist(list(columns) == [field.name for field in layout.fields], f"{layout.name}: other fields")
    insist(0 <= short <= len(payloads), f"{layout.name}: {short} of {len(payloads)} are cut")
    for row, payload in enumerate(payloads):
        wanted = read(layout, pointer, payload)
        for field in layout.fields:
            found = _value(columns[field.name], row, pointer if field.code is Code.PTRS else 0)
            if field.name in wanted.values:
                told = wanted.values[field.name]
                if field.code is Code.WSTR and isinstance(told, bytes):
                    told = told[: len(told) & ~1]
                insist(found == told, f"{layout.name}.{field.name} is {found!r}, not {told!r}")
            elif isinstance(found, int):
                insist(found == 0, f"{layout.name}.{field.name} is {found} and not in the payload")
            elif isinstance(found, bytes):
                insist(found in payload, f"{layout.name}.{field.name} has bytes of elsewhere")


def _payloads(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    while data and len(found) < _MOST_RECORDS:
        length = int.from_bytes(data[:2], "little") % 2048
        found.append(data[2 : 2 + length])
        data = data[2 + length :]
    return found


def _decoded(layout: Layout, payloads: list[bytes], pointer: int) -> tuple[dict[str, Column], int]:
    events = np.zeros(len(payloads), EVENT)
    kept = bytearray()
    for event, payload in zip(events, payloads, strict=True):
        event["payload"], event["size"], event["pointer"] = len(kept), len(payload), pointer
        kept += payload + b"\xa5" * (-len(payload) % 8)
    words = np.frombuffer(bytes(kept) + b"\xa5" * 8, np.uint64)
    places = events["payload"].copy()
    extent = Extent(places, min(map(len, payloads), default=0), pointer, pointer)
    return decode(layout, words, events, np.arange(len(payloads), dtype=np.int32), extent)


def _value(column: Column, row: int, pointer: int) -> Value:
    if not isinstance(column, BlobColumn):
        return int(column[row])
    raw = column.bytes(row)
    return (
        struct.unpack(f"<{len(raw) // pointer}{'I' if pointer == 4 else 'Q'}", raw)
        if pointer and len(raw) % pointer == 0
        else raw
    )


TARGET = Target(check, _seeds, _mutate, 5_000)
