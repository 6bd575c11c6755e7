"""The pool at one moment: the ledger's counters and live allocations, with names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from analyzers.ledger import Ledger
from analyzers.modules import Modules
from analyzers.processes import Processes, Threads
from analyzers.snapshot import GroupRow, Outstanding, PoolSnapshot, PoolTotals, SiteTable, TagTable
from analyzers.tags import TagNames
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

    def snapshot(self) -> PoolSnapshot:
        """The pool now."""
        sites, row_of_site = self._sites()
        outstanding = self._outstanding(row_of_site)
        return PoolSnapshot(
            totals=PoolTotals(*self._ledger.totals),
            tags=self._tag_table(sites),
            sites=sites,
            outstanding=outstanding,
            by_process=self._by_process(outstanding),
            by_driver=_by_driver(sites),
        )

    def _sites(self) -> tuple[SiteTable, npt.NDArray[np.int32]]:
        """Sites by resolved stack: references to one stack by different keys fall together."""
        raw = self._ledger.sites
        stack = self._stacks.canonical(raw["stack"])
        keys = (raw["tag_row"].astype(np.int64) << 32) | (stack.astype(np.int64) + 1)
        _, first, row_of_site = np.unique(keys, return_index=True, return_inverse=True)
        rows = len(first)

        def total(name: str) -> npt.NDArray[np.int64]:
            result = np.zeros(rows, np.int64)
            np.add.at(result, row_of_site, raw[name])
            return result

        first_ns = np.full(rows, np.iinfo(np.int64).max)
        np.minimum.at(first_ns, row_of_site, raw["first"])
        last_ns = np.full(rows, np.iinfo(np.int64).min)
        np.maximum.at(last_ns, row_of_site, raw["last"])
        table = SiteTable(
            tag_row=raw["tag_row"][first].copy(),
            stack=stack[first],
            allocations=total("allocations"),
            frees=total("frees"),
            outstanding_count=total("count"),
            outstanding_bytes=total("bytes"),
            first_ns=first_ns,
            last_ns=last_ns,
            driver=self._names.modules.allocating(self._stacks, stack[first]),
        )
        return table, row_of_site.astype(np.int32)

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

    def _outstanding(self, row_of_site: npt.NDArray[np.int32]) -> Outstanding:
        rows = self._ledger.live_rows()
        slots = self._ledger.slots


        time, cpu = slots["time"][rows], slots["cpu"][rows]
        thread, process, who = slots["thread"][rows], slots["process"][rows], slots["who"][rows]
        self._infer(time, cpu, thread, process, who)
        return Outstanding(
            address=slots["address"][rows],
            size=slots["size"][rows],
            time_ns=time,
            type=slots["type"][rows],
            thread=thread,
            process=process,
            cpu=cpu,
            who=who,
            site=row_of_site[slots["site"][rows]] if len(rows) else np.zeros(0, np.int32),
            user_stack=self._stacks.canonical(slots["user_stack"][rows]),
            offset=slots["offset"][rows],
        )

    def _infer(
        self, time: npt.NDArray[np.int64], cpu: npt.NDArray[np.uint16], thread: npt.NDArray[np.uint32],
        process: npt.NDArray[np.uint32], who: npt.NDArray[np.uint8],
    ) -> None:  # fmt: skip
        """Threads from before a CPU's first switch, and processes of threads that came without one; in place."""
        nobody = np.flatnonzero(who == Who.UNKNOWN)
        if len(nobody):
            thread[nobody] = self._running.before_first_switch(cpu[nobody], time[nobody])
            who[nobody[thread[nobody] != UNKNOWN_ID]] = Who.CONTEXT_SWITCH
        homeless = np.flatnonzero((process == UNKNOWN_ID) & (thread != UNKNOWN_ID))
        if len(homeless):
            process[homeless] = self._names.threads.process_of(thread[homeless], time[homeless])

    def _by_process(self, outstanding: Outstanding) -> tuple[GroupRow, ...]:
        """Outstanding by process; two processes that had one id in turn are two rows."""
        processes = self._names.processes
        started = processes.first_of(outstanding.process, outstanding.time_ns)
        starts, start_of = np.unique(started, return_inverse=True)
        groups, members = np.unique(outstanding.process.astype(np.int64) * len(starts) + start_of, return_inverse=True)
        counts = np.bincount(members, minlength=len(groups))
        sizes = _sums(members, outstanding.size, len(groups))
        rows = []
        for group, count, size in zip(groups, counts, sizes, strict=True):
            pid, start = divmod(int(group), len(starts))
            name = processes.at(pid, int(starts[start])).name if pid != UNKNOWN_ID else ""
            rows.append(GroupRow(name, pid, int(count), int(size)))
        return _ranked(rows)


def _sums(
    members: npt.NDArray[np.intp], values: npt.NDArray[np.uint64], groups: int
) -> npt.NDArray[np.int64]:
    """Sum of ``values`` by group, in integers: sizes may exceed what a double holds exactly."""
    result = np.zeros(groups, np.int64)
    np.add.at(result, members, values.astype(np.int64))
    return result


def _main_driver(sites: SiteTable, tags: int) -> list[str]:
    """By tag row: the driver of the site with the most allocations, empty where no stack tells."""
    best = [("", -1)] * tags
    for row, driver, count in zip(sites.tag_row.tolist(), sites.driver, sites.allocations.tolist(), strict=True):
        if driver and count > best[row][1]:
            best[row] = (driver, count)
    return [driver for driver, _ in best]


def _by_driver(sites: SiteTable) -> tuple[GroupRow, ...]:
    totals: dict[str, list[int]] = {}
    rows = zip(sites.driver, sites.outstanding_count.tolist(), sites.outstanding_bytes.tolist(), strict=True)
    for driver, count, size in rows:
        if count:
            total = totals.setdefault(driver, [0, 0])
            total[0] += count
            total[1] += size
    return _ranked(GroupRow(driver, 0, count, size) for driver, (count, size) in totals.items())


def _ranked(rows: Iterable[GroupRow]) -> tuple[GroupRow, ...]:
    """Largest first; ties by name and id, so that the same trace always gives the same report."""
    return tuple(sorted(rows, key=lambda row: (-row.bytes, -row.count, row.name, row.id)))
