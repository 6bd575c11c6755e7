"""Outstanding allocations by code location: what a verdict is about.

A group is one tag, paged or not, allocated at one place in the code: the frame that
:class:`~analyzers.pool_tables.SiteTable` calls the allocating one. Different paths to the same place fall together;
without stacks a group is a tag. What the kernel makes on a caller's behalf (:mod:`analyzers.tags.callers`) is a group
for each process: that one program's IRPs are freed says nothing of another's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from analyzers.modules import KERNEL_NAME
from analyzers.pool_tables import PoolSnapshot, SiteParts, SiteTable
from analyzers.tags.callers import is_callers
from analyzers.tags.objects import OBJECT_MEMORY
from analyzers.trends.bins import BINS
from analyzers.trends.history import GroupHistory
from tracer.arrays import F64, I64, Mask, Rows, is_among
from tracer.columns import UNKNOWN_ID
from tracer.data_classes import dataclass

Family = tuple[int, str, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """One group. ``sites``: rows of the site table; ``rows``: of the outstanding table, oldest first.

    ``allocations``, ``frees``: all of the trace; ``replaced``: allocations on whose address another was made without a
    free between; ``unmatched``: the group's part of its tag's frees without allocation;
    ``unmatched_by_step``: float64, the same of its part of what is outstanding under the tag, by step of the history;
    ``siblings``: frees, with their lifetimes (int64 by bin), of the same tag by the same driver at whichever place, and
    of the same process where the group is one's and not of objects. ``parts``: its rows of :func:`parts_of`.
    ``process``: whose alone it is, UNKNOWN_ID where it is all processes' or nothing tells. ``callers``: the culprit is
    who asked for it. ``apart``: of the sites, as :func:`groups` was given it.
    """

    tag_row: int
    tag: int
    paged: bool
    driver: str
    sites: Rows
    rows: Rows
    allocations: int
    frees: int
    replaced: int
    unmatched: float
    unmatched_by_step: F64
    history: GroupHistory
    siblings: I64
    parts: Rows
    process: int = UNKNOWN_ID
    callers: bool = False
    apart: int = 0

    @property
    def family(self) -> Family:
        """The key that groups of one tag by one driver, or one process, have in common."""
        return self.tag_row, self.driver, self.process, self.apart


def parts_of(pool: PoolSnapshot) -> SiteParts:
    """The sites by process where these are told apart, else the sites as they are."""
    if pool.parts:
        return pool.parts
    sites = pool.sites
    return SiteParts(
        site=np.arange(len(sites.tag_row), dtype=np.int32),
        process=np.full(len(sites.tag_row), UNKNOWN_ID, np.uint32),
        allocations=sites.allocations,
        frees=sites.frees,
        outstanding_count=sites.outstanding_count,
        history=pool.history,
        of=pool.outstanding.site,
    )


def groups(
    pool: PoolSnapshot, explained: Mask, since_ns: int = 0, apart: I64 | None = None, until_ns: int | None = None
) -> list[Group]:
    """Groups that hold anything, most bytes first; allocations that are explained already belong to none.

    ``explained``: bool, one per row of the outstanding table. ``since_ns``: their histories begin then, and end at
    ``until_ns`` where that is given. ``apart``: int64, a number by site; what differs in it is no group, even where the
    code is the same.
    """
    left = np.flatnonzero(~explained)
    if not len(left):
        return []
    table = parts_of(pool)
    callers = callers_sites(pool)[table.site]
    number = np.zeros(len(pool.sites.tag_row), np.int64) if apart is None else apart
    of_part = _number_of_part(pool.sites, table, callers, number)
    rows, of_row = _in_order(left, of_part[table.of[left]])
    first_row = np.flatnonzero(np.diff(of_row, prepend=-1))
    numbers = of_row[first_row]
    parts, of = _in_order(np.arange(len(of_part)), of_part)
    held = np.isin(of, numbers)
    parts, first_part = parts[held], np.searchsorted(of[held], numbers)
    size = np.add.reduceat(pool.outstanding.size[rows], first_row, dtype=np.uint64)
    histories = table.history.by_group(parts, first_part, since_ns, until_ns)
    found = _Found(pool, table, callers, np.split(rows, first_row[1:]), parts, first_part, histories, number)
    return [found.group(number) for number in np.argsort(~size, kind="stable").tolist()]  # all bits turned: descending


def callers_sites(pool: PoolSnapshot) -> Mask:
    """By site: whether what is allocated there is its caller's."""
    tags = pool.tags.tag[pool.sites.tag_row].tolist()
    known = {key: is_callers(*key) for key in set(zip(tags, pool.sites.driver, strict=True))}
    pairs = zip(tags, pool.sites.driver, strict=True)
    return np.fromiter((known[pair] for pair in pairs), np.bool_, len(tags))


def _number_of_part(sites: SiteTable, parts: SiteParts, callers: Mask, apart: I64) -> I64:
    """By part: a number that those of one tag, allocating frame and, where it is the caller's, process share."""
    _, frame = np.unique(sites.frame, return_inverse=True)
    if apart.any():
        _, frame = np.unique((apart << 32) | frame, return_inverse=True)
    _, place = np.unique((sites.tag_row.astype(np.int64) << 32) | frame, return_inverse=True)
    process = np.where(callers, parts.process, np.uint32(UNKNOWN_ID))
    _, number = np.unique((place[parts.site].astype(np.int64) << 32) | process, return_inverse=True)
    return np.asarray(number, np.int64)


def _in_order(rows: Rows, number: I64) -> tuple[Rows, I64]:
    """Rows by their number, otherwise as they were."""
    few = int(number.max(initial=0)) <= np.iinfo(np.uint16).max
    order = np.argsort(number.astype(np.uint16) if few else number, kind="stable")  # small ones are not compared
    return rows[order], number[order]


class _Found:
    """What all groups are made from: their columns."""

    def __init__(
        self,
        pool: PoolSnapshot,
        table: SiteParts,
        callers: Mask,
        rows: list[Rows],
        every: Rows,
        first: Rows,
        histories: list[GroupHistory],
        apart: I64,
    ) -> None:
        """``callers``: by part. ``rows``, ``histories``: by group.

        ``every``: the groups' parts in a row; ``first`` of each.
        """
        self._pool, self._table, self._callers, self._rows = pool, table, callers, rows
        self._parts = np.split(every, first[1:])
        self._apart = apart
        self._histories = histories
        self._families = _families(pool, table, callers)
        allocations, frees, count = (
            np.add.reduceat(column[every], first)
            for column in (table.allocations, table.frees, table.outstanding_count)
        )
        tag_row = pool.sites.tag_row[table.site[every[first]]]
        share = allocations / np.maximum(pool.tags.allocations[tag_row], 1)
        self._allocations, self._frees = allocations.tolist(), frees.tolist()
        self._replaced = (allocations - frees - count).tolist()
        self._unmatched = (share * _unmatched_while_traced(pool, histories[0])[tag_row]).tolist()
        held = count / np.maximum(pool.tags.outstanding_count[tag_row], 1)
        self._unmatched_by_step = held[:, np.newaxis] * _unmatched_by_step(pool, self._histories[0])[tag_row]

    def group(self, number: int) -> Group:
        """One of them."""
        pool, table, parts, history = self._pool, self._table, self._parts[number], self._histories[number]
        sites = table.site[parts].astype(np.intp)
        tag_row = int(pool.sites.tag_row[sites[0]])
        busiest = int(parts[np.argmax(table.outstanding_count[parts])])
        seen, callers = pool.sites.driver[table.site[busiest]], bool(self._callers[busiest])
        process = int(table.process[busiest]) if callers else UNKNOWN_ID
        tag = int(pool.tags.tag[tag_row])
        sharing = UNKNOWN_ID if tag in OBJECT_MEMORY else process
        return Group(
            tag_row=tag_row,
            tag=tag,
            paged=bool(pool.tags.paged[tag_row]),
            driver=seen or _by_tag(pool, tag_row),
            sites=sites,
            rows=self._rows[number],
            allocations=self._allocations[number],
            frees=self._frees[number],
            replaced=self._replaced[number],
            unmatched=self._unmatched[number],
            unmatched_by_step=self._unmatched_by_step[number],
            history=history,
            siblings=self._families.get((tag_row, seen, sharing), history.lifetimes),
            parts=parts,
            process=process,
            callers=callers,
            apart=int(self._apart[sites[0]]),
        )


Families = dict[tuple[int, str, int], I64]


def _families(pool: PoolSnapshot, table: SiteParts, callers: Mask) -> Families:
    """Lifetimes of what was freed, by tag row and driver, and process where it is the caller's.

    Objects are the same kind of thing in every program: where one closes none of its own, others tell how long they
    usually live.
    """
    freed = np.flatnonzero(table.frees)
    sites = table.site[freed]
    tags = pool.sites.tag_row[sites].tolist()
    objects = is_among(pool.tags.tag[pool.sites.tag_row[sites]], list(OBJECT_MEMORY))
    processes = np.where(callers[freed] & ~objects, table.process[freed], np.uint32(UNKNOWN_ID)).tolist()
    numbers: dict[tuple[int, str, int], int] = {}
    of = [
        numbers.setdefault((tag, pool.sites.driver[site], process), len(numbers))
        for tag, site, process in zip(tags, sites.tolist(), processes, strict=True)
    ]
    sums = np.zeros((len(numbers), BINS), np.int64)
    np.add.at(sums, of, table.history.lifetimes[freed])
    return dict(zip(numbers, sums, strict=True))


def joined(family: Sequence[Group]) -> Group:
    """Groups of one family as one group with the sites of all; their histories begin at the same time."""
    first = family[0]
    return replace(
        first,
        sites=np.concatenate([each.sites for each in family]),
        parts=np.concatenate([each.parts for each in family]),
        rows=np.sort(np.concatenate([each.rows for each in family])),
        allocations=sum(each.allocations for each in family),
        frees=sum(each.frees for each in family),
        replaced=sum(each.replaced for each in family),
        unmatched=sum(each.unmatched for each in family),
        unmatched_by_step=np.asarray(np.sum([each.unmatched_by_step for each in family], axis=0)),
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
        drained=sum(each.drained for each in family),
    )


def _by_tag(pool: PoolSnapshot, tag_row: int) -> str:
    """The driver that a tag tells without a stack; none for the kernel's, which allocates most at a driver's call."""
    driver = pool.tags.driver[tag_row]
    return "" if driver == KERNEL_NAME else driver


def unmatched_of_tags(pool: PoolSnapshot) -> I64:
    """By tag row: frees without allocation."""
    matched = np.zeros(len(pool.tags.tag), np.int64)
    np.add.at(matched, pool.sites.tag_row, pool.sites.frees)
    return pool.tags.frees - matched


def _unmatched_while_traced(pool: PoolSnapshot, steps: GroupHistory) -> I64:
    """By tag row: frees without allocation, less those of a time behind the steps of which no allocation is told.

    They are of what was allocated in that time, and show no loss.
    """
    unmatched = unmatched_of_tags(pool)
    first = steps.start_ns // steps.step_ns + len(steps.allocations) + 1
    late = slice(first, first + max(steps.after - 1, 0))
    if not pool.history.allocations[:, late].any():
        counted = pool.history.unmatched[: len(unmatched), late].sum(axis=1)
        unmatched[: len(counted)] -= counted
    return unmatched


def _unmatched_by_step(pool: PoolSnapshot, steps: GroupHistory) -> I64:
    """By tag row and step of a history: frees without allocation; none where nobody has counted them."""
    first = steps.start_ns // steps.step_ns
    unmatched = np.zeros((len(pool.tags.tag), len(steps.allocations)), np.int64)
    counted = pool.history.unmatched[: len(unmatched), first : first + unmatched.shape[1]]
    unmatched[: len(counted)] = counted
    return unmatched
