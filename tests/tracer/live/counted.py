"""Answers of NtQuerySystemInformation, made by hand."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from tracer.live.counters import BIG_POOL, POOL_TAGS, Query

TOO_SHORT = 0xC0000004


@dataclass(frozen=True)
class Tag:
    """One tag's six counters."""

    name: bytes
    nonpaged: tuple[int, int, int] = (0, 0, 0)
    paged: tuple[int, int, int] = (0, 0, 0)


def tags_answer(tags: Sequence[Tag]) -> bytes:
    """As a 64-bit Windows lays it out, written apart from the reader's declaration."""
    entries = [struct.pack("<4sII4xQIIQ", tag.name, *tag.paged, *tag.nonpaged) for tag in tags]
    return struct.pack("<I4x", len(tags)) + b"".join(entries)


def big_answer(blocks: Sequence[tuple[int, int, bytes]]) -> bytes:
    return struct.pack("<I4x", len(blocks)) + b"".join(struct.pack("<QQ4s4x", *block) for block in blocks)


class Kernel:
    """Answers with what it was given, and only where there is room enough; remembers what it was asked."""

    def __init__(self, tags: Sequence[Tag] = (), big: Sequence[tuple[int, int, bytes]] = ()) -> None:
        self.tags, self.big = list(tags), list(big)
        self.asked: list[tuple[int, int]] = []

    def query(self, kind: int, room: int) -> tuple[int, bytes, int]:
        self.asked.append((kind, room))
        data = {POOL_TAGS: lambda: tags_answer(self.tags), BIG_POOL: lambda: big_answer(self.big)}[kind]()
        return (0, data, len(data)) if len(data) <= room else (TOO_SHORT, b"", len(data))


def refusing(status: int) -> Query:
    return lambda kind, room: (status, b"", 0)  # noqa: ARG005 - it answers all alike
