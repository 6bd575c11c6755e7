"""Addresses of pool blocks: by size, the last one freed first, as a real pool reuses them."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Final

PAGE: Final = 0x1000
_GRAIN: Final = {8: 0x10, 4: 8}
_STARTS: Final = {8: (0xFFFF8A0000000000, 0xFFFFAD0000000000), 4: (0x86000000, 0x9C000000)}
"""Of nonpaged and of paged pool."""
_REUSED: Final = 0.85
"""How often a freed block's place is taken again at once."""


class Addresses:
    """Gives and takes back addresses."""

    def __init__(self, pointer_size: int, rng: random.Random) -> None:
        self._grain = _GRAIN[pointer_size]
        self._next = [start + self._grain for start in _STARTS[pointer_size]]
        self._free: dict[tuple[bool, int], list[int]] = defaultdict(list)
        self._rng = rng

    def take(self, size: int, *, paged: bool) -> int:
        """Address of a new block; one of a page or more begins a page."""
        whole = self._whole(size)
        free = self._free[paged, whole]
        return free.pop() if free and self._rng.random() < _REUSED else self.fresh(size, paged=paged)

    def fresh(self, size: int, *, paged: bool) -> int:
        """One that no block of the trace had."""
        whole = self._whole(size)
        address = self._next[paged]
        if size >= PAGE:
            address = (address + PAGE - 1) & ~(PAGE - 1)
        self._next[paged] = address + whole
        return address

    def give(self, address: int, size: int, *, paged: bool) -> None:
        """The block there was freed."""
        self._free[paged, self._whole(size)].append(address)

    def _whole(self, size: int) -> int:
        """With the pool's own header, in whole grains, or in whole pages."""
        if size >= PAGE:
            return (size + PAGE - 1) & ~(PAGE - 1)
        return (size + 2 * self._grain - 1) & ~(self._grain - 1)
