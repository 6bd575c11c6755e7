"""Addresses of kernel memory moved by one secret constant: their differences stay, and where Windows put it does not.

Where the kernel lies is drawn at each start of the machine (KASLR). Addresses come with the mark of their image, if
they have one (:mod:`analyzers.modules`).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.image_lives import MARK_SHIFT, MARKS
from tracer.arrays import U64
from tracer.data_classes import dataclass
from tui.redaction.stand_ins import StandIns

_LOWEST: Final = {4: 0x8000_0000, 8: 0xFFFF_8000_0000_0000}
"""The upper half of the address space, by bytes of a pointer, with four levels of page tables."""
_SIZES: Final = {4: 1 << 31, 8: 1 << 47}
_PAGE: Final = 0x1000


@dataclass(frozen=True, slots=True)
class KernelShift:
    """``by``: bytes, whole pages; round the end of the upper half, so that all stay in it."""

    lowest: int
    size: int
    by: int

    @classmethod
    def of(cls, stand_ins: StandIns, pointer_size: int) -> KernelShift:
        """That of a key, or of this run."""
        size = _SIZES[4 if pointer_size == 4 else 8]
        pages = 1 + stand_ins.number("addresses", size // _PAGE - 1)
        return cls(_LOWEST[4 if pointer_size == 4 else 8], size, pages * _PAGE)

    def one(self, address: int) -> int:
        """A single address."""
        return int(self(np.array([address], np.uint64))[0])

    def __call__(self, addresses: U64) -> U64:
        """Each of them moved; what is none of the kernel's stays."""
        mark = (addresses >> np.uint64(MARK_SHIFT)) & np.uint64(MARKS)
        mark = np.where(addresses >> np.uint64(63) == 1, mark ^ np.uint64(MARKS), mark) << np.uint64(MARK_SHIFT)
        plain, lowest = addresses ^ mark, np.uint64(self.lowest)
        moved = lowest + (plain - lowest + np.uint64(self.by)) % np.uint64(self.size)
        inside = (plain >= lowest) & (plain - lowest < np.uint64(self.size))
        result: U64 = np.where(inside, moved ^ mark, addresses)
        return result
