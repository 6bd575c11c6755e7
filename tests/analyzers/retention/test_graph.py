"""The retention graph leads from a process to what it keeps, and counts every byte once."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from analyzers.retention import grouping, leaves
from analyzers.retention.nodes import ROOT, Node, NodeKind
from tests.analyzers.retention.loop import ROUND_BYTES, loop
from tests.analyzers.retention.made import ENDPOINT, IRP, LEAK, block


def test_delivering_a_threads_apcs_releases_all_of_its_rounds() -> None:
    kept = loop(7).retention()
    assert kept.retained(kept.pending(4, 8)) == 7 * ROUND_BYTES
    assert kept.by_request.sum() == 7 * ROUND_BYTES


def test_the_root_retains_everything_that_is_outstanding() -> None:
    made = loop(3, more=(block(0x900000, 640, 5, LEAK, process=12), block(0xA00000, 64, 6, LEAK, process=16)))
    kept = made.retention()
    assert kept.retained(ROOT) == int(made.pool.outstanding.size.sum())
    assert sum(kept.graph.nodes[node]["bytes"] for node in kept.groups) == kept.retained(ROOT)


def test_an_open_socket_is_kept_by_its_handle_and_only_the_requests_by_their_apcs() -> None:
    kept = loop(7, closed=False).retention()
    assert kept.retained(kept.pending(4, 8)) == 7 * (2 * 0x1F0 + 0x22 + 0x40)
    assert kept.retained(Node(NodeKind.THREAD, (4, 8))) == 7 * ROUND_BYTES


def test_what_two_threads_requests_keep_is_released_by_neither_alone() -> None:
    kept = loop(5, send_thread=16).retention()
    assert kept.retained(kept.pending(4, 8)) == 5 * (0x1F0 + 0x22)
    assert kept.retained(kept.pending(4, 16)) == 5 * (0x1F0 + 0x40)
    assert kept.retained(Node(NodeKind.PROCESS, (4,))) == 5 * ROUND_BYTES


def test_a_request_in_flight_keeps_a_closed_socket_beside_the_apcs() -> None:
    made = loop(1)
    made.requests.completed_ns[1] = -1
    made.pending.resize(1, refcheck=False)
    kept = made.retention()
    assert kept.retained(kept.pending(4, 8)) == 0x1F0 + 0x22


def test_a_completed_request_that_still_owns_its_buffers_goes_with_the_apcs_of_its_thread() -> None:
    made = loop(4)
    only_one = np.array([5], np.int32)
    fewer = type(made)(made.pool, made.requests, made.sockets, only_one).retention()
    assert fewer.retained(fewer.pending(4, 8)) == 4 * ROUND_BYTES


def test_a_path_leads_over_thread_socket_request_and_apc_to_the_allocations() -> None:
    made = loop(3)
    kept = made.retention()
    group = kept.group_for(np.flatnonzero(made.pool.outstanding.site == ENDPOINT).astype(np.int32))
    assert group is not None
    path = kept.path(group)
    assert [step.kind for step in path] == ["process", "thread", "socket", "request", "pending-apc", "allocations"]
    assert [step.rule for step in path] == ["", "owns", "uses", "issued", "completed-not-retired", "holds-endpoint"]
    assert path[0].label == "process 4"
    assert path[2].label == "socket ? → 127.0.0.1:7000"
    assert path[3].label == "1 × AfdConnectWithAddress to afd.sys, one of 6"
    assert path[4].label == "6 APCs pending on thread 8"
    assert path[4].retained_bytes == 3 * ROUND_BYTES
    assert path[5].label == "3 × AfdE (nonpaged) from afd.sys"


def test_what_nothing_holds_hangs_below_its_driver_and_below_the_process_where_it_is_the_only_one() -> None:
    one = loop(1, more=(block(0x900000, 640, 5, LEAK, process=12), block(0xA00000, 64, 6, LEAK, process=12)))
    kept = one.retention()
    group = kept.group_for(np.flatnonzero(one.pool.outstanding.site == LEAK).astype(np.int32))
    assert group is not None
    assert [step.label for step in kept.path(group)] == [
        "process 12", "leaky.sys", "2 × Leak (nonpaged) from leaky.sys"
    ]  # fmt: skip
    both = loop(1, more=(block(0x900000, 640, 5, LEAK, process=12), block(0xA00000, 64, 6, LEAK, process=16)))
    group = both.retention().group_for(np.flatnonzero(both.pool.outstanding.site == LEAK).astype(np.int32))
    assert group is not None
    assert [step.kind for step in both.retention().path(group)] == ["driver", "allocations"]


def test_an_unknown_node_has_no_path_and_retains_nothing() -> None:
    kept = loop(1).retention()
    assert (kept.path(kept.pending(4, 999)), kept.retained(kept.pending(4, 999))) == ((), 0)
    assert kept.group_for(np.zeros(0, np.int32)) is None


def test_every_edge_says_its_rule_and_whether_it_is_inferred() -> None:
    kept = loop(2).retention()
    assert nx.is_directed_acyclic_graph(kept.graph)
    inferred = {edge["rule"] for _, _, edge in kept.graph.edges(data=True) if edge["inferred"]}
    assert inferred == {"completed-not-retired", "same-operation", "same-socket"}
    assert all(edge["says"] for _, _, edge in kept.graph.edges(data=True))
    assert all(data["label"] for _, data in kept.graph.nodes(data=True))


@pytest.mark.parametrize("limit", [1, 2])
def test_small_groups_share_nodes_and_no_byte_is_lost(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple(
        block(0x900000 + i * 4096, 64, 5 + i, (LEAK, IRP)[i % 2], thread=400 + i, process=100 + i // 4)
        for i in range(40)
    )
    made = loop(6, more=others, send_thread=16)
    whole = made.retention()
    for name in ("MOST_THREADS", "MOST_SOCKETS", "MOST_ROUTINES", "MOST_REQUEST_GROUPS"):
        monkeypatch.setattr(grouping, name, limit)
    for name in ("MOST_GROUPS", "MOST_DRIVERS"):
        monkeypatch.setattr(leaves, name, limit)
    few = made.retention()
    assert few.retained(ROOT) == whole.retained(ROOT) == int(made.pool.outstanding.size.sum())
    assert len(few.graph) < len(whole.graph)
    assert any("others, from" in data["label"] for _, data in few.graph.nodes(data=True))
    assert (few.by_request == whole.by_request).all()
