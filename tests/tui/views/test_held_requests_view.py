from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.findings import Diagnosis, HeldRequests, Why
from analyzers.processes import ProcessLife
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import held
from tests.tui.session import opened
from tests.tui.stories import Story
from tests.tui.views.listings import column, culprit, demo, everything_said, is_harmless, scene, with_requests
from tracer.columns import UNKNOWN_ID
from tui.tables.model import SortedTable
from tui.views.held_requests import NO_REQUEST_EVENTS, NONE_HELD, NONE_HERE, head, listing
from tui.views.listing import Location


def context() -> DiagnosisContext:
    found = demo().context
    assert found is not None
    return found


def only(snapshot: Snapshot, *requests: object) -> Snapshot:
    return replace(snapshot, diagnosis=Diagnosis((), (), HeldRequests.of(requests)))  # type: ignore[arg-type]


def test_each_row_says_what_holds_the_request(holding_snapshot: Snapshot) -> None:
    assert list(dict.fromkeys(column(listing(scene(holding_snapshot)), "holder"))) == [
        "user APC on thread 88",
        "port 2 of server.exe (77)",
        "never completed by keeper.sys",
        "completion stopped by stopper.sys",
        "special APC on thread 99",
        "not known",
    ]


def test_at_first_the_requests_of_one_holder_stand_together_most_bytes_first(holding_snapshot: Snapshot) -> None:
    held_requests = [*holding_snapshot.diagnosis.held_requests]
    shuffled = only(holding_snapshot, *held_requests[::2], *held_requests[1::2])
    shown = listing(scene(shuffled))
    view = SortedTable(shown.model, "holder", descending=True)
    codes = [column(shown, "holder")[row] for row in view.order]
    assert codes[:9] == ["user APC on thread 88"] * 4 + ["port 2"] * 3 + ["never completed by keeper.sys"] * 2


def test_the_heading_says_how_many_requests_are_held_by_what(holding_snapshot: Snapshot) -> None:
    assert head(scene(holding_snapshot)).plain == (
        "12 requests are held, 12.0 KiB: 4 by user APCs on thread 88 of client.exe (4330);"
        " 3 in port 2 of server.exe (77); 2 never completed by keeper.sys;"
        " 1 with its completion stopped by stopper.sys;"
        " 1 by a special APC on thread 99 of client.exe (4330); 1 by nothing that the trace shows."
        " Inferred: no event tells of an APC, and none names a port."
    )


def test_several_holders_of_a_kind_are_counted_in_the_heading(story: Story) -> None:
    requests = [held(16 * n, thread=n) for n in range(1, 4)]
    requests += [held(0x1000 * n, Why.PORT, port=n) for n in (1, 2)]
    requests += [held(0x9000 + n, Why.DRIVER_KEPT, driver=f"{n}.sys") for n in (1, 2)]
    said = head(scene(only(story.make(), *requests))).plain
    assert "3 by user APCs on 3 threads; 2 never completed by 2 drivers; 2 in 2 ports." in said


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("why:user-apc", 4),
        ("why:port", 3),
        ("holder:keeper", 2),
        ("driver:stopper", 1),
        ('holder:"special APC"', 1),
        ("why:unknown", 1),
        ("thread=99", 4),
        ("-why:apc", 7),
    ],
)
def test_requests_are_filtered_by_what_holds_them(holding_snapshot: Snapshot, words: str, rows: int) -> None:
    view = SortedTable(listing(scene(holding_snapshot)).model, "holder", descending=True)
    view.filter_by(words)
    assert len(view) == rows


def test_a_request_that_was_never_completed_says_so(holding_snapshot: Snapshot) -> None:
    shown = listing(scene(holding_snapshot))
    row = column(shown, "holder").index("never completed by keeper.sys")
    assert column(shown, "completed")[row] == "never"
    said = shown.describe(row).plain
    assert "held by: never completed by keeper.sys\n" in said
    assert "completed: never" in said


def test_an_irp_that_was_not_allocated_in_the_trace_says_why_nothing_goes_with_it(story: Story) -> None:
    listed = replace(held(0x1000), retained_bytes=0)
    said = listing(scene(only(story.make(), listed))).describe(0).plain
    assert "its IRP is not among the outstanding allocations: older than the trace, or from a lookaside" in said


def test_a_row_tells_the_request_the_thread_and_what_it_did_since() -> None:
    shown = listing(scene(demo()))
    told = demo().diagnosis.held_requests
    assert shown.model.length == len(told)
    first = told[0]
    assert column(shown, "holder")[0] == f"user APC on thread {first.thread_id}"
    assert column(shown, "process")[0] == f"client.exe ({first.process_id})"
    assert "AfdSend" in column(shown, "operation")


def test_the_panel_tells_all_that_is_known_of_a_request() -> None:
    told = demo().diagnosis.held_requests[0]
    said = listing(scene(demo())).describe(0).plain
    for words in (
        f"Request 0x{told.irp:x}\n",
        f"held by: user APC on thread {told.thread_id} (inferred)",
        f"who: client.exe ({told.process_id}), thread {told.thread_id}",
        "what: Afd",
        "its thread: ",
        "issued: +",
        "completed: +",
    ):
        assert words in said
    assert told.rule not in said


def test_enter_leads_to_the_socket_of_the_request_or_to_what_its_thread_allocated(leaking_snapshot: Snapshot) -> None:
    shown = listing(scene(leaking_snapshot))
    assert shown.step(0) == Location("allocations", Query(process=ProcessLife(4330), thread=88), "thread 88")
    said = shown.describe(1).plain
    assert "what: operation not known" in said
    assert "socket: 0xffff9a8000af0000\n" in said
    assert "Enter: what its thread allocated" in said
    assert column(shown, "operation")[0] == "not known"


def test_an_irp_that_was_used_again_is_not_taken_for_the_request() -> None:
    other = replace(demo().diagnosis.held_requests[0], issued_ns=1)
    assert column(listing(scene(only(demo(), other))), "operation") == ["not known"]


def test_a_socket_that_is_gone_is_known_by_its_endpoint_alone() -> None:
    other = replace(demo().diagnosis.held_requests[0], endpoint=0x1000)
    shown = listing(scene(only(demo(), other)))
    assert column(shown, "socket") == ["0x1000"]
    assert "socket: 0x1000\n" in shown.describe(0).plain
    process, thread = culprit()
    assert shown.step(0) == Location("allocations", Query(process=process, thread=thread), f"thread {thread}")


def test_an_unknown_thread_is_said_to_be_unknown(story: Story) -> None:
    shown = listing(scene(only(story.make(), held(0x1000, thread=UNKNOWN_ID))))
    assert column(shown, "thread") == ["?"]
    assert column(shown, "holder") == ["user APC on thread ?"]
    assert "thread not known" in shown.describe(0).plain
    assert shown.step(0) == Location("allocations", Query(process=ProcessLife(4330)), "client.exe (4330)")


@pytest.mark.parametrize(
    ("scope", "rows"),
    [
        (Query(thread=99), 1),
        (Query(process=ProcessLife(4330)), 13),
        (Query(process=ProcessLife(4)), 0),
        (Query(endpoint=0xFFFF9A8000AF0000), 6),
        (Query(process=ProcessLife(4330), thread=88, finding=1), 12),
    ],
)
def test_only_what_belongs_to_the_scope_is_shown(leaking_snapshot: Snapshot, scope: Query, rows: int) -> None:
    assert listing(scene(leaking_snapshot, scope)).model.length == rows


@pytest.mark.parametrize(("finding", "holders"), [(1, "user APC on thread 88"), (2, "port 2 of"), (3, "keeper.sys")])
def test_a_finding_selects_the_requests_that_it_is_about(
    holding_snapshot: Snapshot, finding: int, holders: str
) -> None:
    shown = column(listing(scene(holding_snapshot, Query(finding=finding))), "holder")
    assert shown
    assert all(holders in words for words in shown)


def test_an_empty_view_says_why_it_is_empty_and_what_to_record(snapshot: Snapshot, leaking_snapshot: Snapshot) -> None:
    assert listing(scene(snapshot)).empty == NO_REQUEST_EVENTS
    assert listing(scene(leaking_snapshot, Query(process=ProcessLife(4)))).empty == NONE_HERE
    clean = replace(demo(), diagnosis=Diagnosis((), ()))
    assert listing(scene(clean)).empty == NONE_HELD
    unseen = with_requests(context(), replace(context().requests, seen_irp=False))
    assert listing(scene(replace(clean, context=unseen))).empty == NO_REQUEST_EVENTS


def test_copying_gives_the_debugger_command_for_the_request(leaking_snapshot: Snapshot) -> None:
    assert listing(scene(leaking_snapshot)).copy(0) == "!irp 0xffff9a8000001010"


def test_hostile_names_are_shown_as_text(hostile_snapshot: Snapshot) -> None:
    shown = listing(scene(hostile_snapshot))
    assert shown.model.length
    assert is_harmless(everything_said(shown))
    kept = replace(hostile_snapshot.diagnosis.held_requests[0], why=Why.DRIVER_KEPT)
    odd = scene(only(hostile_snapshot, kept))
    assert is_harmless(everything_said(listing(odd)) + head(odd).plain)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_the_screen_says_by_what_requests_are_held(holding_snapshot: Snapshot, size: tuple[int, int]) -> None:
    async with opened(holding_snapshot, size, "held-requests") as it:
        assert "12 requests are held" in it.text
        for title in ("Held by", "Age", "Retained"):
            assert title in it.text
        await it.press("enter")
        assert it.screen.location.view == "allocations"


async def test_enter_on_a_request_of_the_demo_leads_on_to_memory() -> None:
    async with opened(demo(), (120, 40), "held-requests") as it:
        assert "by user APCs on thread" in it.text
        await it.press("enter")
        assert it.screen.location.view in {"sockets", "allocations"}
