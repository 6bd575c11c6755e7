"""The pool at one moment: the ledger's counters and live allocations, with names."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from analyzers.dated_stacks import DatedStacks
from analyzers.ledger import Ledger
from analyzers.ledger.histories import SiteRows
from analyzers.ledger.outstanding import outstanding
from analyzers.modules import Modules
from analyzers.pool_tables import LossSigns, PoolSnapshot, PoolTotals, SiteParts, SiteTable, TagTable
from analyzers.processes import Processes
from analyzers.scheduling import CpuTimeline
from analyzers.tags import TagNames
from analyzers.threads import Threads
from analyzers.totals import by_driver, by_process
from analyzers.trends.history import SiteHistory
from tracer.arrays import I32, I64, U32, U64, Rows, Structured
from tracer.columns import UNKNOWN_ID
from tracer.data_classes import dataclass
from tracer.stacks.table import StackTable


class Known(Protocol):
    """What a trace tells about processes, threads and images."""

    processes: Processes
    threads: Threads
    modules: Modules


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """The sites by process; ``counts``: int64 (3, parts), allocations, frees and outstanding ones.

    ``first``: the first part of each site.
    """

    rows: SiteRows
    site: I32
    process: U32
    counts: I64
    first: Rows

    @property
    def several(self) -> bool:
        """Whether any process is known."""
        return bool(np.any(self.process != UNKNOWN_ID))

    def table(self, history: SiteHistory, of: I32) -> SiteParts:
        """As the snapshot has it."""
        allocations, frees, outstanding_count = self.counts
        return SiteParts(self.site, self.process, allocations, frees, outstanding_count, history, of)


class PoolView:
    """Turns the ledger's state into an immutable :class:`~analyzers.pool_tables.PoolSnapshot`."""

    def __init__(
        self, ledger: Ledger, names: Known, timeline: CpuTimeline, tags: TagNames, stacks: StackTable | DatedStacks
    ) -> None:
        self._ledger = ledger
        self._names = names
        self._timeline = timeline
        self._tags = tags
        self._stacks = DatedStacks(stacks, names.modules) if isinstance(stacks, StackTable) else stacks

    def snapshot(self, until_ns: int = 0) -> PoolSnapshot:
        """The pool now; histories go up to ``until_ns``, or to the last pool event where that is later."""
        totals = PoolTotals(*self._ledger.totals, failed_allocations=self._ledger.failed)
        sites, parts = self._sites()
        live = outstanding(self._ledger.slots, totals.outstanding_count, parts.rows.row_of_site)
        live = replace(live, user_stack=self._stacks.canonical(live.user_stack))
        history, of = self._ledger.history(parts.rows, until_ns), live.site
        if parts.several:
            live = replace(live, site=parts.site[of])
        self._timeline.settle(live.thread, live.process, live.who, live.cpu, live.time_ns)
        return PoolSnapshot(
            totals=totals,
            tags=self._tag_table(sites),
            sites=sites,
            history=history.folded(parts.first),
            outstanding=live,
            by_process=by_process(live, self._names.processes),
            by_driver=by_driver(sites),
            parts=parts.table(history, of) if parts.several else None,
            frees_with_stack=self._ledger.frees_with_stack,
            signs=LossSigns(*self._ledger.addresses, self._ledger.replaced_in_session, self._ledger.lost_frees),
        )

    def _sites(self) -> tuple[SiteTable, _Parts]:
        """Sites by resolved stack: references to one stack by different keys fall together."""
        every = self._ledger.sites
        used = np.flatnonzero(every["allocations"])  # a late stack takes allocations elsewhere, maybe the last one
        raw = every[used]
        stack = self._stacks.canonical(raw["stack"])
        keys = (raw["tag_row"].astype(np.int64) << 32) | (stack.astype(np.int64) + 1)
        _, first, row_of = np.unique(keys, return_index=True, return_inverse=True)
        rows = len(first)

        def total(name: str) -> I64:
            result = np.zeros(rows, np.int64)
            np.add.at(result, row_of, raw[name])
            return result

        first_ns = np.full(rows, np.iinfo(np.int64).max)
        np.minimum.at(first_ns, row_of, raw["first"])
        last_ns = np.full(rows, np.iinfo(np.int64).min)
        np.maximum.at(last_ns, row_of, raw["last"])
        driver, frame = self._allocating(stack[first])
        table = SiteTable(
            tag_row=raw["tag_row"][first],
            stack=stack[first],
            allocations=total("allocations"),
            allocated_bytes=total("allocated"),
            frees=total("frees"),
            outstanding_count=total("count"),
            outstanding_bytes=total("bytes"),
            first_ns=first_ns,
            last_ns=last_ns,
            driver=driver,
            frame=frame,
        )
        return table, self._parts(every, used, row_of)

    def _allocating(self, stacks: I32) -> tuple[tuple[str, ...], U64]:
        dated = self._stacks
        return self._names.modules.allocating(dated.source, dated.base(stacks), dated.since(stacks))

    def _parts(self, every: Structured, used: I64, row_of: Rows) -> _Parts:
        """The sites by process: a thread's are those of its process."""
        raw = every[used]
        process = raw["process"]
        threads = np.flatnonzero((process == UNKNOWN_ID) & (raw["thread"] != UNKNOWN_ID))
        if len(threads):
            process[threads] = self._names.threads.process_of(raw["thread"][threads], raw["first"][threads])
        keys = (row_of.astype(np.int64) << 32) | process
        key, part_of = np.unique(keys, return_inverse=True)
        site = (key >> 32).astype(np.int32)
        part_of_site = np.zeros(len(every), np.int32)
        part_of_site[used] = part_of
        counts = np.zeros((3, len(key)), np.int64)
        for total, name in zip(counts, ("allocations", "frees", "count"), strict=True):
            np.add.at(total, part_of, raw[name])
        rows = SiteRows(used, part_of, part_of_site, len(key))
        first = np.flatnonzero(np.diff(site, prepend=-1))
        return _Parts(rows, site, (key & UNKNOWN_ID).astype(np.uint32), counts, first)

    def _tag_table(self, sites: SiteTable) -> TagTable:
        raw = self._ledger.tags
        known = [self._tags.lookup(int(tag)) for tag in raw["tag"]]
        observed = _main_driver(sites, len(raw))
        return TagTable(
            tag=raw["tag"].copy(),
            paged=raw["paged"].astype(np.bool_),
            allocations=raw["allocations"].copy(),
            frees=raw["frees"].copy(),
            outstanding_count=raw["count"].copy(),
            outstanding_bytes=raw["bytes"].copy(),
            peak_bytes=raw["peak"].copy(),
            driver=tuple((name.driver if name else "") or seen for name, seen in zip(known, observed, strict=True)),
            description=tuple(name.description if name else "" for name in known),
            failed=raw["failed"].astype(np.int64),
        )


def _main_driver(sites: SiteTable, tags: int) -> list[str]:
    """By tag row: the driver of the site with the most allocations, empty where no stack tells."""
    best = [("", -1)] * tags
    for row, driver, count in zip(sites.tag_row.tolist(), sites.driver, sites.allocations.tolist(), strict=True):
        if driver and count > best[row][1]:
            best[row] = (driver, count)
    return [driver for driver, _ in best]
