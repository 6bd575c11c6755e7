"""Events that are missing though nothing says so: replaced allocations show it, and about how many there are."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from analyzers.ledger import Ledger
from analyzers.ledger.rows import LOST_FREE
from analyzers.pool_tables import LossSigns, PoolSnapshot, PoolTotals
from analyzers.silent_loss import inferred_loss
from analyzers.snapshot import Snapshot
from analyzers.trends.history import STEPS
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed
from tests.analyzers.event_tables import event_table
from tracer.events.pool import ALLOC, ALLOC_SESSION, FREE
from tracer.trace import InferredLoss

CHURN = Settings(iterations=400, lost_events=0.1, tells_loss=False)


def _pool(matched: int, replaced: int, early: int = 0, late: int = 0, in_session: int = 0) -> PoolSnapshot:
    """So many frees that matched, evenly over the trace, and frees without allocation in its halves."""
    unmatched = np.zeros((1, STEPS), np.int32)
    unmatched[0, 0], unmatched[0, -1] = early, late
    frees = np.full((1, STEPS), (matched + replaced) // STEPS, np.int32)
    totals = PoolTotals(matched + replaced, matched + early + late, matched, early + late, replaced, 0, 0)
    history = SimpleNamespace(unmatched=unmatched, frees=frees, used=STEPS)
    signs = LossSigns(inf, inf, in_session, np.zeros(0, LOST_FREE))
    return cast(PoolSnapshot, SimpleNamespace(totals=totals, history=history, signs=signs))


def _share(found: InferredLoss | None) -> float:
    return 0.0 if found is None else found.share


def _churn(path: Path, settings: Settings) -> Snapshot:
    simulate("churn", 3, settings).write(path / "trace.etl")
    return analysed(path / "trace.etl")


def test_replaced_allocations_show_a_loss_that_nothing_tells() -> None:
    found = inferred_loss(_pool(9_000, 800, late=1_000), 0.0)
    assert found is not None
    assert found.share == pytest.approx(800 / 9_800 * 2, rel=0.05)
    assert found.events == pytest.approx((9_800 + 10_000) * found.share / (1 - found.share), abs=1)
    assert (found.replaced, found.unmatched) == (800, 1_000)


@pytest.mark.parametrize(("replaced", "corrected", "tells"), [(1, False, True), (12, True, True), (11, True, False)])
def test_where_clocks_were_corrected_a_few_replaced_allocations_may_be_the_rest_of_their_difference(
    replaced: int, corrected: bool, tells: bool
) -> None:
    assert (inferred_loss(_pool(500, replaced), 0.0, corrected=corrected) is not None) is tells


@pytest.mark.parametrize(
    ("matched", "corrected", "tells"),
    [(900_000, False, True), (4_800, True, True), (5_000, True, False)],
)
def test_a_loss_is_any_free_and_where_clocks_were_corrected_one_in_fifty(
    matched: int, corrected: bool, tells: bool
) -> None:
    assert (inferred_loss(_pool(matched, 100), 0.0, corrected=corrected) is not None) is tells


@pytest.mark.parametrize(("reported", "more"), [(0.024, True), (0.026, False)])
def test_a_session_that_tells_of_a_loss_is_believed_up_to_twice_as_much(reported: float, more: bool) -> None:
    assert (inferred_loss(_pool(950, 50), reported) is not None) is more


def test_frees_without_allocation_early_in_the_trace_are_of_blocks_from_before_it() -> None:
    assert inferred_loss(_pool(9_000, 0, early=3_000), 0.0) is None
    assert inferred_loss(_pool(9_000, 0, late=3_000), 0.0) is None  # long-lived blocks look the same
    assert _share(inferred_loss(_pool(9_000, 100, early=3_000), 0.0)) == pytest.approx(100 / 9_100)


@pytest.mark.parametrize(("reported", "shown"), [(0.04, True), (0.06, False)])
def test_a_loss_that_the_session_tells_itself_needs_no_headline(reported: float, shown: bool) -> None:
    assert (inferred_loss(_pool(9_000, 1_000), reported) is not None) is shown


def test_session_pool_at_the_address_of_another_session_shows_no_loss() -> None:
    assert inferred_loss(_pool(9_000, 795, in_session=795), 0.0) is None


@pytest.mark.parametrize(("event", "in_session"), [(ALLOC, 0), (ALLOC_SESSION, 1)])
def test_the_ledger_counts_replaced_session_pool_apart(event: int, in_session: int) -> None:
    ledger = Ledger()
    same = {name: np.array(value, np.uint64) for name, value in {"bytes": [16] * 3, "entry": [0x1000] * 3}.items()}
    kinds = {name: np.array([value] * 3, np.uint32) for name, value in {"type": 33, "tag": 5}.items()}
    ledger.feed(event_table("pool", [event, event, FREE], {**kinds, **same}, time=[1, 2, 3]))
    assert (ledger.totals[4], ledger.replaced_in_session) == (1, in_session)


def test_a_tenth_of_the_pool_events_missing_from_a_clean_trace_accuses_nobody_and_is_seen(tmp_path: Path) -> None:
    whole, found = _churn(tmp_path, replace(CHURN, lost_events=0.0)), _churn(tmp_path, CHURN)
    assert whole.loss.inferred is None
    assert (found.loss.events_lost, found.loss.buffers_lost, found.loss.gaps) == (0, 0, ())
    assert found.diagnosis.findings == ()
    events, seen = (each.pool.totals.allocations + each.pool.totals.frees for each in (whole, found))
    assert found.loss.inferred is not None
    assert found.loss.inferred.events == pytest.approx(events - seen, rel=0.35)


def test_a_session_that_counts_what_it_lost_is_believed(tmp_path: Path) -> None:
    found = _churn(tmp_path, replace(CHURN, tells_loss=True))
    assert found.loss.events_lost > 0
    assert found.loss.inferred is None


def test_no_more_events_are_said_to_be_missing_than_there_are() -> None:
    found = inferred_loss(_pool(100, 400), 0.0)
    assert found is not None
    assert found.events == 500 + 100
