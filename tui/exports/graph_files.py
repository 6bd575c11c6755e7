"""The retention graph for the programs that draw graphs."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from analyzers.snapshot import Snapshot
from tui.safe_text import safe

if TYPE_CHECKING:
    import networkx as nx

_LONG_HEX = re.compile(r"0x[0-9a-f]+")


def graphml(snapshot: Snapshot) -> Iterator[bytes]:
    """GraphML of networkx: http://graphml.graphdrawing.org."""
    import networkx as nx

    whole = io.BytesIO()
    nx.write_graphml(_graph(snapshot), whole)
    yield whole.getvalue()


def gexf(snapshot: Snapshot) -> Iterator[bytes]:
    """GEXF 1.2 of networkx, as Gephi reads it."""
    import networkx as nx

    whole = io.BytesIO()
    nx.write_gexf(_graph(snapshot), whole)
    yield whole.getvalue()


def _graph(snapshot: Snapshot) -> nx.DiGraph:
    """The graph with texts for nodes, and only what holds some of the snapshot's memory."""
    import networkx as nx

    made = nx.DiGraph()
    if snapshot.context is None:
        return made
    retention = snapshot.context.retention
    kept = retention.holding()
    for node, data in retention.graph.nodes.items():
        if node in kept:
            made.add_node(
                safe(str(node)),
                kind=str(node.kind),
                label=safe(data.label),
                count=data.count,
                bytes=data.bytes,
                retained_bytes=data.retained,
            )
    for parent, child, edge in retention.graph.edges():
        if parent in kept and child in kept:
            made.add_edge(
                safe(str(parent)),
                safe(str(child)),
                rule=str(edge.rule),
                says=safe(edge.says),
                inferred=edge.inferred,
                count=edge.count,
                bytes=edge.bytes,
            )
    return made
