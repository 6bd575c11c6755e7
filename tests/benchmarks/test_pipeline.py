from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import pipeline
from benchmarks.generate import generate
from benchmarks.pipeline import WrongResultError, analyze, check, measure_effort, plain_read
from benchmarks.size import MIB


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("cpus", "compressed"), [(1, False), (8, False), (64, False), (8, True)])
def test_the_ledger_equals_what_the_generator_wrote(tmp_path: Path, cpus: int, compressed: bool, threads: int) -> None:
    path = tmp_path / "simulated.etl"
    expected = generate(path, size=MIB, cpus=cpus, outstanding=1_000, compressed=compressed, buffer_size=16_384)
    found = analyze(path, threads)
    check(found, expected)
    assert found.totals.replaced_without_free == 0


def test_a_ledger_that_is_off_by_one_is_no_measurement(tmp_path: Path) -> None:
    path = tmp_path / "simulated.etl"
    expected = generate(path, size=MIB // 2, outstanding=100)
    with pytest.raises(WrongResultError, match="outstanding"):
        check(analyze(path, 1), replace(expected, outstanding_count=expected.outstanding_count + 1))


def test_a_plain_read_reads_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "some.bin"
    path.write_bytes(bytes(MIB + 1))
    assert plain_read(path) == MIB + 1


def test_an_effort_is_of_the_threads_of_a_right_passage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "pin", lambda cores: cores == 2)
    path = tmp_path / "simulated.etl"
    expected = generate(path, size=MIB // 2, outstanding=100)
    effort = measure_effort(path, path, expected)
    assert effort.pinned
    assert effort.cpu > 0
    assert effort.peak > MIB
    with pytest.raises(WrongResultError, match="records"):
        measure_effort(path, path, replace(expected, records=expected.records + 1))
