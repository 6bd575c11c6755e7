"""The ledger itself: the arrays that the kernels work on, and how they grow."""

from __future__ import annotations

from math import exp, inf, log, sqrt
from typing import Any, Final, TypeVar, cast

import numpy as np
import numpy.typing as npt

from analyzers.hashing import EMPTY, doubled, empty_index, refill_buckets
from analyzers.ledger.histories import FIRST_SHIFT, Histories, SiteRows
from analyzers.ledger.late_stacks import attach
from analyzers.ledger.matching import match_events
from analyzers.ledger.reversed_pairs import REPLACED, no_pairs
from analyzers.ledger.rows import (
    ALLOCATION,
    BUCKETS_FULL,
    COUNTERS,
    DONE,
    LOST_FREE,
    LOST_FREE_ROWS,
    RECENT,
    RECENT_ROWS,
    SEEN_BITS,
    SITE,
    SITES_FULL,
    SLOTS_FULL,
    TAG,
    LedgerTables,
    PoolEvents,
)
from analyzers.trends.history import SiteHistory
from tracer.arrays import I64, Mask, Structured
from tracer.columns import EventTable
from tracer.trace import LateStacks

_Row = TypeVar("_Row", bound=np.generic)

_FIRST_ROWS: Final = 1 << 10
_MEMO: Final = 1 << 12
"""Recent sites that are found again without a search; 16 KiB stay in a core's cache."""


class Ledger:
    """All live allocations, and counters by site and by tag. Feed it batches' pool tables in order."""

    def __init__(self, rows: int = _FIRST_ROWS) -> None:
        """``rows``: how many allocations, sites and tags there is room for at first, a power of two."""
        self._tables = LedgerTables(
            slots=np.zeros(rows, ALLOCATION),
            buckets=np.full(4 * rows, EMPTY, np.uint64),
            sites=np.zeros(rows, SITE),
            site_index=empty_index(2 * rows),
            site_memo=np.zeros(_MEMO, np.int32),
            tags=np.zeros(rows, TAG),
            tag_index=empty_index(2 * rows),
            recent=np.zeros(RECENT_ROWS, RECENT),
            seen=np.zeros(SEEN_BITS // 8, np.uint8),
            lost_frees=np.zeros(LOST_FREE_ROWS, LOST_FREE),
            counts=np.zeros(1, COUNTERS),
        )
        self._counts = self._tables.counts[0]
        self._counts["free_slot"] = -1
        self._counts["step_shift"] = FIRST_SHIFT
        self._counts["near_unmatched"] = np.iinfo(np.int64).min
        self._histories = Histories(rows)
        self._reversed = no_pairs()
        self._until_ns = 0

    def feed(self, pool: EventTable) -> None:
        """Match one batch's pool events: allocations to their frees, by address."""
        if len(pool):
            self._reach(int(pool.time.max()))
        kind, tag, size, address = (cast(Any, pool.array(name)) for name in ("type", "tag", "bytes", "entry"))
        events = PoolEvents(
            pool.time, pool.raw_time, pool.cpu, pool.thread, pool.process, pool.who, pool.event, pool.stack,
            pool.user_stack, pool.offset, kind, tag, size, address, np.zeros(len(pool), np.uint8),
        )  # fmt: skip
        while (full := match_events(events, self._tables, self._histories.arrays, self._reversed)) != DONE:
            self._make_room(full)
        self._check()

    def attach_late(self, late: LateStacks) -> int:
        """Give stacks that came after their batch to their allocations; how many have found theirs so far."""
        self._counts["next_late"] = 0
        while attach(late, self._tables, self._histories.arrays) != DONE:
            self._make_room(SITES_FULL)
        return int(self._counts["attached"])

    def _make_room(self, full: int) -> None:
        ledger = self._tables
        if full == SLOTS_FULL:
            # In place: the two copies of a growing array would be the largest thing in memory.
            ledger.slots.resize(max(len(ledger.slots) * 5 // 4, len(ledger.slots) + 1), refcheck=False)
        elif full == BUCKETS_FULL:
            buckets = np.full(2 * len(ledger.buckets), EMPTY, np.uint64)
            refill_buckets(ledger.buckets, buckets)
            self._tables = ledger._replace(buckets=buckets)
        elif full == SITES_FULL:
            self._tables = ledger._replace(sites=_grown(ledger.sites), site_index=doubled(ledger.site_index))
            self._histories.reserve(len(self._tables.sites))
        else:
            self._tables = ledger._replace(tags=_grown(ledger.tags), tag_index=doubled(ledger.tag_index))
            self._histories.reserve_tags(len(self._tables.tags))

    def _reach(self, time_ns: int) -> None:
        self._until_ns = max(self._until_ns, time_ns)
        self._histories.reach(self._until_ns, self._counts)

    def history(self, sites: SiteRows, until_ns: int) -> SiteHistory:
        """The histories of :attr:`sites` by row, up to ``until_ns``, or the last pool event where that is later."""
        self._reach(until_ns)
        return self._histories.summed(sites, self._tables, self._until_ns)

    def reversed_pairs(self) -> tuple[Structured, Mask, I64]:
        """What :func:`analyzers.clocks.clock_shifts` judges: pairs, whether each stays unfreed, shortest lifetimes."""
        pairs = self._reversed.rows[: self._counts["reversed"]]
        slots = self._tables.slots[pairs["slot"]]
        is_live = (slots["live"] == 1) & (slots["time"] == pairs["time"])
        return pairs, is_live | (pairs["slot"] == REPLACED), self._reversed.least

    def _check(self) -> None:
        """The two equations of the ledger, on every batch."""
        allocations, frees, matched, without, replaced, live, _ = self.totals
        if allocations != matched + replaced + live or frees != matched + without:
            raise AssertionError(f"the ledger does not balance: {self._counts}")

    @property
    def sites(self) -> Structured:
        """Counters by site (:data:`~analyzers.ledger.rows.SITE`); a view, valid until the next :meth:`feed`."""
        return self._tables.sites[: self._counts["sites"]]

    @property
    def tags(self) -> Structured:
        """Counters by tag (:data:`~analyzers.ledger.rows.TAG`); a view, valid until the next :meth:`feed`."""
        return self._tables.tags[: self._counts["tags"]]

    @property
    def slots(self) -> Structured:
        """Slots in use or used before (:data:`~analyzers.ledger.rows.ALLOCATION`), as :attr:`sites` a view."""
        return self._tables.slots[: self._counts["slots"]]

    @property
    def frees_with_stack(self) -> int:
        """Frees that came with a kernel stack; stacks that come after their batch do not count."""
        return int(self._counts["frees_with_stack"])

    @property
    def failed(self) -> int:
        """Allocations that failed; they are in none of the :attr:`totals`."""
        return int(self._counts["failed"])

    @property
    def replaced_in_session(self) -> int:
        """How many of the allocations that were replaced without a free are session pool."""
        return int(self._counts["replaced_in_session"])

    @property
    def addresses(self) -> tuple[float, float]:
        """About how many different addresses were handed out, and the standard error; infinite for too many to tell.

        Linear counting: Whang, Vander-Zanden, Taylor, "A linear-time probabilistic counting algorithm", 1990.
        """
        places = 8 * len(self._tables.seen)
        left = places - int(np.bitwise_count(self._tables.seen).sum(dtype=np.int64))
        if not left:
            return inf, inf
        load = log(places / left)
        return places * load, sqrt(places * max(exp(load) - load - 1, 0.0))

    @property
    def lost_frees(self) -> Structured:
        """When frees are missing (:data:`~analyzers.ledger.rows.LOST_FREE`); a copy."""
        return self._tables.lost_frees[: self._counts["lost_frees"]].copy()

    @property
    def totals(self) -> tuple[int, int, int, int, int, int, int]:
        """Allocations, frees, matched, frees without allocation, replaced without free, live, live bytes."""
        wanted = ("allocations", "frees", "matched", "unmatched", "replaced", "live", "bytes")
        a, f, m, w, r, n, b = (int(self._counts[name]) for name in wanted)
        return a, f, m, w, r, n, b


def _grown(table: npt.NDArray[_Row]) -> npt.NDArray[_Row]:
    grown = np.zeros(2 * len(table), table.dtype)
    grown[: len(table)] = table
    return grown
