from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.findings import Diagnosis, PendingApcs
from analyzers.grounds import Grounds
from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import pending
from tests.tui.session import opened
from tests.tui.stories import HOSTILE, Story
from tests.tui.views.listings import column, demo, everything_said, is_harmless, scene
from tracer.columns import UNKNOWN_ID
from tui.views.apcs import NO_PENDING, NO_REQUEST_EVENTS, NONE_HERE, head, listing
from tui.views.scope import Scope, Step


def grounds() -> Grounds:
    found = demo().grounds
    assert found is not None
    return found


def test_a_row_tells_the_request_the_thread_and_what_it_did_since() -> None:
    shown = listing(scene(demo()))
    assert shown.model.length == len(demo().diagnosis.pending_apcs)
    cells = {key: column(shown, key)[0] for key in ("irp", "process", "thread", "operation", "socket", "since", "rule")}
    assert cells == {
        "irp": "0xffff9a8000801a10",
        "process": "client.exe (1280)",
        "thread": "1284",
        "operation": "AfdConnectWithAddress",
        "socket": "127.0.0.1:7000",
        "since": "ran",
        "rule": "owns-buffer",
    }
    assert set(column(shown, "operation")) == {"AfdConnectWithAddress", "AfdSend"}


def test_the_heading_says_that_all_of_it_is_inferred() -> None:
    said = head(scene(demo())).plain
    assert said.startswith("Inferred: no event tells of an APC.")
    assert "2,000 requests" in said
    assert "2.59 MiB" in said


def test_the_panel_tells_the_rule_by_which_it_is_inferred() -> None:
    said = listing(scene(demo())).describe(0).plain
    for words in (
        "Pending APC (inferred) of IRP 0xffff9a8000801a10",
        "who: client.exe (1280), thread 1284",
        "what: AfdConnectWithAddress, request id 309890",
        "since then: ran since, last on CPU 1, and did not wait",
        "rule owns-buffer: completed, and a buffer that goes before its packet does is still allocated (inferred)",
        "remote address 127.0.0.1:7000",
        "socket known by: the thread told of an operation on it inside the request's driver call (inferred)",
        "issued: +0.012011 s, CPU 0, byte 18,728 of the file",
        "completed: +0.012030 s, CPU 1",
        "Enter: its socket",
    ):
        assert words in said


def test_enter_leads_to_the_socket_of_the_request() -> None:
    apc = demo().diagnosis.pending_apcs[0]
    step = listing(scene(demo())).step(0)
    assert step == Step("sockets", Scope(endpoint=apc.endpoint, label="IRP 0xffff9a8000801a10"))


def test_without_a_known_socket_enter_leads_to_what_the_thread_allocated(leaking_snapshot: Snapshot) -> None:
    shown = listing(scene(leaking_snapshot))
    assert shown.step(0) == Step("allocations", Scope(process=4330, thread=88, label="thread 88"))
    said = shown.describe(1).plain
    assert "what: operation not known" in said
    assert "socket: 0xffff9a8000af0000\n" in said
    assert "rule completed-not-retired: completed, and its packet" in said
    assert "Enter: what its thread allocated" in said
    assert column(shown, "operation")[0] == "not known"


def test_a_packet_that_was_used_again_is_not_taken_for_the_request() -> None:
    told = demo()
    other = replace(told.diagnosis.pending_apcs[0], match_id=1)
    shown = listing(scene(replace(told, diagnosis=Diagnosis((), (), PendingApcs.of((other,))))))
    assert column(shown, "operation") == ["not known"]


def test_a_socket_that_is_gone_is_known_by_its_endpoint_alone() -> None:
    told = demo()
    other = replace(told.diagnosis.pending_apcs[0], endpoint=0x1000)
    shown = listing(scene(replace(told, diagnosis=Diagnosis((), (), PendingApcs.of((other,))))))
    assert column(shown, "socket") == ["0x1000"]
    assert "socket: 0x1000\n" in shown.describe(0).plain
    assert shown.step(0) == Step("allocations", Scope(process=1280, thread=1284, label="thread 1284"))


def test_an_unknown_thread_is_said_to_be_unknown(story: Story) -> None:
    story.diagnosis = Diagnosis((), (), PendingApcs.of((pending(0x1000, thread=UNKNOWN_ID),)))
    shown = listing(scene(story.make()))
    assert column(shown, "thread") == ["?"]
    assert "thread not known" in shown.describe(0).plain
    assert shown.step(0) == Step("allocations", Scope(process=4330, label="client.exe (4330)"))


@pytest.mark.parametrize(
    ("scope", "rows"),
    [
        (Scope(thread=99), 1),
        (Scope(process=4330), 13),
        (Scope(process=4), 0),
        (Scope(endpoint=0xFFFF9A8000AF0000), 6),
        (Scope(process=4330, thread=88, finding=1), 12),
    ],
)
def test_only_what_belongs_to_the_scope_is_shown(leaking_snapshot: Snapshot, scope: Scope, rows: int) -> None:
    assert listing(scene(leaking_snapshot, scope)).model.length == rows


def test_an_empty_view_says_why_it_is_empty(snapshot: Snapshot, leaking_snapshot: Snapshot) -> None:
    assert listing(scene(snapshot)).empty == NO_REQUEST_EVENTS
    assert listing(scene(leaking_snapshot, Scope(process=4))).empty == NONE_HERE
    clean = replace(demo(), diagnosis=Diagnosis((), ()))
    assert listing(scene(clean)).empty == NO_PENDING
    unseen = replace(grounds(), requests=replace(grounds().requests, seen_irp=False))
    assert listing(scene(replace(clean, grounds=unseen))).empty == NO_REQUEST_EVENTS


def test_copying_gives_the_debugger_command_for_the_request(leaking_snapshot: Snapshot) -> None:
    assert listing(scene(leaking_snapshot)).copy(0) == "!irp 0xffff9a8000001010"


def test_hostile_names_are_shown_as_text(hostile_snapshot: Snapshot) -> None:
    shown = listing(scene(hostile_snapshot))
    assert shown.model.length
    assert is_harmless(everything_said(shown))
    rule = replace(pending(0x1000), rule=HOSTILE)
    odd = listing(scene(replace(hostile_snapshot, diagnosis=Diagnosis((), (), PendingApcs.of((rule,))))))
    assert is_harmless(everything_said(odd))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_the_screen_says_inferred_and_enter_leads_to_the_socket(size: tuple[int, int]) -> None:
    async with opened(demo(), size, "apcs") as it:
        assert "Inferred: no event tells of an APC." in it.text
        for title in ("IRP", "Process", "Thread", "Operation", "Age", "Retained"):
            assert title in it.text
        await it.press("enter")
        assert it.screen.place.view == "sockets"
        assert it.screen.place.scope.endpoint is not None
        await it.press("enter")
        assert it.screen.place.view == "allocations"
