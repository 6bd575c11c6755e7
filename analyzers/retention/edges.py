"""The edges from a process to what its requests hold: threads, sockets, requests, and what holds these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from analyzers.findings import WHYS, Accused, Apc, Kept, Why
from analyzers.formatting import counted
from analyzers.holders.holding import Holding
from analyzers.holders.registry import HOLDERS
from analyzers.policy import GRAPH
from analyzers.processes import KnowsLives
from analyzers.requests.tables import RequestTable, SocketTable
from analyzers.retention.grouping import Grouping, grouped
from analyzers.retention.nodes import OTHERS, ROOT, Id, Node, NodeKind
from analyzers.retention.retained import closed
from tracer.arrays import I32, I64, unique
from tracer.columns import UNKNOWN_ID
from tracer.data_classes import dataclass

_BY_DRIVER: Final = tuple(why for why, holder in HOLDERS.items() if holder.accuses is Accused.DRIVER)
"""Holders of which each driver is one of its own."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge: from which node to which, why, for how many things and bytes."""

    parent: Node
    child: Node
    rule: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """``edges`` from the root on. Allocations hang on a parent set: one node, or several that share them.

    ``of_request``: parent set of what a request holds; ``of_file``: of its file object's; ``of_socket``: of what hangs
    on a socket.
    """

    edges: list[Edge]
    labels: dict[Node, str]
    parent_sets: list[tuple[Node, ...]]
    of_request: I32
    of_file: I32
    of_socket: I32


def holder_node(why: Why, thread: tuple[Id, ...], port: int, driver: str) -> Node:
    """The node of what holds requests; ``thread``: process and thread that issued them."""
    match why:
        case Why.USER_APC:
            return Node(NodeKind.PENDING_APC, (*thread, str(Apc.USER)))
        case Why.SPECIAL_APC:
            return Node(NodeKind.PENDING_APC, (*thread, str(Apc.SPECIAL_KERNEL)))
        case Why.PORT:
            return Node(NodeKind.PORT, (port,))
        case Why.DRIVER_KEPT:
            return Node(NodeKind.DRIVER_KEPT, (driver, str(Kept.NEVER_COMPLETED)))
        case Why.COMPLETION_STOPPED:
            return Node(NodeKind.DRIVER_KEPT, (driver, str(Kept.COMPLETION_STOPPED)))
        case Why.UNKNOWN:
            return Node(NodeKind.HELD, thread)
        case _:
            return Node(NodeKind.HELD, (*thread, str(why), *((driver,) if why in _BY_DRIVER else ())))


class EdgeFinder:
    """Makes the :class:`Edges` of one moment."""

    def __init__(
        self,
        requests: RequestTable,
        sockets: SocketTable,
        holding: Holding,
        carried: tuple[I64, I64],
        names: KnowsLives,
        module_of: Callable[[int], str],
    ) -> None:
        """``carried``: bytes by request and by socket. ``module_of``: name of the module at a routine's address."""
        self._requests, self._sockets, self._holding = requests, sockets, holding
        self._held = holding.held()
        self._module_of = module_of
        self._carried, self._of_socket = carried
        self._groups: Grouping = grouped(requests, sockets, *carried, names, module_of)
        self._edges: list[Edge] = []
        self._labels: dict[Node, str] = {ROOT: "the trace"}
        self._parent_set_of: dict[tuple[Node, ...], int] = {}
        self._holders: dict[Node, int] = {}

    def find(self) -> Edges:
        """All edges."""
        of_request = np.zeros(len(self._requests), np.int32)
        of_file = np.zeros(len(self._requests), np.int32)
        order = np.argsort(self._groups.group, kind="stable")
        bounds = np.flatnonzero(np.diff(self._groups.group[order], prepend=-1))
        for number, rows in enumerate(np.split(order, bounds[1:]) if len(order) else []):
            self._request_group(number, rows, of_request, of_file)
        of_socket = self._socket_edges(of_request)
        return Edges(self._edges, self._labels, list(self._parent_set_of), of_request, of_file, of_socket)

    def _request_group(self, number: int, rows: I64, of_request: I32, of_file: I32) -> None:
        driver, name = self._groups.operations[number]
        first, size = int(rows[0]), int(self._carried[rows].sum())
        thread = above = self._thread(first, size)
        socket = int(self._requests.socket[first]) if name else OTHERS
        ids: tuple[Id, ...] = thread.ids
        if socket >= 0:
            above = self._socket(socket)
            ids = (*ids, *above.ids)
            self._edges.append(Edge(thread, above, "uses", len(rows), size))
        node = Node(NodeKind.REQUEST, (*ids, driver, name) if name else (*ids, OTHERS))
        what = (f"{name} to {driver}" if driver else name) if name else "other requests"
        self._labels[node] = f"{len(rows):,} × {what}"
        self._edges.append(Edge(above, node, "issued", len(rows), size))
        of_file[rows] = of_request[rows] = self._parent_set(node)
        self._held_group(node, thread, rows[self._held[rows]], of_request)

    def _held_group(self, node: Node, thread: Node, rows: I64, of_request: I32) -> None:
        """The edges from requests to what holds them."""
        holding = self._holding
        keys = (holding.why[rows].astype(np.int64) << 32) | self._number_of_holder(rows)
        for key in unique(keys).tolist():
            mine = rows[keys == key]
            why = WHYS[key >> 32]
            holder = self._holder(why, thread, int(mine[0]))
            self._holders[holder] = self._holders.get(holder, 0) + len(mine)
            self._labels[holder] = self._label(holder, self._labels[thread])
            self._edges.append(Edge(node, holder, why, len(mine), int(self._carried[mine].sum())))
            of_request[mine] = self._parent_set(holder)

    def _number_of_holder(self, rows: I64) -> I64:
        """By row: a number that tells holders of one kind and thread apart: the port, or the driver's routine."""
        routines = np.unique(self._holding.keeper()[rows], return_inverse=True)[1]
        kept = self._holding.is_held_by(*_BY_DRIVER)[rows]
        return np.where(kept, routines, self._holding.port[rows]).astype(np.int64)

    def _holder(self, why: Why, thread: Node, row: int) -> Node:
        return holder_node(why, thread.ids, int(self._holding.port[row]), self._module_of(self._holding.keeper_of(row)))

    def _label(self, holder: Node, thread: str) -> str:
        count = self._holders[holder]
        match holder.kind:
            case NodeKind.PENDING_APC:
                kind = str(holder.ids[-1]).replace("-", " ")
                return f"{counted(count, f'{kind} APC')} pending on {thread}"
            case NodeKind.PORT:
                return f"{counted(count, 'request waits', 'requests wait')} in completion port {holder.ids[0]}"
            case NodeKind.DRIVER_KEPT:
                how = "not completed" if holder.ids[1] == Kept.NEVER_COMPLETED else "stopped on completion"
                return f"{counted(count, 'request')} {how} by {holder.ids[0] or 'an unknown driver'}"
            case _:
                why, driver = holder.ids[2:3], holder.ids[3:]
                how = "".join(f": {HOLDERS[Why(str(each))].name}" for each in why)
                how += "".join(f", {each or 'an unknown driver'}" for each in driver)
                return f"{counted(count, 'finished request')} of {thread} not released{how}"

    def _socket_edges(self, of_request: I32) -> I32:
        """What keeps each socket: once it is closed, the requests that refer to it; until then its handle.

        Requests in flight do, and those that are held before stage 2 of their completion.
        """
        result = np.full(len(self._sockets), OTHERS, np.int32)
        socket = self._requests.socket
        rows = np.flatnonzero((socket >= 0) & (self._holding.keeps() | (self._requests.completed_ns < 0)))
        rows = rows[closed(self._sockets)[socket[rows]]]
        kept = unique((socket[rows].astype(np.int64) << 32) | of_request[rows])
        owner, parent_set = kept >> 32, (kept & 0xFFFFFFFF).astype(np.int32)
        values, first, number = np.unique(owner, return_index=True, return_counts=True)
        result[values[number == 1]] = parent_set[first[number == 1]]
        nodes = list(self._parent_set_of)
        several = (number > 1) & (number <= GRAPH.most_keepers)
        shared: set[tuple[Node, ...]] = set()
        for row, at, count in zip(*(each[several].tolist() for each in (values, first, number)), strict=True):
            keepers = tuple(nodes[each][0] for each in parent_set[at : at + count].tolist())
            if keepers in shared or len(shared) < GRAPH.most_shared:
                shared.add(keepers)
                result[row] = self._parent_set(*keepers)
        self._kept_by_themselves(result)
        return result

    def _kept_by_themselves(self, result: I32) -> None:
        rows = np.flatnonzero(result < 0)
        key = (self._groups.thread_of[len(self._requests) + rows].astype(np.int64) << 32) | self._groups.socket_of[rows]
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        count = np.bincount(group, minlength=len(first))
        size = np.zeros(len(first), np.int64)
        np.add.at(size, group, self._of_socket[rows])
        parent_sets = np.zeros(len(first), np.int32)
        for number, row in enumerate(rows[first].tolist()):
            thread = self._thread(len(self._requests) + row, int(size[number]))
            node = self._socket(row)
            self._edges.append(Edge(thread, node, "opened", int(count[number]), int(size[number])))
            parent_sets[number] = self._parent_set(node)
        result[rows] = parent_sets[group]

    def _thread(self, row: int, size: int) -> Node:
        """The node of a request's thread (or, by number of requests plus its row, a socket's), with its edges."""
        thread = self._groups.threads[int(self._groups.thread_of[row])]
        process, number = thread.ids[0], int(thread.ids[1])
        owner = Node(NodeKind.PROCESS, (process,))
        if thread not in self._labels:
            self._labels[owner] = "other processes" if process == OTHERS else self._groups.processes[process]
            unnamed = {OTHERS: "other threads", UNKNOWN_ID: "an unknown thread"}
            self._labels[thread] = unnamed.get(number, f"thread {number}")
        self._edges.append(Edge(ROOT, owner, "", 1, size))
        self._edges.append(Edge(owner, thread, "owns", 1, size))
        return thread

    def _socket(self, row: int) -> Node:
        node = self._groups.sockets[int(self._groups.socket_of[row])]
        if node not in self._labels:
            local, remote = self._sockets.local[row], self._sockets.remote[row]
            if len(node.ids) > 1:
                self._labels[node] = f"sockets to {node.ids[1] or 'an unknown address'}"
            elif local or remote:
                self._labels[node] = f"socket {local or '?'} → {remote or '?'}"
            else:
                self._labels[node] = f"socket at endpoint 0x{int(self._sockets.endpoint[row]):x}"
        return node

    def _parent_set(self, *nodes: Node) -> int:
        """Number of the parent set of these nodes."""
        return self._parent_set_of.setdefault(nodes, len(self._parent_set_of))
