"""What changed between traces is told from what two runs of one load differ by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from analyzers.comparison import changes
from analyzers.comparison.changes import Change, Comparison, compare
from analyzers.comparison.populations import SLICES, By, Group, Key, Population
from analyzers.policy import COMPARISON
from analyzers.pool_tables import Frame, Names
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from benchmarks.analysed import analysed as analysed_in_memory
from fixtures.settings import Drain, Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed
from tracer.errors import Damage, DamageCode

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


def test_a_tag_is_gone_whatever_a_trace_between_has(played: Callable[..., Snapshot]) -> None:
    found = compare([played("missing-free", 0), played("two-leaks", 1), played("cache", 2), played("cache", 3)])
    assert ("CtFl", Change.GONE) in {(each.key[0], each.change) for each in found.differences if each.by is By.TAG}


@pytest.mark.parametrize("lengths", [(40, 1200), (1200, 40)])
def test_what_lives_longer_than_a_short_trace_shows_is_no_change(
    lengths: tuple[int, int], played: Callable[..., Snapshot]
) -> None:
    found = compare([played("missing-free", 4, lengths[0]), played("missing-free", 5, lengths[1])])
    assert [each for each in found.differences if each.change is not Change.STEADY or each.less] == []


def _without_stacks(snapshot: Snapshot) -> Snapshot:
    sites = replace(snapshot.pool.sites, stack=np.full_like(snapshot.pool.sites.stack, -1))
    return replace(snapshot, pool=replace(snapshot.pool, sites=sites))


def test_a_trace_without_call_stacks_is_not_compared_by_what_they_tell(played: Callable[..., Snapshot]) -> None:
    clean, leak, bare = played("cache", 1), played("missing-free", 2), _without_stacks(played("cache", 7))
    assert {each.by for each in compare([bare, leak]).differences} == {By.TAG, By.PROCESS, By.VERDICT}
    assert {each.by for each in compare([clean, bare]).differences} == {By.TAG, By.PROCESS}
    assert {each.by for each in compare([clean, bare, leak]).differences} == set(By), (
        "one between is a step of the series"
    )


def test_a_trace_without_pool_events_tells_of_no_change(played: Callable[..., Snapshot]) -> None:
    leak = played("missing-free", 2)
    totals = replace(leak.pool.totals, allocations=0, frees=0, frees_without_allocation=0, failed_allocations=0)
    empty = replace(leak, pool=replace(leak.pool, totals=totals))
    for traces in ([empty, leak], [leak, empty]):
        found = compare(traces)
        assert (found.judged, found.changed, found.differences) == (False, False, ())
    assert compare([leak, empty, leak]).judged


def test_damage_makes_a_change_less_sure(played: Callable[..., Snapshot]) -> None:
    clean, leak = played("cache", 1), played("missing-free", 2)
    damaged = replace(leak, damage=(Damage(0x1048, DamageCode.RECORD_SIZE, "a record of size 0", 512),))
    sure, unsure = (compare([clean, each]).differences[0].confidence for each in (leak, damaged))
    assert unsure == pytest.approx(sure * COMPARISON.lossy)


@dataclass(frozen=True)
class _OtherBuild:
    """The names of a trace whose ``contosoflt.sys`` is another build, every function of it elsewhere."""

    names: Names
    moved: int = 0x40
    build: tuple[int, int] = (0x9000, 7)

    def frames(self, stack: int, process: int = 0) -> tuple[Frame, ...]:
        return tuple(
            replace(each, offset=each.offset + self.moved) if each.module == "contosoflt.sys" else each
            for each in self.names.frames(stack, process)
        )

    def builds(self) -> dict[str, frozenset[tuple[int, int]]]:
        return {**self.names.builds(), "contosoflt.sys": frozenset({self.build})}

    def __getattr__(self, name: str) -> object:
        return getattr(self.names, name)


def test_call_sites_in_two_builds_of_a_driver_are_compared_by_the_driver(played: Callable[..., Snapshot]) -> None:
    before, after = played("missing-free", 5), played("missing-free", 6)
    rebuilt = replace(after, names=_OtherBuild(after.names))  # type: ignore[arg-type]  # it has all of them
    found = compare([before, rebuilt])
    assert not found.changed
    assert [each.unnamed for each in found.traces] == [frozenset({"contosoflt.sys"})] * 2
    [site] = [each for each in found.differences if each.by is By.SITE and each.key[0] == "CtFl"]
    assert [frame for frame in site.key if "contosoflt" in frame] == ["contosoflt.sys"] * 2
    [own] = after.names.builds()["contosoflt.sys"]
    same = replace(after, names=_OtherBuild(after.names, build=own))  # type: ignore[arg-type]  # it has all of them
    assert compare([before, same]).changed, "of one build other offsets are other call sites"


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


@pytest.mark.parametrize(("mortal", "change"), [(0.08, Change.GROWN), (0.12, Change.STEADY)])
def test_survivors_a_tenth_of_which_will_be_freed_have_to_be_more_as_they_stand(mortal: float, change: Change) -> None:
    after = _population(640)
    group = after.groups[By.TAG][("Leak", "paged")]
    groups: dict[By, dict[Key, Group]] = {By.TAG: {("Leak", "paged"): replace(group, mortal=mortal * 640)}}
    assert _change(_population(640, hours=4, allocations=40_000), replace(after, groups=groups))[0] is change


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


@pytest.mark.parametrize("drained", [0.5, 4.0])
@pytest.mark.parametrize("kind", ["missing-free", "growth", "cache", "churn"])
def test_a_drain_is_no_part_of_the_load_that_is_compared(kind: str, drained: float) -> None:
    load = Settings(iterations=200, think_ns=10_000_000, drain_ns=int(drained * 2_000_000_000))
    plain = analysed_in_memory(simulate(kind, 2, load).data, TagNames(()))
    other = analysed_in_memory(simulate(kind, 3, replace(load, drain=Drain.MARKED)).data, TagNames(()))
    assert other.coverage is not None
    assert other.coverage.drain is not None
    found = compare([plain, other])
    assert not found.changed
    assert not compare([other, plain]).changed
    before, after = found.traces
    assert after.duration_ns == pytest.approx(before.duration_ns, rel=0.2)
    assert after.allocations == pytest.approx(before.allocations, rel=0.2)
