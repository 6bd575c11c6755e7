"""Totals as intervals: they hold what was counted, widen with the loss, and are there only where some is missing."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.ledger.rows import LOST_FREE
from analyzers.loss_bounds import Interval, LossBounds, Total, loss_bounds, uncertain_until
from analyzers.pool_tables import LossSigns, PoolSnapshot, PoolTotals
from analyzers.trends.history import STEPS
from tracer.errors import Damage, DamageCode
from tracer.trace import Gap, InferredLoss, Loss, TraceInfo

AT_NS = 1_000_000
NOTHING = Loss(0, 0, ())
WHOLE = Gap(0, AT_NS, -1, "events-lost")
INFERRED = InferredLoss(10, 0.01, 10, 10)
IN_A_BUFFER = (0x1000 - 72) // 32
TAGS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 60), st.integers(0, 40), st.integers(0, 60), st.integers(1, 5_000)),
    min_size=1,
    max_size=4,
)
"""By tag: matched, replaced, frees without allocation, outstanding ones, and the size of each."""


def _pool(tags: list[tuple[int, int, int, int, int]], *, addresses: float = inf) -> PoolSnapshot:
    """A site for each tag; what is outstanding was made evenly over the time."""
    matched, replaced, unmatched, kept, size = (np.array(column, np.int64) for column in zip(*tags, strict=True))
    made, frees = matched + replaced + kept, matched + unmatched
    site = np.repeat(np.arange(len(tags)), kept)
    late = np.zeros((len(tags), STEPS), np.int32)
    late[:, -1] = unmatched
    sums = [int(column.sum()) for column in (made, frees, matched, unmatched, replaced, kept)]
    totals = PoolTotals(sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], 0)
    return cast(
        PoolSnapshot,
        SimpleNamespace(
            totals=totals,
            tags=SimpleNamespace(
                tag=np.arange(len(tags)), allocations=made, frees=frees, outstanding_count=kept,
                outstanding_bytes=kept * size,
            ),
            sites=SimpleNamespace(tag_row=np.arange(len(tags)), frees=matched, allocated_bytes=made * size),
            outstanding=SimpleNamespace(
                site=site, size=size[site].astype(np.uint64),
                time_ns=np.linspace(0, AT_NS - 1, len(site)).astype(np.int64),
            ),
            history=SimpleNamespace(unmatched=late, frees=late + matched[:, np.newaxis], used=STEPS),
            signs=LossSigns(min(addresses, float(totals.allocations)), 0.0, 0, np.zeros(0, LOST_FREE)),
        ),
    )  # fmt: skip


def _bounds(pool: PoolSnapshot, loss: Loss, damage: tuple[Damage, ...] = (), **info: Any) -> LossBounds | None:
    known = SimpleNamespace(**{"buffer_bytes": 0x1000, "finalised": True} | info)
    return loss_bounds(pool, loss, damage, cast(TraceInfo, known), AT_NS)


def _counted(pool: PoolSnapshot, total: Total, row: int) -> int:
    columns = pool.tags.allocations, pool.tags.frees, pool.tags.outstanding_count, pool.tags.outstanding_bytes
    return int(columns[total].sum() if row < 0 else columns[total][row])


def _holds(interval: Interval | None, value: int) -> bool:
    return interval is not None and interval.low <= value and (interval.high is None or value <= interval.high)


LOSSES = st.one_of(
    st.builds(lambda events: Loss(events, 0, (WHOLE,)), st.integers(1, 10_000)),
    st.builds(lambda buffers: Loss(0, buffers, (replace(WHOLE, reason="buffer-lost"),)), st.integers(1, 9)),
    st.just(replace(NOTHING, inferred=INFERRED)),
    st.just(replace(NOTHING, complete_from_ns=AT_NS // 2)),
)


@given(tags=TAGS, loss=LOSSES, again=st.floats(0, 1))
def test_an_interval_holds_what_was_counted_unless_it_is_known_to_be_wrong(
    tags: list[tuple[int, int, int, int, int]], loss: Loss, again: float
) -> None:
    """Frees are known to be missing where an allocation was replaced, and survivors where many are spread."""
    pool = _pool(tags, addresses=again * sum(map(sum, tags)))
    if (found := _bounds(pool, loss)) is None:
        assert not pool.totals.events
        return
    assert np.all(found.low >= 0)
    assert np.all(found.low <= found.high)
    for row in range(-1, len(tags)):
        assert _holds(found.of(Total.ALLOCATIONS, row), _counted(pool, Total.ALLOCATIONS, row))
        frees, kept = found.of(Total.FREES, row), found.of(Total.OUTSTANDING_COUNT, row)
        assert frees is not None
        assert frees.low >= _counted(pool, Total.FREES, row)
        assert kept is not None
        assert kept.low <= _counted(pool, Total.OUTSTANDING_COUNT, row)


@given(tags=TAGS, fewer=st.integers(1, 500), more=st.integers(0, 500))
def test_the_more_is_lost_the_wider_it_is(tags: list[tuple[int, int, int, int, int]], fewer: int, more: int) -> None:
    pool = _pool(tags)
    least = max(pool.totals.replaced_without_free, fewer)  # one that tells of fewer than the books show tells nothing
    narrow, wide = (_bounds(pool, Loss(lost, 0, (WHOLE,))) for lost in (least, least + more))
    if narrow is not None and wide is not None:
        assert np.all(wide.low <= narrow.low)
        assert np.all((wide.high >= narrow.high) | (narrow.high == np.iinfo(np.int64).max))


@given(tags=TAGS)
def test_where_nothing_is_missing_the_totals_are_points(tags: list[tuple[int, int, int, int, int]]) -> None:
    assert _bounds(_pool(tags), NOTHING) is None


def test_a_session_that_counts_its_loss_bounds_every_total() -> None:
    found = _bounds(_pool([(100, 0, 0, 50, 10)]), Loss(7, 0, (WHOLE,)))
    assert found is not None
    assert [found.of(total) for total in Total][:3] == [Interval(150, 157), Interval(100, 107), Interval(43, 57)]
    assert found.of(Total.OUTSTANDING_BYTES, 0).low == 430  # type: ignore[union-attr]


def test_a_lost_buffer_holds_no_more_events_than_fit() -> None:
    found = _bounds(_pool([(100, 0, 0, 50, 10)]), Loss(0, 2, (replace(WHOLE, reason="buffer-lost"),)))
    assert found is not None
    assert found.of(Total.ALLOCATIONS) == Interval(150, 150 + 2 * IN_A_BUFFER)


def test_more_lost_buffers_than_events_can_be_counted_bound_nothing() -> None:
    found = _bounds(_pool([(100, 0, 0, 50, 10)]), Loss(0, (1 << 63) - 1, (replace(WHOLE, reason="buffer-lost"),)))
    assert found is not None
    assert found.of(Total.ALLOCATIONS) == Interval(150, None)
    assert found.of(Total.OUTSTANDING_COUNT) == Interval(0, None)


@pytest.mark.parametrize(
    ("loss", "damage", "info"),
    [
        (replace(NOTHING, inferred=INFERRED), (), {}),
        (replace(NOTHING, complete_from_ns=AT_NS // 2), (), {}),
        (Loss(0, 0, (replace(WHOLE, reason="between-files"),)), (), {}),
        (Loss(0, 0, (WHOLE,)), (), {}),
        (Loss(0, 0, (replace(WHOLE, reason="buffer-lost"),)), (), {}),
        (Loss(0, 1, (replace(WHOLE, reason="buffer-lost"),)), (), {"buffer_bytes": 0}),
        (Loss(3, 0, (WHOLE,)), (), {"finalised": False}),
        (Loss(3, 0, (WHOLE,)), (), {"replaced": 4}),
        (NOTHING, (Damage(0, DamageCode.BUFFER_CUT, "cut", 9),), {}),
    ],
)
def test_where_nothing_says_how_much_is_lost_there_is_no_high_end(
    loss: Loss, damage: tuple[Damage, ...], info: dict[str, Any]
) -> None:
    found = _bounds(_pool([(100, info.pop("replaced", 0), 0, 50, 10)]), loss, damage, **info)
    assert found is not None
    assert [found.of(total).high for total in (Total.ALLOCATIONS, Total.FREES)] == [None, None]  # type: ignore[union-attr]


def test_only_what_was_allocated_before_the_last_gap_ended_may_have_been_freed_in_it() -> None:
    pool = _pool([(100, 0, 0, 50, 10)])
    found = _bounds(pool, replace(NOTHING, complete_from_ns=AT_NS // 2))
    assert found is not None
    assert found.of(Total.OUTSTANDING_COUNT) == Interval(25, None)


def test_what_the_addresses_show_bounds_a_loss_that_nothing_tells() -> None:
    """A hundred of ten thousand addresses came again without their free; fifty frees are of addresses that did not."""
    tags = [(9_950, 100, 0, 1_000, 10)]
    found = _bounds(_pool(tags, addresses=9_950 + 100 + 1_000 - 100 - 9_900), replace(NOTHING, inferred=INFERRED))
    assert found is not None
    kept = found.of(Total.OUTSTANDING_COUNT)
    assert kept is not None
    assert 980 <= kept.low < 1_000
    assert found.of(Total.FREES) == Interval(9_950 + 100, None)


def test_the_session_pool_of_another_session_shows_no_lost_free() -> None:
    pool = _pool([(100, 30, 0, 50, 10)])
    signs = cast(LossSigns, pool.signs)
    pool.signs = replace(signs, in_session=30)  # type: ignore[misc]
    found = _bounds(pool, Loss(7, 0, (WHOLE,)))
    assert found is not None
    assert found.of(Total.FREES) == Interval(100, 107)


@pytest.mark.parametrize(
    ("loss", "damage", "until"),
    [
        (NOTHING, (), 0),
        (Loss(1, 0, (replace(WHOLE, to_ns=700), replace(WHOLE, to_ns=900), replace(WHOLE, to_ns=800))), (), 900),
        (replace(NOTHING, complete_from_ns=400), (), 400),
        (replace(NOTHING, inferred=INFERRED), (), AT_NS),
        (NOTHING, (Damage(0, DamageCode.BUFFER_CUT, "cut", 9),), AT_NS),
    ],
)
def test_a_gap_leaves_open_what_began_before_its_end(loss: Loss, damage: tuple[Damage, ...], until: int) -> None:
    assert uncertain_until(loss, damage, AT_NS) == until


def test_a_part_of_the_trace_has_the_intervals_of_all_tags_only() -> None:
    found = _bounds(_pool([(100, 0, 0, 50, 10)]), Loss(7, 0, (WHOLE,)))
    assert found is not None
    assert found.overall.of(Total.FREES) == found.of(Total.FREES)
    assert found.overall.of(Total.FREES, 0) is None
