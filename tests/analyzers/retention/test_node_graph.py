"""What the graph of nodes is walked for gives what networkx gives for the same graph."""

from __future__ import annotations

import random

import networkx as nx
import pytest

from analyzers.retention.dominators import Dominators
from analyzers.retention.node_graph import EdgeFacts, NodeGraph
from analyzers.retention.nodes import ROOT, Node, NodeKind


def drawn(seed: int, length: int = 40) -> NodeGraph:
    """A graph in which every node is reached from the root, and many over several ways."""
    draw, graph = random.Random(seed), NodeGraph({}, {}, {})
    nodes = [ROOT]
    graph.node(ROOT)
    for number in range(length):
        node = Node(draw.choice((NodeKind.THREAD, NodeKind.ALLOCATIONS)), (number,))
        for parent in draw.sample(nodes[-12:], min(draw.choice((1, 1, 2, 3)), len(nodes[-12:]))):
            graph.connect(parent, node, EdgeFacts("owns", "", inferred=False, count=1, bytes=draw.randrange(99)))
        graph.node(node).bytes = draw.randrange(1000)
        nodes.append(node)
    return graph


@pytest.mark.parametrize("seed", range(40))
def test_the_tree_is_the_dominator_tree_of_networkx(seed: int) -> None:
    graph = drawn(seed)
    expected = dict(nx.immediate_dominators(graph.networkx(), ROOT))
    expected.pop(ROOT, None)
    assert Dominators.of(graph).parent == expected


@pytest.mark.parametrize("seed", range(5))
def test_a_node_retains_what_is_cut_off_without_it(seed: int) -> None:
    graph = drawn(seed)
    Dominators.of(graph)
    whole = graph.networkx()
    for node, about in graph.nodes.items():
        left = set() if node == ROOT else nx.descendants(whole.subgraph(set(whole) - {node}), ROOT) | {ROOT}
        assert about.retained == sum(graph.nodes[each].bytes for each in set(whole) - left)


def test_the_order_of_the_walk_is_topological_whatever_order_edges_came_in() -> None:
    graph = NodeGraph({}, {}, {})
    low, high = Node(NodeKind.THREAD, (1,)), Node(NodeKind.PROCESS, (2,))
    for parent, child in ((ROOT, low), (high, low), (ROOT, high)):
        graph.connect(parent, child, EdgeFacts("", "", inferred=False))
    assert graph.parents_first(ROOT) == [ROOT, high, low] == list(nx.topological_sort(graph.networkx()))


def test_an_edge_that_is_there_keeps_its_facts_and_networkx_gets_all_of_them() -> None:
    graph = NodeGraph({}, {}, {})
    node = Node(NodeKind.PORT, (3,))
    first = graph.connect(ROOT, node, EdgeFacts("port", "waits", inferred=True, count=2, bytes=7))
    assert graph.connect(ROOT, node, EdgeFacts("other", "", inferred=False)) is first
    graph.node(node).label = "a port"
    made = graph.networkx()
    assert made.edges[ROOT, node] == {"rule": "port", "says": "waits", "inferred": True, "count": 2, "bytes": 7}
    assert made.nodes[node] == {"label": "a port", "count": 0, "bytes": 0, "retained": 0}
