"""Pool memory of a simulated machine: which addresses are handed out, and when each is due to be freed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tracer.arrays import I64, U64, Mask

CLASS_SIZES: Final = np.array([32, 64, 128, 256, 512, 1024, 2048, 4096, 65536], np.int64)
"""Pool memory is handed out in slots; a freed slot is used again for the same class."""
POOL_BASE: Final = 0xFFFF8A8000000000
CLASS_SHIFT: Final = 36


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Pool blocks and when (in pool events since the start) each is freed."""

    due: I64
    address: U64
    site: I64

    def __len__(self) -> int:
        return len(self.due)

    def where(self, mask: Mask) -> Blocks:
        """The blocks that the mask keeps."""
        return Blocks(self.due[mask], self.address[mask], self.site[mask])

    def plus(self, other: Blocks) -> Blocks:
        """Both, the other's last."""
        return Blocks(
            np.concatenate((self.due, other.due)),
            np.concatenate((self.address, other.address)),
            np.concatenate((self.site, other.site)),
        )

    @staticmethod
    def none() -> Blocks:
        """No block at all."""
        return Blocks(np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0, np.int64))


class Slots:
    """Addresses by size class: what was freed last is handed out first."""

    def __init__(self) -> None:
        self._free: list[U64] = [np.empty(0, np.uint64) for _ in CLASS_SIZES]
        self._fresh = [0 for _ in CLASS_SIZES]

    def take(self, size_class: I64) -> U64:
        """An address for each wanted class, none of them in use."""
        out = np.empty(len(size_class), np.uint64)
        for index, free in enumerate(self._free):
            wanted = np.flatnonzero(size_class == index)
            reused = min(len(free), len(wanted))
            out[wanted[:reused]] = free[len(free) - reused :]
            self._free[index] = free[: len(free) - reused]
            out[wanted[reused:]] = self._new(index, len(wanted) - reused)
        return out

    def give_back(self, address: U64) -> None:
        """These may be handed out again."""
        size_class = (address - np.uint64(POOL_BASE)) >> np.uint64(CLASS_SHIFT)
        for index, free in enumerate(self._free):
            self._free[index] = np.concatenate((free, address[size_class == index]))

    def _new(self, index: int, count: int) -> U64:
        slot = np.arange(self._fresh[index], self._fresh[index] + count, dtype=np.uint64)
        self._fresh[index] += count
        return np.uint64(POOL_BASE + (index << CLASS_SHIFT)) + slot * np.uint64(CLASS_SIZES[index])
