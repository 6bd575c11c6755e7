"""A block of memory as kernels read and write it: in bytes, and in words of 2, 4 and 8 bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tracer.arrays import U8, U16, U32, U64


class Words(NamedTuple):
    """One block, seen four ways."""

    bytes1: U8
    words2: U16
    words4: U32
    words8: U64


def words_of(block: npt.NDArray[Any]) -> Words:
    """``block``: contiguous, of one dimension and a multiple of 8 bytes, at an address that is one too."""
    return Words(block.view(np.uint8), block.view(np.uint16), block.view(np.uint32), block.view(np.uint64))
