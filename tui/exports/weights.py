"""What each call stack weighs: the same numbers for every format that draws stacks."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from analyzers.pool_tables import Frame
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from tracer.arrays import I64
from tracer.data_classes import dataclass
from tui.safe_text import safe

NO_STACK = "[no stack]"
"""In place of the frames of what was allocated without one."""


class Weight(StrEnum):
    """What is counted of each allocation site."""

    OUTSTANDING_BYTES = "outstanding-bytes"
    OUTSTANDING_COUNT = "outstanding-count"
    ALLOCATED_BYTES = "allocated-bytes"

    @property
    def is_bytes(self) -> bool:
        """Whether it counts bytes, not allocations."""
        return self is not Weight.OUTSTANDING_COUNT

    def of(self, snapshot: Snapshot) -> I64:
        """int64 by row of the snapshot's sites."""
        sites = snapshot.pool.sites
        match self:
            case Weight.OUTSTANDING_BYTES:
                return sites.outstanding_bytes
            case Weight.OUTSTANDING_COUNT:
                return sites.outstanding_count
            case Weight.ALLOCATED_BYTES:
                return sites.allocated_bytes


@dataclass(frozen=True, slots=True)
class WeightedStack:
    """A site: its stack, innermost frame first, the pool tag at its end, and the weight."""

    frames: tuple[Frame, ...]
    tag: str
    paged: bool
    driver: str
    count: int
    value: int

    @property
    def leaf(self) -> str:
        """The tag as what lies innermost."""
        return f"{self.tag} ({'paged' if self.paged else 'nonpaged'})"

    def names(self) -> list[str]:
        """What is shown of it from the outermost frame to the tag."""
        return [
            *(frame_name(frame) for frame in reversed(self.frames)),
            *([] if self.frames else [NO_STACK]),
            self.leaf,
        ]


def frame_name(frame: Frame) -> str:
    """A frame as the report shows it, but that calls from different places of one function are one."""
    return safe(frame.name)


def weighted_stacks(snapshot: Snapshot, weight: Weight) -> list[WeightedStack]:
    """Every site that weighs anything, the heaviest first."""
    sites, tags = snapshot.pool.sites, snapshot.pool.tags
    values = weight.of(snapshot)
    rows = np.argsort(-values, kind="stable")
    return [
        WeightedStack(
            snapshot.names.frames(int(sites.stack[row])),
            safe(tag_text(int(tags.tag[sites.tag_row[row]]))).strip(),
            bool(tags.paged[sites.tag_row[row]]),
            safe(sites.driver[row]),
            int(sites.outstanding_count[row]),
            int(values[row]),
        )
        for row in rows[values[rows] > 0].tolist()
    ]
