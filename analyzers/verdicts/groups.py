"""Outstanding allocations by code location: what a verdict is about.

A group is one tag, paged or not, allocated at one place in the code: the frame that
:class:`~analyzers.snapshot.SiteTable` calls the allocating one. Different paths to the same place fall together;
without stacks a group is a tag.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analyzers.modules import KERNEL_NAME
from analyzers.snapshot import I64, PoolSnapshot
from analyzers.trends.history import GroupHistory

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """One group. ``sites``: rows of the site table; ``rows``: of the outstanding table, oldest first.

    ``allocations``, ``frees``: all of the trace; ``replaced``: allocations on whose address another was made without a
    free between; ``strays``: the group's part of its tag's frees without allocation;
    ``strays_by_step``: float64, the same of its part of what is outstanding under the tag, by step of the history;
    ``siblings``: frees, with their lifetimes (int64 by bin), of the same tag by the same driver at whichever place.
    """

    tag_row: int
    tag: int
    paged: bool
    driver: str
    sites: npt.NDArray[np.intp]
    rows: npt.NDArray[np.intp]
    allocations: int
    frees: int
    replaced: int
    strays: float
    strays_by_step: F64
    history: GroupHistory
    siblings: I64


def groups(pool: PoolSnapshot, explained: npt.NDArray[np.bool_], since_ns: int = 0) -> list[Group]:
    """Groups that hold anything, most bytes first; allocations that are explained already belong to none.

    ``explained``: bool, one per row of the outstanding table. ``since_ns``: their histories begin then.
    """
    sites = pool.sites
    keys = np.stack([sites.tag_row.astype(np.uint64), sites.frame])
    _, of_site = np.unique(keys, axis=1, return_inverse=True)
    of_site = of_site.reshape(-1)
    left = np.flatnonzero(~explained)
    if not len(left):
        return []
    of_row = of_site[pool.outstanding.site[left]]
    order = np.argsort(of_row, kind="stable")
    numbers, starts = np.unique(of_row[order], return_index=True)
    rows_of = dict(zip(numbers.tolist(), np.split(left[order], starts[1:]), strict=True))
    site_order = np.argsort(of_site, kind="stable")
    site_numbers, site_starts = np.unique(of_site[site_order], return_index=True)
    sites_of = dict(zip(site_numbers.tolist(), np.split(site_order, site_starts[1:]), strict=True))
    families = _families(pool)
    found = [_group(pool, sites_of[number], rows, families, since_ns) for number, rows in rows_of.items()]
    found.sort(key=lambda group: -int(pool.outstanding.size[group.rows].sum(dtype=np.uint64)))
    return found


Families = dict[tuple[int, str], I64]


def _families(pool: PoolSnapshot) -> Families:
    """Lifetimes of what was freed, by tag row and driver."""
    sums: Families = {}
    for row in np.flatnonzero(pool.sites.frees).tolist():
        key = (int(pool.sites.tag_row[row]), pool.sites.driver[row])
        lifetimes = pool.history.lifetimes[row].astype(np.int64)
        sums[key] = sums[key] + lifetimes if key in sums else lifetimes
    return sums


def _group(
    pool: PoolSnapshot, sites: npt.NDArray[np.intp], rows: npt.NDArray[np.intp], families: Families, since_ns: int
) -> Group:
    table = pool.sites
    tag_row = int(table.tag_row[sites[0]])
    busiest = int(sites[np.argmax(table.outstanding_count[sites])])
    history = pool.history.rows(sites).since(since_ns)
    return Group(
        tag_row=tag_row,
        tag=int(pool.tags.tag[tag_row]),
        paged=bool(pool.tags.paged[tag_row]),
        driver=table.driver[busiest] or _by_tag(pool, tag_row),
        sites=sites,
        rows=rows,
        allocations=int(table.allocations[sites].sum()),
        frees=int(table.frees[sites].sum()),
        replaced=int((table.allocations - table.frees - table.outstanding_count)[sites].sum()),
        strays=_strays(pool, tag_row, sites),
        strays_by_step=_strays_by_step(pool, tag_row, sites, history),
        history=history,
        siblings=families.get((tag_row, table.driver[busiest]), history.lifetimes),
    )


def joined(family: Sequence[Group]) -> Group:
    """Groups of one tag and driver as one, at the places of all; their histories begin at the same time."""
    first = family[0]
    return replace(
        first,
        sites=np.concatenate([each.sites for each in family]),
        rows=np.sort(np.concatenate([each.rows for each in family])),
        allocations=sum(each.allocations for each in family),
        frees=sum(each.frees for each in family),
        replaced=sum(each.replaced for each in family),
        strays=sum(each.strays for each in family),
        strays_by_step=np.asarray(np.sum([each.strays_by_step for each in family], axis=0)),
        history=_joined([each.history for each in family]),
    )


def _joined(family: Sequence[GroupHistory]) -> GroupHistory:
    def total(of: Callable[[GroupHistory], I64]) -> I64:
        return np.asarray(np.sum([of(each) for each in family], axis=0), np.int64)

    return replace(
        family[0],
        allocations=total(lambda each: each.allocations),
        frees=total(lambda each: each.frees),
        bytes=total(lambda each: each.bytes),
        survivors=total(lambda each: each.survivors),
        survivor_bytes=total(lambda each: each.survivor_bytes),
        lifetimes=total(lambda each: each.lifetimes),
    )


def _by_tag(pool: PoolSnapshot, tag_row: int) -> str:
    """The driver that a tag tells without a stack; none for the kernel's, which allocates most at a driver's call."""
    driver = pool.tags.driver[tag_row]
    return "" if driver == KERNEL_NAME else driver


def strays_of_tags(pool: PoolSnapshot) -> I64:
    """By tag row: frees without allocation."""
    matched = np.zeros(len(pool.tags.tag), np.int64)
    np.add.at(matched, pool.sites.tag_row, pool.sites.frees)
    return pool.tags.frees - matched


def _strays(pool: PoolSnapshot, tag_row: int, sites: npt.NDArray[np.intp]) -> float:
    share = float(pool.sites.allocations[sites].sum()) / max(int(pool.tags.allocations[tag_row]), 1)
    return share * float(strays_of_tags(pool)[tag_row])


def _strays_by_step(pool: PoolSnapshot, tag_row: int, sites: npt.NDArray[np.intp], history: GroupHistory) -> F64:
    strays, used = pool.history.strays, len(history.allocations)
    if tag_row >= len(strays):
        return np.zeros(used, np.float64)
    first = history.start_ns // history.step_ns
    share = float(pool.sites.outstanding_count[sites].sum()) / max(int(pool.tags.outstanding_count[tag_row]), 1)
    return share * strays[tag_row, first : first + used].astype(np.float64)
