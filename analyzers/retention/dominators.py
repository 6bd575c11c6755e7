"""The dominator tree of the retention graph: below a node stands what is reached through that node only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from analyzers.policy import PARTS
from analyzers.retention.nodes import ROOT, Node, NodeKind

if TYPE_CHECKING:
    import networkx as nx

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


@dataclass(frozen=True, eq=False)
class Dominators:
    """``parent``: of every node of the graph but the root."""

    graph: nx.DiGraph
    parent: Mapping[Node, Node]

    @classmethod
    def of(cls, graph: nx.DiGraph) -> Dominators:
        """The tree of a graph, whose nodes get their ``retained`` bytes.

        Those are of what is reached through a node only. What holds requests is one node that many sockets and requests
        lead to; such a one retains what its own edges carry: what would be released with its own.
        """
        import networkx as nx  # costs 0.1 s: only who asks why memory is kept pays for it

        parent = {node: above for node, above in nx.immediate_dominators(graph, ROOT).items() if node != ROOT}
        for _, data in graph.nodes(data=True):
            data.setdefault("count", 0)
            data.setdefault("bytes", 0)
            data["retained"] = data["bytes"]
        for node in reversed(list(nx.topological_sort(graph))):
            if node != ROOT:
                graph.nodes[parent[node]]["retained"] += graph.nodes[node]["retained"]
        for node, data in graph.nodes(data=True):
            if node.kind in _SHARED:
                data["retained"] = sum(edge["bytes"] for _, _, edge in graph.out_edges(node, data=True))
        return cls(graph, parent)

    @cached_property
    def children(self) -> Mapping[Node, tuple[Node, ...]]:
        """By node those below it, most retained bytes first; made when somebody looks."""
        below: dict[Node, list[Node]] = {}
        for node, above in self.parent.items():
            below.setdefault(above, []).append(node)
        data = self.graph.nodes
        for nodes in below.values():
            nodes.sort(key=lambda node: (-data[node]["retained"], -data[node]["count"], data[node]["label"], str(node)))
        return {node: tuple(nodes) for node, nodes in below.items()}

    def main_path(self) -> set[Node]:
        """The nodes from the root downwards that hold most of what their parent holds."""
        path: set[Node] = set()
        node = ROOT
        while children := self.children.get(node):
            if self.graph.nodes[children[0]]["retained"] <= PARTS.most * self.graph.nodes[node]["retained"]:
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
            above = [node for node in self.graph.predecessors(waiting.pop()) if node not in found]
            found.update(above)
            waiting += above
        return self.with_ancestors(found - {ROOT})

    def named(self, needle: str) -> set[Node]:
        """Nodes whose label holds the case-folded needle."""
        return {node for node in self.parent if needle in self.graph.nodes[node]["label"].casefold()}

    def edge(self, node: Node) -> IncomingEdge:
        """The largest edge by which the node is reached."""
        edges = list(self.graph.in_edges(node, data=True))
        above, _, data = max(edges, key=lambda each: (each[2]["bytes"], each[2]["count"], str(each[0])))
        label = self.graph.nodes[above]["label"]
        return IncomingEdge(label, data["rule"], data["says"], bool(data["inferred"]), len(edges))
