"""What changed between traces is told from what two runs of one load differ by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from analyzers.comparison import changes
from analyzers.comparison.changes import Change, Comparison, compare
from analyzers.comparison.populations import SLICES, By, Group, Key, Population
from analyzers.policy import COMPARISON
from analyzers.snapshot import Snapshot
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed

HOUR = 3_600_000_000_000


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Snapshot]:
    folder = tmp_path_factory.mktemp("compared")

    @cache
    def snapshot(kind: str, seed: int, rounds: int = 150) -> Snapshot:
        path: Path = folder / f"{kind}-{seed}-{rounds}.etl"
        simulate(kind, seed, Settings(iterations=rounds)).write(path)
        return analysed(path)

    return snapshot


def _first(found: Comparison, by: By) -> tuple[str, Change]:
    difference = next(each for each in found.differences if each.by is by)
    return difference.key[0], difference.change


def test_what_leaks_in_the_second_trace_is_new(played: Callable[..., Snapshot]) -> None:
    found = compare([played("cache", 1), played("missing-free", 2)])
    assert found.changed
    assert _first(found, By.TAG) == ("CtFl", Change.NEW)
    assert _first(found, By.DRIVER) == ("contosoflt.sys", Change.NEW)
    assert _first(found, By.PROCESS) == ("backup.exe", Change.NEW)
    assert _first(found, By.VERDICT) == ("missing-free", Change.NEW)


def test_what_leaked_in_the_first_trace_is_gone(played: Callable[..., Snapshot]) -> None:
    found = compare([played("missing-free", 2), played("cache", 1)])
    assert ("CtFl", Change.GONE) in {(each.key[0], each.change) for each in found.differences if each.by is By.TAG}
    assert _first(found, By.VERDICT) == ("missing-free", Change.GONE)


@pytest.mark.parametrize("kind", ["cache", "missing-free", "winsock-loop-fixed"])
def test_two_runs_of_one_load_have_not_changed(kind: str, played: Callable[..., Snapshot]) -> None:
    found = compare([played(kind, 3), played(kind, 4)])
    assert [each for each in found.differences if each.change is not Change.STEADY or each.less] == []
    assert not found.changed


def test_the_same_leak_for_longer_has_not_changed(played: Callable[..., Snapshot]) -> None:
    assert not compare([played("missing-free", 5), played("missing-free", 6, 400)]).changed


def test_several_traces_are_a_series(played: Callable[..., Snapshot]) -> None:
    found = compare([played("cache", 1), played("cache", 7), played("missing-free", 2)])
    tag = next(each for each in found.differences if each.by is By.TAG)
    assert [each.count == 0 for each in tag.series] == [True, True, False]
    assert (tag.before, tag.after) == (tag.series[0], tag.series[-1])


def test_one_trace_alone_is_refused(played: Callable[..., Snapshot]) -> None:
    with pytest.raises(ValueError, match="two traces"):
        compare([played("cache", 1)])


def _population(kept: int, *, at: slice = slice(None), hours: int = 1, allocations: int = 10_000) -> Population:
    births = np.zeros(SLICES, np.int64)
    births[at] = kept // len(births[at])
    groups: dict[By, dict[Key, Group]] = {by: {} for by in By}
    groups[By.TAG] = {("Leak", "paged"): Group(kept, 64 * kept, births, 64 * kept)}
    return Population("", hours * HOUR, allocations, True, groups, {})


def _change(before: Population, after: Population) -> tuple[Change, bool]:
    [difference] = changes._compared(By.TAG, (before, after))
    return difference.change, difference.less


def test_growth_counts_where_it_is_more_by_time_and_by_load() -> None:
    assert _change(_population(320), _population(640)) == (Change.GROWN, False)
    assert _change(_population(320), _population(640, allocations=20_000)) == (Change.STEADY, False)
    assert _change(_population(320), _population(640, hours=2)) == (Change.STEADY, False)
    assert _change(_population(640), _population(320)) == (Change.STEADY, True)


def test_what_came_in_few_bursts_needs_more_of_them() -> None:
    assert _change(_population(320), _population(416)) == (Change.GROWN, False)
    burst = slice(20, 22)
    assert _change(_population(320, at=burst), _population(416, at=burst)) == (Change.STEADY, False)


def test_a_level_is_compared_as_it_stands() -> None:
    early = slice(0, 8)
    assert _change(_population(320, at=early), _population(320, at=early, hours=24)) == (Change.STEADY, False)
    assert _change(_population(320, at=early), _population(2400, at=early, hours=24))[0] is Change.GROWN


def test_the_binomial_tail_is_the_same_exact_and_approximate(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = changes._upper_tail(4000, 2100, 0.5)
    monkeypatch.setattr(changes, "_EXACT", 1000)
    assert changes._upper_tail(4000, 2100, 0.5) == pytest.approx(exact, rel=0.05)
    assert changes._upper_tail(10, 10, 0.5) == pytest.approx(2**-10)
    assert COMPARISON.chance > 2 * changes._upper_tail(11, 11, 0.5) > COMPARISON.chance / 3


@pytest.mark.parametrize(("late", "is_level"), [(8, True), (12, False)])
def test_what_has_a_tenth_of_its_survivors_in_the_second_half_has_come_to_a_level(late: int, is_level: bool) -> None:
    births = np.zeros(SLICES, np.int64)
    births[0], births[-1] = 100 - late, late
    assert changes._is_level(Group(100, 0, births, 0)) is is_level


@pytest.mark.parametrize(("now", "before", "change"), [(10, 0, Change.NEW), (25, 7, Change.STEADY)])
def test_a_change_is_one_that_chance_makes_once_in_five_hundred(now: int, before: int, change: Change) -> None:
    def population(count: int) -> Population:
        births = np.zeros(SLICES, np.int64)
        births[SLICES - count :] = 1
        groups: dict[By, dict[Key, Group]] = {by: {} for by in By}
        groups[By.TAG] = {("Leak", "paged"): Group(count, 0, births, 0)}
        return replace(_population(0), groups=groups)

    assert _change(population(before), population(now))[0] is change


def test_a_change_is_half_as_sure_where_events_were_lost() -> None:
    whole, lossy = _population(640), replace(_population(640), complete=False)
    [sure], [unsure] = (changes._compared(By.TAG, (_population(320), each)) for each in (whole, lossy))
    assert 0.36 < unsure.confidence < 0.64 < sure.confidence
