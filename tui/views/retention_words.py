"""A node of the retention graph in words."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from analyzers.formatting import counted, exact_size
from analyzers.retention.attribution import WORDS
from analyzers.retention.dominators import Dominators, IncomingEdge
from analyzers.retention.nodes import Node, NodeKind
from tui.safe_text import safe
from tui.views.limits import limit_words
from tui.views.scene import Scene

_IF_GONE: Final = {
    NodeKind.PROCESS: "would be released if nothing in this process held on to it",
    NodeKind.THREAD: "is held through this thread only",
    NodeKind.SOCKET: "is held through this socket; other sockets may lead to the same holder",
    NodeKind.REQUEST: "would be released by retiring these requests; what holds them may hold others too",
    NodeKind.PENDING_APC: "would be released by delivering these APCs",
    NodeKind.PORT: "would be released by taking these requests out of the port",
    NodeKind.DRIVER_KEPT: "would be released if the driver let these requests go",
    NodeKind.HELD: "would be released with these requests; the trace does not show what holds them",
    NodeKind.DRIVER: "was allocated by this driver, and nothing known holds it",
    NodeKind.ALLOCATIONS: "is in these allocations themselves",
}


_NAMED_ALONE: Final = (NodeKind.PROCESS, NodeKind.DRIVER)
"""Kinds whose names do not say what they are."""


def node_words(tree: Dominators, node: Node, scene: Scene, *, limited: bool) -> Text:
    """What it is, how much would go with it, and why it is held there."""
    data = tree.graph.nodes[node]
    held = data.retained
    says = _IF_GONE.get(node.kind, "is held by it")
    kind = f"  ({node.kind})" if node.kind in _NAMED_ALONE else ""
    lines = [Text.assemble((safe(data.label), "bold"), kind)]
    lines.append(Text(f"{exact_size(held)} {says}." if held else "It holds nothing that is outstanding."))
    whole = scene.whole.pool.totals.outstanding_bytes
    if held and whole:
        lines[-1].append(f" That is {round(100 * held / whole)} % of all that is outstanding.")
    lines += _edge_lines(tree.edge(node))
    if limited:
        limits = ", ".join(limit_words(scene.scope, scene.whole))
        lines.append(Text(f"Shown is what holds memory of {limits}; sizes are of the whole node."))
    return Text("\n").join(lines)


def _edge_lines(edge: IncomingEdge) -> list[Text]:
    """Why it is held there, and whether that is inferred."""
    if not edge.rule:
        return [Text("seen in the trace")]
    says = next((words for rule, words in WORDS.items() if rule.key == edge.rule), edge.says)
    lines = [Text(says + (" (inferred)" if edge.inferred else " (from events)"))]
    others = f", and {counted(edge.among - 1, 'other')} like it" if edge.among > 1 else ""
    return [*lines, Text(f"reached from {safe(edge.above)}{others}")]
