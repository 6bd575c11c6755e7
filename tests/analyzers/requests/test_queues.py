"""Completions that go to a completion port instead of to a thread."""

from __future__ import annotations

import pytest

from analyzers.requests.tables import Queued
from tests.analyzers.requests.script import OTHER_PACKET, PACKET, Story

pytestmark = pytest.mark.unjitted

ENTRY = 0xA8


def completed(story: Story, *packets: int) -> None:
    for number, packet in enumerate(packets):
        story.call(packet=packet, number=number + 1, routine=number)
    for number, packet in enumerate(packets):
        story.complete(packet=packet, number=number + 1)


def test_a_completion_whose_packet_is_queued_waits_for_no_apc() -> None:
    story = Story()
    completed(story, PACKET)
    story.insert(PACKET + ENTRY)
    assert story.told().requests.queued.tolist() == [Queued.WAITING]


@pytest.mark.parametrize("width", [4, 8])
def test_a_request_taken_off_its_queue_is_retired(width: int) -> None:
    low = 0x8000_1000
    story = Story()
    completed(story, low, OTHER_PACKET)
    story.insert(OTHER_PACKET + ENTRY)
    story.insert(low + ENTRY)
    story.remove(low + ENTRY, width=width)
    found = story.told()
    assert found.counts.retired_by_queue == 1
    assert found.requests.irp.tolist() == [OTHER_PACKET]


def test_an_entry_that_nothing_has_completed_is_none_of_a_completion() -> None:
    story = Story()
    story.call()
    story.insert(PACKET + ENTRY)
    story.complete()
    assert story.told().requests.queued.tolist() == [Queued.NO]


@pytest.mark.parametrize("entry", [PACKET - 8, PACKET + 0x400, 8])
def test_an_entry_outside_every_packet_is_something_else(entry: int) -> None:
    story = Story()
    completed(story, PACKET)
    story.insert(entry)
    story.remove(entry)
    assert story.told().requests.queued.tolist() == [Queued.NO]


def test_the_nearest_packet_below_an_entry_is_meant() -> None:
    story = Story()
    completed(story, PACKET, PACKET + 0x100)
    story.insert(PACKET + 0x100 + ENTRY, cpu=5)
    assert story.told().requests.queued.tolist() == [Queued.NO, Queued.WAITING]


def test_where_the_entry_lies_is_learned_and_then_looked_for_on_every_cpu() -> None:
    story = Story()
    completed(story, PACKET, OTHER_PACKET)
    story.insert(OTHER_PACKET + ENTRY, cpu=1)
    story.insert(PACKET + 8, cpu=5)
    assert story.told().requests.queued.tolist() == [Queued.NO, Queued.WAITING]
    story.insert(PACKET + ENTRY, cpu=5)
    assert story.told().requests.queued.tolist() == [Queued.WAITING, Queued.WAITING]
