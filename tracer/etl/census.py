"""Counts of records, kept by the walk in arrays and read out by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tracer.arrays import I64
from tracer.etl.headers import HeaderType
from tracer.trace import Census, Usage

if TYPE_CHECKING:
    import uuid


class Counters(NamedTuple):
    """Records by header type and by hook id; by provider they are counted in the classifier's table."""

    by_header: I64
    by_hook: I64

    @classmethod
    def zero(cls) -> Counters:
        """Nothing counted yet."""
        return cls(np.zeros(256, np.int64), np.zeros(1 << 16, np.int64))

    def census(self, providers: Mapping[uuid.UUID, int], usage: Usage | None = None) -> Census:
        """What was counted so far, with the records by provider that the walk's tables hold, and what became of all."""
        by_header = self.by_header.copy()  # the walk counts on in its own thread
        hooks = np.flatnonzero(self.by_hook != 0)  # an array of its own: numpy refuses one that changes meanwhile
        return Census(
            total=int(by_header.sum()),
            by_header={HeaderType(int(k)).name: int(by_header[k]) for k in np.flatnonzero(by_header)},
            kernel_events=dict(zip(hooks.tolist(), self.by_hook[hooks].tolist(), strict=True)),
            providers=providers,
            usage=usage,
        )
