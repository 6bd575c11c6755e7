from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from analyzers.findings import NO_HELD_REQUESTS
from analyzers.grounds import Grounds
from analyzers.pooltag import tag_text
from analyzers.requests.tables import NEVER, SocketTable
from analyzers.snapshot import Snapshot
from tests.tui.session import opened
from tests.tui.stories import HOSTILE, HandmadeNames
from tests.tui.views.listings import column, demo, everything_said, is_harmless, scene, with_requests
from tui.tables.model import TableView
from tui.tables.sockets import holdings, rows_with
from tui.views.narrowing import narrowed
from tui.views.scope import Scope, Step
from tui.views.sockets import NO_SOCKET_EVENTS, NO_SOCKETS, NONE_HERE, head, listing

SERVER = 1024
CLIENT = 1280


def grounds() -> Grounds:
    found = demo().grounds
    assert found is not None
    return found


def sockets() -> SocketTable:
    return grounds().requests.sockets


def with_sockets(**columns: Any) -> Snapshot:
    table = replace(sockets(), **columns)
    return replace(demo(), grounds=with_requests(grounds(), replace(grounds().requests, sockets=table)))


def without_sockets(*, seen_afd: bool) -> Snapshot:
    none = SocketTable(*(getattr(sockets(), field.name)[:0] for field in fields(SocketTable)))
    requests = grounds().requests
    away = replace(requests.requests, socket=np.full(len(requests.requests), -1, np.int32))
    found = replace(grounds().attribution, socket=np.full(len(demo().pool.outstanding), -1, np.int32))
    told = replace(requests, sockets=none, requests=away, seen_afd=seen_afd)
    return replace(demo(), grounds=replace(with_requests(grounds(), told), attribution=found))


def test_sockets_are_found_by_age_and_those_from_before_the_trace_are_older_than_all() -> None:
    shown = TableView(listing(scene(demo())).model, "bytes", descending=True)
    shown.filter_by("age>11s")
    old = len(shown)
    shown.filter_by("age<=11s")
    assert old + len(shown) == len(sockets())
    shown.filter_by("age>1h")
    assert len(shown) == 0


def test_a_row_tells_endpoint_owner_addresses_and_state() -> None:
    shown = listing(scene(demo()))
    keys = ("endpoint", "process", "local", "remote", "state", "open", "unretired", "held", "sent", "received")
    assert [column(shown, key)[1] for key in keys] == [
        "0xffff9a8000809bf0",
        "client.exe (1280)",
        "~127.0.0.1:49153",
        "127.0.0.1:7000",
        "closed",
        "0",
        "2",
        "2",
        "512 B",
        "0 B",
    ]
    assert column(shown, "state")[0] == "open"


def test_a_socket_older_than_the_trace_is_at_least_as_old() -> None:
    shown = listing(scene(demo()))
    assert column(shown, "age")[0] == ">11.9 s"
    assert "open; older than the trace" in shown.describe(0).plain


def test_operations_that_were_started_before_the_trace_do_not_make_a_negative_number() -> None:
    started = sockets().started.copy()
    started[:2] = 0, 8
    assert column(listing(scene(with_sockets(started=started))), "open")[:2] == ["0", "3"]


def test_a_socket_holds_its_own_memory_and_that_of_its_requests() -> None:
    shown = listing(scene(demo()))
    for row in (0, 1, 500):
        pool = narrowed(demo(), Scope(endpoint=int(sockets().endpoint[row]))).pool
        held = holdings(grounds(), demo().pool.outstanding, NO_HELD_REQUESTS)
        assert int(held.count[row]) == len(pool.outstanding)
        assert int(held.bytes[row]) == int(pool.outstanding.size.sum())
        assert f"memory: {len(pool.outstanding)} allocation" in shown.describe(row).plain


def test_all_that_is_put_down_to_sockets_is_in_the_table() -> None:
    held = holdings(grounds(), demo().pool.outstanding, NO_HELD_REQUESTS)
    found = grounds().attribution
    assert int(held.count.sum()) == int(((found.socket >= 0) | (found.request >= 0)).sum())


def test_the_panel_tells_rules_and_marks_what_is_inferred() -> None:
    said = listing(scene(demo())).describe(1).plain
    for words in (
        "Socket 0xffff9a8000809bf0",
        "who: client.exe (1280), created by thread 1284",
        "addresses: local 127.0.0.1:49153 (inferred), remote 127.0.0.1:7000",
        "state: closed +0.012040 s and not cleaned up since, so something still refers to it; created +0.012005 s",
        "requests: 5 operations started, 5 finished; 2 requests not retired, 2 of them held (inferred)",
        "data: 512 bytes sent, 0 received",
        "because: the block holds the socket's AFD endpoint\n",
        "and of a kind that goes with it (inferred)\n",
    ):
        assert words in said
    connected = listing(scene(with_sockets(tcb=sockets().endpoint)))
    assert "TCP connection: 0xffff9a8000809bf0 (inferred)" in connected.describe(1).plain


def test_an_unconnected_socket_says_what_is_not_known() -> None:
    said = listing(scene(demo())).describe(0).plain
    assert "addresses: local not known, remote not known" in said


def test_enter_leads_to_the_allocations_of_the_socket() -> None:
    shown = listing(scene(demo()))
    endpoint = int(sockets().endpoint[1])
    label = "socket 0xffff9a8000809bf0 to 127.0.0.1:7000"
    assert shown.step(1) == Step("allocations", Scope(endpoint=endpoint, label=label))
    assert shown.step(0) == Step(
        "allocations", Scope(endpoint=int(sockets().endpoint[0]), label="socket 0xffff9a8000805a60")
    )
    assert shown.copy(1) == "0xffff9a8000809bf0"


@pytest.mark.parametrize(
    ("scope", "rows"),
    [
        (Scope(endpoint=1), 0),
        (Scope(process=SERVER), 1),
        (Scope(process=CLIENT), 1000),
        (Scope(thread=1284), 1000),
        (Scope(thread=1), 0),
        (Scope(finding=1), 992),
    ],
)
def test_only_what_belongs_to_the_scope_is_shown(scope: Scope, rows: int) -> None:
    assert listing(scene(demo(), scope)).model.length == rows


def test_a_tag_selects_the_sockets_that_hold_such_memory_and_counts_no_other() -> None:
    tags = demo().pool.tags
    row = [tag_text(int(tag)) for tag in tags.tag].index("AfdE")
    shown = listing(scene(demo(), Scope(tag=(int(tags.tag[row]), False))))
    assert shown.model.length == 1000
    assert set(column(shown, "outstanding")) == {"1"}


def test_an_empty_view_says_why_it_is_empty(snapshot: Snapshot) -> None:
    assert listing(scene(snapshot)).empty == NO_SOCKET_EVENTS
    assert listing(scene(without_sockets(seen_afd=False))).empty == NO_SOCKET_EVENTS
    assert listing(scene(without_sockets(seen_afd=True))).empty == NO_SOCKETS
    assert listing(scene(demo(), Scope(thread=1))).empty == NONE_HERE


def test_the_heading_counts_those_that_are_closed_and_still_there() -> None:
    assert "1,001 in the trace, 1,000 of them closed." in head(scene(demo())).plain
    closed = with_sockets(closed_ns=np.full(len(sockets()), NEVER))
    assert "1,001 in the trace, 0 of them closed." in head(scene(closed)).plain


def test_keys_that_are_not_there_have_no_row() -> None:
    keys = np.array([30, 10, 20], np.uint64)
    assert rows_with(keys, np.array([10, 20, 25, 30, 99], np.uint64)).tolist() == [1, 2, -1, 0, -1]
    assert rows_with(keys[:0], keys).tolist() == [-1, -1, -1]


def test_hostile_names_are_shown_as_text() -> None:
    hostile = replace(demo(), names=HandmadeNames(dict.fromkeys((SERVER, CLIENT), HOSTILE), {}))
    shown = listing(scene(hostile, Scope(process=SERVER)))
    assert "evil" in column(shown, "process")[0]
    assert is_harmless(everything_said(shown))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_sockets_that_hold_most_are_on_top_of_the_screen(size: tuple[int, int]) -> None:
    async with opened(demo(), size, "sockets") as it:
        for title in ("Process", "Remote", "State", "Held", "Bytes▼"):
            assert title in it.text
        assert "127.0.0.1:7000  closed" in it.text
        await it.press("enter")
        assert it.screen.place.view == "allocations"


async def test_a_trace_without_socket_events_says_how_to_record_them(snapshot: Snapshot) -> None:
    async with opened(snapshot, view="sockets") as it:
        assert "This trace holds no Winsock (AFD) events" in it.text
        assert "xperf -start sockets" in it.text
