"""The nodes of the retention graph: what kinds there are, and how each is keyed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Final

from analyzers.pooltag import tag_text
from analyzers.processes import Process
from tracer.data_classes import dataclass


class NodeKind(StrEnum):
    """What a node stands for; the values are those of :attr:`analyzers.findings.PathNode.kind`."""

    TRACE = "trace"
    PROCESS = "process"
    THREAD = "thread"
    SOCKET = "socket"
    REQUEST = "request"
    PENDING_APC = "pending-apc"
    PORT = "port"
    DRIVER_KEPT = "driver-kept"
    HELD = "held"  # something holds the requests, and more than one reason fits
    DRIVER = "driver"
    ALLOCATIONS = "allocations"


OTHERS: Final = -1
"""In place of an id: all that are too small for a node of their own."""

Id = int | str


@dataclass(frozen=True, slots=True)
class Node:
    """A node by its kind and ids.

    Ids are: of a process its id, or ``id.n`` of one that gave it up to another, ``n`` of these before it; of a thread
    its process, in that way, and thread, of its pending APCs also their kind; of a port its number; of what a driver
    keeps its name and how; of what is held otherwise process and thread; of a socket its row, of a group of sockets
    process and remote address; of requests process, thread, the socket's ids, driver and operation; of a driver its
    process (:data:`OTHERS` for several) and name; of allocations what they hang on and their site.
    """

    kind: NodeKind
    ids: tuple[Id, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.kind.value, self.ids)))

    def __hash__(self) -> int:  # kept: networkx asks for it some fifty times a node
        return self._hash

    def __str__(self) -> str:
        return ":".join((self.kind, *(str(each) for each in self.ids)))


ROOT: Final = Node(NodeKind.TRACE)


def named_processes(lives: Sequence[Process]) -> Iterator[tuple[Id, str]]:
    """Id and name of the node of each process; they come by id, then by start."""
    for pid, same in groupby(lives, key=attrgetter("id")):
        *before, last = same
        yield from ((f"{pid}.{number}", life.name) for number, life in enumerate(before))
        yield pid, last.name


def allocations_label(tag: int, *, paged: bool, driver: str, count: int) -> str:
    """What a group of allocations is called."""
    pool = "paged" if paged else "nonpaged"
    made_by = f" from {driver}" if driver else ""
    return f"{count:,} × {tag_text(tag)} ({pool}){made_by}"
