"""Files and their handles: when stage 2 of a completion is seen to have run, and when drivers are told to end."""

from __future__ import annotations

import pytest

from analyzers.requests.tables import NEVER, Finished
from tests.analyzers.requests.script import (
    CLIENT,
    FILE,
    IRP,
    OTHER_FILE,
    OTHER_IRP,
    SERVER,
    Story,
)
from tracer.events import afd
from tracer.events.irp import MajorFunction

pytestmark = pytest.mark.unjitted

THIRD_IRP = OTHER_IRP + 0x1000
STARTED, DONE = afd.EnterExit.STARTED, afd.EnterExit.COMPLETED


def two_completed(story: Story) -> None:
    """A completed request and one in flight on one file, and a completed one on another."""
    story.call()
    story.call(irp=OTHER_IRP, number=2)
    story.call(SERVER, irp=THIRD_IRP, number=3, file=OTHER_FILE)
    story.complete(number=4)
    story.complete(irp=THIRD_IRP, number=5)


def test_a_close_of_the_file_shows_that_its_completed_requests_are_finished_and_retires_none() -> None:
    """The reference on the file is given up at the end of stage 2, and the close comes when nobody has one any more."""
    story = Story()
    two_completed(story)
    closed = story.call(irp=THIRD_IRP + 0x1000, number=6, major=MajorFunction.CLOSE)
    requests = story.snapshot().requests
    assert requests.irp.tolist()[:3] == [IRP, OTHER_IRP, THIRD_IRP]
    assert requests.finished_ns.tolist()[:3] == [closed, NEVER, NEVER]
    assert requests.finished_by.tolist()[:3] == [Finished.FILE_CLOSED, Finished.NO, Finished.NO]


def test_a_file_that_is_opened_at_the_same_address_shows_that_the_one_before_is_gone() -> None:
    story = Story()
    two_completed(story)
    story.of_file(MajorFunction.CREATE)
    assert story.snapshot().requests.finished_by.tolist() == [Finished.FILE_CLOSED, Finished.NO, Finished.NO]


def test_the_last_handle_of_the_file_tells_when_drivers_were_told_to_end_and_finishes_nothing() -> None:
    story = Story()
    two_completed(story)
    story.of_file(MajorFunction.CLEANUP)
    cleaned = story.events[5]["place"] * 1_000
    requests = story.snapshot().requests
    assert requests.cleaned_ns.tolist() == [cleaned, cleaned, NEVER]
    assert requests.finished_by.tolist() == [Finished.NO] * 3


def test_the_first_cleanup_of_a_file_counts() -> None:
    story = Story()
    two_completed(story)
    story.of_file(MajorFunction.CLEANUP)
    first = story.snapshot().requests.cleaned_ns.tolist()
    story.of_file(MajorFunction.CLEANUP)
    assert story.snapshot().requests.cleaned_ns.tolist() == first


def test_what_is_issued_after_the_cleanup_is_not_told_to_end_by_it() -> None:
    story = Story()
    story.of_file(MajorFunction.CLEANUP)
    story.call()
    assert story.snapshot().requests.cleaned_ns.tolist() == [NEVER]


def test_requests_without_a_file_have_nothing_in_common() -> None:
    story = Story()
    story.call(file=0)
    story.complete(number=2)
    story.of_file(MajorFunction.CLEANUP, file=0)
    story.of_file(MajorFunction.CLOSE, file=0)
    requests = story.snapshot().requests
    assert (requests.cleaned_ns.tolist(), requests.finished_by.tolist()) == ([NEVER], [Finished.NO])


def test_requests_leave_the_list_of_their_file_wherever_they_are_in_it() -> None:
    for gone in range(3):
        story = Story()
        irps = [IRP + number * 0x800 for number in range(3)]
        for number, irp in enumerate(irps):
            story.call(irp=irp, number=number + 1, routine=number + 1)
            story.complete(irp=irp, number=number + 11)
        story.free(irps[gone])
        story.of_file(MajorFunction.CLEANUP)
        closed = story.call(irp=OTHER_IRP + 0x8000, number=20, major=MajorFunction.CLOSE)
        requests = story.snapshot().requests
        assert requests.finished_ns.tolist() == [closed, closed, NEVER]
        assert (requests.cleaned_ns[:2] != NEVER).all()


@pytest.mark.parametrize("again", [False, True])
def test_an_endpoint_that_is_gone_shows_that_the_requests_on_it_are_finished(again: bool) -> None:
    """By its cleanup, or by another one that is made at its address."""
    story = Story()
    story.afd(afd.CREATE, DONE)
    story.call(file=FILE)
    story.afd(afd.SEND, STARTED)
    story.returns()
    story.call(irp=OTHER_IRP, number=2)
    story.afd(afd.RECEIVE, STARTED)
    story.returns(irp=OTHER_IRP, number=2)
    story.complete(number=3)
    gone = story.afd(afd.CREATE, STARTED) if again else story.afd(afd.CLEANUP, DONE)
    found = story.snapshot()
    assert found.requests.irp.tolist() == [IRP, OTHER_IRP]
    assert found.requests.finished_ns.tolist() == [gone, NEVER]
    assert found.requests.finished_by.tolist() == [Finished.ENDPOINT_GONE, Finished.NO]
    assert found.requests.socket.tolist() == [-1, -1]
    assert found.counts.retired_by_free == 0


def test_what_begins_in_user_mode_is_noted_with_all_requests_of_its_thread() -> None:
    story = Story()
    story.call()
    story.call(SERVER, irp=OTHER_IRP, number=2, file=OTHER_FILE)
    assert story.snapshot().requests.thread_user_ns.tolist() == [NEVER, NEVER]
    opened = story.call(irp=THIRD_IRP, number=3, file=OTHER_FILE, major=MajorFunction.CREATE)
    assert story.snapshot().requests.thread_user_ns.tolist()[:2] == [opened, NEVER]
    started = story.afd(afd.SEND, STARTED, SERVER)
    assert story.snapshot().requests.thread_user_ns.tolist()[:2] == [opened, started]
    story.call(irp=THIRD_IRP + 0x1000, number=4, file=FILE + 0x100, major=MajorFunction.CLOSE)
    assert story.snapshot().requests.thread_user_ns.tolist()[:2] == [opened, started]
    assert CLIENT in story.snapshot().requests.thread
