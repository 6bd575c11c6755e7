"""Program files as a linker writes them: headers, one section with a debug directory and a version resource."""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass

SECTION_ADDRESS, SECTION_OFFSET = 0x2000, 0x400


_GUID = uuid.UUID("3b1e9c47-5a02-4d8e-9f10-2c6d7e8f9a0b")


@dataclass(frozen=True)
class ProgramFile:
    """What its headers say; without ``pdb`` there is no debug directory, without a name no version resource."""

    time_date_stamp: int = 0x6553F100
    size: int = 0x9000
    checksum: int = 0xABCDE
    original_name: str = ""
    guid: uuid.UUID = _GUID
    age: int = 1
    pdb: str = "driver.pdb"
    is_64_bit: bool = True

    def data(self) -> bytes:
        section = bytearray(0x600)
        directories = [(0, 0)] * 16
        if self.pdb:
            rsds = b"RSDS" + self.guid.bytes_le + struct.pack("<I", self.age) + self.pdb.encode() + b"\0"
            # An entry of another kind comes first, as of most drivers of Windows.
            section[0:28] = struct.pack("<2I2H4I", 0, 0, 0, 0, 16, 4, SECTION_ADDRESS, SECTION_OFFSET)
            places = (SECTION_ADDRESS + 0x80, SECTION_OFFSET + 0x80)
            section[28:56] = struct.pack("<2I2H4I", 0, 0, 0, 0, 2, len(rsds), *places)
            section[0x80 : 0x80 + len(rsds)] = rsds
            directories[6] = (SECTION_ADDRESS, 56)
        if self.original_name:
            section[0x200:0x600] = _version_resource(self.original_name, SECTION_ADDRESS + 0x200)
            directories[2] = (SECTION_ADDRESS + 0x200, 0x400)
        return self._headers(directories).ljust(SECTION_OFFSET, b"\0") + bytes(section)

    def _headers(self, directories: list[tuple[int, int]]) -> bytes:
        before = 112 if self.is_64_bit else 96
        optional = bytearray(before)
        struct.pack_into("<H", optional, 0, 0x20B if self.is_64_bit else 0x10B)
        struct.pack_into("<I", optional, 56, self.size)
        struct.pack_into("<I", optional, 64, self.checksum)
        struct.pack_into("<I", optional, before - 4, len(directories))
        optional += b"".join(struct.pack("<2I", *each) for each in directories)
        dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80) + bytes(0x40)
        coff = struct.pack("<4s2H3I2H", b"PE\0\0", 0x8664, 1, self.time_date_stamp, 0, 0, len(optional), 0x22)
        section = struct.pack("<8s4I16x", b".rdata", 0x600, SECTION_ADDRESS, 0x600, SECTION_OFFSET)
        return dos + coff + bytes(optional) + section


def _version_resource(name: str, address: int) -> bytes:
    """A resource directory of three levels with one version resource, which holds one string."""

    def directory(kind: int, at: int) -> bytes:
        return struct.pack("<2I2H2H2I", 0, 0, 0, 0, 0, 1, kind, at)

    key = "OriginalFilename\0".encode("utf-16-le")
    string = struct.pack("<3H", 0, len(name) + 1, 1) + key
    text = b"\0" * 0x40 + string
    text += bytes(-len(text) % 4) + f"{name}\0".encode("utf-16-le")
    data = directory(16, 0x80000018) + directory(1, 0x80000030) + directory(1033, 0x48)
    data += struct.pack("<4I", address + 0x60, len(text), 0, 0)
    return (data.ljust(0x60, b"\0") + text).ljust(0x400, b"\0")
