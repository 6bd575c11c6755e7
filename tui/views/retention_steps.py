"""Where Enter on a node of the retention graph leads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyzers.grounds import Grounds
from analyzers.retention.nodes import OTHERS, Node, NodeKind
from tracer.columns import UNKNOWN_ID
from tui.views.scene import Scene
from tui.views.scope import Scope, Step


def step_from(node: Node, label: str, scene: Scene, grounds: Grounds) -> Step | None:
    """The view that shows the node's memory, limited to it; ``None`` for what has no view of its own."""
    base = replace(scene.scope, label=label)
    match node.kind:
        case NodeKind.PROCESS:
            return _of_process(base, "processes", node.ids[0])
        case NodeKind.PORT:
            return Step("held-requests", replace(base, port=int(node.ids[0])))
        case NodeKind.DRIVER_KEPT:
            return Step("held-requests", replace(base, keeper=str(node.ids[0])))
        case NodeKind.THREAD | NodeKind.PENDING_APC | NodeKind.REQUEST | NodeKind.HELD:
            return _of_thread(base, node.ids[0], node.ids[1])
        case NodeKind.SOCKET:
            return _of_socket(base, node, grounds)
        case NodeKind.DRIVER:
            process = node.ids[0]
            driver = replace(base, driver=str(node.ids[1]))
            return Step("allocations", driver if process == OTHERS else replace(driver, process=int(process)))
        case NodeKind.ALLOCATIONS:
            return _of_allocations(base, node, grounds, scene)
        case _:
            return None


def _of_process(base: Scope, view: str, process: int | str) -> Step | None:
    return None if process == OTHERS else Step(view, replace(base, process=int(process)))


def _of_thread(base: Scope, process: int | str, thread: int | str) -> Step | None:
    if thread in (OTHERS, UNKNOWN_ID):
        return _of_process(base, "held-requests", process)
    return Step("held-requests", replace(base, process=int(process), thread=int(thread)))


def _of_socket(base: Scope, node: Node, grounds: Grounds) -> Step | None:
    """One socket by its endpoint, a group of them by their process."""
    if len(node.ids) > 1:
        return _of_process(base, "sockets", node.ids[0])
    return Step("sockets", replace(base, endpoint=int(grounds.requests.sockets.endpoint[int(node.ids[0])])))


def _of_allocations(base: Scope, node: Node, grounds: Grounds, scene: Scene) -> Step | None:
    """By tag and stack where the group is of one place."""
    pool, retention = scene.whole.pool, grounds.retention
    rows = np.flatnonzero(retention.group_of == retention.groups.index(node))
    places = np.unique(pool.outstanding.site[rows])
    if len(places) != 1:
        return None
    site = int(places[0])
    tag = int(pool.sites.tag_row[site])
    name = int(pool.tags.tag[tag]), bool(pool.tags.paged[tag])
    return Step("allocations", replace(base, tag=name, stack=int(pool.sites.stack[site])))
