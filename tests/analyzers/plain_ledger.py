"""A ledger as one would write it without a thought for speed: dictionaries, one event after the other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.analyzers.event_tables import event_table
from tracer.columns import EventTable

TagKey = tuple[int, bool]
SiteKey = tuple[int, bool, int]


@dataclass(frozen=True, slots=True)
class PoolEvent:
    """An allocation or a free; ``tag`` with its protected bit, ``type`` as logged."""

    time: int
    is_free: bool
    address: int
    size: int = 16
    tag: int = 0x20707249
    type: int = 512
    cpu: int = 0
    stack: int = -1
    is_session: bool = False

    @property
    def tag_key(self) -> TagKey:
        return self.tag & 0x7FFFFFFF, bool(self.type & 1)

    @property
    def hook(self) -> int:
        return 0x0E20 + 2 * self.is_free + self.is_session


@dataclass(slots=True)
class PlainLedger:
    live: dict[int, PoolEvent] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    tags: defaultdict[TagKey, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    sites: defaultdict[SiteKey, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def take(self, events: Sequence[PoolEvent]) -> None:
        pending = list(events)
        while pending:
            event = self._next(pending)
            pending.remove(event)
            self._free(event) if event.is_free else self._allocate(event)

    def _next(self, pending: list[PoolEvent]) -> PoolEvent:
        """The first event, unless it does not fit its address and another CPU's first one of that time does."""
        first = pending[0]
        heads: dict[int, PoolEvent] = {}
        for event in pending:
            if event.time == first.time and event.address == first.address:
                heads.setdefault(event.cpu, event)
        is_live = first.address in self.live
        return next((event for event in heads.values() if event.is_free == is_live), first)

    def _allocate(self, event: PoolEvent) -> None:
        if event.address == 0:
            self.counts["failed"] += 1
            self.tags[event.tag_key]["failed"] += 1
            return
        self.counts["allocations"] += 1
        if event.address in self.live:
            self.counts["replaced"] += 1
            self._close(self.live[event.address])
        self.live[event.address] = event
        for row in self._rows(event):
            row["allocations"] += 1
            row["count"] += 1
            row["bytes"] += event.size
            row["peak"] = max(row["peak"], row["bytes"])

    def _free(self, event: PoolEvent) -> None:
        self.counts["frees"] += 1
        if event.address not in self.live:
            self.counts["without"] += 1
            self.tags[event.tag_key]["frees"] += 1
            return
        self.counts["matched"] += 1
        for row in self._rows(self.live[event.address]):
            row["frees"] += 1
        self._close(self.live.pop(event.address))

    def _close(self, event: PoolEvent) -> None:
        for row in self._rows(event):
            row["count"] -= 1
            row["bytes"] -= event.size

    def _rows(self, event: PoolEvent) -> tuple[Counter[str], Counter[str]]:
        return self.tags[event.tag_key], self.sites[*event.tag_key, event.stack]


def pool_table(events: Sequence[PoolEvent], first: int = 0) -> EventTable:
    """The events as a batch's pool table; ``first`` is the place of the first one in the trace."""
    return event_table(
        "pool",
        [event.hook for event in events],
        {
            "type": np.array([event.type for event in events], np.uint32),
            "tag": np.array([event.tag for event in events], np.uint32),
            "bytes": np.array([event.size for event in events], np.uint64),
            "entry": np.array([event.address for event in events], np.uint64),
        },
        time=[event.time * 100 for event in events],
        raw_time=[event.time for event in events],
        order=np.arange(first, first + len(events)),
        cpu=[event.cpu for event in events],
        stack=[event.stack for event in events],
    )
