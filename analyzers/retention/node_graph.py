"""Nodes and the edges between them, with what is known of each.

A trace's graph has some ten to some thousand nodes, and all that is asked of it here is two walks, while importing
networkx takes a tenth of a second: whoever wants its algorithms or formats asks for its graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from analyzers.retention.nodes import Node
from tracer.data_classes import dataclass

if TYPE_CHECKING:
    import networkx as nx


@dataclass(slots=True)
class NodeFacts:
    """``count`` and ``bytes`` of the allocations that a node is (0 for others); ``retained`` bytes: see Dominators."""

    label: str = ""
    count: int = 0
    bytes: int = 0
    retained: int = 0


@dataclass(slots=True)
class EdgeFacts:
    """Why one node leads to another, in few words, and for how many allocations or requests and bytes."""

    rule: str
    says: str
    inferred: bool
    count: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class NodeGraph:
    """``nodes``: in the order in which they came; ``above``, ``below``: by node the ends of its edges."""

    nodes: dict[Node, NodeFacts]
    above: dict[Node, dict[Node, EdgeFacts]]
    below: dict[Node, dict[Node, EdgeFacts]]

    def node(self, node: Node) -> NodeFacts:
        """What is known of a node, which is added where it is not there."""
        if node not in self.nodes:
            self.nodes[node], self.above[node], self.below[node] = NodeFacts(), {}, {}
        return self.nodes[node]

    def connect(self, parent: Node, child: Node, facts: EdgeFacts) -> EdgeFacts:
        """The edge between two nodes: the one that is there, else one with these facts."""
        self.node(parent)
        self.node(child)
        self.below[parent].setdefault(child, facts)
        return self.above[child].setdefault(parent, facts)

    def edges(self) -> Iterator[tuple[Node, Node, EdgeFacts]]:
        """Parent, child and facts of every edge."""
        return ((parent, child, facts) for parent, below in self.below.items() for child, facts in below.items())

    def parents_first(self, root: Node) -> list[Node]:
        """The root and all that it leads to, each after all that lead to it; edges go round in no circle."""
        left = {node: len(above) for node, above in self.above.items()}
        order = [root]
        for node in order:
            for child in self.below[node]:
                left[child] -= 1
                if not left[child]:
                    order.append(child)
        return order

    def renamed(self, names: Mapping[Node, Node], label: Callable[[str], str]) -> NodeGraph:
        """The same graph of the nodes that ``names`` has in place of these, with what ``label`` makes of each label."""
        return NodeGraph(
            {names[node]: replace(about, label=label(about.label)) for node, about in self.nodes.items()},
            *(
                {names[node]: {names[end]: edge for end, edge in ends.items()} for node, ends in side.items()}
                for side in (self.above, self.below)
            ),
        )

    def networkx(self) -> nx.DiGraph:
        """The graph of networkx with the same nodes, edges and facts, as attributes."""
        import networkx as nx

        graph = nx.DiGraph()
        for node, about in self.nodes.items():
            known = {"count": about.count, "bytes": about.bytes, "retained": about.retained}
            graph.add_node(node, label=about.label, **known)
        for parent, child, edge in self.edges():
            sizes = {"count": edge.count, "bytes": edge.bytes}
            graph.add_edge(parent, child, rule=edge.rule, says=edge.says, inferred=edge.inferred, **sizes)
        return graph
