"""Completion ports: which entries wait in one, whose it is, and whether anybody drains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analyzers.findings import Why
from analyzers.holders import port
from analyzers.holders.held import NOT_STEADY, Port
from analyzers.holders.held_groups import held_groups
from analyzers.requests.tables import NEVER, Queued
from tests.analyzers.holders.made import (
    BASE,
    MS,
    OTHER_PROGRAM,
    PROGRAM,
    STEP,
    Block,
    Entry,
    MadeRequests,
    Source,
    T,
    U,
    both,
    changed,
    loop,
)
from tracer.columns import UNKNOWN_ID

pytestmark = pytest.mark.unjitted

READER = 77


def queued(count: int = 40, **columns: Any) -> MadeRequests:
    """Requests of one thread, each put into a port 10 µs after its completion."""
    scene = loop(count, queued=Queued.WAITING, **columns)
    requests = [replace(each, queued_ns=each.completed_ns + 10_000) for each in scene.requests]
    return replace(scene, requests=requests, sources=(Source(columns.get("thread", T), inserted=count),))


def posted(count: int, tag: bytes = b"Icp ", thread: int = T) -> MadeRequests:
    """Mini packets that a thread puts into a port."""
    addresses = [BASE + 0x40_0000 + 0x40 * number for number in range(count)]
    times = [STEP * (number + 1) for number in range(count)]
    blocks = [Block(at, when, thread, tag, 0x38) for at, when in zip(addresses, times, strict=True)]
    entries = [Entry(at, when + 500, thread) for at, when in zip(addresses, times, strict=True)]
    source = Source(thread, in_irps=False, inserted=count)
    return MadeRequests([], blocks, entries=entries, sources=(source,), at_ns=times[-1] + STEP)


def ports_of(scene: MadeRequests) -> tuple[Port, ...]:
    return scene.holding().ports


def test_what_was_put_in_and_not_taken_out_waits_in_a_port() -> None:
    scene = queued()
    assert scene.all_are(Why.PORT)
    (found,) = ports_of(scene)
    assert (found.number, found.process, found.waiting, found.drained, found.grows) == (1, PROGRAM, 40, False, True)
    assert (found.enqueued_by, found.dequeued_by) == ((T,), ())


def test_it_is_a_port_whatever_else_the_trace_shows_of_the_request() -> None:
    assert changed(queued(), thread_user_ns=NEVER, exited_ns=5 * MS, cleaned_ns=5 * MS).all_are(Why.PORT)


def test_a_port_whose_irps_went_without_being_taken_was_closed() -> None:
    """What was put in before one that was released so is gone too, onto lists that the pool does not tell of."""
    scene = queued()
    emptied = scene.requests[19].queued_ns
    whys = replace(scene, sources=(Source(T, inserted=41, emptied_ns=emptied),)).whys()
    assert Why.PORT not in whys[:20]
    assert set(whys[20:]) == {Why.PORT}


def test_mini_packets_wait_without_a_request() -> None:
    scene = posted(40)
    (found,) = ports_of(scene)
    assert (found.waiting, found.blocks.tolist(), found.requests.tolist()) == (40, list(range(40)), [])
    assert (found.process, found.enqueued_by) == (PROGRAM, (T,))


@pytest.mark.parametrize("tag", [b"Icp1", b"ObCi", b"IoSB"])
def test_an_entry_in_a_block_of_another_tag_is_something_else(tag: bytes) -> None:
    assert ports_of(posted(40, tag)) == ()


def test_an_entry_in_no_known_block_is_something_else() -> None:
    assert ports_of(replace(posted(40), blocks=())) == ()


def test_the_owner_of_a_mini_packet_is_the_process_that_allocated_it() -> None:
    scene = posted(40)
    blocks = [replace(block, process=OTHER_PROGRAM) for block in scene.blocks]
    assert ports_of(replace(scene, blocks=blocks))[0].process == OTHER_PROGRAM


def test_requests_and_mini_packets_of_one_process_are_in_one_port() -> None:
    scene = both(queued(), posted(40), entries=posted(40).entries, sources=(*queued().sources, *posted(40).sources))
    (found,) = ports_of(scene)
    assert (found.waiting, len(found.requests), len(found.blocks)) == (80, 40, 40)
    (group,) = held_groups(scene.holding(), lambda _: "")
    assert (group.why, len(group), group.process) == (Why.PORT, 80, PROGRAM)


def test_each_process_has_a_port_of_its_own_the_fullest_first() -> None:
    few, many = queued(20), queued(40, thread=U, process=OTHER_PROGRAM)
    many = replace(many, requests=[replace(each, irp=each.irp + 0x100_0000) for each in many.requests])
    scene = both(few, many, sources=(*few.sources, *many.sources))
    assert [(each.number, each.process, each.waiting) for each in ports_of(scene)] == [
        (1, OTHER_PROGRAM, 40),
        (2, PROGRAM, 20),
    ]
    numbers = scene.holding().port
    assert numbers.tolist() == [2] * 20 + [1] * 40


def slowly_drained(waits: Sequence[int], oldest: int, *, waiting: int = 20) -> MadeRequests:
    """A port whose entries were taken after these times, with ``waiting`` in it of which the oldest waits so long."""
    scene = queued(waiting)
    at_ns = 200 * MS
    times = np.linspace(at_ns - oldest, at_ns - MS, waiting).astype(int).tolist()
    requests = [
        replace(each, queued_ns=time, completed_ns=time - 10_000, issued_ns=time - 60_000)
        for each, time in zip(scene.requests, times, strict=True)
    ]
    taken_at = np.linspace(10 * MS, at_ns - MS, len(waits)).astype(int).tolist()
    source = Source(
        T, inserted=waiting + len(waits), taken=len(waits), taken_until_ns=times[0] - 1, longest_ns=max(waits),
        taken_at=taken_at, waited=waits, takers=(READER, READER + 1),
    )  # fmt: skip
    return replace(scene, requests=requests, sources=(source,), at_ns=at_ns)


LONGER_AND_LONGER = [(number + 1) * MS for number in range(12)]


def test_a_port_that_is_drained_more_slowly_than_it_fills_grows() -> None:
    (found,) = ports_of(slowly_drained(LONGER_AND_LONGER, 14 * MS))
    assert (found.drained, found.grows) == (True, True)
    assert found.dequeued_by == (READER, READER + 1)


def test_one_whose_entries_wait_no_longer_than_before_is_drained_fast_enough() -> None:
    (found,) = ports_of(slowly_drained([3 * MS, 2 * MS] * 6, 4 * MS))
    assert (found.drained, found.grows) == (True, False)


def test_it_takes_so_many_waits_to_tell() -> None:
    few = [(number + 1) * MS for number in range(7)]
    assert not ports_of(slowly_drained(few, 8 * MS))[0].grows
    assert ports_of(slowly_drained([*few, 8 * MS], 9 * MS))[0].grows


@pytest.mark.parametrize(("earlier", "grows"), [(8, True), (9, False)])
def test_waits_that_become_longer_by_chance_once_in_a_thousand_times_tell(earlier: int, grows: bool) -> None:
    """Mann-Kendall's p is 0.0008 and 0.0013, as the longest of eleven comes eight or nine waits too early."""
    waits = [number * MS for number in range(1, 11)]
    waits.insert(10 - earlier, 11 * MS)
    assert ports_of(slowly_drained(waits, 14 * MS))[0].grows is grows


@pytest.mark.parametrize(("oldest", "grows"), [(9, False), (10, True)])
def test_what_waits_now_must_wait_half_as_long_again_as_others_did(oldest: int, grows: bool) -> None:
    """The median of those that were taken is 6.5 ms."""
    assert ports_of(slowly_drained(LONGER_AND_LONGER, oldest * MS))[0].grows is grows


@pytest.mark.parametrize(("waiting", "grows"), [(11, False), (12, True)])
def test_a_few_entries_are_no_backlog(waiting: int, grows: bool) -> None:
    assert ports_of(slowly_drained(LONGER_AND_LONGER, 14 * MS, waiting=waiting))[0].grows is grows


@pytest.mark.parametrize(("oldest", "stale"), [(47, False), (49, True)])
def test_an_entry_that_waits_far_longer_than_any_that_was_taken_is_in_a_port_that_nobody_drains(
    oldest: int, stale: bool
) -> None:
    """A thread may issue requests for two ports; one is read, the other is not."""
    scene = slowly_drained(LONGER_AND_LONGER, oldest * MS, waiting=2)
    assert (scene.at_ns - scene.requests[0].queued_ns) // MS == oldest
    assert sorted(each.drained for each in ports_of(scene)) == ([False, True] if stale else [True])


@pytest.mark.parametrize(("oldest", "stale"), [(19, False), (21, True)])
def test_it_must_have_waited_for_some_time_however_fast_the_others_were(oldest: int, stale: bool) -> None:
    scene = slowly_drained([1_000] * 12, oldest * MS, waiting=2)
    assert sorted(each.drained for each in ports_of(scene)) == ([False, True] if stale else [True])


def test_a_queue_is_first_in_first_out_so_what_others_overtook_is_in_another_port() -> None:
    scene = slowly_drained([MS] * 12, 10 * MS, waiting=12)
    middle = scene.requests[5].queued_ns + 1
    overtaken = replace(scene, sources=(replace(scene.sources[0], taken_until_ns=middle),))
    found = {each.drained: each.requests.tolist() for each in ports_of(overtaken)}
    assert found == {False: list(range(6)), True: list(range(6, 12))}


def test_that_others_posted_mini_packets_that_were_taken_tells_nothing_of_requests() -> None:
    scene = queued()
    drained = Source(T, in_irps=False, inserted=9, taken=9, longest_ns=1_000, taken_until_ns=scene.at_ns)
    (found,) = ports_of(replace(scene, sources=(*scene.sources, drained)))
    assert not found.drained


def test_entries_of_an_unknown_thread_are_in_a_port_that_nothing_tells_of() -> None:
    scene = changed(queued(), thread=UNKNOWN_ID, process=UNKNOWN_ID)
    nobody = replace(scene, blocks=[replace(block, thread=UNKNOWN_ID) for block in scene.blocks], sources=())
    (found,) = ports_of(nobody)
    assert (found.enqueued_by, found.drained, found.waiting) == ((), False, 40)


@pytest.mark.parametrize(("ends", "grows"), [(200, True), (230, False)])
def test_a_port_that_was_filled_early_and_left_alone_does_not_grow(ends: int, grows: bool) -> None:
    """What stays in it is not taken out by nobody putting in more, unless that was a start-up: the first 40 %."""
    assert ports_of(replace(queued(), at_ns=ends * MS))[0].grows is grows


@pytest.mark.parametrize(("waiting", "grows"), [(64, False), (65, True)])
def test_where_ports_are_closed_now_and_then_as_many_as_lists_hold_may_have_gone_unseen(
    waiting: int, grows: bool
) -> None:
    scene = queued(waiting)
    closed = replace(scene, sources=(Source(T, inserted=2 * waiting, emptied_ns=STEP),))
    assert ports_of(closed)[0].grows is grows
    assert ports_of(scene)[0].grows


def test_what_waited_in_a_port_that_was_closed_is_on_a_list() -> None:
    scene = queued()
    gone = replace(scene, sources=(Source(T, inserted=41, emptied_ns=scene.at_ns),))
    assert gone.all_are(Why.LIST)


def test_the_evidence_names_who_takes_and_shows_the_events() -> None:
    (group,) = held_groups(queued().holding(), lambda _: "")
    told = {each.rule: each for each in port.evidence(group)}
    assert told[port.RULE].says.startswith("40 entries were put into a completion port")
    assert len(told[port.RULE].events) == 3
    assert not told[port.RULE].inferred
    assert "never-drained" in told
    assert port.doubts(group) == []
    assert port.doubts(replace(group, steady=False)) == [(0.6, NOT_STEADY)]


def test_a_port_that_is_drained_is_told_with_a_doubt_and_its_readers() -> None:
    scene = slowly_drained(LONGER_AND_LONGER, 14 * MS)
    (group,) = held_groups(scene.holding(), lambda _: "")
    told = {each.rule: each.says for each in port.evidence(group)}
    assert told["drained-too-slowly"].startswith(f"threads {READER}, {READER + 1} took others out")
    assert [(factor, "more slowly than they come" in says) for factor, says in port.doubts(group)] == [(0.8, True)]
