"""Payloads of the records in real traces, read by a walk of its own: the layouts' independent witness."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from tracer.etl import xpress
from tracer.events.layout import EventId, KernelId, ProviderId

_COMPRESSED = 0x40
_HEADER_SIZE = {1: 32, 2: 32, 3: 24, 4: 24, 0x10: 16, 0x11: 16, 0x0A: 48, 0x14: 48, 0x12: 80, 0x13: 80}
_NARROW = {0x01, 0x03, 0x0A, 0x10, 0x12}


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its event, version, pointer size, and payload. A classic provider's event id is its opcode."""

    event: EventId
    version: int
    pointer_size: int
    payload: bytes
    classic: bool


@cache
def records(path: Path) -> tuple[Record, ...]:
    """Every record of an undamaged trace."""
    return tuple(record for body in _bodies(path.read_bytes()) for record in _walk(body))


def _bodies(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 0x48 <= len(data):
        stride, saved = struct.unpack_from("<II", data, at)
        later, flag = struct.unpack_from("<IH", data, at + 0x30)
        if flag & _COMPRESSED:
            body = np.zeros(saved - 0x48, np.uint8)
            spans = np.array([[at + 0x48, at + stride, 0, len(body)]])
            xpress.decompress(np.frombuffer(data, np.uint8), body, spans, np.zeros((1, 2), np.int64))
            yield body.tobytes()
        else:
            yield data[at + 0x48 : at + min(max(saved, later), stride)]
        at += stride


def _walk(body: bytes) -> Iterator[Record]:
    at = 0
    while at + 8 <= len(body) and body[at + 3] == 0xC0:
        kind = body[at + 2]
        first, second = struct.unpack_from("<HxxH", body, at)
        size = first if kind in {0x0A, 0x14, 0x12, 0x13} else second
        yield _record(body[at : at + size], kind, first)
        at += (size + 7) & ~7


def _record(raw: bytes, kind: int, version: int) -> Record:
    start = _HEADER_SIZE[kind]
    event: EventId
    if kind in {0x12, 0x13}:
        event_id, version = struct.unpack_from("<HB", raw, 0x28)
        event = ProviderId(uuid.UUID(bytes_le=raw[0x18:0x28]), event_id)
        more = raw[4] & 1
        while more:
            item, more = struct.unpack_from("<HxxH", raw, start)
            start += item
    elif kind in {0x0A, 0x14}:
        event, version = ProviderId(uuid.UUID(bytes_le=raw[0x18:0x28]), raw[4]), struct.unpack_from("<H", raw, 6)[0]
    else:
        event, version = KernelId(raw[7] << 8 | raw[6]), version & 0xFF
    return Record(event, version, 4 if kind in _NARROW else 8, raw[start:], kind in {0x0A, 0x14})
