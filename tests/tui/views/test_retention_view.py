"""What keeps what: a tree that leads from a process to what it holds, and on to other views."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzers.grounds import Grounds
from analyzers.retention.nodes import Node, NodeKind
from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from tests.analyzers.against_truth import analysed
from tests.tui.session import Session, opened
from tests.tui.stories import FORBIDDEN, HOSTILE
from tui.views.narrowing import narrowed
from tui.views.retention import tree_of
from tui.views.retention_steps import step_from
from tui.views.scene import Scene
from tui.views.scope import Scope
from tui.views.table_view import TableView
from tui.views.tree_view import Folds


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return analysed(DEMO_TRACE)


def grounds_of(snapshot: Snapshot) -> Grounds:
    assert snapshot.grounds is not None
    return snapshot.grounds


def names(it: Session) -> list[str]:
    view = it.screen.view
    assert isinstance(view, TableView)
    shown = view.table.view
    return [shown.model.column("node").text(int(row)).strip(" +-") for row in shown.order]


def rows_of(scene: Scene, folds: Folds | None = None) -> list[str]:
    model = tree_of(scene)(folds or {}).listing.model
    return [model.column("node").text(row).strip(" +-") for row in range(model.length)]


async def test_it_opens_on_the_way_to_what_holds_most(demo: Snapshot) -> None:
    async with opened(demo, view="retention") as it:
        shown = names(it)
        assert shown[:4] == [
            "client.exe", "thread 1284", "sockets to 127.0.0.1:7000", "2,000 APCs pending on thread 1284"
        ]  # fmt: skip
        assert shown[4] == "1,000 × TcpE (nonpaged) from tcpip.sys"
        assert "2.59 MiB" in it.lines[5]


async def test_the_panel_says_what_would_be_released_and_why(demo: Snapshot) -> None:
    async with opened(demo, view="retention") as it:
        await it.press("down", "down", "down")
        assert "2.59 MiB (2,714,064 bytes) would be released by delivering these APCs." in it.panel
        assert "97 % of all that is outstanding" in it.panel
        assert "(inferred)" in it.panel
        assert "completed-not-retired" not in it.panel, "names of rules are for programs"
        assert "and 1 other like it" in it.panel


async def test_inferred_reasons_are_marked_and_others_are_not(demo: Snapshot) -> None:
    model = tree_of(Scene(demo, demo))({}).listing.model
    reasons = {model.column("because").text(row) for row in range(model.length)}
    assert any(reason.startswith("~") for reason in reasons)
    assert "thread of the process" in reasons


async def test_left_closes_and_goes_up_and_right_opens(demo: Snapshot) -> None:
    async with opened(demo, view="retention") as it:
        await it.press("down", "left")
        assert names(it)[:3] == ["client.exe", "thread 1284", "nt"]
        await it.press("left", "left")
        assert names(it)[:2] == ["client.exe", "nt"]
        await it.press("right")
        assert names(it)[:2] == ["client.exe", "thread 1284"]


@pytest.mark.parametrize(
    ("downs", "view", "scope"),
    [
        (0, "processes", Scope(process=1280)),
        (1, "held-requests", Scope(process=1280, thread=1284)),
        (2, "sockets", Scope(process=1280)),
        (3, "held-requests", Scope(process=1280, thread=1284)),
    ],
)
async def test_enter_leads_on_to_the_view_of_its_kind(demo: Snapshot, downs: int, view: str, scope: Scope) -> None:
    async with opened(demo, view="retention") as it:
        await it.press(*["down"] * downs, "enter")
        assert it.place == view
        assert replace(it.scope, label="") == scope


def test_a_group_of_allocations_leads_to_exactly_these_by_tag_and_stack(demo: Snapshot) -> None:
    grounds, scene = grounds_of(demo), Scene(demo, demo)
    for number, group in enumerate(grounds.retention.groups):
        step = step_from(group, "a group", scene, grounds)
        rows = np.flatnonzero(grounds.retention.group_of == number)
        assert step is not None
        assert step.view == "allocations"
        assert set(rows) <= set(np.flatnonzero(_fits(demo, step.scope)))


def _fits(snapshot: Snapshot, scope: Scope) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    pool = snapshot.pool
    assert scope.tag is not None
    tag, paged = scope.tag
    fits = (pool.tags.tag == tag) & (pool.tags.paged == paged)
    return np.asarray((fits[pool.sites.tag_row] & (pool.sites.stack == scope.stack))[pool.outstanding.site])


def test_a_single_socket_leads_to_its_endpoint_and_nodes_of_many_lead_nowhere_wrong(demo: Snapshot) -> None:
    grounds, scene = grounds_of(demo), Scene(demo, demo)
    socket = step_from(Node(NodeKind.SOCKET, (0,)), "socket", scene, grounds)
    assert socket is not None
    assert socket.scope.endpoint == int(grounds.requests.sockets.endpoint[0])
    driver = step_from(Node(NodeKind.DRIVER, (-1, "nt")), "nt", scene, grounds)
    assert driver is not None
    assert (driver.scope.driver, driver.scope.process) == ("nt", None)
    assert step_from(Node(NodeKind.PROCESS, (-1,)), "other processes", scene, grounds) is None
    assert step_from(Node(NodeKind.THREAD, (-1, -1)), "other threads", scene, grounds) is None
    assert step_from(Node(NodeKind.TRACE), "the trace", scene, grounds) is None


async def test_a_filter_keeps_what_holds_a_fitting_node(demo: Snapshot) -> None:
    async with opened(demo, view="retention") as it:
        await it.press("slash", *"tcpe", "enter")
        assert names(it) == [
            "client.exe", "thread 1284", "sockets to 127.0.0.1:7000", "2,000 APCs pending on thread 1284",
            "1,000 × TcpE (nonpaged) from tcpip.sys",
        ]  # fmt: skip


def test_a_limit_shows_only_what_holds_some_of_it(demo: Snapshot) -> None:
    tags = demo.pool.tags
    row = int(np.flatnonzero(tags.outstanding_count == 9)[0])
    scope = Scope(tag=(int(tags.tag[row]), bool(tags.paged[row])), label="the nine")
    scene = Scene(narrowed(demo, scope), demo, scope)
    assert "client.exe" not in rows_of(scene)
    assert len(rows_of(scene)) == 1
    tree = tree_of(scene)({})
    assert "Shown is what holds memory of the nine" in tree.listing.describe(0).plain


async def test_without_requests_it_says_what_a_trace_needs(snapshot: Snapshot) -> None:
    async with opened(snapshot, view="retention") as it:
        assert "IRP, Winsock-AFD" in it.text


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_hostile_names_are_shown_and_do_nothing(demo: Snapshot, size: tuple[int, int]) -> None:
    grounds = grounds_of(demo)
    graph = grounds.retention.graph.copy()
    for _, data in graph.nodes(data=True):
        data["label"] = HOSTILE
    hostile = replace(demo, grounds=replace(grounds, retention=replace(grounds.retention, graph=graph)))
    async with opened(hostile, size, "retention") as it:
        await it.press("down", "down")
        assert "\\x1b[2Jevil" in it.text
        assert not (FORBIDDEN - {"\n"}) & set(it.text)
        await it.press("enter")
        assert not (FORBIDDEN - {"\n"}) & set(it.text)
