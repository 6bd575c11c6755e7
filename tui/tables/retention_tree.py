"""The retention tree in a table: only what is open is made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Final

import numpy as np

from analyzers.formatting import number, size
from analyzers.retention.dominators import Dominators
from analyzers.retention.nodes import ROOT, Node
from tracer.arrays import Mask
from tui.safe_text import safe
from tui.tables.columns import Heading, MaybeUnknown, NumberColumn, TableModel, labels_of
from tui.tables.tree import Branches, TreeColumn

INFERRED: Final = "~"
"""Stands before a reason that no event says directly."""


def open_nodes(
    tree: Dominators, folds: Mapping[Hashable, bool], main: Collection[Node], kept: Collection[Node] | None
) -> tuple[list[Node], Branches]:
    """The nodes below open ones, parents first; ``main`` ones are open where nobody closed them.

    Only ``kept`` ones, unless that is ``None``.
    """
    nodes: list[Node] = []
    above: list[int] = []
    waiting = [(node, -1) for node in reversed(tree.children.get(ROOT, ()))]
    while waiting:
        node, parent = waiting.pop()
        if kept is not None and node not in kept:
            continue
        nodes.append(node)
        above.append(parent)
        if folds.get(node, node in main):
            row = len(nodes) - 1
            waiting += [(child, row) for child in reversed(tree.children.get(node, ()))]
    return nodes, _branches(tree, nodes, above, lambda node: folds.get(node, node in main))


def _branches(tree: Dominators, nodes: list[Node], above: list[int], is_open: Callable[[Node], bool]) -> Branches:
    level: list[int] = []
    for parent in above:
        level.append(level[parent] + 1 if parent >= 0 else 0)
    return Branches(
        parent=np.array(above, np.int64),
        level=np.array(level, np.int64),
        can_open=np.array([bool(tree.children.get(node)) for node in nodes], np.bool_),
        is_open=np.array([is_open(node) for node in nodes], np.bool_),
        key=lambda row: nodes[row],
    )


def retention_table(tree: Dominators, nodes: list[Node], branches: Branches) -> TableModel:
    """One row for each node. A filter finds nodes by their names and by those of all that is below them."""
    data = [tree.graph.nodes[node] for node in nodes]
    edges = [tree.edge(node) for node in nodes]

    def column(
        key: str, title: str, sort_key: str, values: list[int], drop: int, write: Callable[[int], str] = size
    ) -> NumberColumn:
        heading = Heading(key, title, sort_key, drop=drop, right=True, most_first=True)
        return NumberColumn(heading, np.array(values, np.int64), MaybeUnknown(write, (0).__eq__, lambda _: ""))

    columns = (
        column("retained", "Retained", "b", [each.retained for each in data], 0),
        column("own", "Own", "m", [each.bytes for each in data], 4),
        column("count", "Count", "d", [each.count for each in data], 3, number),
        TreeColumn(Heading("node", "What holds", "t", 44, drop=1), branches, lambda row: safe(data[row].label)),
        labels_of(
            Heading("because", "Because", "e", 24, drop=2),
            [f"{INFERRED if edge.inferred else ''}{edge.says}" for edge in edges],
        ),
    )

    def found(needle: str) -> Mask:
        named = tree.with_ancestors(tree.named(needle))
        return np.array([node in named for node in nodes], np.bool_)

    return TableModel(columns, len(nodes), found, "what-holds", arrange=branches.arrange)
