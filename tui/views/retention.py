"""Retention: what keeps what, as a tree that is opened step by step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from rich.text import Text

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.retention.dominators import Dominators
from analyzers.retention.nodes import Node
from tui.safe_text import safe
from tui.tables.columns import TableModel
from tui.tables.retention_tree import open_nodes, retention_table
from tui.tables.tree import Branches
from tui.views.listing import Listing
from tui.views.retention_steps import step_from
from tui.views.retention_words import node_words
from tui.views.scene import Scene
from tui.views.tree_view import Folds, Tree, TreeView

_EMPTY = (
    "Nothing is outstanding here that anything is known to hold.\n"
    "Requests, sockets and threads are known from the IRP, Winsock-AFD and thread events of a trace (0: Trace)."
)


def make() -> TreeView:
    """The view."""
    return TreeView(tree_of, "retained")


def tree_of(scene: Scene) -> Callable[[Folds], Tree]:
    """What makes the tree for the nodes that are open; at first those on the way to what holds most."""
    context = scene.whole.context
    if context is None:
        return lambda _folds: _no_tree(scene)
    tree, part = context.retention.tree, scene.snapshot
    main = tree.main_path()
    is_all = len(part.pool.outstanding) == len(scene.whole.pool.outstanding)
    kept = None if is_all or part.context is None else part.context.retention.holding()
    return lambda folds: _tree(scene, context, tree, *open_nodes(tree, folds, main, kept), limited=kept is not None)


def _tree(
    scene: Scene, context: DiagnosisContext, tree: Dominators, nodes: list[Node], branches: Branches, *, limited: bool
) -> Tree:
    def label(row: int) -> str:
        return tree.graph.nodes[nodes[row]].label

    listing = Listing(
        model=retention_table(tree, nodes, branches),
        identity=branches.key,
        describe=lambda row: node_words(tree, nodes[row], scene, limited=limited),
        empty=scene.no_pool_events or _EMPTY,
        step=lambda row: step_from(nodes[row], label(row), scene, context),
        copy=lambda row: safe(label(row)),
    )
    return Tree(listing, branches)


def _no_tree(scene: Scene) -> Tree:
    nothing, none = np.zeros(0, np.int64), np.zeros(0, np.bool_)
    branches = Branches(nothing, nothing, none, none, int)
    return Tree(Listing(TableModel((), 0), int, lambda _row: Text(), scene.no_pool_events or _EMPTY), branches)
