"""Whose some allocations are: the process, the thread and the stack that stand out among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analyzers.pool_tables import Outstanding, SiteTable
from analyzers.processes import Process
from analyzers.verdicts.owners import Known, Owners, owners
from tests.analyzers.numbered import Numbered
from tests.analyzers.verdicts.judged import outstanding_at
from tracer.columns import Who

_STACKS = (7, 5, 9)
"""By site."""


def _sites() -> SiteTable:
    none = np.zeros(len(_STACKS), np.int64)
    return SiteTable(
        tag_row=none.astype(np.int32), stack=np.array(_STACKS, np.int32), allocations=none, allocated_bytes=none,
        frees=none, outstanding_count=none, outstanding_bytes=none, first_ns=none, last_ns=none,
        driver=("",) * len(_STACKS), frame=none.astype(np.uint64),
    )  # fmt: skip


def _outstanding(threads: list[int], sites: list[int], who: Who = Who.STACK) -> Outstanding:
    made = outstanding_at(np.arange(len(threads)))
    by = np.full(len(threads), who, np.uint8)
    return replace(made, thread=np.array(threads, np.uint32), site=np.array(sites, np.int32), who=by)


def _whose(outstanding: Outstanding, *groups: list[int]) -> list[Owners]:
    return owners([np.array(rows) for rows in groups], outstanding, _sites(), Numbered())


def test_each_group_has_owners_of_its_own() -> None:
    first, second = _whose(_outstanding([8, 8, 8, 8, 9, 6, 6], [0, 0, 0, 0, 0, 1, 1]), [0, 1, 2, 3, 4], [5, 6])
    assert (first.thread, first.thread_share, first.process, first.stack) == (8, 0.8, 4, 7)
    assert (second.thread, second.thread_share, second.process, second.stack) == (6, 1.0, 4, 5)


def test_a_thread_of_fewer_than_four_in_five_does_not_stand_out() -> None:
    [found] = _whose(_outstanding([8, 8, 8, 9], [0] * 4), [0, 1, 2, 3])
    assert (found.thread, found.process) == (None, 4)


def test_what_the_idle_thread_allocated_is_nobody_s() -> None:
    [found] = _whose(_outstanding([0, 0, 0], [0] * 3), [0, 1, 2])
    assert found.thread is None


def test_of_two_stacks_with_as_many_the_first_site_s_counts() -> None:
    [found] = _whose(_outstanding([8] * 4, [2, 2, 1, 1]), [0, 1, 2, 3])
    assert found.stack == 5


def test_who_is_known_by_switches_only_is_inferred() -> None:
    [switched] = _whose(_outstanding([8] * 4, [0] * 4, Who.CONTEXT_SWITCH), [0, 1, 2, 3])
    [seen] = _whose(_outstanding([8] * 4, [0] * 4), [0, 1, 2, 3])
    assert (switched.on_thread, seen.on_thread) == (Known(4, 4), Known(4, 0))
    assert (switched.on_thread.inferred, seen.on_thread.inferred) == (True, False)


def test_where_some_are_known_by_switches_it_is_counted_of_how_many() -> None:
    made = _outstanding([8, 8, 8, 8, 9], [0] * 5)
    [mixed] = _whose(replace(made, who=np.array([1, 1, 1, 2, 2], np.uint8)), [0, 1, 2, 3, 4])
    assert (mixed.on_thread, mixed.in_process) == (Known(4, 1), Known(5, 2))
    assert (mixed.on_thread.inferred, mixed.on_thread.partly) == (False, True)


def test_the_stack_is_that_of_most_of_those_that_have_one() -> None:
    made, none = _outstanding([8] * 5, [3, 3, 3, 1, 1]), -1
    sites = replace(_sites(), stack=np.array([*_STACKS, none], np.int32))
    [found] = owners([np.arange(5)], made, sites, Numbered())
    assert found.stack == 5


class _Reused:
    """Every id was one program's up to time 3, and another's from then on."""

    def lives(self, pid: int) -> Sequence[Process]:
        return [Process(pid, "first.exe", 0), Process(pid, "second.exe", 0, started_ns=3)]


def test_of_two_programs_that_had_one_id_in_turn_the_one_that_made_most_stands_out() -> None:
    made = _outstanding([8] * 12, [0] * 12)
    [most, both] = owners([np.arange(1, 12), np.arange(6)], made, _sites(), _Reused())
    assert (most.process, most.name, most.in_process.count) == (4, "second.exe", 9)
    assert both.process is None


def test_no_groups_have_no_owners() -> None:
    assert _whose(_outstanding([8], [0])) == []
