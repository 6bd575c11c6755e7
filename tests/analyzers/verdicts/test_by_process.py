"""What the kernel makes for programs is counted and judged process by process."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzers.ledger import Ledger
from analyzers.pool_tables import SiteParts
from analyzers.tags.callers import IRP, is_callers, tag_number
from analyzers.trends.bins import BINS
from analyzers.trends.history import STEPS, SiteHistory
from analyzers.verdicts.groups import Group, groups
from tests.analyzers.plain_ledger import PoolEvent, pool_table
from tests.analyzers.verdicts.blocks import Block, pool_of
from tracer.columns import UNKNOWN_ID

FIRST, SECOND = 8, 12


def _posted(processes: list[int], threads: list[int], *, tag: int = IRP, stack: int = 4) -> Ledger:
    events = [PoolEvent(at, False, 0x1000 * (at + 1), 10, stack=stack, tag=tag) for at in range(len(processes))]
    table = pool_table(events)
    ledger = Ledger()
    ledger.feed(replace(table, process=np.array(processes, np.uint32), thread=np.array(threads, np.uint32)))
    return ledger


@pytest.mark.unjitted
def test_irps_of_one_stack_are_a_site_for_each_process() -> None:
    ledger = _posted([FIRST, SECOND, FIRST], [1, 2, 3])
    counts = {int(site["process"]): int(site["allocations"]) for site in ledger.sites}
    assert counts == {FIRST: 2, SECOND: 1}


@pytest.mark.unjitted
def test_where_no_process_is_known_yet_each_thread_has_its_own() -> None:
    ledger = _posted([UNKNOWN_ID] * 3, [1, 2, 1])
    assert {int(site["thread"]): int(site["allocations"]) for site in ledger.sites} == {1: 2, 2: 1}


@pytest.mark.unjitted
def test_other_tags_are_one_site_whoever_allocates() -> None:
    [site] = _posted([FIRST, SECOND], [1, 2], tag=tag_number("Ctxt")).sites
    assert (int(site["process"]), int(site["thread"])) == (UNKNOWN_ID, UNKNOWN_ID)


@pytest.mark.parametrize(
    ("tag", "driver", "callers"),
    [
        ("Irp ", "nt", True),
        ("Irp ", "", True),
        ("Irp ", "flt.sys", False),
        ("AfdE", "AFD.sys", True),
        ("AfdE", "other.sys", False),
        ("IrpB", "nt", False),
        ("Even", "nt", True),
        ("Even", "", True),
        ("Even", "flt.sys", False),
        ("Desk", "win32kfull.sys", True),
        ("Even", "win32kfull.sys", False),
        ("Devi", "nt", False),
    ],
)
def test_the_culprit_is_the_caller_by_tag_and_by_who_allocates(tag: str, driver: str, callers: bool) -> None:
    assert is_callers(tag_number(tag), driver) is callers


def _groups(driver: str) -> list[Group]:
    """Ten IRPs, half of each process, of which the first one's siblings were freed."""
    pool = pool_of([Block(0x1000 * number, number, 40, driver=driver) for number in range(10)])
    lifetimes = np.zeros((2, BINS), np.int32)
    lifetimes[0, 3] = 20
    steps = np.zeros((2, STEPS), np.int32)
    wide = steps.astype(np.int64)
    history = SiteHistory(steps, steps, wide, steps, wide, lifetimes, step_ns=1 << 20, used=1)
    parts = SiteParts(
        site=np.zeros(2, np.int32),
        process=np.array([FIRST, SECOND], np.uint32),
        allocations=np.array([25, 5]),
        frees=np.array([20, 0]),
        outstanding_count=np.array([5, 5]),
        history=history,
        of=np.array([0, 1] * 5, np.int32),
    )
    return groups(replace(pool, parts=parts, history=history), np.zeros(10, np.bool_))


def test_one_program_s_frees_are_no_siblings_of_another_s() -> None:
    by_process = {group.process: group for group in _groups("nt")}
    assert {process: int(group.siblings.sum()) for process, group in by_process.items()} == {FIRST: 20, SECOND: 0}
    assert {process: group.frees for process, group in by_process.items()} == {FIRST: 20, SECOND: 0}
    assert by_process[SECOND].rows.tolist() == [1, 3, 5, 7, 9]
    assert all(group.callers for group in by_process.values())


def test_a_driver_s_own_are_one_group_in_whichever_process() -> None:
    [group] = _groups("flt.sys")
    assert (group.process, group.callers, len(group.rows)) == (UNKNOWN_ID, False, 10)
