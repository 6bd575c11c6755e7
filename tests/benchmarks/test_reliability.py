"""Whether findings are right as often as they are said to be: on numbers made by hand, and by the command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import exp, log
from pathlib import Path

import numpy as np
import pytest

from analyzers.policy import CALIBRATION, SURENESS
from benchmarks.accuracy import __main__ as command
from benchmarks.accuracy import calibrating
from benchmarks.accuracy.calibrating import FAMILIES, Line, Played, Told, curves, fitted, played, read_rows, write_rows
from benchmarks.accuracy.corpus import Case, Writer
from benchmarks.accuracy.corpus import calibrating as calibration_cases
from benchmarks.accuracy.reliability import curve, expected_error
from benchmarks.accuracy.spoilings import Spoiling

SAME = dict.fromkeys(FAMILIES, Line(1.0, 0.0))
VERDICTS = {"held": "pending-apc", "missing_free": "missing-free", "growth": "growth"}


def said(*pairs: tuple[float, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(How sure, how many are right, how many wrong)."""
    sure = np.concatenate([np.full(right + wrong, each) for each, right, wrong in pairs])
    truth = np.concatenate([np.arange(right + wrong) < right for _, right, wrong in pairs])
    return sure, truth


def of(writer: str, seed: int, told: Sequence[Told]) -> Played:
    return Played(writer, "growth", seed, "none", calibrating.is_fitted(seed), 1, lossy=False, told=tuple(told))


def alike(line: Line, family: str = "missing_free", *, bounded: bool = False) -> list[Played]:
    """Findings of both writers in both halves, right as often as a line says."""
    out = []
    for product in (0.15, 0.35, 0.55, 0.75, 0.95):
        chance = 1 / (1 + exp(-line.shift - line.slope * log(product / (1 - product))))
        told = [Told(VERDICTS[family], product, number < 200 * chance, bounded, ()) for number in range(200)]
        out += [of(writer, seed, told) for writer in Writer for seed in (2, 3)]
    return out


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        ([(0.9, 9, 1)], 0.0),
        ([(0.9, 5, 5)], 0.4),
        ([(0.25, 10, 0)], 0.75),
        ([(0.9, 9, 1), (0.5, 0, 10)], 0.25),
        ([(0.81, 10, 0), (0.89, 7, 3)], 0.0),
    ],
)
def test_the_error_is_the_mean_distance_of_what_is_said_and_what_is_right_by_bin(
    pairs: list[tuple[float, int, int]], error: float
) -> None:
    assert expected_error(*said(*pairs)) == pytest.approx(error)


def test_of_no_findings_there_is_no_error_and_no_curve() -> None:
    none = np.zeros(0)
    assert expected_error(none, none > 0) == 0
    with pytest.raises(ValueError, match="no findings"):
        curve(none, none > 0, none.astype(np.int64))


def test_a_curve_has_a_bin_for_each_tenth_that_has_findings() -> None:
    sure, right = said((0.3, 4, 6), (1.0, 5, 0), (0.95, 1, 4))
    found = curve(sure, right, np.arange(len(sure)))
    assert [(each.low, each.count) for each in found.bins] == [(0.3, 10), (0.9, 10)]
    assert [each.said for each in found.bins] == pytest.approx([0.3, 0.975])
    assert [each.right for each in found.bins] == pytest.approx([0.4, 0.6])
    assert found.bins[0].interval == pytest.approx((0.168, 0.687), abs=0.001)
    assert found.error == pytest.approx(0.5 * 0.1 + 0.5 * 0.375)
    assert found.score == pytest.approx((4 * 0.49 + 6 * 0.09 + 0 + 1 * 0.0025 + 4 * 0.9025) / 20)
    assert found.interval[0] < found.error < found.interval[1]


def test_findings_that_are_as_sure_as_they_are_right_have_an_error_by_chance() -> None:
    few, many = (curve(*said((0.7, 7 * each, 3 * each)), np.arange(10 * each)) for each in (2, 200))
    assert [few.error, many.error] == pytest.approx([0, 0])
    assert few.chance > 0.04 > many.chance > 0


def test_findings_of_one_trace_are_drawn_together() -> None:
    sure, right = said((0.9, 15, 15))
    apart, together = (curve(sure, right, np.arange(30) // each) for each in (1, 15))
    assert together.traces == 2
    assert together.interval[1] - together.interval[0] > apart.interval[1] - apart.interval[0]


@pytest.mark.parametrize("line", [Line(1.0, 0.0), Line(1.6, 1.0), Line(0.6, -0.5)])
def test_the_line_by_which_findings_are_right_is_found(line: Line) -> None:
    found = fitted(alike(line))["missing_free"]
    assert found.slope == pytest.approx(line.slope, abs=0.06)
    assert found.shift == pytest.approx(line.shift, abs=0.06)
    assert found.findings == 2_000


def test_the_line_of_growth_goes_through_the_middle() -> None:
    found = fitted(alike(Line(1.5, 1.0), "growth"))["growth"]
    assert found.shift == 0
    assert found.slope > 1


def test_a_few_findings_do_not_bend_a_line_and_none_have_none() -> None:
    lines = fitted([of("kernel", 2, [Told("missing-free", 0.9, right, False, ()) for right in (True, False)])])
    assert set(lines) == {"missing_free"}
    assert 0.5 < lines["missing_free"].slope < 1
    assert -1 < lines["missing_free"].shift < 0


def test_no_line_falls() -> None:
    told = [Told("missing-free", product, product < 0.5, False, ()) for product in (0.1, 0.2, 0.8, 0.9)] * 100
    assert fitted([of("kernel", 2, told)])["missing_free"].slope == 0


def test_each_writer_weighs_the_same() -> None:
    many = of("kernel", 2, [Told("missing-free", 0.5, True, False, ())] * 900)
    few = of("scripted", 2, [Told("missing-free", 0.5, False, False, ())] * 100)
    assert fitted([many, few])["missing_free"].shift == pytest.approx(0, abs=0.01)


def test_lines_are_fitted_on_one_half_and_what_special_apcs_hold_is_left_out() -> None:
    other = [of("kernel", 3, [Told("growth", 0.9, False, False, ())])]
    assert fitted([*other, *alike(Line(1.0, 0.0), "held", bounded=True)]) == {}


def test_curves_tell_halves_and_writers_apart_and_have_only_what_is_said() -> None:
    told = [
        Told("growth", product, True, bounded, ()) for product, bounded in ((0.5, False), (0.1, False), (0.9, True))
    ]
    found = curves([of("kernel", 2, told), of("scripted", 3, told)], SAME)
    assert set(found) == {("kernel", True), ("scripted", False)}
    assert [(each.low, each.count) for each in found["kernel", True].bins] == [(0.5, 1)]


def test_a_curve_is_by_the_lines_that_are_given_and_the_policy_is_what_it_was() -> None:
    before = (CALIBRATION.growth_slope, CALIBRATION.growth_shift, SURENESS.least)
    found = curves([of("kernel", 2, [Told("growth", 0.5, True, False, ())])], SAME | {"growth": Line(1.0, 2.0)})
    assert found["kernel", True].bins[0].said == pytest.approx(1 / (1 + exp(-2)))
    assert (CALIBRATION.growth_slope, CALIBRATION.growth_shift, SURENESS.least) == before


def test_a_case_is_played_with_products_as_they_are_and_kept_as_a_row(tmp_path: Path) -> None:
    before = (CALIBRATION.growth_slope, CALIBRATION.growth_shift, SURENESS.least)
    (found,) = played([Case(Writer.SCRIPTED, "few-blocks", 3, Spoiling.NONE)], 1)
    assert (CALIBRATION.growth_slope, CALIBRATION.growth_shift, SURENESS.least) == before
    assert found.leaks == 1
    assert not found.error
    assert [one.right for one in found.told] == [True]
    write_rows(tmp_path / "rows", [found])
    assert read_rows(tmp_path / "rows") == [found]


def test_what_an_analysis_failed_with_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_case: Case, _data: bytes) -> None:
        raise IndexError("past the end")

    monkeypatch.setattr(calibrating, "diagnosis_of", broken)
    (found,) = played([Case(Writer.SCRIPTED, "few-blocks", 3, Spoiling.NONE)], 1)
    assert found.error == "IndexError: past the end"


def test_both_halves_have_every_kind_whole_cut_short_and_spoilt() -> None:
    corpus = calibration_cases((), 1, 2_000)
    assert len(corpus) == len(set(corpus)) == 2_000
    for half in (True, False):
        mine = [case for case in corpus if calibrating.is_fitted(case.seed) is half]
        for spoiling in (Spoiling.NONE, Spoiling.CUT):
            kinds = {(case.writer, case.kind) for case in mine if case.spoiling is spoiling}
            assert kinds >= {(writer, kind) for writer in Writer for kind in writer.ended}
        assert {(case.writer, case.kind) for case in mine} == {(each, kind) for each in Writer for kind in each.kinds}
        assert {case.spoiling for case in mine} == set(Spoiling)


def test_the_command_prints_lines_and_curves_of_rows_and_says_whether_the_policy_is_good_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows"
    write_rows(rows, alike(Line(CALIBRATION.missing_free_slope, CALIBRATION.missing_free_shift)))
    assert command.main(["--calibrate", "--rows", str(rows)]) == 0
    text = capsys.readouterr().out
    assert "missing_free_slope: float = " in text
    assert "scripted, the other half, by the lines of analyzers/policy.py:" in text
    write_rows(rows, alike(Line(1.0, 3.0)))
    assert command.main(["--calibrate", "--rows", str(rows), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [limit["kept"] for limit in found["limits"]] == [False, False]
    assert found["lines"]["missing_free"]["shift"] == pytest.approx(3, abs=0.1)
    fit = [each for each in found["curves"] if each["lines"] == "fitted" and not each["fitted"]]
    assert len(fit) == 2
    assert max(each["error"] for each in fit) < 0.05


def test_one_writer_alone_does_not_show_that_the_policy_is_good_enough(tmp_path: Path) -> None:
    rows, every = tmp_path / "rows", alike(Line(CALIBRATION.missing_free_slope, CALIBRATION.missing_free_shift))
    write_rows(rows, [each for each in every if each.writer == "kernel"])
    assert command.main(["--calibrate", "--rows", str(rows)]) == 1


def test_what_is_calibrated_is_not_one_writer_or_one_spoiling(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--calibrate", "--writer", "kernel"])
    assert "leave --writer and --spoiling out" in capsys.readouterr().err


def test_what_was_played_is_kept_and_not_played_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = []

    def play(cases: Sequence[Case], _processes: int) -> list[Played]:
        times.append(len(cases))
        return alike(Line(1.0, 0.0))

    monkeypatch.setattr(command, "played", play)
    arguments = ["--calibrate", "--traces", "10", "--part", "1/2", "--rows", str(tmp_path / "rows")]
    said = [(command.main(arguments), capsys.readouterr().out) for _ in range(2)]
    assert times == [5]
    assert said[0] == said[1]
