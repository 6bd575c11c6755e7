"""What of the retention graph a scene is limited to."""

from __future__ import annotations

import numpy as np

from analyzers.pool_tables import Outstanding
from analyzers.retention.graph import Retention
from analyzers.retention.nodes import ROOT, Node
from tui.tables.dominators import Dominators
from tui.views.same_allocations import rows_in


def holding(tree: Dominators, retention: Retention, whole: Outstanding, part: Outstanding) -> set[Node] | None:
    """Nodes that hold some of the ``part`` of the outstanding allocations; ``None`` where that is all of them."""
    if len(part) == len(whole):
        return None
    rows = rows_in(part, whole)
    numbers = np.unique(retention.group_of[rows[rows >= 0]])
    waiting = [retention.groups[number] for number in numbers.tolist() if number >= 0]
    found = set(waiting)
    while waiting:
        above = [node for node in tree.graph.predecessors(waiting.pop()) if node not in found]
        found.update(above)
        waiting += above
    return tree.with_ancestors(found - {ROOT})
