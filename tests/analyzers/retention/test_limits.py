"""How many nodes the graph has: the largest have one of their own, the others share one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from analyzers.findings import Why
from analyzers.retention.grouping import Grouping, grouped
from analyzers.retention.nodes import NodeKind
from tests.analyzers.numbered import Numbered
from tests.analyzers.retention.loop import Loop
from tests.analyzers.retention.made import ENDPOINT, IRP, Row, block, pool_of, requests_of, sockets_of

ROUTINE = 0xFFFFF80000001000


def _grouped(requests: Sequence[Row], sockets: Sequence[Row]) -> Grouping:
    """All of them carry the same."""
    carried = np.ones(len(requests), np.int64), np.ones(len(sockets), np.int64)
    return grouped(requests_of(*requests), sockets_of(*sockets), *carried, Numbered(), lambda at: f"{at:x}.sys")


def test_five_hundred_threads_have_a_node_and_the_others_of_their_process_share_one() -> None:
    found = _grouped([{"process": 4, "thread": 8 + thread, "socket": -1} for thread in range(800)], [])
    assert len(found.threads) == 500 + 1


@pytest.mark.parametrize(("sockets", "nodes"), [(1_000, 1_000), (1_001, 7)])
def test_a_thousand_sockets_have_a_node_and_more_share_those_of_their_addresses(sockets: int, nodes: int) -> None:
    rows = [{"process": 4, "thread": 8, "remote": f"10.0.0.{number % 7}:80"} for number in range(sockets)]
    assert len(_grouped([], rows).sockets) == nodes


def test_a_hundred_routines_are_told_apart_and_the_others_are_no_drivers_in_particular() -> None:
    rows = [{"process": 4, "thread": 8, "socket": -1, "routine": ROUTINE + number} for number in range(127)]
    drivers = Counter(driver for driver, _ in _grouped(rows, []).operations)
    assert drivers.pop("") == 1
    assert len(drivers) == 100


def test_two_thousand_groups_of_requests_have_a_node_and_the_others_of_their_thread_share_one() -> None:
    rows = [{"process": 4, "thread": 8, "socket": -1, "operation": number} for number in range(2_700)]
    assert len(_grouped(rows, []).operations) == 2_000 + 1


def _closed_sockets(*keepers: Sequence[int]) -> Loop:
    """Each is kept by a request in flight of each of these threads."""
    blocks: list[Row] = []
    requests: list[Row] = []
    rows: list[Row] = []
    for number, threads in enumerate(keepers):
        endpoint = 0x1000_0000 + number * 0x10000
        blocks.append(block(endpoint, 0x260, 1_000 + number, ENDPOINT))
        rows.append({"endpoint": endpoint, "thread": 8, "process": 4, "last_ns": 10**9, "closed_ns": 10**9})
        for each, thread in enumerate(threads):
            irp, at = endpoint + 0x1000 + each * 0x400, 10_000 + 1_000 * number + 10 * each
            blocks.append(block(irp, 0x1F0, at, IRP, thread))
            requests.append({"irp": irp, "thread": thread, "process": 4, "socket": number, "issued_ns": at + 5})
    return Loop(pool_of(*blocks), requests_of(*requests), sockets_of(*rows), [Why.IN_FLIGHT] * len(requests))


def _above_endpoints(made: Loop) -> list[set[NodeKind]]:
    """By group of endpoints: what it hangs on."""
    kept = made.retention()
    of_endpoints = {kept.group_of[row] for row in np.flatnonzero(made.pool.outstanding.site == ENDPOINT)}
    return [{above.kind for above in kept.graph.above[kept.groups[number]]} for number in of_endpoints]


@pytest.mark.parametrize(("keepers", "kind"), [(8, NodeKind.REQUEST), (9, NodeKind.SOCKET)])
def test_a_socket_that_more_than_eight_keep_is_what_keeps_its_objects(keepers: int, kind: NodeKind) -> None:
    assert _above_endpoints(_closed_sockets(range(8, 8 + keepers))) == [{kind}]


def test_sockets_beyond_two_hundred_different_sets_of_keepers_keep_their_objects_themselves() -> None:
    made = _closed_sockets(*combinations(range(8, 33), 2))
    found = Counter(kind for kinds in _above_endpoints(made) for kind in kinds)
    assert found == {NodeKind.REQUEST: 200, NodeKind.SOCKET: 100}
