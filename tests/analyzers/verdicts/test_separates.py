"""The frame that separates what is kept from what is freed, and whom it accuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analyzers.findings import Finding, Verdict
from analyzers.verdicts.separates import is_callers_alone, is_separating, lower_bound, upper_bound
from tests.analyzers.verdicts.scripted_pool import (
    FIRST,
    NETIO,
    NT,
    POOL,
    SECOND,
    TCPIP,
    THIRD,
    PoolScript,
    of_tag,
)

GATE = (*POOL, NETIO + 0x5110)
"""The way through which a library allocates for everybody."""
BELOW = (NT + 0x7000, NT + 0x7100)


@pytest.mark.parametrize(
    ("kept_with", "kept", "freed_with", "freed", "separates"),
    [
        (800, 800, 0, 800, True),
        (797, 800, 4, 900, True),
        (12, 12, 0, 10, True),
        (3, 3, 0, 2, False),
        (12, 12, 0, 5, False),
        (700, 800, 0, 800, False),
        (800, 800, 200, 800, False),
        (800, 800, 800, 800, False),
        (800, 800, 0, 0, False),
    ],
)
def test_a_frame_separates_where_nearly_all_kept_and_hardly_any_freed_have_it_and_that_is_no_chance(
    kept_with: int, kept: int, freed_with: int, freed: int, separates: bool
) -> None:
    numbers = (np.array([number]) for number in (kept_with, kept, freed_with, freed))
    assert is_separating(*numbers).tolist() == [separates]


@pytest.mark.parametrize(("freed_with", "separates"), [(95, True), (105, False)])
def test_a_frame_separates_that_is_in_a_tenth_of_the_freed_ones_at_most(freed_with: int, separates: bool) -> None:
    numbers = (np.array([each]) for each in (1_000, 1_000, freed_with, 1_000))
    assert is_separating(*numbers).tolist() == [separates]


@pytest.mark.parametrize(
    ("kept", "freed_with", "freed", "alone"),
    [
        (1_000, 7_400, 10_000, True),
        (1_000, 7_600, 10_000, False),  # too much of what is freed is this caller's
        (12, 19, 40, True),
        (12, 20, 40, False),  # too few to tell the two shares apart
        (100, 10, 20, True),
        (100, 10, 19, False),  # too few of the others' are freed
        (11, 0, 1_000, False),
    ],
)
def test_a_caller_keeps_them_alone_where_enough_of_what_others_get_is_freed(
    kept: int, freed_with: int, freed: int, alone: bool
) -> None:
    numbers = (np.array([each]) for each in (kept, kept, freed_with, freed))
    assert is_callers_alone(*numbers).tolist() == [alone]


def test_the_bounds_of_a_share_close_in_on_it_with_more_numbers() -> None:
    part, whole = np.array([3, 30, 3_000]), np.array([4, 40, 4_000])
    low, high = lower_bound(part, whole), upper_bound(part, whole)
    assert (np.diff(low) > 0).all()
    assert (np.diff(high) < 0).all()
    assert ((low < 0.75) & (high > 0.75)).all()


def _library(path: Path, kept: tuple[int, ...], freed: tuple[int, ...], left: int = 200) -> list[Finding]:
    """Findings of a trace in which a library allocates on two ways, the blocks of one of which stay."""
    script = _with_drivers()
    script.stay(left, b"Libr", (*GATE, *kept, *BELOW))
    script.come_and_go(400, b"Libr", (*GATE, *freed, *BELOW))
    return of_tag(script.analysed(path), b"Libr")


def _with_drivers() -> PoolScript:
    script = PoolScript()
    for base, name in ((FIRST, "guilty.sys"), (SECOND, "innocent.sys"), (THIRD, "middle.sys")):
        script.image(0, "start", base, name)
    return script


def _numbers(finding: Finding) -> tuple[str, int, int, int, int]:
    found = finding.separates
    assert found is not None
    return str(found.frame), found.kept_with, found.kept, found.freed_with, found.freed


def test_the_caller_whose_blocks_stay_is_accused_and_not_the_library(tmp_path: Path) -> None:
    [finding] = _library(tmp_path, (FIRST + 0x2100, NETIO + 0x8800), (NETIO + 0x7777,))
    assert (finding.verdict, finding.driver, finding.allocator) == (Verdict.MISSING_FREE, "guilty.sys", "NETIO.SYS")
    assert finding.count == 200
    assert _numbers(finding) == ("guilty.sys+0x2100", 200, 200, 0, 400)
    assert "guilty.sys+0x2100" in finding.advice
    assert [node.label for node in finding.path if node.kind == "driver"] == ["guilty.sys", "NETIO.SYS"]
    [says] = [each.says for each in finding.evidence if each.rule == "separating-frame"]
    assert "all 200 kept blocks" in says
    assert "none of the 400 freed ones" in says


def test_where_every_caller_s_blocks_are_freed_nobody_is_accused(tmp_path: Path) -> None:
    script = _with_drivers()
    for caller in (FIRST, SECOND, NETIO):
        script.come_and_go(200, b"Libr", (*GATE, caller + 0x2100, *BELOW))
    assert of_tag(script.analysed(tmp_path), b"Libr") == []


def test_each_of_two_callers_that_keep_theirs_is_accused(tmp_path: Path) -> None:
    script = _with_drivers()
    script.stay(120, b"Libr", (*GATE, FIRST + 0x2100, *BELOW))
    script.stay(150, b"Libr", (*GATE, THIRD + 0x2100, *BELOW))
    script.come_and_go(400, b"Libr", (*GATE, SECOND + 0x100, *BELOW))
    found = {each.driver: _numbers(each) for each in of_tag(script.analysed(tmp_path), b"Libr")}
    assert found == {
        "guilty.sys": ("guilty.sys+0x2100", 120, 120, 0, 400),
        "middle.sys": ("middle.sys+0x2100", 150, 150, 0, 400),
    }


def test_a_third_party_s_frame_is_accused_although_an_inbox_driver_s_is_further_out(tmp_path: Path) -> None:
    [finding] = _library(tmp_path, (FIRST + 0x2100, TCPIP + 0x900), (NETIO + 0x7777,))
    assert finding.driver == "guilty.sys"
    assert any("tcpip.sys+0x900" in each.says for each in finding.evidence)


def test_of_two_third_parties_that_call_each_other_the_outermost_is_accused(tmp_path: Path) -> None:
    [finding] = _library(tmp_path, (THIRD + 0x2100, FIRST + 0x10), (SECOND + 0x10,))
    assert (finding.driver, finding.separates and str(finding.separates.frame)) == ("guilty.sys", "guilty.sys+0x10")


def test_what_the_innocent_go_through_as_well_is_cleared(tmp_path: Path) -> None:
    [finding] = _library(tmp_path, (THIRD + 0x2100, FIRST + 0x10), (THIRD + 0x2100, SECOND + 0x10))
    assert (finding.driver, _numbers(finding)[1:]) == ("guilty.sys", (200, 200, 0, 400))


def test_what_only_sends_requests_through_the_kernel_is_not_accused_of_what_another_driver_keeps(
    tmp_path: Path,
) -> None:
    [finding] = _library(tmp_path, (FIRST + 0x2100, NT + 0x9000, THIRD + 0x30), (SECOND + 0x10,))
    assert finding.driver == "guilty.sys"


def test_one_place_of_a_driver_is_named_behind_the_function_through_which_all_its_blocks_come(tmp_path: Path) -> None:
    script = _with_drivers()
    script.stay(100, b"Wrap", (*POOL, FIRST + 0x5000, FIRST + 0x2100, *BELOW))
    script.come_and_go(400, b"Wrap", (*POOL, FIRST + 0x5000, FIRST + 0x2200, *BELOW))
    [finding] = of_tag(script.analysed(tmp_path), b"Wrap")
    assert (finding.driver, finding.allocator) == ("guilty.sys", "")
    assert _numbers(finding) == ("guilty.sys+0x2100", 100, 100, 0, 400)
    assert "guilty.sys+0x2100" in finding.advice


def test_where_the_stacks_are_the_same_nothing_separates_and_that_is_said(tmp_path: Path) -> None:
    script = _with_drivers()
    script.stay(100, b"Same", (*POOL, FIRST + 0x5000, *BELOW))
    script.come_and_go(400, b"Same", (*POOL, FIRST + 0x5000, *BELOW))
    [finding] = of_tag(script.analysed(tmp_path), b"Same")
    assert (finding.driver, finding.separates) == ("guilty.sys", None)
    [says] = [each.says for each in finding.evidence if each.rule == "nothing-separates"]
    assert "later path" in says


def test_where_nothing_of_the_tag_is_freed_nothing_separates_and_that_is_said(tmp_path: Path) -> None:
    script = _with_drivers()
    script.stay(200, b"Kept", (*GATE, FIRST + 0x2100, *BELOW))
    [finding] = of_tag(script.analysed(tmp_path), b"Kept")
    assert (finding.verdict, finding.driver, finding.separates) == (Verdict.GROWTH, "NETIO.SYS", None)
    assert any(each.rule == "nothing-separates" for each in finding.evidence)


def test_a_handful_of_freed_ones_separates_nothing(tmp_path: Path) -> None:
    script = _with_drivers()
    script.stay(100, b"Few ", (*GATE, FIRST + 0x2100, *BELOW))
    script.come_and_go(4, b"Few ", (*GATE, SECOND + 0x2100, *BELOW))
    for finding in of_tag(script.analysed(tmp_path), b"Few "):
        assert (finding.driver, finding.separates) == ("NETIO.SYS", None)


def test_frames_of_the_kernel_and_of_programs_accuse_no_driver(tmp_path: Path) -> None:
    script = _with_drivers()
    script.stay(100, b"User", (*POOL, FIRST + 0x5000, NT + 0x1110, 0x7FF600001000))
    script.come_and_go(400, b"User", (*POOL, FIRST + 0x5000, NT + 0x2220, 0x7FF600002000))
    [finding] = of_tag(script.analysed(tmp_path), b"User")
    assert (finding.driver, finding.separates) == ("guilty.sys", None)


def test_only_those_with_a_stack_are_counted(tmp_path: Path) -> None:
    script = _with_drivers()
    script.stay(100, b"Half", (*GATE, FIRST + 0x2100, *BELOW))
    script.stay(100, b"Half", ())
    script.come_and_go(200, b"Half", (*GATE, SECOND + 0x2100, *BELOW))
    script.come_and_go(200, b"Half", ())
    [finding] = [each for each in of_tag(script.analysed(tmp_path), b"Half") if each.driver]
    assert (finding.driver, _numbers(finding)) == ("guilty.sys", ("guilty.sys+0x2100", 100, 100, 0, 200))


def test_another_driver_s_frees_of_the_tag_separate_but_do_not_accuse_a_caller(tmp_path: Path) -> None:
    script = _with_drivers()
    script.stay(200, b"Ours", (*POOL, FIRST + 0x5000, THIRD + 0x10, *BELOW))
    script.come_and_go(300, b"Ours", (*POOL, SECOND + 0x5000, *BELOW))
    [finding] = of_tag(script.analysed(tmp_path), b"Ours")
    assert (finding.verdict, finding.driver) == (Verdict.GROWTH, "guilty.sys")
    assert _numbers(finding) == ("guilty.sys+0x5000", 200, 200, 0, 300)


def _forgets_some(path: Path, forgets: tuple[int, ...], *, by: tuple[int, ...] = GATE) -> list[Finding]:
    """Findings where the same code allocates for two callers as often; of those of ``forgets`` a few stay."""
    script = _with_drivers()
    for caller in (FIRST, SECOND):
        script.come_and_go(200, b"Libr", (*by, caller + 0x2100, *BELOW))
        if caller in forgets:
            script.stay(30, b"Libr", (*by, caller + 0x2100, *BELOW))
    return of_tag(script.analysed(path), b"Libr")


@pytest.mark.parametrize("by", [GATE, (*POOL, THIRD + 0x5110)])
def test_a_caller_that_forgets_some_is_accused_where_all_that_other_callers_get_is_freed(
    by: tuple[int, ...], tmp_path: Path
) -> None:
    [finding] = _forgets_some(tmp_path, (FIRST,), by=by)
    assert (finding.driver, finding.count, _numbers(finding)[1:]) == ("guilty.sys", 30, (30, 30, 200, 400))
    [says] = [each.says for each in finding.evidence if each.rule == "separating-frame"]
    assert "what other callers get from" in says
    assert any("the one that allocates may be at fault" in doubt for doubt in finding.doubts)


@pytest.mark.parametrize("by", [GATE, (*POOL, THIRD + 0x5110)])
def test_a_library_that_forgets_some_for_every_caller_is_accused_itself(by: tuple[int, ...], tmp_path: Path) -> None:
    [finding] = _forgets_some(tmp_path, (FIRST, SECOND), by=by)
    assert (finding.driver, finding.separates) == ("middle.sys" if by != GATE else "NETIO.SYS", None)


@pytest.mark.parametrize(("between", "doubted"), [((NT + 0x5000,), True), ((), False)])
def test_a_driver_that_reaches_the_allocating_one_through_windows_is_accused_with_a_doubt(
    between: tuple[int, ...], doubted: bool, tmp_path: Path
) -> None:
    script = _with_drivers()
    script.stay(200, b"Own ", (*POOL, SECOND + 0x10, *between, FIRST + 0x10, *BELOW))
    script.come_and_go(200, b"Own ", (*POOL, SECOND + 0x10, *between, *BELOW))
    [finding] = of_tag(script.analysed(tmp_path), b"Own ")
    assert finding.driver == "guilty.sys"
    assert any("may only pass requests on" in doubt for doubt in finding.doubts) == doubted
    assert (finding.confidence < 0.6) == doubted
