from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.factorize import rows_of
from analyzers.findings import NO_HELD_REQUESTS
from analyzers.pooltag import tag_text
from analyzers.processes import ProcessLife
from analyzers.requests.tables import NEVER, SocketTable
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tests.tui.session import opened
from tests.tui.stories import HOSTILE, HandmadeNames
from tests.tui.views.listings import column, everything_said, is_harmless, port, scene, with_requests
from tui.tables.model import SortedTable
from tui.tables.sockets import holdings
from tui.views.listing import Location
from tui.views.scene import narrowed_to
from tui.views.sockets import NO_SOCKET_EVENTS, NO_SOCKETS, NONE_HERE, head, listing

SERVER = 1024
CLIENT = 1280


def context() -> DiagnosisContext:
    found = port().context
    assert found is not None
    return found


def sockets() -> SocketTable:
    return context().requests.sockets


def with_sockets(**columns: Any) -> Snapshot:
    table = replace(sockets(), **columns)
    return replace(port(), context=with_requests(context(), replace(context().requests, sockets=table)))


def without_sockets(*, seen_afd: bool) -> Snapshot:
    none = SocketTable(*(getattr(sockets(), field.name)[:0] for field in fields(SocketTable)))
    requests = context().requests
    away = replace(requests.requests, socket=np.full(len(requests.requests), -1, np.int32))
    found = replace(context().attribution, socket=np.full(len(port().pool.outstanding), -1, np.int32))
    told = replace(requests, sockets=none, requests=away, seen_afd=seen_afd)
    return replace(port(), context=replace(with_requests(context(), told), attribution=found))


def first_closed() -> int:
    """Row of a socket that is closed, and held by a request that waits in the port."""
    return int(np.flatnonzero(sockets().closed_ns != NEVER)[0])


def test_sockets_are_found_by_age_and_those_from_before_the_trace_are_older_than_all() -> None:
    shown = SortedTable(listing(scene(port())).model, "bytes", descending=True)
    shown.filter_by("age>10ms")
    old = len(shown)
    shown.filter_by("age<=10ms")
    assert old + len(shown) == len(sockets())
    assert old
    shown.filter_by("age>1h")
    assert len(shown) == 0


def test_a_row_tells_endpoint_owner_addresses_and_state() -> None:
    shown, row = listing(scene(port())), first_closed()
    keys = ("process", "local", "remote", "state", "open", "unretired", "held", "sent")
    assert [column(shown, key)[row] for key in keys] == [
        f"server.exe ({sockets().process[row]})",
        "~127.0.0.1:8080",
        sockets().remote[row],
        "closed",
        "0",
        "1",
        "1",
        "0 B",
    ]
    assert column(shown, "endpoint")[row] == f"0x{sockets().endpoint[row]:x}"
    assert "open" in column(shown, "state")


def test_a_socket_older_than_the_trace_is_at_least_as_old() -> None:
    created = sockets().created_ns.copy()
    created[first_closed()] = NEVER
    shown = listing(scene(with_sockets(created_ns=created)))
    assert column(shown, "age")[first_closed()].startswith(">")
    assert "; older than the trace" in shown.describe(first_closed()).plain


def test_operations_that_were_started_before_the_trace_do_not_make_a_negative_number() -> None:
    started = sockets().started.copy()
    started[:2] = 0, sockets().finished[1] + 3
    assert column(listing(scene(with_sockets(started=started))), "open")[:2] == ["0", "3"]


def test_a_socket_holds_its_own_memory_and_that_of_its_requests() -> None:
    shown = listing(scene(port()))
    for row in (0, 1, 50):
        pool = narrowed_to(port(), Query(endpoint=int(sockets().endpoint[row]))).pool
        held = holdings(context(), port().pool.outstanding, NO_HELD_REQUESTS)
        assert int(held.count[row]) == len(pool.outstanding)
        assert int(held.bytes[row]) == int(pool.outstanding.size.sum())
        assert f"memory: {len(pool.outstanding)} allocation" in shown.describe(row).plain


def test_all_that_is_put_down_to_sockets_is_in_the_table() -> None:
    held = holdings(context(), port().pool.outstanding, NO_HELD_REQUESTS)
    found = context().attribution
    at_socket = np.append(context().requests.requests.socket, -1)[found.request] >= 0
    assert int(held.count.sum()) == int(((found.socket >= 0) | at_socket).sum())


def test_the_panel_tells_rules_and_marks_what_is_inferred() -> None:
    row = first_closed()
    endpoint = f"0x{sockets().endpoint[row]:x}"
    said = listing(scene(port())).describe(row).plain
    for words in (
        f"Socket {endpoint}",
        f"who: server.exe ({sockets().process[row]}), created by thread {sockets().thread[row]}",
        f"addresses: local 127.0.0.1:8080 (inferred), remote {sockets().remote[row]}",
        "and not cleaned up since, so something still refers to it; created +",
        "finished; 1 request is not finished, 1 of them held (inferred)",
        "because: the block holds the socket's AFD endpoint\n",
        "and of a kind that goes with it (inferred)\n",
    ):
        assert words in said
    connected = listing(scene(with_sockets(tcb=sockets().endpoint)))
    assert f"TCP connection: {endpoint} (inferred)" in connected.describe(row).plain


def test_an_unconnected_socket_says_what_is_not_known() -> None:
    row = sockets().remote.index("")
    said = listing(scene(port())).describe(row).plain
    assert "remote not known" in said


def test_enter_leads_to_the_allocations_of_the_socket() -> None:
    shown, row, alone = listing(scene(port())), first_closed(), sockets().remote.index("")
    endpoint, other = int(sockets().endpoint[row]), int(sockets().endpoint[alone])
    label = f"socket 0x{endpoint:x} to {sockets().remote[row]}"
    assert shown.step(row) == Location("allocations", Query(endpoint=endpoint), label)
    assert shown.step(alone) == Location("allocations", Query(endpoint=other), f"socket 0x{other:x}")
    assert shown.copy(row) == f"0x{endpoint:x}"


def test_only_what_belongs_to_the_scope_is_shown() -> None:
    def rows(scope: Query) -> int:
        return listing(scene(port(), scope)).model.length

    table, row = sockets(), first_closed()
    server, thread = int(table.process[row]), int(table.thread[row])
    assert rows(Query(endpoint=1)) == rows(Query(thread=1)) == 0
    assert rows(Query(endpoint=int(table.endpoint[row]))) == 1
    assert rows(Query(process=ProcessLife(server))) >= int((table.process == server).sum())
    assert int((table.thread == thread).sum()) <= rows(Query(thread=thread)) < len(table)
    assert rows(Query(finding=1)) >= int((table.closed_ns != NEVER).sum())


def test_a_tag_selects_the_sockets_that_hold_such_memory_and_counts_no_other() -> None:
    tags = port().pool.tags
    row = [tag_text(int(tag)) for tag in tags.tag].index("AfdE")
    shown = listing(scene(port(), Query(tag=(int(tags.tag[row]), False))))
    assert shown.model.length == int(tags.outstanding_count[row])
    assert set(column(shown, "outstanding")) == {"1"}


def test_an_empty_view_says_why_it_is_empty(snapshot: Snapshot) -> None:
    assert listing(scene(snapshot)).empty == NO_SOCKET_EVENTS
    assert listing(scene(without_sockets(seen_afd=False))).empty == NO_SOCKET_EVENTS
    assert listing(scene(without_sockets(seen_afd=True))).empty == NO_SOCKETS
    assert listing(scene(port(), Query(thread=1))).empty == NONE_HERE


def test_the_heading_counts_those_that_are_closed_and_still_there() -> None:
    count, still = len(sockets()), int((sockets().closed_ns != NEVER).sum())
    assert f"{count:,} endpoints are not cleaned up, {still:,} of them closed." in head(scene(port())).plain
    closed = with_sockets(closed_ns=np.full(count, NEVER))
    assert f"{count:,} endpoints are not cleaned up. Inferred" in head(scene(closed)).plain


def test_keys_that_are_not_there_have_no_row() -> None:
    keys = np.array([30, 10, 20], np.uint64)
    assert rows_of(keys, np.array([10, 20, 25, 30, 99], np.uint64)).tolist() == [1, 2, -1, 0, -1]
    assert rows_of(keys[:0], keys).tolist() == [-1, -1, -1]


def test_hostile_names_are_shown_as_text() -> None:
    processes = np.unique(sockets().process).tolist()
    hostile = replace(port(), names=HandmadeNames(dict.fromkeys(processes, HOSTILE), {}))
    shown = listing(scene(hostile))
    assert "evil" in column(shown, "process")[0]
    assert is_harmless(everything_said(shown))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_sockets_that_hold_most_are_on_top_of_the_screen(size: tuple[int, int]) -> None:
    async with opened(port(), size, "sockets") as it:
        for title in ("Process", "Remote", "State", "Held", "Bytes▼"):
            assert title in it.text
        assert "closed" in it.text
        await it.press("enter")
        assert it.screen.location.view == "allocations"


async def test_a_trace_without_socket_events_says_how_to_record_them(snapshot: Snapshot) -> None:
    async with opened(snapshot, view="sockets") as it:
        assert "This trace holds no Winsock (AFD) events" in it.text
        assert "poolscope record pool.etl" in it.text
