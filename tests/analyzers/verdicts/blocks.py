"""Pools made of outstanding blocks by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyzers.pool_tables import Outstanding, PoolSnapshot, PoolTotals, SiteTable, TagTable
from analyzers.trends.history import SiteHistory

IRP_BYTES = 0x200


@dataclass(frozen=True)
class Block:
    """An outstanding allocation."""

    address: int
    made: int
    thread: int
    tag: bytes = b"Irp "
    size: int = IRP_BYTES
    driver: str = "nt"


def filled(cls: type[Any], count: int, **columns: Any) -> Any:
    """A table of ``count`` rows: the given columns, and 0 in all others."""
    names = [field.name for field in dataclasses.fields(cls)]
    return cls(*(columns.get(name, np.zeros(count, np.int64)) for name in names))


def pool_of(blocks: Sequence[Block]) -> PoolSnapshot:
    """Blocks oldest first; one tag row for each tag, one site for each tag and driver."""
    blocks = sorted(blocks, key=lambda block: block.made)
    tags = sorted({block.tag for block in blocks})
    sites = sorted({(block.tag, block.driver) for block in blocks})

    def column(name: str, dtype: type[np.generic]) -> Any:
        return np.array([getattr(block, name) for block in blocks], dtype)

    outstanding = filled(
        Outstanding, len(blocks),
        address=column("address", np.uint64), size=column("size", np.uint64), time_ns=column("made", np.int64),
        thread=column("thread", np.uint32),
        site=np.array([sites.index((block.tag, block.driver)) for block in blocks], np.int32),
    )  # fmt: skip
    numbers = np.array([int.from_bytes(tag, "little") for tag in tags], np.uint32)
    tag_rows = np.array([tags.index(tag) for tag, _ in sites], np.int32)
    values: dict[str, Any] = {
        "totals": PoolTotals(0, 0, 0, 0, 0, 0, 0),
        "tags": filled(TagTable, len(tags), tag=numbers),
        "sites": filled(SiteTable, len(sites), tag_row=tag_rows, driver=tuple(driver for _, driver in sites)),
        "outstanding": outstanding,
        "history": filled(SiteHistory, 0),
    }
    names = [field.name for field in dataclasses.fields(PoolSnapshot)]
    return PoolSnapshot(*(values.get(name, ()) for name in names))
