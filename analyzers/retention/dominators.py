"""The dominator tree of the retention graph: below a node stands what is reached through that node only."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Final

from analyzers.policy import PARTS
from analyzers.retention.node_graph import NodeGraph
from analyzers.retention.nodes import ROOT, Node, NodeKind
from tracer.data_classes import dataclass

_SHARED: Final = frozenset({NodeKind.SOCKET, NodeKind.REQUEST})
"""Kinds whose ways lead on to nodes that others lead to as well."""


@dataclass(frozen=True, slots=True)
class IncomingEdge:
    """How a node is reached: by ``rule``, from the node called ``above``. Of ``among`` edges, the largest."""

    above: str
    rule: str
    says: str
    inferred: bool
    among: int


@dataclasses.dataclass(frozen=True, eq=False)
class Dominators:
    """``parent``: of every node of the graph but the root."""

    graph: NodeGraph
    parent: Mapping[Node, Node]

    @classmethod
    def of(cls, graph: NodeGraph) -> Dominators:
        """The tree of a graph, whose nodes get their ``retained`` bytes.

        Those are of what is reached through a node only. What holds requests is one node that many sockets and requests
        lead to; such a one retains what its own edges carry: what would be released with its own.
        """
        order = graph.parents_first(ROOT)
        parent: dict[Node, Node] = {}
        depth = {ROOT: 0}
        for node in order[1:]:  # what leads to it has its place in the tree: theirs meet above it
            first, *others = graph.above[node]
            for other in others:
                first = _meeting(first, other, parent, depth)
            parent[node], depth[node] = first, depth[first] + 1
        for about in graph.nodes.values():
            about.retained = about.bytes
        for node in reversed(order[1:]):
            graph.nodes[parent[node]].retained += graph.nodes[node].retained
        for node, about in graph.nodes.items():
            if node.kind in _SHARED:
                about.retained = sum(edge.bytes for edge in graph.below[node].values())
        return cls(graph, parent)

    @cached_property
    def children(self) -> Mapping[Node, tuple[Node, ...]]:
        """By node those below it, most retained bytes first; made when somebody looks."""
        below: dict[Node, list[Node]] = {}
        for node, above in self.parent.items():
            below.setdefault(above, []).append(node)
        data = self.graph.nodes
        for nodes in below.values():
            nodes.sort(key=lambda node: (-data[node].retained, -data[node].count, data[node].label, str(node)))
        return {node: tuple(nodes) for node, nodes in below.items()}

    def main_path(self) -> set[Node]:
        """The nodes from the root downwards that hold most of what their parent holds."""
        path: set[Node] = set()
        node = ROOT
        while children := self.children.get(node):
            if self.graph.nodes[children[0]].retained <= PARTS.most * self.graph.nodes[node].retained:
                break
            node = children[0]
            path.add(node)
        return path

    def with_ancestors(self, nodes: Collection[Node]) -> set[Node]:
        """The nodes and all that stand above them in the tree."""
        found: set[Node] = set()
        for each in nodes:
            node = each
            while node != ROOT and node not in found:
                found.add(node)
                node = self.parent[node]
        return found

    def holding(self, nodes: Collection[Node]) -> set[Node]:
        """The nodes, those that the graph's edges lead from to them, and all that stand above these in the tree."""
        found, waiting = set(nodes), list(nodes)
        while waiting:
            above = [node for node in self.graph.above[waiting.pop()] if node not in found]
            found.update(above)
            waiting += above
        return self.with_ancestors(found - {ROOT})

    def named(self, needle: str) -> set[Node]:
        """Nodes whose label holds the case-folded needle."""
        return {node for node in self.parent if needle in self.graph.nodes[node].label.casefold()}

    def edge(self, node: Node) -> IncomingEdge:
        """The largest edge by which the node is reached."""
        edges = self.graph.above[node]
        above = max(edges, key=lambda each: (edges[each].bytes, edges[each].count, str(each)))
        label, edge = self.graph.nodes[above].label, edges[above]
        return IncomingEdge(label, edge.rule, edge.says, edge.inferred, len(edges))


def _meeting(one: Node, other: Node, parent: Mapping[Node, Node], depth: Mapping[Node, int]) -> Node:
    """The lowest node of the tree that stands above both, or is one of them."""
    while one != other:
        if depth[one] >= depth[other]:
            one = parent[one]
        else:
            other = parent[other]
    return one
