"""Cabinets: members and their bytes, or why not."""

from __future__ import annotations

import io

from tests.fuzzing.mutations import binary
from tests.fuzzing.target import Target, insist
from tests.tui.cabinet import cabinet
from tracer.packed.cabinets import Cabinet
from tracer.packed.errors import PackedDamagedError, PackedRefusedError

_FILES = {"a.etl": bytes(range(256)) * 20, "b.txt": b"pool" * 900}
_MOST_BYTES = 8 << 20
"""What an input of some KiB may unpack to here; what follows is left."""


def _seeds() -> list[bytes]:
    return [
        cabinet(_FILES),
        cabinet(_FILES, method=0),
        cabinet({"x": b"1" * 70_000}),
        cabinet({}),
        cabinet(_FILES, flags=1),
    ]


def check(data: bytes) -> None:
    try:
        found = Cabinet(io.BytesIO(data))
        for member in found.members[:4]:
            length = 0
            for piece in found.read(member):
                length += len(piece)
                insist(0 < len(piece) <= 32_768, "a piece longer than a block")
                if length > _MOST_BYTES:
                    return
            insist(length == member.size, f"{length} bytes of a member of {member.size}")
    except (PackedDamagedError, PackedRefusedError) as error:
        insist(str(error), "refused without a word")


TARGET = Target(check, _seeds, binary(), 20_000)
