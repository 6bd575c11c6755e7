"""Numbers over time, drawn in a few cells."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.pool_tables import PoolSnapshot
from tracer.arrays import I64

BLOCKS: Final = " ▁▂▃▄▅▆▇█"
"""From nothing to the most; :mod:`tui.glyphs` has them in ASCII."""
CELLS: Final = 12


def sparkline(values: npt.NDArray[np.integer], cells: int = CELLS) -> str:
    """Numbers, none below 0, in equal parts of time; a cell shows the last of its part against the most of all."""
    most = max((int(value) for value in values), default=0)
    if not most:
        return BLOCKS[0] * cells
    at = -(-(np.arange(cells) + 1) * len(values) // cells) - 1
    heights = (max(int(values[place]), 0) for place in at)
    return "".join(BLOCKS[-(-height * (len(BLOCKS) - 1) // most)] for height in heights)


def outstanding_course(pool: PoolSnapshot, tag_row: int) -> I64:
    """int64: bytes of a tag outstanding at the end of each step; of all processes, as a free is known by no process."""
    sites = np.flatnonzero(pool.sites.tag_row == tag_row)
    course: I64 = np.maximum(np.cumsum(pool.history.rows(sites).bytes), 0).astype(np.int64)
    return course
