"""The ledger does what a plain dictionary of live addresses does, for any events."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.hashing import fingerprint
from analyzers.ledger import Ledger
from analyzers.ledger.rows import LOST_FREE_ROWS
from tests.analyzers.drawn_events import A, B, batches, event_lists, twin
from tests.analyzers.plain_ledger import PlainLedger, PoolEvent, pool_table

pytestmark = pytest.mark.unjitted


def fed(events: Sequence[PoolEvent], cuts: Sequence[int] = (), rows: int = 1) -> Ledger:
    """A ledger that starts with room for ``rows`` of everything."""
    ledger = Ledger(rows)
    first = 0
    for batch in batches(events, cuts):
        ledger.feed(pool_table(batch, first))
        first += len(batch)
    return ledger


def live_of(ledger: Ledger) -> dict[int, tuple[int, int, int, int]]:
    slots = ledger.slots[ledger.slots["live"] == 1]
    columns = [slots[name].tolist() for name in ("address", "time", "size", "type", "cpu")]
    return {address: (time // 100, size, kind, cpu) for address, time, size, kind, cpu in zip(*columns, strict=True)}


def totals_of(plain: PlainLedger) -> tuple[int, ...]:
    counts = (plain.counts[name] for name in ("allocations", "frees", "matched", "without", "replaced"))
    return (*counts, len(plain.live), sum(event.size for event in plain.live.values()))


def assert_same(ledger: Ledger, plain: PlainLedger) -> None:
    assert ledger.totals == totals_of(plain)
    assert ledger.failed == plain.counts["failed"]
    assert live_of(ledger) == {e.address: (e.time, e.size, e.type, e.cpu) for e in plain.live.values()}
    tags = ledger.tags
    columns = ("allocations", "frees", "count", "bytes", "peak")
    counters = (*columns, "failed")
    found = {
        (row["tag"], bool(row["paged"])): {name: row[name] for name in counters if row[name]}
        for row in (dict(zip(tags.dtype.names or (), each, strict=True)) for each in tags.tolist())
    }
    assert found == {key: {name: row[name] for name in counters if row[name]} for key, row in plain.tags.items()}
    sites = {
        (int(tags["tag"][site["tag_row"]]), bool(tags["paged"][site["tag_row"]]), int(site["stack"])): {
            name: int(site[name]) for name in columns[:-1] if site[name]
        }
        for site in ledger.sites
    }
    assert sites == {key: {name: row[name] for name in columns[:-1] if row[name]} for key, row in plain.sites.items()}


@given(event_lists(), st.lists(st.integers(0, 60), max_size=4))
def test_it_agrees_with_a_plain_dictionary(events: list[PoolEvent], cuts: list[int]) -> None:
    plain = PlainLedger()
    plain.take(events)
    assert_same(fed(events, cuts), plain)


@given(event_lists(), st.lists(st.integers(0, 60), max_size=4))
def test_the_result_does_not_depend_on_batches_or_on_room(events: list[PoolEvent], cuts: list[int]) -> None:
    small, large = fed(events, cuts, rows=1), fed(events, rows=1024)
    assert small.totals == large.totals
    assert np.array_equal(small.slots, large.slots)
    assert np.array_equal(small.sites, large.sites)
    assert np.array_equal(small.tags, large.tags)


@given(event_lists())
def test_the_two_equations_hold(events: list[PoolEvent]) -> None:
    ledger = fed(events)
    allocations, frees, matched, without, replaced, live, _ = ledger.totals
    assert allocations == matched + replaced + live
    assert frees == matched + without
    assert allocations + frees + ledger.failed == len(events)


def test_an_allocation_that_failed_is_counted_apart_by_tag_and_stays_nowhere() -> None:
    failed = [PoolEvent(i, is_free=False, address=0, tag=0x31746146 if i % 3 else 0x32746146) for i in range(9)]
    ledger = fed([PoolEvent(0, is_free=False, address=64), *failed, PoolEvent(9, is_free=True, address=64)])
    assert ledger.totals == (1, 1, 1, 0, 0, 0, 0)
    assert ledger.failed == 9
    assert dict(zip(ledger.tags["tag"].tolist(), ledger.tags["failed"].tolist(), strict=True)) == {
        0x20707249: 0,
        0x32746146: 3,
        0x31746146: 6,
    }
    assert len(ledger.slots) == len(ledger.sites) == 1


@given(st.lists(st.tuples(st.integers(0, (1 << 63) - 1), st.booleans()), max_size=20))
def test_enormous_sizes_do_not_break_the_equations_and_cancel_out(sizes: list[tuple[int, bool]]) -> None:
    allocations = [PoolEvent(i, False, 16 + 16 * i, size) for i, (size, _) in enumerate(sizes)]
    frees = [PoolEvent(99, True, 16 + 16 * i) for i in range(len(sizes))]
    ledger = fed([*allocations, *frees])
    assert ledger.totals == (len(sizes), len(sizes), len(sizes), 0, 0, 0, 0)
    alone = fed(allocations[:1])
    assert alone.totals[6] == sum(size for size, _ in sizes[:1])


def test_addresses_with_one_fingerprint_are_told_apart() -> None:
    assert twin(A) != A
    assert int(fingerprint(np.uint64(twin(A)))) == int(fingerprint(np.uint64(A)))
    ledger = fed([PoolEvent(0, False, A, 1), PoolEvent(1, False, twin(A), 2), PoolEvent(2, True, A)])
    assert list(live_of(ledger)) == [twin(A)]


@given(st.permutations(range(48)))
def test_no_live_address_is_lost_when_neighbours_are_freed(frees: list[int]) -> None:
    """Closing a hole in the table of addresses must not cut off those that were pushed behind it."""
    addresses = [A + 16 * i if i % 2 else twin(A + 16 * (i + 1)) for i in range(48)]
    events = [PoolEvent(i, False, address) for i, address in enumerate(addresses)]
    ledger = Ledger(1)
    ledger.feed(pool_table(events))
    for count, i in enumerate(frees[:16], 1):
        ledger.feed(pool_table([PoolEvent(100 + count, True, addresses[i])]))
    assert set(live_of(ledger)) == set(addresses) - {addresses[i] for i in frees[:16]}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_block_freed_and_allocated_at_one_time_on_two_cpus_is_matched_and_live(order: tuple[int, int]) -> None:
    tied = [PoolEvent(5, True, A, cpu=0), PoolEvent(5, False, A, 32, cpu=1)]
    ledger = fed([PoolEvent(1, False, A), *(tied[i] for i in order)])
    assert ledger.totals == (2, 1, 1, 0, 0, 1, 32)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_block_allocated_and_freed_at_one_time_on_two_cpus_is_matched(order: tuple[int, int]) -> None:
    tied = [PoolEvent(5, False, A, cpu=0), PoolEvent(5, True, A, cpu=1)]
    assert fed([tied[i] for i in order]).totals == (1, 1, 1, 0, 0, 0, 0)


def test_events_of_one_cpu_keep_their_order_at_one_time() -> None:
    """The free was lost; the one that follows is that of the new allocation."""
    same = [PoolEvent(1, False, A), PoolEvent(5, False, A), PoolEvent(5, True, A)]
    assert fed(same).totals == (2, 1, 1, 0, 1, 0, 0)


def test_a_free_does_not_overtake_an_allocation_of_its_own_cpu() -> None:
    """CPU 1 frees what CPU 1 allocated; that free cannot make room for the allocation of CPU 0."""
    tied = [PoolEvent(5, False, A, cpu=0), PoolEvent(5, False, A, 32, cpu=1), PoolEvent(5, True, A, cpu=1)]
    assert fed([PoolEvent(1, False, A), *tied]).totals == (3, 1, 1, 0, 2, 0, 0)


def test_a_block_that_changes_hands_twice_at_one_time_is_followed() -> None:
    tied = [PoolEvent(5, False, A, cpu=0), PoolEvent(5, True, A, cpu=0), PoolEvent(5, True, A, cpu=1)]
    assert fed([PoolEvent(1, False, A), *tied]).totals == (2, 2, 2, 0, 0, 0, 0)


def test_events_of_different_times_never_change_places() -> None:
    assert fed([PoolEvent(1, False, A), PoolEvent(5, False, A, cpu=0), PoolEvent(6, True, A, cpu=1)]).totals == (
        2, 1, 1, 0, 1, 0, 0,
    )  # fmt: skip


def test_a_matched_free_counts_on_the_tag_of_its_allocation_and_a_stray_one_on_its_own() -> None:
    ledger = fed([PoolEvent(1, False, A, tag=1), PoolEvent(2, True, A, tag=2), PoolEvent(3, True, B, tag=3)])
    rows = {int(row["tag"]): (int(row["allocations"]), int(row["frees"])) for row in ledger.tags}
    assert rows == {1: (1, 1), 3: (0, 1)}


def test_the_peak_is_the_most_bytes_at_one_time() -> None:
    ledger = fed(
        [
            PoolEvent(1, False, A, 100),
            PoolEvent(2, False, B, 50),
            PoolEvent(3, True, A),
            PoolEvent(4, False, A, 20),
        ]
    )
    assert int(ledger.tags["peak"][0]) == 150
    assert int(ledger.tags["bytes"][0]) == 70


def test_a_replaced_allocation_leaves_the_peak_before_the_new_one_counts() -> None:
    ledger = fed([PoolEvent(1, False, A, 100), PoolEvent(2, False, A, 60)])
    assert int(ledger.tags["peak"][0]) == 100


def test_thousands_of_tags_stacks_and_addresses_grow_every_table() -> None:
    events = [PoolEvent(i, False, 16 + 16 * i, tag=i, stack=i) for i in range(700)]
    ledger = fed([*events, *(PoolEvent(800, True, 16 + 16 * i) for i in range(0, 700, 2))], rows=4)
    assert ledger.totals == (700, 350, 350, 0, 0, 350, 350 * 16)
    assert len(ledger.tags) == len(ledger.sites) == 700
    assert sorted(live_of(ledger)) == [16 + 16 * i for i in range(1, 700, 2)]


def test_many_ties_in_a_row_are_looked_at_only_so_far() -> None:
    """A damaged clock gives all events one time; the partner of the first lies out of reach."""
    between = [PoolEvent(1, False, 16 * i, cpu=2) for i in range(1, 300)]
    ledger = fed([PoolEvent(0, False, A), PoolEvent(1, False, A), *between, PoolEvent(1, True, A, cpu=1)])
    assert ledger.totals[2:5] == (1, 0, 1)


def test_a_free_is_missing_between_an_allocation_and_the_next_one_at_its_address() -> None:
    """Of session pool it is not known which session's the address is."""
    events = [PoolEvent(1, False, A), PoolEvent(2, False, B), PoolEvent(5, False, A), PoolEvent(9, False, A)]
    events += [PoolEvent(10, False, B, is_session=True)]
    assert fed(events).lost_frees.tolist() == [(100, 500), (500, 900)]


def test_the_last_of_many_missing_frees_reaches_over_all_that_are_not_kept_one_by_one() -> None:
    more = 3
    found = fed([PoolEvent(time, False, A) for time in range(LOST_FREE_ROWS + 1 + more)]).lost_frees
    assert len(found) == LOST_FREE_ROWS
    assert tuple(found[-1]) == (100 * (LOST_FREE_ROWS - 1), 100 * (LOST_FREE_ROWS + more))


@pytest.mark.parametrize("step", [1, 16, 4096])
def test_addresses_are_counted_however_they_follow_one_another(step: int) -> None:
    events = [PoolEvent(time, time % 2 == 1, A + step * (time // 2 % 3_000)) for time in range(9_000)]
    count, error = fed(events).addresses
    assert error < 5
    assert count == pytest.approx(3_000, abs=4 * error + 1)
