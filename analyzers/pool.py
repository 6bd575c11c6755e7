"""The pool at one moment: the ledger's counters and live allocations, with names."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from analyzers.groups import by_driver, by_process
from analyzers.ledger import Ledger
from analyzers.ledger.histories import SiteRows
from analyzers.ledger.live import outstanding
from analyzers.modules import Modules
from analyzers.processes import Processes
from analyzers.snapshot import Outstanding, PoolSnapshot, PoolTotals, SiteTable, TagTable
from analyzers.tags import TagNames
from analyzers.threads import Threads
from analyzers.who import Running
from tracer.columns import UNKNOWN_ID, Who
from tracer.stacks.table import StackTable


class Known(Protocol):
    """What a trace tells about processes, threads and images."""

    processes: Processes
    threads: Threads
    modules: Modules


class PoolView:
    """Turns the ledger's state into an immutable :class:`~analyzers.snapshot.PoolSnapshot`."""

    def __init__(self, ledger: Ledger, names: Known, running: Running, tags: TagNames, stacks: StackTable) -> None:
        self._ledger = ledger
        self._names = names
        self._running = running
        self._tags = tags
        self._stacks = stacks

    def snapshot(self, until_ns: int = 0) -> PoolSnapshot:
        """The pool now; histories go up to ``until_ns``, or to the last pool event where that is later."""
        totals = PoolTotals(*self._ledger.totals)
        sites, rows = self._sites()
        stacks = self._stacks.canonical(np.arange(len(self._stacks), dtype=np.int32))
        live = outstanding(self._ledger.slots, totals.outstanding_count, rows.row_of_site, stacks)
        self._infer(live)
        return PoolSnapshot(
            totals=totals,
            tags=self._tag_table(sites),
            sites=sites,
            history=self._ledger.history(rows, until_ns),
            outstanding=live,
            by_process=by_process(live, self._names.processes),
            by_driver=by_driver(sites),
        )

    def _sites(self) -> tuple[SiteTable, SiteRows]:
        """Sites by resolved stack: references to one stack by different keys fall together."""
        every = self._ledger.sites
        used = np.flatnonzero(every["allocations"])  # a late stack takes allocations elsewhere, maybe the last one
        raw = every[used]
        stack = self._stacks.canonical(raw["stack"])
        keys = (raw["tag_row"].astype(np.int64) << 32) | (stack.astype(np.int64) + 1)
        _, first, row_of = np.unique(keys, return_index=True, return_inverse=True)
        rows = len(first)

        def total(name: str) -> npt.NDArray[np.int64]:
            result = np.zeros(rows, np.int64)
            np.add.at(result, row_of, raw[name])
            return result

        first_ns = np.full(rows, np.iinfo(np.int64).max)
        np.minimum.at(first_ns, row_of, raw["first"])
        last_ns = np.full(rows, np.iinfo(np.int64).min)
        np.maximum.at(last_ns, row_of, raw["last"])
        driver, frame = self._names.modules.allocating(self._stacks, stack[first])
        table = SiteTable(
            tag_row=raw["tag_row"][first],
            stack=stack[first],
            allocations=total("allocations"),
            frees=total("frees"),
            outstanding_count=total("count"),
            outstanding_bytes=total("bytes"),
            first_ns=first_ns,
            last_ns=last_ns,
            driver=driver,
            frame=frame,
        )
        row_of_site = np.zeros(len(every), np.int32)
        row_of_site[used] = row_of
        return table, SiteRows(used, row_of, row_of_site, rows)

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
        )

    def _infer(self, live: Outstanding) -> None:
        """Threads from before a CPU's first switch, and processes of threads that came without one; in place."""
        nobody = np.flatnonzero(live.who == Who.UNKNOWN)
        if len(nobody):
            live.thread[nobody] = self._running.before_first_switch(live.cpu[nobody], live.time_ns[nobody])
            live.who[nobody[live.thread[nobody] != UNKNOWN_ID]] = Who.CONTEXT_SWITCH
        homeless = np.flatnonzero((live.process == UNKNOWN_ID) & (live.thread != UNKNOWN_ID))
        if len(homeless):
            live.process[homeless] = self._names.threads.process_of(live.thread[homeless], live.time_ns[homeless])


def _main_driver(sites: SiteTable, tags: int) -> list[str]:
    """By tag row: the driver of the site with the most allocations, empty where no stack tells."""
    best = [("", -1)] * tags
    for row, driver, count in zip(sites.tag_row.tolist(), sites.driver, sites.allocations.tolist(), strict=True):
        if driver and count > best[row][1]:
            best[row] = (driver, count)
    return [driver for driver, _ in best]
