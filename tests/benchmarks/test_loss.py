"""A small sample of what is taken from traces, and what is said of the rest."""

from __future__ import annotations

import dataclasses
import random

import pytest

from analyzers.loss_bounds import Total
from benchmarks.accuracy.corpus import Writer
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.analysed import analysed
from benchmarks.loss import accusations, coverage
from benchmarks.loss.__main__ import main
from benchmarks.loss.losing import Way
from fixtures.etl.records import Record
from tracer.etl.headers import HeaderType
from tracer.events.pool import ALLOC, FREE

STACK = 0x1820


def _records(*hooks: int, cpus: int = 1) -> list[Record]:
    return [Record(HeaderType.PERFINFO64, at, b"", cpu=at % cpus, hook=hook) for at, hook in enumerate(hooks)]


def _lost(way: Way, share: float, records: list[Record]) -> list[int]:
    marked = way.lose(share, 1)(records)
    assert [dataclasses.replace(record, lost=False) for record in marked] == records
    return [at for at, record in enumerate(marked) if record.lost]


def test_a_free_goes_with_its_stack_and_the_last_record_is_never_lost() -> None:
    records = _records(ALLOC, STACK, FREE, STACK, STACK, FREE)
    assert _lost(Way.FREES, 1.0, records) == [2, 3, 4]
    assert _lost(Way.POOL, 1.0, records) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("way", [way for way in Way if way is not Way.BUFFERS])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_about_the_share_is_lost(way: Way, share: float) -> None:
    rng = random.Random(3)
    records = _records(*(rng.choice((ALLOC, FREE)) for _ in range(20_000)), cpus=2)
    exposed = sum(record.hook == FREE for record in records) if way in {Way.FREES, Way.FREES_TOLD} else len(records)
    lost, together = len(_lost(way, share, records)), way not in {Way.FREES, Way.FREES_TOLD, Way.POOL, Way.POOL_TOLD}
    least, most = (0.3, 2.0) if together else (0.9, 1.1)  # runs are few, and overlap
    assert least * share * exposed < lost < most * share * exposed


def test_records_of_a_burst_are_of_one_cpu_in_a_row() -> None:
    lost = set(_lost(Way.BURSTS, 0.2, _records(*[ALLOC] * 20_000, cpus=2)))
    begins = [at for at in lost if at - 2 not in lost]
    assert begins
    assert len(lost) >= 200 * len(begins)


def test_intervals_of_a_few_traces_hold_the_truth(capsys: pytest.CaptureFixture[str]) -> None:
    sample = ["intervals", "--only", "churn", "routine-drained", "--seed", "1", "--rounds", "1", "--processes", "1"]
    assert main([*sample, "--way", "frees", "pool_told", "bursts_told"]) == 0
    said = capsys.readouterr().out
    assert "frees, one by one, untold, kernel: 1 traces" in said
    assert "outstanding bytes" in said


def test_an_unloaded_driver_is_not_accused_surely_where_frees_were_lost(capsys: pytest.CaptureFixture[str]) -> None:
    sample = [
        "accusations",
        "--only",
        "unloaded-clean",
        "unloaded-with-blocks",
        "--seed",
        "1",
        "--rounds",
        "1",
        "--processes",
        "1",
    ]
    assert main([*sample, "--way", "frees"]) == 0
    assert "culprit first" in capsys.readouterr().out


def test_a_miss_is_told_with_what_plays_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(accusations, "SURE", 0.0)
    assert (
        main(
            [
                "accusations",
                "--only",
                "unloaded-clean",
                "--seed",
                "1",
                "--rounds",
                "1",
                "--processes",
                "1",
                "--way",
                "frees",
            ]
        )
        == 1
    )
    assert "ACCUSED ABOVE 0.5: scripted unloaded-clean 1 FREES" in capsys.readouterr().out


def test_an_interval_beside_the_truth_is_counted() -> None:
    case = Writer.KERNEL, "churn", 1
    whole = analysed(coverage.play(*case, Spoiling.NONE)[0], diagnosed=False)
    lossy, _ = coverage.play(*case, Way.FREES.spoiling, Way.FREES.lose(0.2, 1))
    found = analysed(lossy, diagnosed=False)
    bounds = found.bounds()
    assert bounds is not None
    moved = dataclasses.replace(bounds, low=bounds.low + 10**9, high=bounds.high)
    wrong = coverage.coverage_of(dataclasses.replace(found, bounds=lambda: moved), whole.pool)
    assert wrong.least == 0.0
    assert coverage.coverage_of(found, whole.pool).inside[Total.FREES, False] == 1
    assert coverage.coverage_of(whole, whole.pool).silent == 1
