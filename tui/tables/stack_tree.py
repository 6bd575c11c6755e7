"""The stacks of the sites as a tree in a table; only what is open is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from analyzers.formatting import number, size
from tracer.arrays import I64, Mask
from tui.safe_text import safe
from tui.tables.call_paths import CallPaths, Direction
from tui.tables.columns import Column, Heading, NumberColumn, TableModel
from tui.tables.frames import frame_text
from tui.tables.functions import has_function, of_nodes
from tui.tables.sites import NO_STACK_TEXT, found_sites
from tui.tables.stack_nodes import StackNode, StackNodes
from tui.tables.tree import Branches, TreeColumn
from tui.tables.words import share

ENDS_HERE: Final = "(nothing further)"
_ARROW: Final = {Direction.CALLEES: "<", Direction.CALLERS: ">"}
_DIGEST: Final = 2
"""Frames of a chain without a fork that are named: its ends."""


def stack_tree(paths: CallPaths, nodes: StackNodes, branches: Branches) -> TableModel:
    """One row per node. A filter finds nodes by frames, tags, drivers and processes of anything below them."""
    starts, below = nodes.bounds[:-1], nodes.below

    def total(values: I64) -> I64:
        return np.add.reduceat(values[below], starts) if len(nodes) else np.zeros(0, np.int64)

    held, whole = total(paths.bytes), max(int(paths.bytes.sum()), 1)
    columns: tuple[Column, ...] = (
        NumberColumn(_number("bytes", "Bytes", "b", 0), held, size),
        NumberColumn(_number("share", "Share", "", 3), held * 1000 // whole, share),
        NumberColumn(_number("outstanding", "Outst", "d", 2), total(paths.count), number),
        NumberColumn(_number("allocations", "Allocs", "a", 6), total(paths.allocations), number),
        NumberColumn(_number("frees", "Frees", "f", 7), total(paths.frees), number),
        NumberColumn(_number("stacks", "Stacks", "s", 5), nodes.stacks, number),
        TreeColumn(
            Heading("frames", f"Frames, {paths.direction.value}", "", 28, drop=1),
            branches,
            lambda row: node_name(paths, nodes[row]),
            lambda row: node_frames(paths, nodes[row]),
        ),
    )
    functions = of_nodes(lambda fits: paths.holding(lambda frame: has_function(frame, fits)), below, starts)
    found = _found(paths, below, starts)
    return TableModel(columns, len(nodes), found, "frames", arrange=branches.arrange, by_function=functions)


def node_name(paths: CallPaths, node: StackNode) -> str:
    """The frames of a node: the ends of a chain, the fork of a single stack."""
    frames = paths.frames(int(node.rows[0]))
    if not frames:
        return NO_STACK_TEXT
    if node.begin >= len(frames):
        return ENDS_HERE
    if not node.can_open:
        more = len(frames) - node.begin - 1
        return frame_text(frames[node.begin]) + (f" (+{more})" if more else "")
    chain = frames[node.begin : node.end]
    arrow = f" {_ARROW[paths.direction]} "
    ends = [frame_text(frame) for frame in dict.fromkeys((chain[0], chain[-1]))]
    return arrow.join([ends[0], "..", *ends[1:]] if len(chain) > _DIGEST else ends)


def node_frames(paths: CallPaths, node: StackNode) -> str:
    """All frames that a node's name stands for, in the order of the tree; those that are folded, too."""
    frames = paths.whole(int(node.rows[0]), node.begin, node.end if node.can_open else None)
    return ";".join(safe(str(frame)) for frame in frames) or node_name(paths, node)


def _number(key: str, title: str, sort_key: str, drop: int) -> Heading:
    return Heading(key, title, sort_key, drop=drop, right=True, most_first=True)


def _found(paths: CallPaths, below: I64, starts: I64) -> Callable[[str], Mask]:
    def find(needle: str) -> Mask:
        rows = paths.holding(lambda frame: needle in safe(str(frame)).casefold())
        rows[paths.of_site[found_sites(paths.snapshot, needle)]] = True
        return np.logical_or.reduceat(rows[below], starts) if len(starts) else np.zeros(0, np.bool_)

    return find
