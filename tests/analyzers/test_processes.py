"""Processes and threads whose ids are used again, and those that only a rundown tells of."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.pool_tables import GroupRow, Outstanding
from analyzers.processes import BEFORE, Processes, lives_at
from analyzers.threads import Threads
from analyzers.totals import by_process
from tests.analyzers.event_tables import event_table, strings
from tests.analyzers.process_events import (
    DEFUNCT,
    END,
    RUNDOWN_END,
    RUNDOWN_START,
    START,
    THREAD_END,
    THREAD_RUNDOWN_END,
    THREAD_RUNDOWN_START,
    THREAD_START,
    owner,
    processes,
    threads,
)
from tracer.columns import UNKNOWN_ID, Column

pytestmark = pytest.mark.unjitted


def outstanding(*rows: tuple[int, int, int]) -> Outstanding:
    """Allocations as (process id, time, size)."""
    n = len(rows)
    pids, times, sizes = zip(*rows, strict=True) if rows else ((), (), ())
    u32, i32 = np.zeros(n, np.uint32), np.zeros(n, np.int32)
    return Outstanding(
        np.zeros(n, np.uint64), np.array(sizes, np.uint64), np.array(times, np.int64), u32, u32,
        np.array(pids, np.uint32), np.zeros(n, np.uint16), np.zeros(n, np.uint8), i32, i32, np.zeros(n, np.int64),
    )  # fmt: skip


@pytest.mark.parametrize("event", [RUNDOWN_START, RUNDOWN_END, END])
def test_a_process_that_was_there_before_has_its_name_from_any_event(event: int) -> None:
    found = processes((900, event, 8, "client.exe"))
    assert found.at(8, 5).name == found.name(8) == "client.exe"
    assert found.at(8, 5).started_ns == BEFORE


def test_a_process_id_used_again_is_another_process() -> None:
    found = processes(
        (0, RUNDOWN_START, 8, "old.exe"),
        (100, END, 8, "old.exe"),
        (200, START, 8, "new.exe"),
        (900, RUNDOWN_END, 8, "new.exe"),
    )
    assert [found.at(8, time).name for time in (0, 150, 199, 200, 999)] == ["old.exe"] * 3 + ["new.exe"] * 2
    assert found.name(8) == "new.exe"


def test_a_process_id_used_again_is_noticed_where_its_start_was_lost() -> None:
    found = processes((0, RUNDOWN_START, 8, "old.exe"), (100, END, 8, "old.exe"), (900, RUNDOWN_END, 8, "new.exe"))
    assert [found.at(8, time).name for time in (50, 500)] == ["old.exe", "new.exe"]


def test_of_many_ids_that_are_used_again_each_time_falls_into_one_use() -> None:
    rows = [(0, RUNDOWN_START, 4, "System")]
    for pid in (8, 12):
        for turn in range(3):
            rows += [(100 * turn + pid, START, pid, f"p{turn}.exe"), (100 * turn + pid + 50, END, pid, f"p{turn}.exe")]
    found = processes(*rows)
    rng = np.random.default_rng(0)
    pids, times = rng.choice([4, 8, 12, 16], 500), rng.integers(-10, 400, 500)
    lives, place = lives_at(found, pids, times)
    expected = [found.at(pid, at).life for pid, at in zip(pids.tolist(), times.tolist(), strict=True)]
    assert [lives[row].life for row in place] == expected
    assert len({life.life for life in lives}) == len(lives) == 8


def test_a_dead_process_that_is_still_listed_stays_the_same() -> None:
    found = processes((0, START, 8, "client.exe"), (100, END, 8, "client.exe"), (900, DEFUNCT, 8, "client"))
    lives, rows = lives_at(found, np.array([8], np.uint32), np.array([950], np.int64))
    assert [life.name for life in lives] == ["client.exe"]
    assert rows.tolist() == [0]


def test_a_name_that_comes_with_a_later_event_is_taken() -> None:
    assert processes((0, RUNDOWN_START, 8, ""), (9, RUNDOWN_END, 8, "late.exe")).name(8) == "late.exe"


def test_idle_and_system_are_known_without_events_and_others_are_not() -> None:
    found = Processes()
    assert [found.name(pid) for pid in (0, 4, 8)] == ["Idle", "System", ""]


def test_ids_as_wide_as_a_pointer_are_read() -> None:
    """Version 0 of the events."""
    found = Processes()
    fields: dict[str, Column] = {
        "process_pointer": np.array([8], np.uint64),
        "parent_pointer": np.array([4], np.uint64),
        "image_name": strings(["ancient.exe"], "cp1252"),
    }
    found.feed(event_table("process", START, fields, time=[1]))
    assert (found.name(8), found.at(8, 2).parent) == ("ancient.exe", 4)


def test_outstanding_is_added_up_by_process_and_time() -> None:
    found = processes(
        (0, RUNDOWN_START, 8, "old.exe"),
        (100, END, 8, "old.exe"),
        (200, START, 8, "new.exe"),
        (0, RUNDOWN_START, 12, "other.exe"),
    )
    rows = [
        (8, 50, 10),
        (8, 60, 20),
        (8, 300, 1000),
        (12, 70, 5),
        (UNKNOWN_ID, 1, 7),
        (77, 2, 3),
        (77, 3, 3),
        (4, 1, 1),
    ]
    assert by_process(outstanding(*rows), found) == (
        GroupRow("new.exe", 8, 1, 1000),
        GroupRow("old.exe", 8, 2, 30),
        GroupRow("", UNKNOWN_ID, 1, 7),
        GroupRow("", 77, 2, 6),
        GroupRow("other.exe", 12, 1, 5),
        GroupRow("System", 4, 1, 1),
    )


def test_nothing_outstanding_has_no_processes() -> None:
    assert by_process(outstanding(), processes((0, START, 8, "client.exe"))) == ()


@pytest.mark.parametrize("event", [THREAD_RUNDOWN_START, THREAD_RUNDOWN_END, THREAD_END])
def test_a_thread_that_was_there_before_belongs_to_the_process_any_event_tells(event: int) -> None:
    found = threads((500, event, 40, 8))
    assert [owner(found, 40, time) for time in (0, 499, 500, 900)] == [8] * 4


def test_a_thread_id_used_again_belongs_to_the_process_of_its_time() -> None:
    found = threads(
        (0, THREAD_RUNDOWN_START, 40, 8),
        (100, THREAD_END, 40, 8),
        (200, THREAD_START, 40, 12),
        (300, THREAD_END, 40, 12),
        (400, THREAD_START, 40, 16),
        (900, THREAD_RUNDOWN_END, 40, 16),
    )
    assert [owner(found, 40, time) for time in (0, 99, 150, 200, 299, 399, 400, 950)] == [8, 8, 8, 12, 12, 12, 16, 16]


def test_the_rundown_at_the_end_does_not_speak_for_a_thread_of_the_same_id_before() -> None:
    """The trace has no rundown at its beginning: of the first use only the end is seen, of the third the rundown."""
    found = threads((100, THREAD_END, 40, 8), (200, THREAD_START, 40, 12), (900, THREAD_RUNDOWN_END, 40, 12))
    assert [owner(found, 40, time) for time in (50, 250)] == [8, 12]


def test_before_the_start_of_a_thread_its_id_is_nobodys() -> None:
    found = threads((200, THREAD_START, 40, 12))
    assert [owner(found, 40, time) for time in (100, 200)] == [UNKNOWN_ID, 12]


def test_a_thread_without_events_is_unknown_but_for_the_idle_thread() -> None:
    for found in (Threads(), threads((0, THREAD_START, 40, 8))):
        assert [owner(found, tid, 10) for tid in (44, 0)] == [UNKNOWN_ID, 0]


def test_each_use_of_a_thread_id_is_told_by_itself() -> None:
    found = threads(
        (0, THREAD_RUNDOWN_START, 44, 8),
        (100, THREAD_END, 40, 8),
        (200, THREAD_START, 40, 12),
        (300, THREAD_END, 40, 12),
        (500, THREAD_START, 40, 12),
        (700, THREAD_RUNDOWN_END, 40, 16),
        (900, THREAD_RUNDOWN_END, 44, 8),
    ).lives()
    assert list(zip(*(column.tolist() for column in found), strict=True)) == [
        (40, 8, -1, 100),
        (40, 12, 200, 300),
        (40, 12, 500, -1),
        (40, 16, -1, -1),
        (44, 8, -1, -1),
    ]
    assert [len(column) for column in Threads().lives()] == [0, 0, 0, 0]
