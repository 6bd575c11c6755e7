"""The parts of an event that describes itself: whose it is, its description, its payload."""

from __future__ import annotations

import uuid

import numpy as np

from tracer.data_classes import dataclass
from tracer.etl.headers import EVENT_HEADER, EXTENDED_ITEM, ExtendedType


@dataclass(frozen=True, slots=True)
class DescribedEvent:
    """``description``, ``traits``: extended items (:mod:`tracer.events.self_described`), empty where there is none."""

    provider: uuid.UUID
    id: int
    version: int
    description: bytes
    traits: bytes
    payload: bytes


def described_event(record: bytes) -> DescribedEvent:
    """A record that the reader gave as such an event."""
    head = np.frombuffer(record, EVENT_HEADER, 1)[0]
    found: dict[int, bytes] = {}
    at, more = EVENT_HEADER.itemsize, True
    while more and at + EXTENDED_ITEM.itemsize <= len(record):
        size, kind, linkage, length = np.frombuffer(record, EXTENDED_ITEM, 1, at)[0].tolist()
        begin = at + EXTENDED_ITEM.itemsize
        if size < EXTENDED_ITEM.itemsize + length or at + size > len(record):
            at = len(record)
            break
        found.setdefault(kind, record[begin : begin + length])
        at, more = at + (size + 7 & ~7), linkage & 1 != 0
    return DescribedEvent(
        uuid.UUID(bytes_le=head["provider"].tobytes()),
        int(head["id"]),
        int(head["version"]),
        found.get(ExtendedType.SCHEMA_TL, b""),
        found.get(ExtendedType.PROV_TRAITS, b""),
        record[at:],
    )
