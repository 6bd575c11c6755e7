"""Where Enter on a node of the retention graph leads."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.pool_tables import Names
from analyzers.retention.nodes import OTHERS, Node, NodeKind
from analyzers.selection.query import Query
from tracer.arrays import unique
from tracer.columns import UNKNOWN_ID
from tui.views.listing import Location
from tui.views.scene import Scene

_VIEWS: Final = {
    NodeKind.PROCESS: "processes",
    NodeKind.SOCKET: "sockets",
    NodeKind.DRIVER: "allocations",
    NodeKind.ALLOCATIONS: "allocations",
}
"""Of nodes that are about memory; the others are about held requests."""


def step_from(node: Node, label: str, scene: Scene, context: DiagnosisContext) -> Location | None:
    """The view that shows the node's memory, limited to it; ``None`` for what has no view of its own."""
    scope = _limited(node, scene, context)
    return None if scope is None else Location(_VIEWS.get(node.kind, "held-requests"), scope, label)


def _limited(node: Node, scene: Scene, context: DiagnosisContext) -> Query | None:
    base, names, ids = scene.scope, scene.whole.names, node.ids
    match node.kind:
        case NodeKind.PORT:
            return replace(base, port=int(ids[0]))
        case NodeKind.DRIVER_KEPT:
            return replace(base, keeper=str(ids[0]))
        case NodeKind.THREAD | NodeKind.PENDING_APC | NodeKind.REQUEST | NodeKind.HELD:
            is_known = ids[1] not in (OTHERS, UNKNOWN_ID)
            return _of_process(replace(base, thread=int(ids[1])) if is_known else base, ids[0], names)
        case NodeKind.SOCKET if len(ids) == 1:
            return replace(base, endpoint=int(context.requests.sockets.endpoint[int(ids[0])]))
        case NodeKind.PROCESS | NodeKind.SOCKET:
            return _of_process(base, ids[0], names)
        case NodeKind.DRIVER:
            driver = replace(base, driver=str(ids[1]))
            return _of_process(driver, ids[0], names) or driver
        case NodeKind.ALLOCATIONS:
            return _of_allocations(base, node, context, scene)
        case _:
            return None


def _of_process(base: Query, process: int | str, names: Names) -> Query | None:
    if process == OTHERS:
        return None
    pid, _, before = str(process).partition(".")
    return replace(base, process=names.lives(int(pid))[int(before or -1)].life)


def _of_allocations(base: Query, node: Node, context: DiagnosisContext, scene: Scene) -> Query | None:
    """By tag and stack where the group is of one place."""
    pool, retention = scene.whole.pool, context.retention
    rows = np.flatnonzero(retention.group_of == retention.groups.index(node))
    places = unique(pool.outstanding.site[rows])
    if len(places) != 1:
        return None
    site = int(places[0])
    tag = int(pool.sites.tag_row[site])
    name = int(pool.tags.tag[tag]), bool(pool.tags.paged[tag])
    return replace(base, tag=name, stack=int(pool.sites.stack[site]))
