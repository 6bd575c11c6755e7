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
from analyzers.snapshot import I64, PoolSnapshot, SiteTable
from analyzers.trends.bins import BINS
from analyzers.trends.history import GroupHistory

F64 = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


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
    left = np.flatnonzero(~explained)
    if not len(left):
        return []
    of_site = _number_of_site(pool.sites)
    rows, of_row = _in_order(left, of_site[pool.outstanding.site[left]])
    first_row = np.flatnonzero(np.diff(of_row, prepend=-1))
    numbers = of_row[first_row]
    sites, of = _in_order(np.arange(len(of_site)), of_site)
    held = np.isin(of, numbers)
    sites, first_site = sites[held], np.searchsorted(of[held], numbers)
    size = np.add.reduceat(pool.outstanding.size[rows], first_row, dtype=np.uint64)
    found = _Found(pool, np.split(sites, first_site[1:]), np.split(rows, first_row[1:]), sites, first_site, since_ns)
    return [found.group(number) for number in np.argsort(~size, kind="stable").tolist()]  # all bits turned: descending


def _number_of_site(sites: SiteTable) -> I64:
    """By site: a number that sites of one tag and allocating frame share, in their order."""
    _, frame = np.unique(sites.frame, return_inverse=True)
    _, number = np.unique((sites.tag_row.astype(np.int64) << 32) | frame, return_inverse=True)
    return np.asarray(number, np.int64)


def _in_order(rows: Rows, number: I64) -> tuple[Rows, I64]:
    """Rows by their number, otherwise as they were."""
    order = np.argsort(number, kind="stable")
    return rows[order], number[order]


class _Found:
    """What all groups are made from: their columns."""

    def __init__(
        self, pool: PoolSnapshot, sites: list[Rows], rows: list[Rows], every: Rows, first: Rows, since_ns: int
    ) -> None:
        """``sites``, ``rows``: by group; ``every``: all the sites one after another; ``first``: each group's first."""
        table = pool.sites
        self._pool, self._sites, self._rows = pool, sites, rows
        self._histories = pool.history.by_group(every, first, since_ns)
        self._families = _families(pool)
        allocations, frees, count = (
            np.add.reduceat(column[every], first)
            for column in (table.allocations, table.frees, table.outstanding_count)
        )
        tag_row = table.tag_row[every[first]]
        share = allocations / np.maximum(pool.tags.allocations[tag_row], 1)
        self._allocations, self._frees = allocations.tolist(), frees.tolist()
        self._replaced = (allocations - frees - count).tolist()
        self._strays = (share * strays_of_tags(pool)[tag_row]).tolist()
        held = count / np.maximum(pool.tags.outstanding_count[tag_row], 1)
        self._strays_by_step = held[:, np.newaxis] * _strays_by_step(pool, self._histories[0])[tag_row]

    def group(self, number: int) -> Group:
        """One of them."""
        pool, sites, history = self._pool, self._sites[number], self._histories[number]
        table = pool.sites
        tag_row = int(table.tag_row[sites[0]])
        busiest = int(sites[np.argmax(table.outstanding_count[sites])])
        return Group(
            tag_row=tag_row,
            tag=int(pool.tags.tag[tag_row]),
            paged=bool(pool.tags.paged[tag_row]),
            driver=table.driver[busiest] or _by_tag(pool, tag_row),
            sites=sites,
            rows=self._rows[number],
            allocations=self._allocations[number],
            frees=self._frees[number],
            replaced=self._replaced[number],
            strays=self._strays[number],
            strays_by_step=self._strays_by_step[number],
            history=history,
            siblings=self._families.get((tag_row, table.driver[busiest]), history.lifetimes),
        )


Families = dict[tuple[int, str], I64]


def _families(pool: PoolSnapshot) -> Families:
    """Lifetimes of what was freed, by tag row and driver."""
    freed = np.flatnonzero(pool.sites.frees)
    tags = pool.sites.tag_row[freed].tolist()
    numbers: dict[tuple[int, str], int] = {}
    of = [
        numbers.setdefault((tag, pool.sites.driver[site]), len(numbers))
        for tag, site in zip(tags, freed.tolist(), strict=True)
    ]
    sums = np.zeros((len(numbers), BINS), np.int64)
    np.add.at(sums, of, pool.history.lifetimes[freed])
    return dict(zip(numbers, sums, strict=True))


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


def _strays_by_step(pool: PoolSnapshot, steps: GroupHistory) -> I64:
    """By tag row and step of a history: frees without allocation; none where nobody has counted them."""
    first = steps.start_ns // steps.step_ns
    strays = np.zeros((len(pool.tags.tag), len(steps.allocations)), np.int64)
    counted = pool.history.strays[: len(strays), first : first + strays.shape[1]]
    strays[: len(counted)] = counted
    return strays
