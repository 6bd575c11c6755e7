"""Outstanding bytes by call stack as a tree, for a flame graph."""

from __future__ import annotations

from typing import Final

from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tui.exports.weights import Weight, weighted_stacks

_MOST_NODES: Final = 20_000
"""Rectangles of the flame graph: about 1 MB of names and numbers, and what a phone draws in a moment."""

_Tree = dict[str, "tuple[list[int], _Tree]"]


@dataclass(frozen=True, slots=True)
class FlameTree:
    """A frame, from the outermost down to the tag: what was allocated in it and below, the heaviest first."""

    name: str
    bytes: int
    children: tuple[FlameTree, ...] = ()

    @property
    def depth(self) -> int:
        """How many rows of frames there are; as deep as a stack: a few hundred at most."""
        return 1 + max((child.depth for child in self.children), default=0)


def flame_tree(snapshot: Snapshot) -> FlameTree:
    """The heaviest stacks; what is too small to draw is one frame beside them."""
    root: _Tree = {}
    total = nodes = rest = 0
    for stack in weighted_stacks(snapshot, Weight.OUTSTANDING_BYTES):
        total += stack.value
        names = stack.names()
        if nodes + len(names) > _MOST_NODES:
            rest += stack.value
            continue
        at = root
        for name in names:
            if name not in at:
                at[name] = ([0], {})
                nodes += 1
            at[name][0][0] += stack.value
            at = at[name][1]
    others = (FlameTree("other stacks", rest),) if rest else ()
    return FlameTree("all", total, (*_frames(root), *others))


def _frames(tree: _Tree) -> tuple[FlameTree, ...]:
    order = sorted(tree.items(), key=lambda each: -each[1][0][0])
    return tuple(FlameTree(name, value[0], _frames(below)) for name, (value, below) in order)
