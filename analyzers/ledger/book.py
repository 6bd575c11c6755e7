"""The ledger itself: the arrays that the kernels work on, and how they grow."""

from __future__ import annotations

from typing import Any, Final, TypeVar, cast

import numpy as np
import numpy.typing as npt

from analyzers.ledger.histories import Histories, SiteRows
from analyzers.ledger.late import attach
from analyzers.ledger.posting import post
from analyzers.ledger.reversed_pairs import REPLACED, ReversedPairs
from analyzers.ledger.rows import (
    ALLOCATION,
    BUCKETS_FULL,
    DONE,
    RECENT,
    RECENT_ROWS,
    SITE,
    SITES_FULL,
    SLOTS_FULL,
    STATE_ALLOCATIONS,
    STATE_ATTACHED,
    STATE_BYTES,
    STATE_FAILED,
    STATE_FREE_HEAD,
    STATE_FREES,
    STATE_LAST_STRAY,
    STATE_LATE,
    STATE_LIVE,
    STATE_MATCHED,
    STATE_REPLACED,
    STATE_REPLACED_IN_SESSION,
    STATE_REVERSED,
    STATE_ROWS,
    STATE_SITES,
    STATE_SLOTS,
    STATE_STEP_SHIFT,
    STATE_TAGS,
    STATE_WITHOUT,
    TAG,
)
from analyzers.ledger.tables import EMPTY, refill, table_of
from analyzers.trends.history import SiteHistory
from tracer.columns import EventTable
from tracer.events.pool import FREE, FREE_SESSION
from tracer.trace import LateStacks

_Row = TypeVar("_Row", bound=np.generic)

_FIRST_ROWS: Final = 1 << 10
_FREES: Final = (FREE, FREE_SESSION)
_MEMO: Final = 1 << 12
"""Recent sites that are found again without a search; 16 KiB stay in a core's cache."""


class Ledger:
    """All live allocations, and counters by site and by tag. Feed it batches' pool tables in order."""

    def __init__(self, rows: int = _FIRST_ROWS) -> None:
        """``rows``: how many allocations, sites and tags there is room for at first, a power of two."""
        self._state = np.zeros(STATE_ROWS, np.int64)
        self._state[STATE_FREE_HEAD] = -1
        self._state[STATE_LAST_STRAY] = np.iinfo(np.int64).min
        self._slots = np.zeros(rows, ALLOCATION)
        self._buckets = np.full(2 * rows, EMPTY, np.uint64)
        self._sites = np.zeros(rows, SITE)
        self._site_keys = np.zeros(rows, np.uint64)
        self._site_table = np.full(2 * rows, -1, np.int32)
        self._tags = np.zeros(rows, TAG)
        self._tag_keys = np.zeros(rows, np.uint64)
        self._tag_table = np.full(2 * rows, -1, np.int32)
        self._site_memo = np.zeros(_MEMO, np.int32)
        self._recent = np.zeros(RECENT_ROWS, RECENT)
        self._histories = Histories(rows)
        self._reversed = ReversedPairs()
        self._until_ns = 0
        self.frees_with_stack = 0
        """Frees that came with a kernel stack; stacks that come after their batch do not count."""

    def feed(self, pool: EventTable) -> None:
        """Post one batch's pool events."""
        if len(pool):
            self._reach(int(pool.time.max()))
        taken = np.zeros(len(pool), np.uint8)
        kind, tag, size, address = (cast(Any, pool.array(name)) for name in ("type", "tag", "bytes", "entry"))
        while True:
            full = post(
                pool.time, pool.raw_time, pool.cpu, pool.thread, pool.process, pool.who, pool.event, pool.stack,
                pool.user_stack, pool.offset, kind, tag, size, address, taken,
                self._slots, self._buckets, self._sites, self._site_keys, self._site_table,
                self._tags, self._tag_keys, self._tag_table, self._site_memo, self._recent,
                self._histories.steps, self._histories.lifetimes, self._histories.strays,
                self._reversed.freed, self._reversed.rows, self._reversed.places, self._reversed.least, self._state,
            )  # fmt: skip
            if full == DONE:
                break
            self._make_room(full)
        self.frees_with_stack += int(np.count_nonzero((pool.stack >= 0) & np.isin(pool.event, _FREES)))
        self._check()

    def attach_late(self, late: LateStacks) -> int:
        """Give stacks that came after their batch to their allocations; how many have found theirs so far."""
        self._state[STATE_LATE] = 0
        while (
            attach(
                late.raw_time, late.thread, late.process, late.cpu, late.stack, late.is_user, self._recent, self._slots,
                self._sites, self._site_keys, self._site_table, self._tags, self._histories.steps,
                self._histories.lifetimes, self._state,
            )
            != DONE
        ):  # fmt: skip
            self._make_room(SITES_FULL)
        return int(self._state[STATE_ATTACHED])

    def _make_room(self, full: int) -> None:
        if full == SLOTS_FULL:
            # In place: the two copies of a growing array would be the largest thing in memory.
            self._slots.resize(max(len(self._slots) * 5 // 4, len(self._slots) + 1), refcheck=False)
        elif full == BUCKETS_FULL:
            buckets = np.full(2 * len(self._buckets), EMPTY, np.uint64)
            refill(self._buckets, buckets)
            self._buckets = buckets
        elif full == SITES_FULL:
            self._sites, self._site_keys = _grown(self._sites), _grown(self._site_keys)
            self._histories.reserve(len(self._sites))
            self._site_table = table_of(self._site_keys, int(self._state[STATE_SITES]))
        else:
            self._tags, self._tag_keys = _grown(self._tags), _grown(self._tag_keys)
            self._histories.reserve_tags(len(self._tags))
            self._tag_table = table_of(self._tag_keys, int(self._state[STATE_TAGS]))

    def _reach(self, time_ns: int) -> None:
        self._until_ns = max(self._until_ns, time_ns)
        self._histories.reach(self._until_ns, int(self._state[STATE_SITES]))
        self._state[STATE_STEP_SHIFT] = self._histories.shift

    def history(self, sites: SiteRows, until_ns: int) -> SiteHistory:
        """The histories of :attr:`sites` by row, up to ``until_ns``, or the last pool event where that is later."""
        self._reach(until_ns)
        return self._histories.summed(sites, self.slots, self._until_ns)

    def reversed_pairs(self) -> tuple[npt.NDArray[np.void], npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
        """What :func:`analyzers.clocks.clock_shifts` judges: pairs, whether each stays unfreed, shortest lifetimes."""
        pairs = self._reversed.rows[: self._state[STATE_REVERSED]]
        slots = self._slots[pairs["slot"]]
        is_live = (slots["live"] == 1) & (slots["time"] == pairs["time"])
        return pairs, is_live | (pairs["slot"] == REPLACED), self._reversed.least

    def _check(self) -> None:
        """The two equations of the ledger, on every batch."""
        allocations, frees, matched, without, replaced, live, _ = self.totals
        if allocations != matched + replaced + live or frees != matched + without:
            raise AssertionError(f"the ledger does not balance: {self._state.tolist()}")

    @property
    def sites(self) -> npt.NDArray[np.void]:
        """Counters by site (:data:`~analyzers.ledger.rows.SITE`); a view, valid until the next :meth:`feed`."""
        return self._sites[: self._state[STATE_SITES]]

    @property
    def tags(self) -> npt.NDArray[np.void]:
        """Counters by tag (:data:`~analyzers.ledger.rows.TAG`); a view, valid until the next :meth:`feed`."""
        return self._tags[: self._state[STATE_TAGS]]

    @property
    def slots(self) -> npt.NDArray[np.void]:
        """Slots in use or used before (:data:`~analyzers.ledger.rows.ALLOCATION`), as :attr:`sites` a view."""
        return self._slots[: self._state[STATE_SLOTS]]

    @property
    def failed(self) -> int:
        """Allocations that failed; they are in none of the :attr:`totals`."""
        return int(self._state[STATE_FAILED])

    @property
    def replaced_in_session(self) -> int:
        """How many of the allocations that were replaced without a free are session pool."""
        return int(self._state[STATE_REPLACED_IN_SESSION])

    @property
    def totals(self) -> tuple[int, int, int, int, int, int, int]:
        """Allocations, frees, matched, frees without allocation, replaced without free, live, live bytes."""
        wanted = (
            STATE_ALLOCATIONS, STATE_FREES, STATE_MATCHED, STATE_WITHOUT, STATE_REPLACED, STATE_LIVE, STATE_BYTES,
        )  # fmt: skip
        a, f, m, w, r, n, b = (int(self._state[row]) for row in wanted)
        return a, f, m, w, r, n, b


def _grown(table: npt.NDArray[_Row]) -> npt.NDArray[_Row]:
    grown = np.zeros(2 * len(table), table.dtype)
    grown[: len(table)] = table
    return grown
