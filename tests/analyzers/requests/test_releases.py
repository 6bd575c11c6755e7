"""Where IRPs are freed: with which stack, of which kind of request, and whose."""

from __future__ import annotations

import pytest

from analyzers.requests.releases import NO_KIND, ReleaseTable
from tests.analyzers.requests.script import CLIENT, IRP, OTHER_IRP, SERVER, Story
from tracer.columns import UNKNOWN_ID

pytestmark = pytest.mark.unjitted


def snapshot(table: ReleaseTable) -> list[tuple[int, int, int, int]]:
    columns = (table.kind, table.thread, table.stack, table.count)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def finished(story: Story, irp: int = IRP) -> None:
    story.call(irp=irp)
    story.returns(irp=irp)
    story.complete(SERVER, irp)


def test_the_free_of_a_finished_requests_irp_is_counted_by_its_kind_and_who_freed_it() -> None:
    story = Story()
    for irp, stack in ((IRP, 7), (IRP, 7), (OTHER_IRP, 8)):
        finished(story, irp)
        story.free(irp, stack=stack, thread=SERVER)
    assert snapshot(story.snapshot().releases) == sorted([(0, SERVER, 7, 2), (0, SERVER, 8, 1)])


def test_batches_are_added_up() -> None:
    story = Story()
    for _ in range(3):
        finished(story)
        story.free(stack=7, thread=CLIENT)
    assert snapshot(story.snapshot([4, 8]).releases) == [(0, CLIENT, 7, 3)]


def test_a_free_without_a_stack_or_before_the_completion_is_not_counted() -> None:
    story = Story()
    finished(story)
    story.free()
    story.call()
    story.free(stack=7)
    assert snapshot(story.snapshot().releases) == []


def test_without_request_events_frees_of_irps_are_counted_by_who_freed_them() -> None:
    story = Story()
    story.free(stack=7, thread=CLIENT)
    story.free(OTHER_IRP, stack=7, thread=CLIENT)
    story.free(OTHER_IRP, b"Irp+", stack=7, thread=SERVER)
    story.free(OTHER_IRP, b"IrpB", stack=7, thread=CLIENT)
    story.allocate(thread=CLIENT)
    assert snapshot(story.snapshot().releases) == sorted([(NO_KIND, CLIENT, 7, 2), (NO_KIND, SERVER, 7, 1)])


def test_once_request_events_come_only_finished_requests_count() -> None:
    story = Story()
    story.free(stack=7, thread=CLIENT)
    finished(story)
    story.free(stack=9, thread=CLIENT)
    assert snapshot(story.snapshot([1]).releases) == [(0, CLIENT, 9, 1)]
    assert UNKNOWN_ID not in story.snapshot([1]).releases.thread
