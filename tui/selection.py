"""Part of a snapshot: the outstanding allocations of some tags, processes or drivers.

Only what is outstanding is narrowed. Allocations, frees and peaks stay those of the whole trace:
a free is known by its tag alone, so no process or driver can be given its share of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analyzers.pooltag import tag_text
from analyzers.snapshot import GroupRow, Outstanding, PoolSnapshot, SiteTable, Snapshot, TagTable

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for; several words of one kind mean any of them, several kinds mean all.

    ``tags``: four characters, ``?`` and ``*`` stand for others, case counts. ``processes``: a
    process id, or a part of the image name. ``drivers``: a module, with or without ``.sys``.
    """

    tags: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tags or self.processes or self.drivers)

    def __str__(self) -> str:
        kinds = (("tag", self.tags), ("process", self.processes), ("driver", self.drivers))
        return ", ".join(f"{kind} {' or '.join(words)}" for kind, words in kinds if words)


def select(snapshot: Snapshot, filters: Filters) -> Snapshot:
    """The snapshot with its pool narrowed to what the filters let through; its totals stay the trace's."""
    if not filters:
        return snapshot
    pool = snapshot.pool
    sites = _sites_let_through(pool, filters)
    allocations = sites[pool.outstanding.site]
    if filters.processes:
        allocations &= _of_processes(snapshot, filters.processes)
        sites &= np.bincount(pool.outstanding.site[allocations], minlength=len(sites)) > 0
    return replace(snapshot, pool=_narrowed(snapshot, np.flatnonzero(sites), np.flatnonzero(allocations)))


def _sites_let_through(pool: PoolSnapshot, filters: Filters) -> Mask:
    rows = pool.sites.tag_row
    let_through = np.ones(len(rows), np.bool_)
    if filters.tags:
        let_through &= _tag_mask(pool.tags, filters.tags)[rows]
    if filters.drivers:
        wanted = {_bare(driver) for driver in filters.drivers}
        of_tag = np.array([_bare(driver) in wanted for driver in pool.tags.driver], np.bool_)
        of_site = np.array([_bare(driver) in wanted for driver in pool.sites.driver], np.bool_)
        let_through &= of_site | of_tag[rows]
    return let_through


def _tag_mask(tags: TagTable, patterns: Sequence[str]) -> Mask:
    expressions = [_tag_expression(pattern) for pattern in patterns]
    texts = [tag_text(int(tag)).rstrip() for tag in tags.tag]
    return np.array([any(e.fullmatch(text) for e in expressions) for text in texts], np.bool_)


def _tag_expression(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern.rstrip())
    return re.compile(escaped.replace(r"\?", ".").replace(r"\*", ".*"))


def _bare(driver: str) -> str:
    name = driver.casefold()
    return name.removesuffix(".sys").removesuffix(".exe")


def _of_processes(snapshot: Snapshot, words: Sequence[str]) -> Mask:
    processes = snapshot.pool.outstanding.process
    wanted = [
        int(pid)
        for pid in np.unique(processes)
        if any(_is_process(word, int(pid), snapshot.names.process(int(pid))) for word in words)
    ]
    return np.isin(processes, np.array(wanted, processes.dtype))


def _is_process(word: str, pid: int, name: str) -> bool:
    return word == str(pid) or (not word.isdecimal() and word.casefold() in name.casefold())


def _narrowed(snapshot: Snapshot, sites: Rows, allocations: Rows) -> PoolSnapshot:
    pool = snapshot.pool
    outstanding = _taken(pool.outstanding, allocations)
    outstanding = replace(outstanding, site=np.searchsorted(sites, outstanding.site).astype(np.int32))
    tags = np.unique(pool.sites.tag_row[sites]).astype(np.int64)
    site_table = _site_table(pool.sites, sites, tags, outstanding)
    return PoolSnapshot(
        totals=pool.totals,
        tags=_tag_table(pool.tags, tags, site_table),
        sites=site_table,
        outstanding=outstanding,
        by_process=_by_process(snapshot, outstanding),
        by_driver=_by_driver(site_table),
    )


def _taken(outstanding: Outstanding, rows: Rows) -> Outstanding:
    return Outstanding(**{name: getattr(outstanding, name)[rows] for name in Outstanding.__dataclass_fields__})


def _site_table(sites: SiteTable, rows: Rows, tags: Rows, outstanding: Outstanding) -> SiteTable:
    size = np.zeros(len(rows), np.int64)
    np.add.at(size, outstanding.site, outstanding.size.astype(np.int64))
    return SiteTable(
        tag_row=np.searchsorted(tags, sites.tag_row[rows]).astype(np.int32),
        stack=sites.stack[rows],
        allocations=sites.allocations[rows],
        frees=sites.frees[rows],
        outstanding_count=np.bincount(outstanding.site, minlength=len(rows)).astype(np.int64),
        outstanding_bytes=size,
        first_ns=sites.first_ns[rows],
        last_ns=sites.last_ns[rows],
        driver=tuple(sites.driver[row] for row in rows),
    )


def _tag_table(tags: TagTable, rows: Rows, sites: SiteTable) -> TagTable:
    count, size = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    np.add.at(count, sites.tag_row, sites.outstanding_count)
    np.add.at(size, sites.tag_row, sites.outstanding_bytes)
    return TagTable(
        tag=tags.tag[rows],
        paged=tags.paged[rows],
        allocations=tags.allocations[rows],
        frees=tags.frees[rows],
        outstanding_count=count,
        outstanding_bytes=size,
        peak_bytes=tags.peak_bytes[rows],
        driver=tuple(tags.driver[row] for row in rows),
        description=tuple(tags.description[row] for row in rows),
    )


def _by_process(snapshot: Snapshot, outstanding: Outstanding) -> tuple[GroupRow, ...]:
    pids, codes = np.unique(outstanding.process, return_inverse=True)
    size = np.zeros(len(pids), np.int64)
    np.add.at(size, codes, outstanding.size.astype(np.int64))
    count = np.bincount(codes, minlength=len(pids))
    rows = [
        GroupRow(snapshot.names.process(int(pid)), int(pid), int(count[i]), int(size[i])) for i, pid in enumerate(pids)
    ]
    return tuple(sorted(rows, key=lambda row: row.bytes, reverse=True))


def _by_driver(sites: SiteTable) -> tuple[GroupRow, ...]:
    names, codes = np.unique(np.array(sites.driver, dtype=np.str_), return_inverse=True)
    count, size = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    np.add.at(count, codes, sites.outstanding_count)
    np.add.at(size, codes, sites.outstanding_bytes)
    rows = [GroupRow(str(name), 0, int(count[i]), int(size[i])) for i, name in enumerate(names) if count[i]]
    return tuple(sorted(rows, key=lambda row: row.bytes, reverse=True))
