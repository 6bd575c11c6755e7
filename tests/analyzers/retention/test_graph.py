"""The retention graph leads from a process to what it keeps, and counts every byte once."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from analyzers.findings import Apc, Kept, Why
from analyzers.policy import GRAPH
from analyzers.retention import allocation_groups, grouping
from analyzers.retention.edges import holder_node
from analyzers.retention.nodes import ROOT, Node, NodeKind
from tests.analyzers.retention.loop import ROUND_BYTES, loop
from tests.analyzers.retention.made import ENDPOINT, IRP, LEAK, block

FILTER = 0xFFFFF80000002000
PORT = Node(NodeKind.PORT, (1,))
USER_APCS = Node(NodeKind.PENDING_APC, (4, 8, str(Apc.USER)))
IRPS = 2 * 0x1F0
BUFFERS = 0x22 + 0x40


def test_draining_a_port_releases_all_of_its_rounds() -> None:
    kept = loop(7).retention()
    assert kept.retained(PORT) == 7 * ROUND_BYTES
    assert kept.by_request.sum() == 7 * ROUND_BYTES


def test_delivering_a_threads_user_apcs_releases_their_irps_alone() -> None:
    """Stage 2 has let go of buffers, files and sockets before: if these are there, others keep them."""
    kept = replace(loop(7).held_by(Why.USER_APC), finished=True).retention()
    assert kept.retained(USER_APCS) == 7 * IRPS
    assert kept.by_request.sum() == 7 * IRPS
    assert kept.retained(ROOT) == 7 * ROUND_BYTES


@pytest.mark.parametrize(
    ("why", "node"),
    [
        (Why.SPECIAL_APC, Node(NodeKind.PENDING_APC, (4, 8, str(Apc.SPECIAL_KERNEL)))),
        (Why.DRIVER_KEPT, Node(NodeKind.DRIVER_KEPT, ("contosoflt.sys", str(Kept.NEVER_COMPLETED)))),
        (Why.COMPLETION_STOPPED, Node(NodeKind.DRIVER_KEPT, ("contosoflt.sys", str(Kept.COMPLETION_STOPPED)))),
        (Why.UNKNOWN, Node(NodeKind.HELD, (4, 8))),
    ],
)
def test_what_holds_requests_before_stage_two_keeps_all_of_them(why: Why, node: Node) -> None:
    made = loop(7).held_by(why, last_routine=FILTER, completion_routine=FILTER)
    assert holder_node(why, (4, 8), 0, "contosoflt.sys") == node
    assert made.retention().retained(node) == 7 * ROUND_BYTES


@pytest.mark.parametrize("why", [Why.IN_FLIGHT, Why.LIST])
def test_usual_states_of_requests_are_no_nodes(why: Why) -> None:
    kept = loop(3).held_by(why).retention()
    kinds = {node.kind for node in kept.graph.nodes}
    assert not kinds & {NodeKind.PENDING_APC, NodeKind.PORT, NodeKind.DRIVER_KEPT, NodeKind.HELD}
    assert kept.retained(ROOT) == 3 * ROUND_BYTES


def test_the_root_retains_everything_that_is_outstanding() -> None:
    made = loop(3, more=(block(0x900000, 640, 5, LEAK, process=12), block(0xA00000, 64, 6, LEAK, process=16)))
    kept = made.retention()
    assert kept.retained(ROOT) == int(made.pool.outstanding.size.sum())
    assert sum(kept.graph.nodes[node].bytes for node in kept.groups) == kept.retained(ROOT)


def test_an_open_socket_is_kept_by_its_handle_and_only_the_requests_by_their_port() -> None:
    kept = loop(7, closed=False).retention()
    assert kept.retained(PORT) == 7 * (IRPS + BUFFERS)
    assert kept.retained(Node(NodeKind.THREAD, (4, 8))) == 7 * ROUND_BYTES


def test_a_port_keeps_what_several_threads_put_into_it() -> None:
    kept = loop(5, send_thread=16).retention()
    assert kept.retained(PORT) == 5 * ROUND_BYTES
    assert kept.retained(Node(NodeKind.PROCESS, (4,))) == 5 * ROUND_BYTES


def test_what_requests_of_two_holders_keep_is_released_by_neither_alone() -> None:
    made = loop(5, send_thread=16)
    for row in range(1, 10, 2):
        made = made.held_by(Why.SPECIAL_APC, slice(row, row + 1))
    kept = made.retention()
    assert kept.retained(PORT) == 5 * (0x1F0 + 0x22)
    special = Node(NodeKind.PENDING_APC, (4, 16, str(Apc.SPECIAL_KERNEL)))
    assert kept.retained(special) == 5 * (0x1F0 + 0x40)
    assert kept.retained(Node(NodeKind.PROCESS, (4,))) == 5 * ROUND_BYTES


def test_a_request_in_flight_keeps_a_closed_socket_beside_the_port() -> None:
    made = loop(1).held_by(Why.IN_FLIGHT, slice(1, None))
    made.requests.completed_ns[1] = -1
    assert made.retention().retained(PORT) == 0x1F0 + 0x22


def test_a_finished_request_keeps_no_socket_beside_the_others() -> None:
    made = loop(4)
    for row in range(1, 8, 2):
        made = made.held_by(Why.USER_APC, slice(row, row + 1))
    kept = made.retention()
    assert kept.retained(USER_APCS) == 4 * 0x1F0
    assert kept.retained(PORT) == 4 * (ROUND_BYTES - 0x1F0 - 0x40)


def test_a_path_leads_over_thread_socket_request_and_holder_to_the_allocations() -> None:
    made = loop(3)
    kept = made.retention()
    group = kept.groups_for([np.flatnonzero(made.pool.outstanding.site == ENDPOINT)])[0]
    assert group is not None
    path = kept.path(group)
    assert [step.kind for step in path] == ["process", "thread", "socket", "request", "port", "allocations"]
    assert [step.rule for step in path] == ["", "owns", "uses", "issued", "port", "holds-endpoint"]
    assert path[0].label == "process 4"
    assert path[2].label == "socket ? → 127.0.0.1:7000"
    assert path[3].label == "1 × AfdConnectWithAddress to afd.sys, one of 6"
    assert path[4].label == "6 requests wait in completion port 1"
    assert path[4].retained_bytes == 3 * ROUND_BYTES
    assert path[5].label == "3 × AfdE (nonpaged) from afd.sys"


@pytest.mark.parametrize(
    ("why", "label"),
    [
        (Why.USER_APC, "6 user APCs pending on thread 8"),
        (Why.SPECIAL_APC, "6 special kernel APCs pending on thread 8"),
        (Why.PORT, "6 requests wait in completion port 1"),
        (Why.DRIVER_KEPT, "6 requests not completed by contosoflt.sys"),
        (Why.COMPLETION_STOPPED, "6 requests stopped on completion by contosoflt.sys"),
        (Why.UNKNOWN, "6 finished requests of thread 8 not released"),
    ],
)
def test_a_holder_says_how_many_it_holds(why: Why, label: str) -> None:
    made = loop(3).held_by(why, last_routine=FILTER, completion_routine=FILTER)
    labels = [about.label for about in made.retention().graph.nodes.values()]
    assert label in labels
    one = loop(1).held_by(Why.LIST, slice(1, None)).retention()
    assert one.graph.nodes[PORT].label == "1 request waits in completion port 1"


def test_what_nothing_holds_hangs_below_its_driver_and_below_the_process_where_it_is_the_only_one() -> None:
    one = loop(1, more=(block(0x900000, 640, 5, LEAK, process=12), block(0xA00000, 64, 6, LEAK, process=12)))
    kept = one.retention()
    group = kept.groups_for([np.flatnonzero(one.pool.outstanding.site == LEAK)])[0]
    assert group is not None
    assert [step.label for step in kept.path(group)] == [
        "process 12", "leaky.sys", "2 × Leak (nonpaged) from leaky.sys"
    ]  # fmt: skip
    both = loop(1, more=(block(0x900000, 640, 5, LEAK, process=12), block(0xA00000, 64, 6, LEAK, process=16)))
    group = both.retention().groups_for([np.flatnonzero(both.pool.outstanding.site == LEAK)])[0]
    assert group is not None
    assert [step.kind for step in both.retention().path(group)] == ["driver", "allocations"]


def test_an_unknown_node_has_no_path_and_retains_nothing() -> None:
    kept = loop(1).retention()
    nobody = Node(NodeKind.PORT, (999,))
    assert (kept.path(nobody), kept.retained(nobody)) == ((), 0)
    assert kept.groups_for([]) == []


@pytest.mark.parametrize("why", [Why.USER_APC, Why.PORT, Why.DRIVER_KEPT, Why.UNKNOWN])
def test_every_edge_says_its_rule_and_all_but_queues_and_addresses_are_inferred(why: Why) -> None:
    kept = loop(2).held_by(why).retention()
    assert nx.is_directed_acyclic_graph(kept.graph.networkx())
    inferred = {edge.rule for _, _, edge in kept.graph.edges() if edge.inferred}
    by_time = {"same-socket"} if why is Why.USER_APC else {"same-operation", "same-socket"}
    assert inferred == by_time | ({str(why)} - {"port"})
    assert all(edge.says for _, _, edge in kept.graph.edges())
    assert all(about.label for about in kept.graph.nodes.values())


def test_a_port_that_no_queue_event_shows_is_inferred() -> None:
    kept = replace(loop(2), seen_queues=False).retention()
    assert "port" in {edge.rule for _, _, edge in kept.graph.edges() if edge.inferred}


@pytest.mark.parametrize("limit", [1, 2])
def test_small_groups_share_nodes_and_no_byte_is_lost(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple(
        block(0x900000 + i * 4096, 64, 5 + i, (LEAK, IRP)[i % 2], thread=400 + i, process=100 + i // 4)
        for i in range(40)
    )
    made = loop(6, more=others, send_thread=16)
    whole = made.retention()
    limits = replace(GRAPH, most_owners=limit, most_sockets=limit, most_routines=limit, most_groups=limit)
    for room in (grouping, allocation_groups):
        monkeypatch.setattr(room, "GRAPH", limits)
    few = made.retention()
    assert few.retained(ROOT) == whole.retained(ROOT) == int(made.pool.outstanding.size.sum())
    assert len(few.graph.nodes) < len(whole.graph.nodes)
    assert any("others, from" in about.label for about in few.graph.nodes.values())
    assert (few.by_request == whole.by_request).all()
