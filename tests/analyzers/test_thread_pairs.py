"""Processes of threads that no rundown lists: events that name a thread and its process tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from analyzers.thread_pairs import ThreadPairs
from analyzers.threads import Threads
from tests.analyzers.event_tables import event_table, strings
from tests.analyzers.process_events import END, START, THREAD_END, THREAD_RUNDOWN_END, THREAD_START, owner, threads
from tracer.columns import UNKNOWN_ID, EventTable
from tracer.trace import NO_LATE_STACKS, Batch

pytestmark = pytest.mark.unjitted


def batch(*tables: EventTable) -> Batch:
    return Batch({table.kind: table for table in tables}, NO_LATE_STACKS, until_ns=0, bytes_read=0, records=0)


def named(*rows: tuple[int, int, int], kind: str = "pool") -> EventTable:
    """Events that name (time, thread, process)."""
    times, found, owners = zip(*rows, strict=True)
    return event_table(kind, 0, {}, time=times, thread=found, process=owners)


def lives(*rows: tuple[int, int, int]) -> EventTable:
    """Process events as (time, event, process id)."""
    times, events, ids = zip(*rows, strict=True)
    fields = {"process": np.array(ids, np.uint32), "parent": np.zeros(len(ids), np.uint32)}
    return event_table("process", events, {**fields, "image_name": strings([""] * len(ids), "ascii")}, time=times)


def seen(rows: Sequence[tuple[int, int, int]], *others: EventTable, known: Threads | None = None) -> Threads:
    found = known or Threads()
    found.find(batch(named(*rows), *others))
    return found


def test_a_thread_that_no_rundown_lists_is_in_the_process_that_its_events_name() -> None:
    found = seen([(100, 12, 8)])
    assert [owner(found, 12, time) for time in (0, 100, 900)] == [8, 8, 8]
    assert owner(found, 16, 100) == UNKNOWN_ID


def test_what_names_no_thread_or_no_process_tells_nothing() -> None:
    found = seen([(100, UNKNOWN_ID, 8), (100, 12, UNKNOWN_ID)])
    assert owner(found, 12, 100) == UNKNOWN_ID


def test_a_pair_ends_with_its_thread_and_with_the_next_start_of_its_id() -> None:
    ended = seen([(100, 12, 8)], known=threads((200, THREAD_END, 12, 8), (900, THREAD_RUNDOWN_END, 12, 20)))
    assert [owner(ended, 12, time) for time in (150, 300)] == [8, 20]
    restarted = seen([(100, 12, 8)], known=threads((300, THREAD_START, 12, 20)))
    assert [owner(restarted, 12, time) for time in (0, 299, 300, 500)] == [8, 8, 20, 20]


def test_after_an_end_the_next_event_that_finds_the_id_tells() -> None:
    found = seen([(100, 12, 8), (500, 12, 20)], known=threads((200, THREAD_END, 12, 8)))
    assert [owner(found, 12, time) for time in (150, 300, 600)] == [8, 20, 20]


def test_between_two_processes_nothing_tells_when_an_id_changed_hands() -> None:
    found = seen([(100, 12, 8), (200, 12, 8), (500, 12, 20)])
    assert [owner(found, 12, time) for time in (0, 150, 300, 600)] == [8, 8, UNKNOWN_ID, 20]


def test_a_pair_is_not_true_after_the_end_of_its_process_nor_before_its_start() -> None:
    found = seen([(100, 12, 8), (500, 16, 20)], lives((200, END, 8), (400, START, 20)))
    assert [owner(found, 12, time) for time in (150, 300)] == [8, UNKNOWN_ID]
    assert [owner(found, 16, time) for time in (300, 450)] == [UNKNOWN_ID, 20]


def test_the_end_of_one_process_and_the_start_of_the_next_part_an_id_that_both_had() -> None:
    found = seen([(100, 12, 8), (500, 12, 20)], lives((200, END, 8), (400, START, 20)))
    assert [owner(found, 12, time) for time in (150, 300, 450)] == [8, UNKNOWN_ID, 20]


def test_many_threads_find_room() -> None:
    pairs = ThreadPairs(rows=2)
    for process in (8, 20, 8):
        rows = [(process, 4 * number, process) for number in range(1, 40)]
        pairs.feed(batch(named(*rows), named(*rows, kind="irp")))
    ids, owners, times = pairs.columns
    assert len(ids) == len(owners) == len(times) == 2 * 3 * 39
    assert set(owners[ids == 156].tolist()) == {8, 20}
