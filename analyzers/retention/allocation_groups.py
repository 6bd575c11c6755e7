"""The groups of outstanding allocations: by what keeps them and by site, the small ones together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.factorize import coded_pairs
from analyzers.formatting import counted
from analyzers.policy import GRAPH
from analyzers.pool_tables import PoolSnapshot
from analyzers.processes import KnowsLives, lives_at
from analyzers.retention.attribution import Attribution, Rule
from analyzers.retention.edges import Edge, Edges
from analyzers.retention.grouping import largest
from analyzers.retention.nodes import OTHERS, ROOT, Id, Node, NodeKind, allocations_label, named_processes
from analyzers.retention.retained import OF_FILE, sums
from tracer.arrays import I32, I64, U8, Rows
from tracer.columns import UNKNOWN_ID
from tracer.data_classes import dataclass

_RULE_BITS: Final = 4


@dataclass(frozen=True, slots=True)
class Leaf:
    """A group of allocations and what it hangs on. ``above``: labels of nodes that only lead to such groups."""

    node: Node
    label: str
    count: int
    bytes: int
    rule: str
    parents: tuple[Node, ...]
    above: dict[Node, str] = field(default_factory=dict)

    def edges(self) -> Iterator[Edge]:
        """The edges that lead to it."""
        for parent in self.parents:
            yield Edge(parent, self.node, self.rule, self.count, self.bytes)
        path = [ROOT, *self.above]
        for parent, child in pairwise(path):
            yield Edge(parent, child, "allocated" if child.kind is NodeKind.DRIVER else "", self.count, self.bytes)


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """Groups by what their allocations hang on and site; ``site`` is :data:`OTHERS` for several small ones together."""

    parent_set: I64
    site: I64
    count: I64
    bytes: I64
    sites: I64
    row_of: I32

    @classmethod
    def of(cls, parent_set: I64, site: npt.NDArray[np.integer], count: I64, total: I64) -> _Groups:
        """From different pairs of parent set and site, with their count and bytes. ``row_of`` is by pair."""
        pairs = (parent_set << 32) | site
        key = np.where(largest(pairs, total, GRAPH.most_groups), pairs, pairs | 0xFFFFFFFF)
        values, group = np.unique(key, return_inverse=True)
        counts, totals, sites = (np.zeros(len(values), np.int64) for _ in range(3))
        np.add.at(counts, group, count)
        np.add.at(totals, group, total)
        np.add.at(sites, group, 1)
        low = values & 0xFFFFFFFF
        return cls(
            values >> 32, np.where(low == 0xFFFFFFFF, OTHERS, low), counts, totals, sites, group.astype(np.int32)
        )

    def label(self, row: int, pool: PoolSnapshot) -> str:
        """What a group is called."""
        count, site = int(self.count[row]), int(self.site[row])
        if site == OTHERS:
            return f"{counted(count, 'other')}, from {counted(int(self.sites[row]), 'place')} with little each"
        tag = int(pool.sites.tag_row[site])
        return allocations_label(
            int(pool.tags.tag[tag]), paged=bool(pool.tags.paged[tag]), driver=pool.sites.driver[site], count=count
        )


def held_leaves(pool: PoolSnapshot, attribution: Attribution, edges: Edges) -> tuple[tuple[Leaf, ...], I32]:
    """Groups of what requests and sockets hold, and by outstanding allocation the number of its group (else -1)."""
    rows = np.flatnonzero(attribution.rule != Rule.NONE)
    pairs, pair_of = np.unique(
        (_parent_sets(attribution, edges, rows) << 32) | pool.outstanding.site[rows], return_inverse=True
    )
    total = sums(pair_of, pool.outstanding.size[rows], len(pairs))
    groups = _Groups.of(pairs >> 32, pairs & 0xFFFFFFFF, np.bincount(pair_of, minlength=len(pairs)), total)
    group_of = np.full(len(pool.outstanding), -1, np.int32)
    group_of[rows] = groups.row_of[pair_of]
    return tuple(_held(groups, group_of[rows], attribution.rule[rows], pool, edges)), group_of


def _parent_sets(attribution: Attribution, edges: Edges, rows: Rows) -> I64:
    """Numbers of the parent sets that attributed allocations hang on."""
    request, socket = attribution.request[rows], attribution.socket[rows]
    parent_set = np.zeros(len(rows), np.int64)
    of_file = np.isin(attribution.rule[rows], OF_FILE)
    for column, at, mine in (
        (edges.of_request, request, (request >= 0) & ~of_file),
        (edges.of_file, request, (request >= 0) & of_file),
        (edges.of_socket, socket, request < 0),
    ):
        parent_set[mine] = column[at[mine]]
    return parent_set


def _held(groups: _Groups, group: I32, rule: U8, pool: PoolSnapshot, edges: Edges) -> Iterator[Leaf]:
    seen = np.bincount((group.astype(np.int64) << _RULE_BITS) | rule, minlength=len(groups.parent_set) << _RULE_BITS)
    main = seen.reshape(-1, 1 << _RULE_BITS).argmax(axis=1).tolist()
    for row, at in enumerate(groups.parent_set.tolist()):
        parents = edges.parent_sets[at]
        ids: list[Id] = [str(parent) for parent in parents]
        node = Node(NodeKind.ALLOCATIONS, (*ids, int(groups.site[row])))
        why = Rule(main[row]).key
        yield Leaf(node, groups.label(row, pool), int(groups.count[row]), int(groups.bytes[row]), why, parents)


def loose_leaves(pool: PoolSnapshot, attribution: Attribution, names: KnowsLives) -> tuple[tuple[Leaf, ...], I32]:
    """Groups of what nothing known holds, by driver: below its process where one process made all of the site's.

    Also, by outstanding allocation, the number of its group (-1 for the others).
    """
    rows = np.flatnonzero(attribution.rule == Rule.NONE)
    of_site = pool.outstanding.site[rows]
    count = np.bincount(of_site, minlength=len(pool.sites.driver))
    total = sums(of_site, pool.outstanding.size[rows], len(count))
    sites = np.flatnonzero(count)
    lives, life = lives_at(names, pool.outstanding.process[rows], pool.outstanding.time_ns[rows])
    is_known = np.array([each.id != UNKNOWN_ID for each in lives], np.bool_)
    process = _only_process(of_site, np.where(is_known[life], life, OTHERS), len(count))[sites]
    drivers, driver = _drivers(pool, sites)
    large = largest(((process + 1) << 32) | driver, total[sites], GRAPH.most_owners)
    process[~large], driver[~large] = OTHERS, len(drivers)
    owners = np.unique(((process + 1) << 32) | driver, return_inverse=True)
    groups = _Groups.of(owners[1].astype(np.int64), sites, count[sites], total[sites])
    group_of_site = np.zeros(len(count), np.int32)
    group_of_site[sites] = groups.row_of
    group_of = np.full(len(pool.outstanding), -1, np.int32)
    group_of[rows] = group_of_site[of_site]
    modules, named = [*drivers, "other drivers"], [*named_processes(lives), None]
    parent_sets = [(named[(key >> 32) - 1], modules[key & 0xFFFFFFFF]) for key in owners[0].tolist()]
    return tuple(_loose(groups, parent_sets, pool)), group_of


def _loose(groups: _Groups, parent_sets: list[tuple[tuple[Id, str] | None, str]], pool: PoolSnapshot) -> Iterator[Leaf]:
    above_each = [_above(owner, driver) for owner, driver in parent_sets]
    for row, at in enumerate(groups.parent_set.tolist()):
        (owner, driver), above = parent_sets[at], above_each[at]
        node = Node(NodeKind.ALLOCATIONS, (owner[0] if owner else OTHERS, driver, int(groups.site[row])))
        count, total = int(groups.count[row]), int(groups.bytes[row])
        yield Leaf(node, groups.label(row, pool), count, total, "allocated", (list(above)[-1],), above)


def _drivers(pool: PoolSnapshot, sites: Rows) -> tuple[list[str], I64]:
    """Names of drivers, and by site which made it: as the stack tells, else as the tag does."""
    numbers: dict[str, int] = {}
    tags = pool.sites.tag_row
    known = (pool.sites.driver[site] or pool.tags.driver[tags[site]] for site in sites.tolist())
    row = np.array([numbers.setdefault(name, len(numbers)) for name in known], np.int64)
    return list(numbers), row


def _only_process(site: I32, process: I64, sites: int) -> I64:
    """By site: the process that made all of its allocations, :data:`OTHERS` where several did or nobody knows."""
    pairs = coded_pairs(site, process + 1)[0].astype(np.int64)
    at, found = pairs >> 32, np.full(sites, OTHERS, np.int64)
    alone = np.bincount(at)[at] == 1
    found[at[alone]] = (pairs[alone] & 0xFFFFFFFF) - 1
    return found


def _above(owner: tuple[Id, str] | None, driver: str) -> dict[Node, str]:
    """The nodes from below the root to a driver, with their labels."""
    label = driver or "an unknown driver"
    if owner is None:
        return {Node(NodeKind.DRIVER, (OTHERS, driver)): label}
    process, name = owner
    return {Node(NodeKind.PROCESS, (process,)): name, Node(NodeKind.DRIVER, (process, driver)): label}
