"""Drivers that were unloaded with blocks still allocated, and other drivers at their base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analyzers.findings import Finding, Verdict
from analyzers.verdicts.confidence import base, calibrated
from fixtures.etl.options import TraceOptions
from tests.analyzers.verdicts.scripted_pool import FIRST, MS, NETIO, NT, POOL, SECOND, PoolScript, of_tag

BELOW = (NT + 0x7000, NT + 0x7100)
PLUGIN = (*POOL, FIRST + 0x1000, *BELOW)


def _script(left: int, *, unload_ms: int = 1000, freed: int = 100, options: TraceOptions | None = None) -> PoolScript:
    """plugin.sys frees most of what it allocates in a second, and is unloaded."""
    script = PoolScript(options or TraceOptions())
    script.image(0, "start", FIRST, "plugin.sys")
    script.come_and_go(freed, b"Plug", PLUGIN, 0, 900)
    script.stay(left, b"Plug", PLUGIN, 0, 900)
    script.image(unload_ms * MS, "unload", FIRST, "plugin.sys")
    return script


def _says(finding: Finding, rule: str) -> str:
    return " ".join(each.says for each in finding.evidence if each.rule == rule)


def test_one_block_of_a_hundred_that_an_unloaded_driver_leaves_may_be_one_lost_free(tmp_path: Path) -> None:
    [finding] = of_tag(_script(1).analysed(tmp_path), b"Plug")
    assert (finding.verdict, finding.driver, finding.count) == (Verdict.MISSING_FREE, "plugin.sys", 1)
    assert 0.4 < finding.confidence <= 0.5
    assert any("if their frees had been lost" in doubt for doubt in finding.doubts)


@pytest.mark.parametrize(("left", "freed"), [(1, 0), (5, 100), (40, 100)])
def test_what_a_driver_leaves_when_it_is_unloaded_is_leaked_even_one_block(
    left: int, freed: int, tmp_path: Path
) -> None:
    [finding] = of_tag(_script(left, freed=freed).analysed(tmp_path), b"Plug")
    assert (finding.verdict, finding.driver, finding.count) == (Verdict.MISSING_FREE, "plugin.sys", left)
    assert finding.confidence >= 0.8
    assert "unloaded at +1.000001 s" in _says(finding, "unloaded")
    [event] = [event for each in finding.evidence if each.rule == "unloaded" for event in each.events]
    assert (event.kind, event.time_ns, event.offset >= 0) == ("image", 1000 * MS + 1000, True)


def test_what_another_processor_allocated_while_it_was_unloaded_is_left_as_well(tmp_path: Path) -> None:
    script = _script(0)
    script.allocate(1000 * MS + 20_000, b"Plug", PLUGIN)
    [finding] = of_tag(script.analysed(tmp_path), b"Plug")
    assert (finding.driver, finding.count, finding.unloaded_ns) == ("plugin.sys", 1, 1000 * MS + 1000)


@pytest.mark.parametrize(("after_ms", "left"), [(8, [1]), (12, [])])
def test_what_is_stamped_ten_milliseconds_later_is_another_drivers_at_its_base(
    after_ms: int, left: list[int], tmp_path: Path
) -> None:
    script = _script(0)
    script.allocate((1000 + after_ms) * MS, b"Plug", PLUGIN)
    assert [finding.count for finding in of_tag(script.analysed(tmp_path), b"Plug")] == left


@pytest.mark.parametrize(("unload_ms", "doubted"), [(2091, True), (2088, False)])
def test_the_last_two_hundredth_of_the_trace_is_too_short_to_see_others_free_it(
    unload_ms: int, doubted: bool, tmp_path: Path
) -> None:
    script = _script(5, freed=0, unload_ms=unload_ms)
    script.allocate(2100 * MS, b"Tock", POOL)
    [finding] = of_tag(script.analysed(tmp_path), b"Plug")
    assert any("unloaded just before" in doubt for doubt in finding.doubts) is doubted


def test_a_short_trace_makes_it_no_less_sure(tmp_path: Path) -> None:
    script = PoolScript()
    script.image(0, "start", FIRST, "plugin.sys")
    script.stay(1, b"Plug", PLUGIN, 1, 2)
    script.image(5 * MS, "unload", FIRST, "plugin.sys")
    [finding] = of_tag(script.analysed(tmp_path, until=50), b"Plug")
    assert finding.confidence >= 0.8


def test_a_driver_that_frees_everything_before_it_goes_is_clean(tmp_path: Path) -> None:
    assert of_tag(_script(0).analysed(tmp_path), b"Plug") == []


def test_the_rundown_at_the_trace_s_end_is_no_unload(tmp_path: Path) -> None:
    script = PoolScript()
    script.image(0, "start", FIRST, "plugin.sys")
    script.come_and_go(100, b"Plug", PLUGIN, 0, 900)
    script.stay(5, b"Plug", PLUGIN, 0, 900)
    script.image(2050 * MS, "end", FIRST, "plugin.sys")
    assert of_tag(script.analysed(tmp_path), b"Plug") == []


def test_an_unload_at_the_very_end_is_a_small_doubt(tmp_path: Path) -> None:
    [early] = of_tag(_script(5).analysed(tmp_path), b"Plug")
    [late] = of_tag(_script(5, unload_ms=2099).analysed(tmp_path, until=2100), b"Plug")
    assert 0.8 <= late.confidence < early.confidence
    assert any("unloaded just before" in doubt for doubt in late.doubts)


def test_a_driver_whose_blocks_others_free_after_it_went_is_not_accused_of_the_last_ones(tmp_path: Path) -> None:
    script = _script(0)
    handed_over = script.stay(50, b"Plug", PLUGIN, 0, 900)
    for number, address in enumerate(handed_over[:45]):
        script.free((1100 + 20 * number) * MS, b"Plug", address)
    assert all(each.unloaded_ns is None for each in of_tag(script.analysed(tmp_path), b"Plug"))


def test_lost_events_are_a_doubt_and_may_explain_a_few_blocks(tmp_path: Path) -> None:
    few = _script(4, options=replace(TraceOptions(), events_lost=40)).analysed(tmp_path)
    assert of_tag(few, b"Plug") == []
    [finding] = of_tag(_script(60, options=replace(TraceOptions(), events_lost=10)).analysed(tmp_path), b"Plug")
    assert finding.confidence >= 0.8
    assert any("events were lost" in doubt for doubt in finding.doubts)


@pytest.mark.parametrize(("came", "frees", "left", "accused"), [
    ("load", 1, 1, 0), ("load", 0, 1, 1), ("load", 1, 2, 2), ("load", 2, 2, 0), ("start", 1, 1, 1)
])  # fmt: skip
def test_a_free_that_fits_no_allocation_may_be_of_what_a_driver_left_if_it_came_within_the_trace(
    came: str, frees: int, left: int, accused: int, tmp_path: Path
) -> None:
    script = PoolScript()
    script.image(0, came, FIRST, "plugin.sys")
    script.come_and_go(40, b"Plug", PLUGIN, 0, 900)
    script.stay(left, b"Plug", PLUGIN, 0, 900)
    for number in range(frees):
        script.free((950 + number) * MS, b"Plug", 0x7000 + 0x100 * number)
    script.image(1000 * MS, "unload", FIRST, "plugin.sys")
    snapshot = script.analysed(tmp_path)
    assert [finding.count for finding in of_tag(snapshot, b"Plug")] == ([accused] if accused else [])
    if not accused:
        [why] = [each.why for each in snapshot.diagnosis.cleared if each.count]
        assert "no allocation, although it came within the trace" in why


def test_a_driver_known_by_its_unload_alone_is_named(tmp_path: Path) -> None:
    script = PoolScript()
    script.stay(3, b"Plug", PLUGIN, 0, 900)
    script.image(1000 * MS, "unload", FIRST, "plugin.sys")
    [finding] = of_tag(script.analysed(tmp_path), b"Plug")
    assert (finding.driver, finding.count) == ("plugin.sys", 3)


@pytest.mark.parametrize("base", [FIRST, SECOND])
def test_what_the_first_life_of_a_driver_left_is_leaked_though_it_came_back(base: int, tmp_path: Path) -> None:
    script = _script(5)
    script.image(1100 * MS, "load", base, "plugin.sys")
    script.come_and_go(100, b"Plug", (*POOL, base + 0x1000, *BELOW), 1200, 2000)
    script.stay(2, b"Plug", (*POOL, base + 0x1000, *BELOW), 2090, 2099)
    [finding] = of_tag(script.analysed(tmp_path), b"Plug")
    assert (finding.driver, finding.count, finding.unloaded_ns) == ("plugin.sys", 5, 1000 * MS + 1000)


def test_another_driver_at_the_base_is_another_driver(tmp_path: Path) -> None:
    script = _script(30)
    script.image(1100 * MS, "load", FIRST, "other.sys")
    script.come_and_go(100, b"Othr", (*POOL, FIRST + 0x3000, *BELOW), 1200, 2000)
    snapshot = script.analysed(tmp_path)
    [finding] = snapshot.diagnosis.findings
    assert (finding.driver, finding.count) == ("plugin.sys", 30)
    assert {frame.module for frame in snapshot.names.frames(finding.stack)} == {"ntoskrnl.exe", "plugin.sys"}
    assert (
        dict(zip([bytes(tag) for tag in snapshot.pool.tags.tag.view("S4")], snapshot.pool.tags.driver, strict=True))[
            b"Plug"
        ]
        == "plugin.sys"
    )


def test_frees_of_the_driver_before_are_no_siblings_of_the_one_after(tmp_path: Path) -> None:
    script = _script(0)
    script.image(1001 * MS, "load", FIRST, "other.sys")
    script.stay(200, b"Plug", PLUGIN, 1010, 2090)
    snapshot = script.analysed(tmp_path)
    [finding] = of_tag(snapshot, b"Plug")
    assert (finding.verdict, finding.driver, finding.count) == (Verdict.GROWTH, "other.sys", 200)
    stacks = {snapshot.pool.sites.driver[row] for row in range(len(snapshot.pool.sites.driver))}
    assert {"plugin.sys", "other.sys"} <= stacks
    mine = [row for row, driver in enumerate(snapshot.pool.sites.driver) if driver in {"plugin.sys", "other.sys"}]
    places, bounds = snapshot.names.addresses(snapshot.pool.sites.stack[mine])
    first, second = (set(places[bounds[at] : bounds[at + 1]].tolist()) for at in range(2))
    assert len(first - second) == len(second - first) == 1  # a tree of stacks tells the two drivers' frames apart


def test_a_driver_that_only_the_last_rundown_shows_came_after_the_one_that_was_unloaded(tmp_path: Path) -> None:
    script = _script(30)
    script.come_and_go(100, b"Othr", (*POOL, FIRST + 0x3000, *BELOW), 1200, 2000)
    script.image(2099 * MS, "end", FIRST, "other.sys")
    snapshot = script.analysed(tmp_path)
    assert [each.driver for each in snapshot.diagnosis.findings] == ["plugin.sys"]
    assert "other.sys" in snapshot.pool.sites.driver


@pytest.mark.parametrize(("left", "accused"), [(40, ["plugin.sys"]), (8, [])])
def test_what_a_library_allocated_for_a_driver_that_was_unloaded_is_that_driver_s(
    left: int, accused: list[str], tmp_path: Path
) -> None:
    gate = (*POOL, NETIO + 0x5110)
    script = PoolScript()
    script.image(0, "start", FIRST, "plugin.sys")
    script.image(0, "start", SECOND, "other.sys")
    script.come_and_go(200, b"Libr", (*gate, SECOND + 0x2100, *BELOW), 0, 2000)
    script.stay(left, b"Libr", (*gate, FIRST + 0x2100, *BELOW), 0, 900)
    script.image(1000 * MS, "unload", FIRST, "plugin.sys")
    found = of_tag(script.analysed(tmp_path), b"Libr")
    assert [finding.driver for finding in found if finding.unloaded_ns is not None] == accused
    for finding in found:
        assert (finding.count, finding.allocator) == (left, "NETIO.SYS")
        assert 0.8 <= finding.confidence < calibrated(Verdict.MISSING_FREE, base(Verdict.MISSING_FREE))
        assert any("another driver allocated them" in doubt for doubt in finding.doubts)
        assert finding.advice.startswith("In plugin.sys,")


def test_what_a_library_allocated_for_others_stays_theirs_when_a_driver_is_unloaded(tmp_path: Path) -> None:
    script = PoolScript()
    script.image(0, "start", FIRST, "plugin.sys")
    script.image(0, "start", SECOND, "other.sys")
    script.stay(40, b"Libr", (*POOL, NETIO + 0x5110, SECOND + 0x2100, *BELOW, FIRST + 0x10), 0, 2000)
    script.image(1000 * MS, "unload", FIRST, "plugin.sys")
    assert [each.unloaded_ns for each in of_tag(script.analysed(tmp_path), b"Libr")] == [None]
