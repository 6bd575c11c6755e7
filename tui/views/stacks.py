"""Stacks: who allocates, as a tree of callees and callers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import numpy as np
from rich.text import Text
from textual.binding import Binding, BindingType

from analyzers.formatting import counted, exact_size, number, size
from tui.findings.words import tag_name
from tui.safe_text import safe
from tui.tables.call_paths import CallPaths, Direction
from tui.tables.sites import caller
from tui.tables.stack_nodes import StackNode, grown
from tui.tables.stack_tree import node_name, stack_tree
from tui.tables.words import pool_word
from tui.views.limits import interval_words
from tui.views.listing import Listing, Location
from tui.views.scene import Scene
from tui.views.stack_lines import stack_lines
from tui.views.tree_view import Folds, Tree, TreeView

_TAGS = 5
"""Tags that are named for a node."""


class StackView(TreeView):
    """The tree; ``c`` turns it round."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "turn", "Turn", id="stacks.turn", tooltip="Turn the tree round: callees first, or callers"),
    ]

    def __init__(self) -> None:
        self._direction = Direction.CALLEES
        super().__init__(tree_of(self._direction), "bytes")

    def action_turn(self) -> None:
        """Read the stacks from their other end."""
        others = {Direction.CALLEES: Direction.CALLERS, Direction.CALLERS: Direction.CALLEES}
        self._direction = others[self._direction]
        self.grow_again(tree_of(self._direction))


def make() -> StackView:
    """The view."""
    return StackView()


def tree_of(direction: Direction) -> Callable[[Scene], Callable[[Folds], Tree]]:
    """What makes trees that are read from one end."""

    def grow(scene: Scene) -> Callable[[Folds], Tree]:
        is_whole = scene.unfolded or scene.named is None  # without any names nothing is folded
        paths = CallPaths.of(scene.snapshot, direction, unfolded=is_whole)
        return lambda folds: _tree(scene, paths, folds)

    return grow


def _tree(scene: Scene, paths: CallPaths, folds: Folds) -> Tree:
    nodes = grown(paths, folds)
    branches = nodes.branches()

    def step(row: int) -> Location | None:
        node = nodes[row]
        if node.can_open:
            return None
        stack = int(paths.stack[node.rows[0]])
        label = caller(scene.snapshot.names.frames(stack))
        return Location("allocations", replace(scene.scope, stack=stack), label)

    listing = Listing(
        model=stack_tree(paths, nodes, branches),
        identity=branches.key,
        describe=lambda row: _words(scene, paths, nodes[row]),
        empty=scene.no_pool_events or "Nothing here is allocated at any stack.",
        step=step,
        copy=lambda row: _copied(paths, nodes[row]),
        keys=nodes.path_hash,
    )
    return Tree(listing, branches)


def _words(scene: Scene, paths: CallPaths, node: StackNode) -> Text:
    held, count = int(paths.bytes[node.rows].sum()), int(paths.count[node.rows].sum())
    what = "Enter opens it" if node.can_open else "Enter shows its allocations"
    text = Text.assemble(
        (f"{number(count)} outstanding, {exact_size(held)}", "bold"),
        f" at {counted(len(node.rows), 'stack')}; {what}\n",
        f"{_tag_words(paths, node)}\n",
    )
    about = interval_words(scene.snapshot.pool, scene.scope)
    if about:
        text.append(f"{about}\n")
    if node.can_open:
        text.append(f"Frames that they share, {paths.direction.value}\n", "bold")
        return text.append_text(Text("\n").join(_shared_lines(paths, node)))
    text.append(f"Frames, {paths.direction.value}\n", "bold")
    frames, is_turned = paths.all_frames.of(int(node.rows[0])), paths.direction is Direction.CALLERS
    lines = stack_lines(frames, unfolded=scene.unfolded, outermost_first=is_turned)
    return text.append_text(Text("\n").join(lines))


def _shared_lines(paths: CallPaths, node: StackNode) -> list[Text]:
    """Those up to the fork."""
    frames = paths.frames(int(node.rows[0]))[: node.end]
    return stack_lines(frames, unfolded=True) if frames else [Text(f"  {node_name(paths, node)}")]


def _copied(paths: CallPaths, node: StackNode) -> str:
    """The frames in full, a line each, those that are folded too."""
    frames = paths.whole(int(node.rows[0]), 0, node.end if node.can_open else None)
    return "\n".join(safe(str(frame)) for frame in frames) or node_name(paths, node)


def _tag_words(paths: CallPaths, node: StackNode) -> str:
    """The tags that are allocated there, most bytes first."""
    pool = paths.snapshot.pool
    mine = np.zeros(len(paths.stack), np.bool_)
    mine[node.rows] = True
    sites = mine[paths.of_site]
    held = np.bincount(pool.sites.tag_row[sites], pool.sites.outstanding_bytes[sites], len(pool.tags.tag))
    present = np.bincount(pool.sites.tag_row[sites], minlength=len(pool.tags.tag)) > 0
    order = np.argsort(-held, kind="stable")
    rows = [int(row) for row in order[present[order]]]
    said = [
        f"{tag_name(int(pool.tags.tag[row]))} {pool_word(paged=bool(pool.tags.paged[row]))} {size(int(held[row]))}"
        for row in rows[:_TAGS]
    ]
    return f"tags: {', '.join(said)}" + (f" and {len(rows) - _TAGS} more" if len(rows) > _TAGS else "")
