"""Reads a 64-bit trace one struct at a time: slow, and with nothing of the project's own reader in it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

BUFFER_HEADER = 0x48
SYSTEM64, PERFINFO64, FULL64 = 0x02, 0x11, 0x14
ALLOC, FREE, STACK, SWITCH = 0x0E20, 0x0E22, 0x1820, 0x0524


@dataclass(frozen=True)
class PlainRecord:
    cpu: int
    hook: int
    time: int
    payload: bytes


def buffers(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Sequence number, CPU and records of each buffer."""
    at = 0
    while at < len(data):
        size, used = struct.unpack_from("<II", data, at)
        (sequence,) = struct.unpack_from("<q", data, at + 0x18)
        (cpu,) = struct.unpack_from("<H", data, at + 0x28)
        assert BUFFER_HEADER < used <= size
        yield sequence, cpu, data[at + BUFFER_HEADER : at + used]
        at += size


def records(path: Path) -> Iterator[PlainRecord]:
    for _, cpu, body in buffers(path.read_bytes()):
        at = 0
        while at < len(body):
            first, kind, marker, size, opcode, group = struct.unpack_from("<HBBHBB", body, at)
            assert marker == 0xC0
            if kind == FULL64:  # of a provider, not of the kernel: its size comes first
                size, opcode, group = first, 0xFF, 0xFF
            head, time_at = {SYSTEM64: (0x20, 0x10), PERFINFO64: (0x10, 0x08), FULL64: (0x30, 0x10)}[kind]
            (time,) = struct.unpack_from("<q", body, at + time_at)
            yield PlainRecord(cpu, group << 8 | opcode, time, body[at + head : at + size])
            at += size + 7 & ~7
        assert at == len(body)


@dataclass
class PlainLedger:
    """Allocations and frees in time order, in a dictionary."""

    live: dict[int, int] = field(default_factory=dict)
    allocations: int = 0
    frees: int = 0
    matched: int = 0
    replaced: int = 0

    def add(self, record: PlainRecord) -> None:
        _, _, size, address = struct.unpack("<IIQQ", record.payload)
        if record.hook == ALLOC:
            self.allocations += 1
            self.replaced += address in self.live
            self.live[address] = size
        else:
            self.frees += 1
            self.matched += self.live.pop(address, None) is not None
