"""What keeps what: a tree that leads from a process to what it holds, and on to other views."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.formatting import exact_size, size
from analyzers.pooltag import tag_text
from analyzers.processes import ProcessLife
from analyzers.retention.nodes import Node, NodeKind
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from tests.analyzers.against_truth import analysed
from tests.tui.session import Session, opened
from tests.tui.stories import FORBIDDEN, HOSTILE
from tests.tui.views.listings import culprit, port
from tui.views.listing import Location
from tui.views.retention import tree_of
from tui.views.retention_steps import step_from
from tui.views.scene import Scene, narrowed_to
from tui.views.table_view import TableView
from tui.views.tree_view import Folds


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return analysed(DEMO_TRACE)


def context_of(snapshot: Snapshot) -> DiagnosisContext:
    assert snapshot.context is not None
    return snapshot.context


def names(it: Session) -> list[str]:
    view = it.screen.view
    assert isinstance(view, TableView)
    shown = view.table.view
    return [shown.model.column("node").text(int(row)).strip(" +-") for row in shown.order]


def rows_of(scene: Scene, folds: Folds | None = None) -> list[str]:
    model = tree_of(scene)(folds or {}).listing.model
    return [model.column("node").text(row).strip(" +-") for row in range(model.length)]


def sends(snapshot: Snapshot) -> str:
    """The demo's requests, all of which are held."""
    return f"{len(snapshot.diagnosis.held_requests):,} × AfdSend to afd.sys"


def waiting(snapshot: Snapshot) -> str:
    """What holds them."""
    return f"{len(snapshot.diagnosis.held_requests):,} user APCs pending on thread {culprit()[1]}"


async def test_it_opens_on_the_way_to_what_holds_most(demo: Snapshot) -> None:
    async with opened(demo, (160, 48), "retention") as it:
        shown = names(it)
        assert shown[:4] == ["client.exe", f"thread {culprit()[1]}", sends(demo), waiting(demo)]
        assert "Irp  (nonpaged) from nt" in shown[4]
        assert size(demo.diagnosis.findings[0].retained_bytes) in it.lines[8]


async def test_the_panel_says_what_would_be_released_and_why(demo: Snapshot) -> None:
    async with opened(demo, view="retention") as it:
        await it.press("down", "down", "down")
        held = exact_size(demo.diagnosis.findings[0].retained_bytes)
        assert f"{held} would be released by delivering these APCs." in it.panel
        assert "% of all that is outstanding" in it.panel
        assert "(inferred)" in it.panel
        assert f"reached from {sends(demo)}" in it.panel


async def test_a_port_stands_beside_its_sockets_and_leads_to_the_requests_in_it() -> None:
    async with opened(port(), (160, 48), "retention") as it:
        assert any(name.endswith("requests wait in completion port 1") for name in names(it))
        await it.press("down", "down")
        assert "would be released by taking these requests out of the port." in it.panel
        await it.press("enter")
        assert it.place == "held-requests"
        assert it.scope == Query(port=1)


async def test_inferred_reasons_are_marked_and_others_are_not(demo: Snapshot) -> None:
    model = tree_of(Scene(demo, demo))({}).listing.model
    reasons = {model.column("because").text(row) for row in range(model.length)}
    assert any(reason.startswith("~") for reason in reasons)
    assert "thread of the process" in reasons


async def test_left_closes_and_goes_up_and_right_opens(demo: Snapshot) -> None:
    thread = f"thread {culprit()[1]}"
    async with opened(demo, view="retention") as it:
        await it.press("down", "left")
        assert names(it)[:2] == ["client.exe", thread]
        assert sends(demo) not in names(it)
        await it.press("left", "left")
        assert names(it)[0] == "client.exe"
        assert thread not in names(it)
        await it.press("right")
        assert names(it)[:2] == ["client.exe", thread]


@pytest.mark.parametrize(
    ("downs", "view", "of_thread"),
    [(0, "processes", False), (1, "held-requests", True), (2, "held-requests", True), (3, "held-requests", True)],
)
async def test_enter_leads_on_to_the_view_of_its_kind(demo: Snapshot, downs: int, view: str, of_thread: bool) -> None:
    process, thread = culprit()
    async with opened(demo, view="retention") as it:
        await it.press(*["down"] * downs, "enter")
        assert it.place == view
        assert it.scope == Query(process=process, thread=thread if of_thread else None)


def test_every_holder_leads_to_the_requests_that_it_holds(demo: Snapshot) -> None:
    context, scene = context_of(demo), Scene(demo, demo)
    for node, scope in (
        (Node(NodeKind.PENDING_APC, (8, 12, "user")), Query(process=ProcessLife(8), thread=12)),
        (Node(NodeKind.PORT, (3,)), Query(port=3)),
        (Node(NodeKind.DRIVER_KEPT, ("keeper.sys", "never-completed")), Query(keeper="keeper.sys")),
        (Node(NodeKind.HELD, (8, 12)), Query(process=ProcessLife(8), thread=12)),
    ):
        assert step_from(node, "x", scene, context) == Location("held-requests", scope, "x")


def test_a_group_of_allocations_leads_to_exactly_these_by_tag_and_stack(demo: Snapshot) -> None:
    context, scene = context_of(demo), Scene(demo, demo)
    for number, group in enumerate(context.retention.groups):
        step = step_from(group, "a group", scene, context)
        rows = np.flatnonzero(context.retention.group_of == number)
        assert step is not None
        assert step.view == "allocations"
        assert set(rows) <= set(np.flatnonzero(_fits(demo, step.scope)))


def _fits(snapshot: Snapshot, scope: Query) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    pool = snapshot.pool
    assert scope.tag is not None
    tag, paged = scope.tag
    fits = (pool.tags.tag == tag) & (pool.tags.paged == paged)
    return np.asarray((fits[pool.sites.tag_row] & (pool.sites.stack == scope.stack))[pool.outstanding.site])


def test_a_single_socket_leads_to_its_endpoint_and_nodes_of_many_lead_nowhere_wrong(demo: Snapshot) -> None:
    context, scene = context_of(demo), Scene(demo, demo)
    assert len(context.requests.sockets)
    socket = step_from(Node(NodeKind.SOCKET, (0,)), "socket", scene, context)
    assert socket is not None
    assert socket.scope.endpoint == int(context.requests.sockets.endpoint[0])
    driver = step_from(Node(NodeKind.DRIVER, (-1, "nt")), "nt", scene, context)
    assert driver is not None
    assert (driver.scope.driver, driver.scope.process) == ("nt", None)
    assert step_from(Node(NodeKind.PROCESS, (-1,)), "other processes", scene, context) is None
    assert step_from(Node(NodeKind.THREAD, (-1, -1)), "other threads", scene, context) is None
    assert step_from(Node(NodeKind.TRACE), "the trace", scene, context) is None


async def test_a_filter_keeps_what_holds_a_fitting_node() -> None:
    async with opened(port(), view="retention") as it:
        await it.press("slash", *"afde", "enter")
        shown = names(it)
        assert shown[0] == "server.exe"
        assert "wait in completion port 1" in shown[2]
        assert "AfdE (nonpaged) from afd.sys" in shown[3]


def test_a_limit_shows_only_what_holds_some_of_it(demo: Snapshot) -> None:
    tags = demo.pool.tags
    row = [tag_text(int(tag)) for tag in tags.tag].index("MmSt")
    scope = Query(tag=(int(tags.tag[row]), bool(tags.paged[row])))
    scene = Scene(narrowed_to(demo, scope), demo, scope)
    assert "client.exe" not in rows_of(scene)
    assert len(rows_of(scene)) == 1
    tree = tree_of(scene)({})
    assert "Shown is what holds memory of tag MmSt Paged" in tree.listing.describe(0).plain


async def test_without_requests_it_says_what_a_trace_needs(snapshot: Snapshot) -> None:
    async with opened(snapshot, view="retention") as it:
        assert "IRP, Winsock-AFD" in it.text


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_hostile_names_are_shown_and_do_nothing(demo: Snapshot, size: tuple[int, int]) -> None:
    context = context_of(demo)
    known = context.retention.graph
    graph = known.renamed({node: node for node in known.nodes}, lambda _: HOSTILE)
    retention = replace(context.retention, tree=replace(context.retention.tree, graph=graph))
    hostile = replace(demo, context=replace(context, retention=retention))
    async with opened(hostile, size, "retention") as it:
        await it.press("down", "down")
        assert "\\x1b[2Jevil" in it.text
        assert not (FORBIDDEN - {"\n"}) & set(it.text)
        await it.press("enter")
        assert not (FORBIDDEN - {"\n"}) & set(it.text)
