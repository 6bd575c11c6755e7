"""The nodes of the tree of stacks: arrays for all of them, an object for the one that is looked at."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import field
from typing import Final

import numpy as np

from tracer.arrays import I64, U64, Mask
from tracer.data_classes import dataclass
from tracer.hashing import GOLDEN
from tui.tables.call_paths import CallPaths, Direction
from tui.tables.tree import Branches

_SPREAD: Final = int(GOLDEN)
"""Spreads the addresses of a way over all bits, so that no two ways have one sum."""
_BITS: Final = (1 << 64) - 1
_ENDS: Final = -1
"""In place of an address: no further frame."""


@dataclass(frozen=True, slots=True, eq=False)
class StackNode:
    """Stacks alike up to ``end``; ``begin``: how far those above are alike. ``rows``: of :class:`CallPaths`."""

    rows: I64
    begin: int
    end: int

    @property
    def can_open(self) -> bool:
        """Whether it forks."""
        return len(self.rows) > 1


@dataclass(frozen=True, slots=True, eq=False)
class StackNodes:
    """One row per node, parents first.

    ``below``: rows of the paths, those of node ``i`` from ``bounds[i]`` to ``bounds[i + 1]``. ``begin``: as in
    :class:`StackNode`. ``path_hash``: uint64, a hash of the addresses at which the path forked, the same at
    each refresh. ``parent``: -1 for a root's.
    """

    paths: CallPaths
    below: I64
    bounds: I64
    begin: I64
    level: I64
    parent: I64
    path_hash: U64
    is_open: Mask
    _ends: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.begin)

    def __getitem__(self, row: int) -> StackNode:
        rows, begin = self.below[self.bounds[row] : self.bounds[row + 1]], int(self.begin[row])
        if row not in self._ends:
            self._ends[row] = self.paths.common(rows, begin)
        return StackNode(rows, begin, self._ends[row])

    @property
    def stacks(self) -> I64:
        """int64: how many stacks lie below each node."""
        return np.diff(self.bounds)

    def key(self, row: int) -> tuple[int, ...]:
        """From which end the stacks are read, and the addresses at which the way forked."""
        above = (_first(self.paths.direction),) if self.parent[row] < 0 else self.key(int(self.parent[row]))
        rows, depth = self.below[self.bounds[row] : self.bounds[row] + 1], int(self.begin[row])
        return (*above, _ENDS if self.paths.ended(rows, depth)[0] else int(self.paths.at(rows, depth)[0]))

    def branches(self) -> Branches:
        """How the nodes lie below each other."""
        return Branches(self.parent, self.level, self.stacks > 1, self.is_open, self.key)


def grown(paths: CallPaths, folds: Mapping[Hashable, bool]) -> StackNodes:
    """The nodes below open ones. A root that is alone is open where nobody closed it."""
    opened = np.array(
        [_path_hash(key) for key, is_open in folds.items() if is_open and isinstance(key, tuple)], np.uint64
    )
    roots = _below(paths, np.arange(len(paths.stack)), 0, (-1, -1, _path_hash((_first(paths.direction),))), opened)
    if len(roots) == 1:
        roots.is_open[0] = folds.get(roots.key(0), True)
    parts, length = [roots], 0
    for part in parts:  # grows while it is gone through
        for row in np.flatnonzero(part.is_open & (part.stacks > 1)).tolist():
            node = part[row]
            above = length + row, int(part.level[row]), int(part.path_hash[row])
            parts.append(_below(paths, node.rows, node.end, above, opened))
        length += len(part)
    return _joined(paths, parts)


def _below(paths: CallPaths, rows: I64, depth: int, above: tuple[int, int, int], opened: U64) -> StackNodes:
    """The nodes into which rows split; ``above``: row, level and way of their parent."""
    parent, level, path_hash = above
    below, starts = paths.split(rows, depth)
    first, count = below[starts], len(starts)
    ended = paths.ended(first, depth)
    frames = np.full(count, np.uint64(_ENDS & _BITS))
    frames[~ended] = paths.at(first[~ended], depth)
    path_hashes = np.uint64(path_hash * _SPREAD & _BITS) + frames
    return StackNodes(
        paths=paths,
        below=below,
        bounds=np.append(starts, len(below)),
        begin=np.full(count, depth),
        level=np.full(count, level + 1),
        parent=np.full(count, parent),
        path_hash=path_hashes,
        is_open=np.isin(path_hashes, opened),
    )


def _joined(paths: CallPaths, parts: list[StackNodes]) -> StackNodes:
    def all_of(column: Callable[[StackNodes], I64]) -> I64:
        return np.concatenate([column(part) for part in parts]).astype(np.int64)

    counts = all_of(lambda part: part.stacks)
    return StackNodes(
        paths=paths,
        below=all_of(lambda part: part.below),
        bounds=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        begin=all_of(lambda part: part.begin),
        level=all_of(lambda part: part.level),
        parent=all_of(lambda part: part.parent),
        path_hash=np.concatenate([part.path_hash for part in parts]),
        is_open=np.concatenate([part.is_open for part in parts]),
    )


def _first(direction: Direction) -> int:
    return list(Direction).index(direction)


def _path_hash(key: tuple[int, ...]) -> int:
    """The number of a key."""
    path_hash = 0
    for each in key:
        path_hash = (path_hash * _SPREAD + each) & _BITS
    return path_hash
