"""Which threads, sockets and requests share a node, so that the graph's size depends on limits and not on the trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from analyzers.policy import GRAPH
from analyzers.processes import KnowsLives, lives_at
from analyzers.requests.tables import RequestTable, SocketTable
from analyzers.retention.nodes import OTHERS, Id, Node, NodeKind, named_processes
from tracer.arrays import I32, I64, Mask
from tracer.data_classes import dataclass
from tracer.events.afd import DESCRIPTORS
from tracer.events.irp import MajorFunction

_OTHER_ADDRESSES: Final = "other addresses"


def largest(keys: I64, weights: I64, most: int) -> Mask:
    """By row: whether its key is among the ``most`` heaviest; ties by key."""
    values, row = np.unique(keys, return_inverse=True)
    total = np.zeros(len(values), np.int64)
    np.add.at(total, row, weights)
    kept = np.zeros(len(values), np.bool_)
    kept[np.lexsort((values, -total))[:most]] = True
    return kept[row]


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Nodes, and which of them each row has: ``threads`` of requests and then sockets, ``sockets`` of sockets.

    ``group``: by request, number of its group. ``operations``: by group, the driver and what was asked of it (empty for
    what is too small for a group of its own). ``processes``: names, by the ids of nodes.
    """

    threads: list[Node]
    thread_of: I32
    sockets: list[Node]
    socket_of: I32
    group: I32
    operations: list[tuple[str, str]]
    processes: dict[Id, str]


def grouped(
    requests: RequestTable,
    sockets: SocketTable,
    carried: I64,
    of_socket: I64,
    names: KnowsLives,
    module_of: Callable[[int], str],
) -> Grouping:
    """``carried``, ``of_socket``: bytes by request and by socket, which decide what gets a node of its own."""
    process = np.concatenate([requests.process, sockets.process])
    lives, life = lives_at(names, process, np.concatenate([requests.issued_ns, sockets.created_ns]))
    known = list(named_processes(lives))
    ids = [each for each, _ in known]
    threads, thread_of = _threads(requests, sockets, life.astype(np.int64), ids, np.concatenate([carried, of_socket]))
    nodes, socket_of = _sockets(sockets, [ids[at] for at in life[len(requests) :].tolist()])
    drivers, driver_of = _drivers(requests, carried, module_of)
    of_request = np.append(socket_of, np.int32(OTHERS))[requests.socket].astype(np.int64)
    key = thread_of[: len(requests)].astype(np.int64)
    for part, width in ((of_request + 1, 11), (driver_of, 7), (requests.operation, 16), (requests.major, 8)):
        key = (key << width) | part.astype(np.int64)
    small = ~largest(key, carried, GRAPH.most_groups)
    key[small] = -1 - thread_of[: len(requests)][small]
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    operations = [
        ("", "") if small[row] else (drivers[driver_of[row]], operation_name(requests, row)) for row in first.tolist()
    ]
    return Grouping(threads, thread_of, nodes, socket_of, group.astype(np.int32), operations, dict(known))


def _threads(
    requests: RequestTable, sockets: SocketTable, process: I64, ids: list[Id], weights: I64
) -> tuple[list[Node], I32]:
    """``process``: by row, its place among ``ids``."""
    thread = np.concatenate([requests.thread, sockets.thread]).astype(np.int64)
    small = ~largest((process << 32) | thread, weights, GRAPH.most_owners)
    thread[small] = OTHERS
    process[small & ~largest(process, weights, GRAPH.most_owners)] = OTHERS
    _, first, row = np.unique((process << 33) | (thread + 1), return_index=True, return_inverse=True)
    owners = [*ids, OTHERS]
    nodes = [Node(NodeKind.THREAD, (owners[int(process[at])], int(thread[at]))) for at in first.tolist()]
    return nodes, row.astype(np.int32)


def _sockets(sockets: SocketTable, owners: list[Id]) -> tuple[list[Node], I32]:
    if len(sockets) <= GRAPH.most_sockets:
        rows = np.arange(len(sockets), dtype=np.int32)
        return [Node(NodeKind.SOCKET, (row,)) for row in rows.tolist()], rows
    numbers: dict[tuple[Id, str], int] = {}
    row_of = np.empty(len(sockets), np.int32)
    rest: tuple[Id, str] = (OTHERS, _OTHER_ADDRESSES)
    for row, key in enumerate(zip(owners, sockets.remote, strict=True)):
        known = key if key in numbers or len(numbers) < GRAPH.most_sockets else rest
        row_of[row] = numbers.setdefault(known, len(numbers))
    return [Node(NodeKind.SOCKET, key) for key in numbers], row_of


def _drivers(requests: RequestTable, carried: I64, module_of: Callable[[int], str]) -> tuple[list[str], I64]:
    """Names of the drivers asked, and by request which."""
    kept = largest(requests.routine.view(np.int64), carried, GRAPH.most_routines)
    routines, row = np.unique(np.where(kept, requests.routine, np.uint64(0)), return_inverse=True)
    numbers: dict[str, int] = {}
    of_routine = [
        numbers.setdefault(module_of(routine) if routine else "", len(numbers)) for routine in routines.tolist()
    ]
    return list(numbers), np.array(of_routine, np.int64)[row] if len(routines) else row.astype(np.int64)


def operation_name(requests: RequestTable, row: int) -> str:
    """What a request asks for, by its AFD operation or its major function."""
    descriptor = DESCRIPTORS.get(int(requests.operation[row]))
    if descriptor is not None:
        return descriptor.name
    major = int(requests.major[row])
    return f"IRP_MJ_{MajorFunction(major).name}" if major in set(MajorFunction) else f"major function {major}"
