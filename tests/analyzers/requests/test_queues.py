"""Completions that go to a completion port instead of to a thread, and what else is put into kernel queues."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.requests.records import MOST_TAKERS, SAMPLES
from analyzers.requests.tables import NEVER, Queued, SourceTable
from tests.analyzers.requests.script import CLIENT, IRP, OTHER_IRP, SERVER, STEP_NS, Story
from tracer.columns import UNKNOWN_ID

pytestmark = pytest.mark.unjitted

ENTRY, ENTRY_32 = 0xA8, 0x58
"""``Tail.Overlay.ListEntry`` of IRP."""
POOL_ENTRY = IRP + 0x40_0000


def completed(story: Story, *irps: int, thread: int = CLIENT) -> None:
    for number, irp in enumerate(irps):
        story.call(thread, irp=irp, number=number + 1, routine=number)
    for number, irp in enumerate(irps):
        story.complete(irp=irp, number=number + 100)


def source(found: SourceTable, thread: int, *, in_irps: bool) -> int:
    (row,) = np.flatnonzero((found.thread == thread) & (found.in_irps == in_irps))
    return int(row)


@pytest.mark.parametrize("entry", [ENTRY, ENTRY_32])
def test_a_completion_whose_irp_is_put_into_a_queue_waits_there(entry: int) -> None:
    story = Story()
    completed(story, IRP)
    put = story.insert(IRP + entry, by=SERVER)
    requests = story.snapshot().requests
    assert requests.queued.tolist() == [Queued.WAITING]
    assert (requests.queued_ns.tolist(), requests.queued_by.tolist()) == ([put], [SERVER])
    assert (requests.queued_cpu.tolist(), requests.queued_offset.tolist()) == ([1], [8 * put // STEP_NS])


@pytest.mark.parametrize("width", [4, 8])
def test_a_request_taken_off_its_queue_is_retired(width: int) -> None:
    low = 0x8000_1000
    story = Story()
    completed(story, low, OTHER_IRP)
    story.insert(OTHER_IRP + ENTRY)
    story.insert(low + ENTRY)
    story.remove(low + ENTRY, width=width)
    found = story.snapshot()
    assert found.counts.retired_by_queue == 1
    assert found.requests.irp.tolist() == [OTHER_IRP]


def test_several_entries_are_taken_at_once() -> None:
    story = Story()
    completed(story, IRP, OTHER_IRP)
    story.insert(IRP + ENTRY)
    story.insert(OTHER_IRP + ENTRY)
    story.remove(IRP + ENTRY, OTHER_IRP + ENTRY)
    assert story.snapshot().counts.retired_by_queue == 2


def test_an_entry_of_a_request_that_nothing_has_completed_is_none_of_a_completion() -> None:
    story = Story()
    story.call()
    story.insert(IRP + ENTRY)
    story.complete()
    assert story.snapshot().requests.queued.tolist() == [Queued.NO]


@pytest.mark.parametrize("entry", [IRP, IRP + 8, IRP + ENTRY + 8, IRP - 8, IRP + 0x400, 8])
def test_an_entry_that_is_not_where_irps_have_theirs_is_something_else(entry: int) -> None:
    story = Story()
    completed(story, IRP)
    story.insert(entry)
    found = story.snapshot()
    assert (found.requests.queued.tolist(), found.entries.address.tolist()) == ([Queued.NO], [entry])


def test_of_two_irps_that_an_entry_may_lie_in_that_of_a_64_bit_one_is_meant() -> None:
    story = Story()
    completed(story, IRP, IRP + ENTRY - ENTRY_32)
    story.insert(IRP + ENTRY)
    assert story.snapshot().requests.queued.tolist() == [Queued.WAITING, Queued.NO]


def test_an_entry_that_is_put_in_twice_counts_from_the_first_time() -> None:
    story = Story()
    completed(story, IRP)
    put = story.insert(IRP + ENTRY)
    story.insert(IRP + ENTRY)
    found = story.snapshot()
    assert found.requests.queued_ns.tolist() == [put]
    assert found.sources.inserted.tolist() == [1]


def test_taking_an_entry_that_was_never_put_in_retires_nothing() -> None:
    story = Story()
    completed(story, IRP)
    story.remove(IRP + ENTRY)
    assert (len(story.snapshot().requests), story.snapshot().counts.retired_by_queue) == (1, 0)


def test_other_entries_are_kept_until_they_are_taken_with_who_put_them_in() -> None:
    story = Story()
    first = story.insert(POOL_ENTRY, by=CLIENT, cpu=3)
    second = story.insert(POOL_ENTRY + 0x40, by=SERVER)
    entries = story.snapshot().entries
    assert entries.address.tolist() == [POOL_ENTRY, POOL_ENTRY + 0x40]
    assert (entries.time_ns.tolist(), entries.thread.tolist()) == ([first, second], [CLIENT, SERVER])
    assert (entries.cpu.tolist(), entries.offset.tolist()) == ([3, 1], [0, 8])
    story.remove(POOL_ENTRY)
    assert story.snapshot().entries.address.tolist() == [POOL_ENTRY + 0x40]


def test_an_entry_whose_removal_was_lost_is_there_once_from_the_last_time_on() -> None:
    story = Story()
    story.insert(POOL_ENTRY, by=CLIENT)
    again = story.insert(POOL_ENTRY, by=SERVER)
    entries = story.snapshot().entries
    assert (entries.time_ns.tolist(), entries.thread.tolist()) == ([again], [SERVER])


def test_there_is_room_for_as_many_entries_as_come_and_their_places_are_used_again() -> None:
    story = Story()
    for _ in range(2):
        for number in range(100):
            story.insert(POOL_ENTRY + 0x40 * number, by=2000 + number)
        for number in range(90):
            story.remove(POOL_ENTRY + 0x40 * number)
    found = story.snapshot(cuts=range(0, len(story.events), 37))
    assert found.entries.address.tolist() == [POOL_ENTRY + 0x40 * number for number in range(90, 100)]
    assert found.sources.inserted.tolist() == [2] * 100
    assert found.sources.taken.tolist() == [2] * 90 + [0] * 10


def test_where_entries_come_from_is_told_by_thread_and_requests_apart_from_others() -> None:
    story = Story()
    completed(story, IRP)
    story.insert(IRP + ENTRY, by=SERVER)
    story.insert(POOL_ENTRY, by=CLIENT)
    story.insert(POOL_ENTRY + 0x40, by=CLIENT)
    story.remove(POOL_ENTRY)
    sources = story.snapshot().sources
    request, other = (source(sources, CLIENT, in_irps=which) for which in (True, False))
    assert (sources.inserted[request], sources.taken[request]) == (1, 0)
    assert (sources.inserted[other], sources.taken[other]) == (2, 1)
    assert SERVER not in sources.thread


def test_an_unknown_thread_is_no_source() -> None:
    story = Story()
    completed(story, IRP, thread=UNKNOWN_ID)
    story.insert(IRP + ENTRY, by=UNKNOWN_ID)
    story.insert(POOL_ENTRY, by=UNKNOWN_ID)
    story.remove(IRP + ENTRY, POOL_ENTRY)
    found = story.snapshot()
    assert (len(found.sources.thread), found.counts.retired_by_queue, len(found.entries)) == (0, 1, 0)


def test_who_took_entries_how_long_they_waited_and_up_to_which_they_were_taken() -> None:
    story = Story()
    completed(story, IRP, OTHER_IRP)
    first = story.insert(IRP + ENTRY)
    second = story.insert(OTHER_IRP + ENTRY)
    story.later(5 * STEP_NS)
    late = story.remove(IRP + ENTRY, by=SERVER)
    last = story.remove(OTHER_IRP + ENTRY, by=7)
    sources = story.snapshot().sources
    row = source(sources, CLIENT, in_irps=True)
    assert sources.taken_until_ns[row] == second
    assert sources.longest_ns[row] == max(late - first, last - second)
    assert sources.at_ns[row, : sources.samples[row]].tolist() == [late, last]
    assert sources.waited_ns[row, : sources.samples[row]].tolist() == [late - first, last - second]
    assert sources.takers[row].tolist() == [SERVER, 7] + [0] * (MOST_TAKERS - 2)


def test_threads_that_take_are_told_once_each_and_no_more_than_the_first_few() -> None:
    story = Story()
    for number in range(2 * (MOST_TAKERS + 3)):
        story.insert(POOL_ENTRY + 0x40 * number, by=CLIENT)
        story.remove(POOL_ENTRY + 0x40 * number, by=2000 + number % (MOST_TAKERS + 3))
    sources = story.snapshot().sources
    assert sources.takers[0].tolist() == list(range(2000, 2000 + MOST_TAKERS))
    assert sources.taken[0] == 2 * (MOST_TAKERS + 3)


@pytest.mark.parametrize("taken", [SAMPLES, SAMPLES + 1, 3 * SAMPLES, 100 * SAMPLES + 5])
def test_the_waits_that_are_kept_are_spread_evenly_over_all_that_were_taken(taken: int) -> None:
    story = Story()
    times = []
    for _ in range(taken):
        story.insert(POOL_ENTRY, by=CLIENT)
        times.append(story.remove(POOL_ENTRY))
    sources = story.snapshot().sources
    kept = sources.at_ns[0, : sources.samples[0]].tolist()
    places = [times.index(time) for time in kept]
    assert len(kept) > SAMPLES // 2
    assert places[0] == 0
    assert len(set(np.diff(places).tolist())) == 1
    assert taken - places[-1] <= 2 * (places[1] - places[0])


@pytest.mark.parametrize("way", ["free", "reuse"])
def test_an_irp_that_goes_without_being_taken_shows_that_its_port_was_closed(way: str) -> None:
    story = Story()
    completed(story, IRP, OTHER_IRP)
    put = story.insert(IRP + ENTRY)
    later = story.insert(OTHER_IRP + ENTRY)
    if way == "free":
        story.free()
    else:
        story.call(number=50)
    sources = story.snapshot().sources
    row = source(sources, CLIENT, in_irps=True)
    assert (sources.emptied_ns[row], sources.taken_until_ns[row], sources.taken[row]) == (put, NEVER, 0)
    story.free(OTHER_IRP)
    assert story.snapshot().sources.emptied_ns[row] == later


def test_a_call_with_an_irp_in_a_queue_is_another_request_whatever_its_id() -> None:
    story = Story()
    completed(story, IRP)
    story.insert(IRP + ENTRY)
    issued = story.call(SERVER, number=1)
    found = story.snapshot()
    assert (found.requests.issued_ns.tolist(), found.requests.queued.tolist()) == ([issued], [Queued.NO])
    assert found.counts.retired_by_reuse == 1


def test_a_request_that_was_in_no_queue_empties_none() -> None:
    story = Story()
    completed(story, IRP, OTHER_IRP)
    story.insert(IRP + ENTRY)
    story.free(OTHER_IRP)
    assert story.snapshot().sources.emptied_ns.tolist() == [NEVER]


def test_a_request_in_a_queue_tells_nothing_of_what_its_thread_retired() -> None:
    story = Story()
    completed(story, IRP, OTHER_IRP)
    story.insert(IRP + ENTRY)
    story.remove(IRP + ENTRY)
    requests = story.snapshot().requests
    assert (requests.last_retired_ns.tolist(), requests.thread_completed.tolist()) == ([NEVER], [1])


@pytest.mark.parametrize(("mask", "asked"), [(0x0100_0000, True), (0x0200_0000, False), (0, False)])
def test_the_group_mask_tells_that_queues_were_asked_for_though_nothing_was_put_into_one(
    mask: int, asked: bool
) -> None:
    story = Story()
    story.add("group_mask", 0x0005, mask1=mask)
    story.call()
    assert story.snapshot().seen_queues is asked


def test_an_event_of_a_queue_tells_that_too() -> None:
    story = Story()
    story.insert(POOL_ENTRY)
    assert story.snapshot().seen_queues
