"""The ways from a process to what its requests hold: threads, sockets, requests and pending APCs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.quantities import counted
from analyzers.requests.tables import RequestTable, SocketTable
from analyzers.retention.grouping import Grouping, grouped
from analyzers.retention.nodes import OTHERS, ROOT, Id, Node, NodeKind
from analyzers.retention.retained import closed
from tracer.columns import UNKNOWN_ID

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_MOST_KEEPERS: Final = 8
_MOST_SHARED: Final = 200
"""Where more keepers share a socket, or there are more different sets of them, the socket is shown as what keeps
its objects."""


@dataclass(frozen=True, slots=True)
class Way:
    """One edge: from which node to which, why, for how many things and bytes."""

    parent: Node
    child: Node
    rule: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """``edges`` from the root on. Places are what allocations hang on: each is one node or several.

    ``of_request``: place of what a request holds; ``of_file``: of what hangs on its file object; ``of_socket``: of what
    hangs on a socket.
    """

    edges: list[Way]
    labels: dict[Node, str]
    places: list[tuple[Node, ...]]
    of_request: I32
    of_file: I32
    of_socket: I32


class WayFinder:
    """Makes the :class:`Ways` of one moment."""

    def __init__(
        self,
        requests: RequestTable,
        sockets: SocketTable,
        pending: Mask,
        carried: tuple[I64, I64],
        process_name: Callable[[int], str],
        module_of: Callable[[int], str],
    ) -> None:
        """``carried``: bytes by request and by socket. ``module_of``: name of the module at a routine's address."""
        self._requests, self._sockets, self._pending = requests, sockets, pending
        self._carried, self._of_socket = carried
        self._process_name = process_name
        self._groups: Grouping = grouped(requests, sockets, *carried, module_of)
        self._edges: list[Way] = []
        self._labels: dict[Node, str] = {ROOT: "the trace"}
        self._place_of: dict[tuple[Node, ...], int] = {}
        self._apcs: dict[Node, int] = {}

    def find(self) -> Ways:
        """All ways."""
        of_request = np.zeros(len(self._requests), np.int32)
        of_file = np.zeros(len(self._requests), np.int32)
        order = np.argsort(self._groups.group, kind="stable")
        bounds = np.flatnonzero(np.diff(self._groups.group[order], prepend=-1))
        for number, rows in enumerate(np.split(order, bounds[1:]) if len(order) else []):
            self._request_group(number, rows, of_request, of_file)
        of_socket = self._sockets_ways(of_request)
        return Ways(self._edges, self._labels, list(self._place_of), of_request, of_file, of_socket)

    def _request_group(self, number: int, rows: I64, of_request: I32, of_file: I32) -> None:
        driver, name = self._groups.operations[number]
        first, size, waits = int(rows[0]), int(self._carried[rows].sum()), self._pending[rows]
        thread = above = self._thread(first, size)
        socket = int(self._requests.socket[first]) if name else OTHERS
        ids: tuple[Id, ...] = thread.ids
        if socket >= 0:
            above = self._socket(socket)
            ids = (*ids, *above.ids)
            self._edges.append(Way(thread, above, "uses", len(rows), size))
        node = Node(NodeKind.REQUEST, (*ids, driver, name) if name else (*ids, OTHERS))
        what = (f"{name} to {driver}" if driver else name) if name else "other requests"
        self._labels[node] = f"{len(rows):,} × {what}"
        self._edges.append(Way(above, node, "issued", len(rows), size))
        of_file[rows] = self._place(node)
        of_request[rows[~waits]] = self._place(node)
        if waits.any():
            apcs = Node(NodeKind.PENDING_APC, thread.ids)
            waiting = rows[waits]
            self._apcs[apcs] = self._apcs.get(apcs, 0) + len(waiting)
            self._labels[apcs] = f"{counted(self._apcs[apcs], 'APC')} pending on {self._labels[thread]}"
            carried = int(self._carried[waiting].sum())
            self._edges.append(Way(node, apcs, "completed-not-retired", len(waiting), carried))
            of_request[waiting] = self._place(apcs)

    def _sockets_ways(self, of_request: I32) -> I32:
        """What keeps each socket: once it is closed, the requests that refer to it; until then its handle.

        Requests in flight and pending ones do; one that completed and is not known to be pending may be retired.
        """
        result = np.full(len(self._sockets), OTHERS, np.int32)
        socket = self._requests.socket
        rows = np.flatnonzero((socket >= 0) & (self._pending | (self._requests.completed_ns < 0)))
        rows = rows[closed(self._sockets)[socket[rows]]]
        kept = np.unique((socket[rows].astype(np.int64) << 32) | of_request[rows])
        owner, place = kept >> 32, (kept & 0xFFFFFFFF).astype(np.int32)
        values, first, number = np.unique(owner, return_index=True, return_counts=True)
        result[values[number == 1]] = place[first[number == 1]]
        nodes = list(self._place_of)
        several = (number > 1) & (number <= _MOST_KEEPERS)
        shared: set[tuple[Node, ...]] = set()
        for row, at, count in zip(*(each[several].tolist() for each in (values, first, number)), strict=True):
            keepers = tuple(nodes[each][0] for each in place[at : at + count].tolist())
            if keepers in shared or len(shared) < _MOST_SHARED:
                shared.add(keepers)
                result[row] = self._place(*keepers)
        self._kept_by_themselves(result)
        return result

    def _kept_by_themselves(self, result: I32) -> None:
        rows = np.flatnonzero(result < 0)
        key = (self._groups.thread_of[len(self._requests) + rows].astype(np.int64) << 32) | self._groups.socket_of[rows]
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        count = np.bincount(group, minlength=len(first))
        size = np.zeros(len(first), np.int64)
        np.add.at(size, group, self._of_socket[rows])
        places = np.zeros(len(first), np.int32)
        for number, row in enumerate(rows[first].tolist()):
            thread = self._thread(len(self._requests) + row, int(size[number]))
            node = self._socket(row)
            self._edges.append(Way(thread, node, "opened", int(count[number]), int(size[number])))
            places[number] = self._place(node)
        result[rows] = places[group]

    def _thread(self, row: int, size: int) -> Node:
        """The node of a request's thread (or, by number of requests plus its row, of a socket's), and the way to it."""
        thread = self._groups.threads[int(self._groups.thread_of[row])]
        process, number = (int(each) for each in thread.ids)
        owner = Node(NodeKind.PROCESS, (process,))
        if thread not in self._labels:
            self._labels[owner] = "other processes" if process == OTHERS else self._process_name(process)
            unnamed = {OTHERS: "other threads", UNKNOWN_ID: "an unknown thread"}
            self._labels[thread] = unnamed.get(number, f"thread {number}")
        self._edges.append(Way(ROOT, owner, "", 1, size))
        self._edges.append(Way(owner, thread, "owns", 1, size))
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

    def _place(self, *nodes: Node) -> int:
        """Number of the place that these nodes are."""
        return self._place_of.setdefault(nodes, len(self._place_of))
