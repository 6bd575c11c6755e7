from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analyzers.processes import ProcessLife
from analyzers.retention.attribution import INFERRED, WORDS, Rule
from analyzers.selection.query import Interval, Lifetime, Query
from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import tag
from tests.tui.session import opened
from tests.tui.stories import SECOND
from tests.tui.views.listings import column, culprit, demo, everything_said, is_harmless, port, scene
from tui.tables.model import SortedTable
from tui.views.allocations import listing
from tui.views.listing import Location


def test_every_outstanding_allocation_of_the_scope_is_a_row(snapshot: Snapshot) -> None:
    assert listing(scene(snapshot)).model.length == 18
    shown = listing(scene(snapshot, Query(tag=(tag("AfdB"), False))))
    assert column(shown, "bytes") == ["4,096"] * 3
    assert set(column(shown, "tag")) == {"AfdB"}


@pytest.mark.parametrize(
    ("key", "descending", "first"), [("bytes", True, "AfdB"), ("age", True, "Irp"), ("time", True, "CM25")]
)
def test_the_largest_the_oldest_and_the_newest_come_first_by_sorting(
    snapshot: Snapshot, key: str, first: str, *, descending: bool
) -> None:
    shown = listing(scene(snapshot))
    view = SortedTable(shown.model, key, descending=descending)
    assert column(shown, "tag")[int(view.order[0])] == first


def test_the_panel_tells_an_allocation_in_full(snapshot: Snapshot) -> None:
    said = listing(scene(snapshot)).describe(0).plain
    for words in (
        "0xffff9a8000001010 Irp", "464 bytes, Nonp NX", "allocated at +0.000000 s, CPU 0, age 1 min 30 s",
        "by client.exe (4330), thread 88", "observed: its stack event names process and thread", "event at byte 72",
        "User-mode stack\n  ntdll.dll+0x9d000", "Kernel stack\n  ntoskrnl.exe+0x100123\n",
    ):  # fmt: skip
        assert words in said


def test_what_is_inferred_is_called_so(snapshot: Snapshot) -> None:
    shown = listing(scene(snapshot, Query(process=ProcessLife(4))))
    assert column(shown, "process") == ["~System (4)"] * 2
    assert "inferred from the context switches of that CPU" in shown.describe(0).plain


def rules_of(snapshot: Snapshot) -> list[Rule]:
    assert snapshot.context is not None
    return [Rule(int(rule)) for rule in snapshot.context.attribution.rule]


def test_the_owner_stands_there_with_its_rule_and_what_holds_it() -> None:
    for snapshot in (demo(), port()):
        shown, rules = listing(scene(snapshot)), rules_of(snapshot)
        for rule in set(rules):
            row = rules.index(rule)
            said = shown.describe(row).plain
            assert WORDS[rule] in said
            if rule is not Rule.NONE:
                assert ("inferred: " if rule in INFERRED else "observed: ") + WORDS[rule] in said
                assert column(shown, "owner")[row].startswith("~") == (rule in INFERRED)
    irp = listing(scene(demo())).describe(rules_of(demo()).index(Rule.HOLDS_IRP)).plain
    assert "part of request 0x" in irp
    assert f" by: user APC on thread {culprit()[1]} (inferred)" in irp
    waiting = listing(scene(port())).describe(rules_of(port()).index(Rule.HOLDS_IRP)).plain
    assert " by: port 1 of server.exe (" in waiting
    assert "part of socket 0x" in listing(scene(port())).describe(rules_of(port()).index(Rule.HOLDS_ENDPOINT)).plain


def test_enter_leads_to_the_held_request_or_the_socket_or_the_thread_that_made_it() -> None:
    shown, rules = listing(scene(demo())), rules_of(demo())
    request = shown.step(rules.index(Rule.HOLDS_IRP))
    assert request is not None
    assert request.view == "held-requests"
    assert (request.scope.process, request.scope.thread) == culprit()
    sockets = listing(scene(port())).step(rules_of(port()).index(Rule.SAME_SOCKET))
    assert sockets is not None
    assert sockets.view == "sockets"
    assert sockets.scope.endpoint is not None
    nobodys = shown.step(rules.index(Rule.NONE))
    assert nobodys is not None
    assert nobodys.view == "processes"
    assert nobodys.scope.thread is not None


def test_enter_never_leads_back_to_where_one_comes_from_and_so_comes_to_an_end() -> None:
    for row in range(0, len(demo().pool.outstanding), 100):
        address, scope, way = int(demo().pool.outstanding.address[row]), Query(), list[str]()
        while True:
            narrow = scene(demo(), scope)
            (here,) = np.flatnonzero(narrow.snapshot.pool.outstanding.address == address)
            step = listing(narrow).step(int(here))
            if step is None or step.view == "held-requests":
                break
            way.append(step.view)
            scope = step.scope
        assert len(way) == len(set(way)) <= 3, way
        assert way[-1:] in (["stacks"], []), way


def test_enter_keeps_what_the_view_was_limited_to(snapshot: Snapshot) -> None:
    step = listing(scene(snapshot, Query(process=ProcessLife(4)))).step(0)
    assert step == Location("processes", Query(process=ProcessLife(4), thread=100), "thread 100")
    step = listing(scene(snapshot, step.scope)).step(0)
    label = "0xfffff80300000010 > ntoskrnl.exe+0x100999"
    assert step == Location("stacks", Query(process=ProcessLife(4), thread=100, stack=1), label)
    assert listing(scene(snapshot, step.scope)).step(0) is None


def test_what_was_freed_has_no_rows_and_that_is_said(snapshot: Snapshot) -> None:
    shown = listing(scene(snapshot, Query(interval=Interval(0, 100 * SECOND, Lifetime.INSIDE_FREED))))
    assert shown.model.length == 0
    assert "Single rows are not kept of what was freed" in shown.empty


def test_totals_add_up_the_rows_that_are_shown(snapshot: Snapshot) -> None:
    totals = listing(scene(snapshot)).totals
    assert totals is not None
    assert totals(np.arange(2)).plain == "2 allocations, 928 bytes"


def test_a_million_rows_make_no_text_but_for_those_looked_at(big_snapshot: Callable[[int], Snapshot]) -> None:
    shown = listing(scene(big_snapshot(1_000_000)))
    view = SortedTable(shown.model, "bytes", descending=True)
    assert shown.model.column("bytes").text(int(view.order[0])) == "1,000,015"
    assert sum(len(getattr(one, "labels", ())) for one in shown.model.columns) < 50
    view.filter_by("irp")
    assert len(view) == 1_000_000


def test_hostile_names_are_harmless(hostile_snapshot: Snapshot) -> None:
    assert is_harmless(everything_said(listing(scene(hostile_snapshot))))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_table_and_details_stand_on_the_screen(snapshot: Snapshot, size: tuple[int, int]) -> None:
    async with opened(snapshot, size, "allocations") as it:
        assert "4,096" in it.text
        assert "4.00 KiB (4,096 bytes), Nonp NX" in it.text
        for place in ("processes", "stacks", "allocations"):
            await it.press("enter")
            assert it.place == place
        assert it.told == []
        await it.press("enter")
        assert it.place == "allocations"
        assert it.told == ["nothing lies below this row"]
