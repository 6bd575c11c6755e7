"""The retention graph: what keeps the outstanding allocations, from processes and drivers down to groups of them.

Nodes are groups. Following the edges backwards from a group of allocations leads over what holds it (pending APCs, a
port, a driver) to the requests, the socket, the thread and the process.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Final

import numpy as np

from analyzers.factorize import most_often
from analyzers.findings import PathNode, Why
from analyzers.holders.holding import Holding
from analyzers.holders.registry import HOLDERS
from analyzers.pool_tables import PoolSnapshot
from analyzers.processes import KnowsLives
from analyzers.retention.allocation_groups import Leaf, held_leaves, loose_leaves
from analyzers.retention.attribution import INFERRED, Attribution, Rule
from analyzers.retention.dominators import Dominators
from analyzers.retention.edges import Edge, EdgeFinder
from analyzers.retention.node_graph import EdgeFacts, NodeGraph
from analyzers.retention.nodes import ROOT, Id, Node, NodeKind
from analyzers.retention.retained import retained_by_request, sums
from tracer.arrays import I32, I64, Rows, unique
from tracer.data_classes import dataclass

EDGE_WORDS: Final[dict[str, str]] = {
    "": "seen in the trace",
    "owns": "thread of the process",
    "uses": "its requests go to the socket",
    "opened": "it opened the socket",
    "issued": "its requests",
    **{why: holder.edge for why, holder in HOLDERS.items()},
    "allocated": "allocated it, by its stack or tag",
    Rule.HOLDS_IRP.key: "holds the request's IRP",
    Rule.HOLDS_ENDPOINT.key: "holds the socket's AFD endpoint",
    Rule.HOLDS_CONNECTION.key: "holds the socket's TCP connection",
    Rule.HOLDS_FILE_OBJECT.key: "holds the request's file object",
    Rule.SAME_OPERATION.key: "made inside the request's call",
    Rule.SAME_SOCKET.key: "made in the socket's life",
    Rule.SAME_FILE_OBJECT.key: "made after the file was opened",
}
"""Few words for each edge; of a rule, :data:`~analyzers.retention.attribution.WORDS` has more."""
_INFERRED_EDGES: Final = (frozenset(Why) - {Why.PORT}) | {rule.key for rule in INFERRED}


@dataclass(frozen=True, slots=True, eq=False)
class Retention:
    """``tree``: what is reached through what only, of a graph of nodes (:mod:`analyzers.retention.nodes`).

    ``by_request``: int64, what goes with each request
    (:func:`~analyzers.retention.retained.retained_by_request`). ``groups``: the allocation groups; ``group_of``: int32,
    the number of its group by outstanding allocation.
    """

    tree: Dominators
    by_request: I64
    groups: tuple[Node, ...]
    group_of: I32

    @property
    def graph(self) -> NodeGraph:
        """What the tree is of."""
        return self.tree.graph

    def holding(self) -> set[Node]:
        """The nodes that hold any of the allocations: of a part of the pool those that hold some of it."""
        return self.tree.holding([self.groups[number] for number in unique(self.group_of).tolist() if number >= 0])

    def retained(self, node: Node) -> int:
        """Bytes that would be released if the node let go (:class:`Dominators`); 0 for a node that is not there."""
        return self.graph.nodes[node].retained if node in self.graph.nodes else 0

    def path(self, node: Node, count: int = 0) -> tuple[PathNode, ...]:
        """The steps from a process or driver to the node, each over the edge that carries most; empty without node.

        Above a socket of a thread's requests is that thread, not the one that opened it. ``count``: allocations that
        the node stands for, where it is about others than its own.
        """
        steps: list[PathNode] = []
        issuer: tuple[Id, ...] = ()
        nodes = self.graph.nodes
        beside = f", of {count:,}" if node in nodes and count > nodes[node].count else ""
        while node in nodes and node.kind is not NodeKind.TRACE:
            edges, about = self.graph.above[node], nodes[node]
            issuer = node.ids[:2] if node.kind is NodeKind.REQUEST else issuer
            own = list(edges)
            if len(own) > 1:
                own = [each for each in edges if each.kind is NodeKind.THREAD and each.ids == issuer] or own
            above = own[0]
            if len(own) > 1:
                above = max(own, key=lambda each: (edges[each].bytes, edges[each].count, str(each)))
            rule = edges[above].rule
            steps.append(PathNode(node.kind, str(node), about.label + beside, rule, about.retained))
            alike = len(edges) if len(edges) < 2 else sum(each.kind is above.kind for each in edges)
            node, beside = above, f", one of {alike:,}" if alike > 1 else ""
        return tuple(reversed(steps))

    def groups_for(self, parts: Sequence[Rows]) -> list[Node]:
        """The allocation group that most of each of several parts of the outstanding allocations are in, none empty."""
        part = np.repeat(np.arange(len(parts)), [len(each) for each in parts])
        rows = np.concatenate([*parts, np.zeros(0, np.int32)])
        return [self.groups[number] for number in most_often(part, self.group_of[rows])[0].tolist()]


def build(
    pool: PoolSnapshot,
    holding: Holding,
    attribution: Attribution,
    names: KnowsLives,
    module_of: Callable[[int], str],
) -> Retention:
    """The graph of one moment. ``module_of``: name of the module at an address, empty for none."""
    outstanding = pool.outstanding
    requests, sockets = holding.evidence.requests, holding.evidence.snapshot.sockets
    by_request = retained_by_request(outstanding, requests, sockets, holding.keeps(), attribution)
    of_socket = sums(attribution.socket, outstanding.size, len(sockets))
    edges = EdgeFinder(requests, sockets, holding, (by_request, of_socket), names, module_of).find()
    held, group_of = held_leaves(pool, attribution, edges)
    loose, loose_of = loose_leaves(pool, attribution, names)
    free = attribution.rule == Rule.NONE
    group_of[free] = loose_of[free] + len(held)
    leaves = (*held, *loose)
    inferred = _INFERRED_EDGES if holding.evidence.snapshot.seen_queues else _INFERRED_EDGES | {Why.PORT}
    tree = Dominators.of(_graph(edges.edges, edges.labels, leaves, inferred))
    return Retention(tree, by_request, tuple(leaf.node for leaf in leaves), group_of)


def _graph(edges: list[Edge], labels: dict[Node, str], leaves: tuple[Leaf, ...], inferred: Container[str]) -> NodeGraph:
    graph = NodeGraph({}, {}, {})
    graph.node(ROOT)
    for edge in edges:
        _connect(graph, edge, inferred=edge.rule in inferred)
    for leaf in leaves:
        about = graph.node(leaf.node)
        about.label, about.count, about.bytes = leaf.label, leaf.count, leaf.bytes
        for edge in leaf.edges():
            _connect(graph, edge, inferred=edge.rule in inferred)
        labels.update(leaf.above)
    for node, label in labels.items():
        if node in graph.nodes:
            graph.nodes[node].label = graph.nodes[node].label or label
    return graph


def _connect(graph: NodeGraph, edge: Edge, *, inferred: bool) -> None:
    """Add an edge, or add to the one that is there."""
    facts = graph.connect(edge.parent, edge.child, EdgeFacts(edge.rule, EDGE_WORDS[edge.rule], inferred))
    facts.count += edge.count
    facts.bytes += edge.bytes
