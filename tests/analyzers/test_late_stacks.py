"""Stacks that come after the batch of their event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzers.ledger import Ledger
from analyzers.ledger.rows import RECENT, RECENT_ROWS
from tests.analyzers.plain_ledger import PoolEvent, pool_table
from tracer.columns import UNKNOWN_ID, EventTable, Who
from tracer.trace import LateStacks

pytestmark = pytest.mark.unjitted

A, B = 0x1000, 0x2000
THREAD, OTHER = 44, 48


def table(events: list[PoolEvent], threads: list[int], user_stacks: list[int] | None = None) -> EventTable:
    made = pool_table(events)
    user = made.user_stack if user_stacks is None else np.array(user_stacks, np.int32)
    return replace(made, thread=np.array(threads, np.uint32), user_stack=user)


def attach(ledger: Ledger, *stacks: tuple[int, int, int], is_user: bool = True, cpu: int = 0) -> int:
    """Stacks as (raw time, thread, stack id), all of process 7; how many have found their allocation so far."""
    times, threads, ids = zip(*stacks, strict=True)
    n = len(ids)
    late = LateStacks(
        np.array(times, np.int64),
        np.array(threads, np.uint32),
        np.full(n, 7, np.uint32),
        np.full(n, cpu, np.uint16),
        np.array(ids, np.int32),
        np.full(n, is_user),
    )
    return ledger.attach_late(late)


def sites_of(ledger: Ledger) -> dict[int, tuple[int, ...]]:
    """By kernel stack: allocations, frees, count, bytes, first, last."""
    found: dict[int, tuple[int, ...]] = {}
    for site in ledger.sites[ledger.sites["allocations"] > 0]:
        here = tuple(int(site[name]) for name in ("allocations", "frees", "count", "bytes", "first", "last"))
        before = found.get(int(site["stack"]))  # the same stack under another process
        found[int(site["stack"])] = here if before is None else _together(before, here)
    return found


def _together(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    counts = [a + b for a, b in zip(one[:4], other[:4], strict=True)]
    return (*counts, min(one[4], other[4]), max(one[5], other[5]))


def stacks_of(ledger: Ledger) -> dict[int, int]:
    slots = ledger.slots[ledger.slots["live"] == 1]
    return dict(zip(slots["address"].tolist(), slots["user_stack"].tolist(), strict=True))


def test_a_late_user_stack_goes_to_the_allocation_of_its_time_and_thread() -> None:
    ledger = Ledger()
    ledger.feed(table([PoolEvent(1, False, A), PoolEvent(2, False, B)], [THREAD, THREAD]))
    assert attach(ledger, (2, THREAD, 9)) == 1
    assert stacks_of(ledger) == {A: -1, B: 9}


def test_it_names_thread_and_process_exactly() -> None:
    ledger = Ledger()
    ledger.feed(table([PoolEvent(1, False, A)], [THREAD]))
    attach(ledger, (1, THREAD, 9))
    assert (int(ledger.slots["process"][0]), int(ledger.slots["who"][0])) == (7, Who.STACK)


@pytest.mark.parametrize("stack", [(1, OTHER, 9), (3, THREAD, 9), (0, THREAD, 9)])
def test_a_stack_of_another_thread_or_time_goes_nowhere(stack: tuple[int, int, int]) -> None:
    ledger = Ledger()
    ledger.feed(table([PoolEvent(1, False, A)], [THREAD]))
    assert attach(ledger, stack) == 0
    assert stacks_of(ledger) == {A: -1}


def test_of_two_allocations_at_one_time_each_gets_its_own() -> None:
    ledger = Ledger()
    ledger.feed(table([PoolEvent(1, False, A), PoolEvent(1, False, B)], [THREAD, OTHER]))
    assert attach(ledger, (1, OTHER, 5), (1, THREAD, 6)) == 2
    assert stacks_of(ledger) == {A: 6, B: 5}


def test_two_of_one_thread_at_one_time_get_theirs_in_their_order() -> None:
    ledger = Ledger()
    ledger.feed(table([PoolEvent(1, False, A), PoolEvent(1, False, B)], [THREAD, THREAD]))
    assert attach(ledger, (1, THREAD, 5)) == 1
    assert attach(ledger, (1, THREAD, 6)) == 2
    assert stacks_of(ledger) == {A: 5, B: 6}


def test_an_allocation_that_has_its_user_stack_keeps_it() -> None:
    ledger = Ledger()
    ledger.feed(table([PoolEvent(1, False, A)], [THREAD], [3]))
    assert attach(ledger, (1, THREAD, 9)) == 0
    assert stacks_of(ledger) == {A: 3}


def test_the_stack_of_a_freed_allocation_is_given_to_no_other() -> None:
    ledger = Ledger()
    events = [PoolEvent(1, False, A), PoolEvent(1, False, B), PoolEvent(2, True, A)]
    ledger.feed(table(events, [THREAD] * 3))
    assert attach(ledger, (1, THREAD, 5), (1, THREAD, 6)) == 2
    assert stacks_of(ledger) == {B: 6}


def test_a_slot_used_again_is_not_mistaken_for_the_allocation_before() -> None:
    ledger = Ledger()
    events = [PoolEvent(1, False, A), PoolEvent(2, True, A), PoolEvent(3, False, B)]
    ledger.feed(table(events, [THREAD] * 3))
    attach(ledger, (1, THREAD, 5))
    assert stacks_of(ledger) == {B: -1}


def test_an_allocation_that_nobody_claimed_is_found_by_its_cpu() -> None:
    ledger = Ledger()
    ledger.feed(table([PoolEvent(1, False, A, cpu=0), PoolEvent(1, False, B, cpu=1)], [UNKNOWN_ID, UNKNOWN_ID]))
    attach(ledger, (1, THREAD, 9), cpu=1)
    assert stacks_of(ledger) == {A: -1, B: 9}
    assert ledger.slots["thread"].tolist() == [UNKNOWN_ID, THREAD]


def test_a_late_kernel_stack_moves_its_allocation_to_the_site_of_that_stack() -> None:
    ledger = Ledger()
    events = [PoolEvent(1, False, A, 10), PoolEvent(2, False, B, 20), PoolEvent(3, False, 0x3000, 30, stack=4)]
    ledger.feed(table(events, [THREAD] * 3))
    assert attach(ledger, (2, THREAD, 4), is_user=False) == 1
    assert sites_of(ledger) == {-1: (1, 0, 1, 10, 100, 200), 4: (2, 0, 2, 50, 200, 300)}
    assert int(ledger.slots["who"][1]) == Who.STACK


def test_the_late_kernel_stack_of_a_freed_allocation_moves_its_counts_as_well() -> None:
    ledger = Ledger()
    ledger.feed(table([PoolEvent(1, False, A, 10), PoolEvent(2, True, A)], [THREAD] * 2))
    attach(ledger, (1, THREAD, 4), is_user=False)
    assert sites_of(ledger) == {4: (1, 1, 0, 0, 100, 100)}


def test_a_replaced_allocation_takes_no_free_along() -> None:
    ledger = Ledger()
    ledger.feed(table([PoolEvent(1, False, A, 10), PoolEvent(2, False, A, 20, stack=5)], [THREAD] * 2))
    attach(ledger, (1, THREAD, 4), is_user=False)
    assert sites_of(ledger) == {4: (1, 0, 0, 0, 100, 100), 5: (1, 0, 1, 20, 200, 200)}


def test_after_it_moved_an_allocation_is_freed_where_it_is() -> None:
    ledger = Ledger()
    ledger.feed(table([PoolEvent(1, False, A, 10)], [THREAD]))
    attach(ledger, (1, THREAD, 4), is_user=False)
    ledger.feed(table([PoolEvent(2, True, A)], [THREAD]))
    assert sites_of(ledger) == {4: (1, 1, 0, 0, 100, 100)}


def test_late_kernel_stacks_find_room_for_any_number_of_sites() -> None:
    ledger = Ledger(1)
    ledger.feed(table([PoolEvent(i, False, 16 + 16 * i) for i in range(50)], [THREAD] * 50))
    assert attach(ledger, *((i, THREAD, 100 + i) for i in range(50)), is_user=False) == 50
    assert sites_of(ledger) == {100 + i: (1, 0, 1, 16, 100 * i, 100 * i) for i in range(50)}


def test_a_late_user_and_a_late_kernel_stack_reach_the_same_allocation() -> None:
    ledger = Ledger()
    ledger.feed(table([PoolEvent(1, False, A)], [UNKNOWN_ID]))
    attach(ledger, (1, THREAD, 4), is_user=False)
    attach(ledger, (1, THREAD, 5), cpu=3)
    assert stacks_of(ledger) == {A: 5}
    assert list(sites_of(ledger)) == [4]


def test_only_the_newest_allocations_are_looked_at() -> None:
    """One more than there is room for: the first of them is forgotten, the second is not."""
    ledger = Ledger()
    ledger._tables = ledger._tables._replace(recent=np.zeros(4, RECENT))
    ledger.feed(table([PoolEvent(i, False, 16 + 16 * i) for i in range(5)], [THREAD] * 5))
    assert attach(ledger, (0, THREAD, 5), (1, THREAD, 6)) == 1
    assert stacks_of(ledger)[32] == 6
    assert RECENT_ROWS & (RECENT_ROWS - 1) == 0
