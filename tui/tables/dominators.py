"""The dominator tree of the retention graph: below a node stands what is reached through that node only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analyzers.retention.nodes import ROOT, Node

if TYPE_CHECKING:
    import networkx as nx

_MAIN: Final = 0.5
"""What holds more than this share of its parent's bytes is on the main way."""


@dataclass(frozen=True, slots=True)
class Edge:
    """How a node is reached: by ``rule``, from the node called ``above``. Of ``ways`` edges, the largest."""

    above: str
    rule: str
    says: str
    inferred: bool
    ways: int


@dataclass(frozen=True, slots=True, eq=False)
class Dominators:
    """``children``: by node, most retained bytes first. ``parent``: of every node but the root."""

    graph: nx.DiGraph
    children: Mapping[Node, tuple[Node, ...]]
    parent: Mapping[Node, Node]

    @classmethod
    def of(cls, graph: nx.DiGraph) -> Dominators:
        """The tree of a graph."""
        import networkx as nx  # costs 0.1 s: only who looks pays for it

        parent = {node: above for node, above in nx.immediate_dominators(graph, ROOT).items() if node != ROOT}
        below: dict[Node, list[Node]] = {}
        for node, above in parent.items():
            below.setdefault(above, []).append(node)
        data = graph.nodes
        for nodes in below.values():
            nodes.sort(key=lambda node: (-data[node]["retained"], -data[node]["count"], data[node]["label"], str(node)))
        return cls(graph, {node: tuple(nodes) for node, nodes in below.items()}, parent)

    def main_way(self) -> set[Node]:
        """The nodes from the root downwards that hold most of what their parent holds."""
        way: set[Node] = set()
        node = ROOT
        while children := self.children.get(node):
            if self.graph.nodes[children[0]]["retained"] <= _MAIN * self.graph.nodes[node]["retained"]:
                break
            node = children[0]
            way.add(node)
        return way

    def with_ancestors(self, nodes: Collection[Node]) -> set[Node]:
        """The nodes and all that stand above them in the tree."""
        found: set[Node] = set()
        for each in nodes:
            node = each
            while node != ROOT and node not in found:
                found.add(node)
                node = self.parent[node]
        return found

    def named(self, needle: str) -> set[Node]:
        """Nodes whose label holds the case-folded needle."""
        return {node for node in self.parent if needle in self.graph.nodes[node]["label"].casefold()}

    def edge(self, node: Node) -> Edge:
        """How the node is reached."""
        edges = list(self.graph.in_edges(node, data=True))
        above, _, data = max(edges, key=lambda each: (each[2]["bytes"], each[2]["count"], str(each[0])))
        label = self.graph.nodes[above]["label"]
        return Edge(label, data["rule"], data["says"], bool(data["inferred"]), len(edges))
