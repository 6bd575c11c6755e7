"""The history of every site is what a plain count gives, however the events were cut and whenever stacks came."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.ledger import Ledger
from analyzers.ledger.histories import FIRST_SHIFT, SiteRows
from analyzers.snapshot import Snapshot
from analyzers.trends.bins import BINS, EDGES, bin_of
from analyzers.trends.history import STEPS, GroupHistories, GroupHistory, SiteHistory
from analyzers.trends.settled import settled_steps
from fixtures.settings import Settings, StackMode
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed
from tests.analyzers.drawn_events import batches, event_lists
from tests.analyzers.plain_ledger import PlainLedger, PoolEvent, SiteKey, pool_table
from tracer.columns import UNKNOWN_ID
from tracer.trace import LateStacks

pytestmark = pytest.mark.unjitted

A, B = 0x1000, 0x2000
MILLISECOND = 1_000_000
COLUMNS = ("allocations", "frees", "bytes", "survivors", "survivor_bytes", "lifetimes")
Columns = dict[str, list[int]]


@dataclass(slots=True)
class PlainHistory(PlainLedger):
    """A plain ledger that also writes down every change as (site, what, nanoseconds)."""

    now: int = 0
    noted: defaultdict[tuple[SiteKey, str, int], int] = field(default_factory=lambda: defaultdict(int))

    def _note(self, event: PoolEvent, what: str, at: int, amount: int = 1) -> None:
        self.noted[(*event.tag_key, event.stack), what, at] += amount

    def _allocate(self, event: PoolEvent) -> None:
        self.now = event.time * 100
        PlainLedger._allocate(self, event)
        if event.address == 0:
            return
        self._note(event, "allocations", self.now)
        self._note(event, "bytes", self.now, event.size)

    def _free(self, event: PoolEvent) -> None:
        self.now = event.time * 100
        if event.address in self.live:
            old = self.live[event.address]
            self._note(old, "lifetimes", self.now - old.time * 100)
        PlainLedger._free(self, event)

    def _close(self, event: PoolEvent) -> None:
        PlainLedger._close(self, event)
        self._note(event, "frees", self.now)
        self._note(event, "bytes", self.now, -event.size)

    def columns(self, shift: int) -> dict[SiteKey, Columns]:
        for event in self.live.values():
            self._note(event, "survivors", event.time * 100)
            self._note(event, "survivor_bytes", event.time * 100, event.size)
        found: dict[SiteKey, Columns] = defaultdict(lambda: {name: [0] * STEPS for name in COLUMNS})
        for (site, what, at), amount in self.noted.items():
            place = at >> shift if what != "lifetimes" else plain_bin(at)
            found[site][what][place] += amount
        return dict(found)


def plain_bin(duration: float) -> int:
    return min(max(int(np.searchsorted(EDGES, duration, side="right")) - 1, 0), BINS - 1)


def history_of(ledger: Ledger, until_ns: int = 0) -> SiteHistory:
    every = np.arange(len(ledger.sites))
    return ledger.history(SiteRows(every, every, every.astype(np.int32), len(every)), until_ns)


def columns_of(ledger: Ledger) -> dict[SiteKey, Columns]:
    history, tags = history_of(ledger), ledger.tags
    keys = [
        (int(tags["tag"][site["tag_row"]]), bool(tags["paged"][site["tag_row"]]), int(site["stack"]))
        for site in ledger.sites
    ]
    return {key: {name: getattr(history, name)[row].tolist() for name in COLUMNS} for row, key in enumerate(keys)}


def stretched(events: Sequence[PoolEvent], factor: int) -> list[PoolEvent]:
    return [replace(event, time=event.time * factor) for event in events]


def fed(*parts: Sequence[PoolEvent]) -> Ledger:
    ledger = Ledger(1)
    for events in parts:
        ledger.feed(pool_table(events))
    return ledger


@given(event_lists(), st.lists(st.integers(0, 60), max_size=4), st.sampled_from([1, 1 << 12, 1 << 18]))
def test_it_agrees_with_a_plain_count(events: list[PoolEvent], cuts: list[int], factor: int) -> None:
    events = stretched(events, factor)
    plain = PlainHistory()
    plain.take(events)
    last = max((event.time * 100 for event in events), default=0)
    shift = next(shift for shift in range(FIRST_SHIFT, 63) if last >> shift < STEPS)
    ledger = fed(*batches(events, cuts))
    assert columns_of(ledger) == plain.columns(shift)
    assert history_of(ledger).step_ns == 1 << shift


@given(event_lists(), st.sampled_from([1 << 12, 1 << 20]))
def test_sums_over_time_are_the_counters_of_the_site(events: list[PoolEvent], factor: int) -> None:
    ledger = fed(stretched(events, factor))
    history, sites = history_of(ledger), ledger.sites
    assert history.allocations.sum(axis=1).tolist() == sites["allocations"].tolist()
    assert history.lifetimes.sum(axis=1).tolist() == sites["frees"].tolist()
    assert history.bytes.sum(axis=1).tolist() == history.survivor_bytes.sum(axis=1).tolist() == sites["bytes"].tolist()
    outstanding = history.allocations.sum(axis=1) - history.frees.sum(axis=1)
    assert outstanding.tolist() == history.survivors.sum(axis=1).tolist() == sites["count"].tolist()


@given(event_lists(), st.data())
def test_it_makes_no_difference_whether_kernel_stacks_come_with_their_event_or_later(
    events: list[PoolEvent], data: st.DataObject
) -> None:
    """Every event has a time of its own here, so that each stack knows its allocation."""
    events = [replace(event, time=number << 16, cpu=0) for number, event in enumerate(events)]
    cut = data.draw(st.integers(0, len(events)))
    late = Ledger(1)
    for part in (events[:cut], events[cut:]):
        late.feed(pool_table([replace(event, stack=-1) for event in part]))
        late.attach_late(stacks_of([event for event in part if not event.is_free and event.stack >= 0]))
    empty = {name: [0] * STEPS for name in COLUMNS}
    moved = {key: columns for key, columns in columns_of(late).items() if columns != empty}
    assert moved == columns_of(fed(events))


def stacks_of(events: Sequence[PoolEvent]) -> LateStacks:
    n = len(events)
    return LateStacks(
        np.array([event.time for event in events], np.int64),
        np.full(n, UNKNOWN_ID, np.uint32),
        np.full(n, 7, np.uint32),
        np.zeros(n, np.uint16),
        np.array([event.stack for event in events], np.int32),
        np.zeros(n, np.bool_),
    )


def test_a_trace_that_outgrows_the_steps_merges_them_in_pairs() -> None:
    ledger = fed([PoolEvent(0, False, A), PoolEvent(20_000, False, B)])  # 2 ms apart
    early = history_of(ledger)
    assert np.flatnonzero(early.allocations[0]).tolist() == [0, 1]
    assert (early.step_ns, early.used) == (1 << 20, 2)
    late = history_of(ledger, 100 * MILLISECOND)
    assert np.flatnonzero(late.allocations[0]).tolist() == [0]
    assert (late.step_ns, late.used) == (1 << 21, 48)
    assert late.allocations[0, 0] == 2


def test_time_without_pool_events_counts_to_the_history() -> None:
    history = history_of(fed([PoolEvent(0, False, A)]), 10 * MILLISECOND)
    assert history.used == 10
    assert history.rows(np.array([0])).survivors.tolist() == [1] + 9 * [0]


def test_frees_without_allocation_are_counted_by_tag_and_step_and_merged_with_the_steps() -> None:
    frees = [PoolEvent(time, True, A, tag=tag) for time, tag in ((0, 5), (20_000, 5), (20_001, 6))]  # 2 ms apart
    early, late = (history_of(fed(frees), until) for until in (0, 100 * MILLISECOND))
    assert early.unmatched[:2, :3].tolist() == [[1, 1, 0], [0, 1, 0]]
    assert late.unmatched[:2, :3].tolist() == [[2, 0, 0], [1, 0, 0]]


def test_a_group_is_the_sum_of_its_sites() -> None:
    ledger = fed([PoolEvent(0, False, A, 10, stack=1), PoolEvent(1, False, B, 30, stack=2), PoolEvent(9, True, A)])
    group = history_of(ledger).rows(np.array([0, 1]))
    assert (group.allocations.tolist(), group.frees.tolist(), group.bytes.tolist()) == ([2], [1], [30])
    assert (group.survivors.tolist(), group.survivor_bytes.tolist(), int(group.lifetimes.sum())) == ([1], [30], 1)


@given(st.integers(-5, (1 << 63) - 1))
def test_a_duration_lies_between_the_edges_of_its_bin(duration: int) -> None:
    assert int(bin_of(np.int64(duration))) == plain_bin(duration)


def test_every_edge_begins_its_bin() -> None:
    below = [int(bin_of(np.int64(edge - 1))) for edge in EDGES[1:BINS]]
    assert [int(bin_of(np.int64(edge))) for edge in EDGES[:BINS]] == list(range(BINS))
    assert below == list(range(BINS - 1))


def by_place(snapshot: Snapshot) -> dict[tuple[int, tuple[object, ...]], list[npt.NDArray[np.generic]]]:
    """Histories by tag and frames, with the allocating frame."""
    pool = snapshot.pool
    return {
        (int(pool.tags.tag[pool.sites.tag_row[row]]), snapshot.names.frames(int(pool.sites.stack[row]))): [
            *(getattr(pool.history, name)[row] for name in COLUMNS), pool.sites.frame[row : row + 1],
        ]
        for row in range(len(pool.sites.stack))
    }  # fmt: skip


@pytest.mark.parametrize("stacks", [StackMode.PLAIN, StackMode.KEYED])
def test_histories_do_not_depend_on_windows_and_keys_of_one_stack_fall_together(
    stacks: StackMode, tmp_path: Path
) -> None:
    path = tmp_path / "trace.etl"
    simulate("winsock-loop", 31, Settings(iterations=20, user_stacks=1.0, buffer_size=4096, stacks=stacks)).write(path)
    whole, cut = analysed(path), analysed(path, window_bytes=4096)
    first, second = by_place(whole), by_place(cut)
    assert first.keys() == second.keys()
    for place, columns in first.items():
        assert [each.tolist() for each in columns] == [each.tolist() for each in second[place]]
    assert whole.pool.history.step_ns == cut.pool.history.step_ns
    made = Counter(whole.pool.history.allocations.sum(axis=1).tolist())
    assert made == Counter(whole.pool.sites.allocations.tolist())
    assert len(fields(SiteHistory)) == len(COLUMNS) + 3
    assert whole.pool.history.unmatched.sum(axis=0).tolist() == cut.pool.history.unmatched.sum(axis=0).tolist()
    assert whole.pool.history.unmatched.sum() == whole.pool.totals.frees_without_allocation > 0


def test_a_history_since_a_time_begins_with_the_next_whole_step() -> None:
    count = np.zeros((2, STEPS), np.int64)
    count[:, :8] = np.arange(8)
    lifetimes = np.ones((2, BINS), np.int32)
    sites = SiteHistory(
        count.astype(np.int32), count.astype(np.int32), count, count.astype(np.int32), count, lifetimes, 100, 8
    )

    def since(time_ns: int) -> GroupHistory:
        [both] = sites.by_group(np.arange(2), np.zeros(1, np.intp), time_ns)
        return both

    later = since(250)
    assert (later.allocations.tolist(), later.start_ns) == ([6, 8, 10, 12, 14], 300)
    assert (later.step_at(310), later.step_at(20), since(0).step_at(310)) == (0, 0, 3)
    assert since(0).allocations.tolist() == [2 * each for each in range(8)]
    assert since(10_000).allocations.tolist() == [14]
    assert later.lifetimes.tolist() == BINS * [2]


def test_a_history_until_a_time_ends_with_the_nearest_step_and_knows_what_was_freed_behind_it() -> None:
    made, freed, stays = (np.zeros((2, STEPS), np.int32) for _ in range(3))
    made[:, :8] = 10
    stays[:, 2], stays[:, 7] = 4, 3  # of the others of a step, all were freed
    freed[:, 3], freed[:, 6], freed[:, 7] = 30, 20, 80 - 7 - 50
    wide = np.zeros((2, STEPS), np.int64)
    sites = SiteHistory(made, freed, wide, stays, wide, np.ones((2, BINS), np.int32), 100, 8)

    def until(time_ns: int | None) -> GroupHistory:
        [both] = sites.by_group(np.arange(2), np.zeros(1, np.intp), 0, time_ns)
        return both

    cut = until(549)
    assert (len(cut.allocations), cut.after) == (5, 3)
    assert cut.drained == 2 * (43 - (30 - 3))  # less those of the three steps that were made and freed in them
    assert cut.drained == int((cut.allocations - cut.frees).sum()) - int(cut.survivors.sum())
    assert (len(until(551).allocations), len(until(0).allocations), len(until(10_000).allocations)) == (6, 1, 8)
    assert (until(None).after, until(None).drained) == (0, 0)
    settled = settled_steps(GroupHistories.of([cut]))
    assert settled_steps(GroupHistories.of([replace(cut, after=0)])) <= settled


def test_histories_by_group_are_what_each_group_s_sites_sum_up_to() -> None:
    random = np.random.default_rng(8)
    steps = [random.integers(0, 9, (5, STEPS), np.int32) for _ in range(5)]
    made, freed, change, stays, stay = steps
    lifetimes = random.integers(0, 9, (5, BINS), np.int32)
    sites = SiteHistory(made, freed, change.astype(np.int64), stays, stay.astype(np.int64), lifetimes, 100, 50)
    found = sites.by_group(np.array([4, 0, 2, 3]), np.array([0, 1, 3]))
    for group, rows in zip(found, ([4], [0, 2], [3]), strict=True):
        alone = sites.rows(np.array(rows))
        for name in COLUMNS:
            assert getattr(group, name).tolist() == getattr(alone, name).tolist()
