"""Every parser of what comes from outside takes what it is given, and what finds that out finds what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzzing.__main__ import main
from tests.fuzzing.corpus import input_of, inputs_of, line_of, read_lines
from tests.fuzzing.drawn import inputs_for
from tests.fuzzing.guided import guide
from tests.fuzzing.measuring import measure
from tests.fuzzing.running import Campaign, Plan, input_at
from tests.fuzzing.target import NAMES
from tests.fuzzing.targets import unjitted

SEED = 1


@pytest.fixture(scope="module", autouse=True)
def no_process_stays() -> Iterator[None]:
    """Other tests count those of theirs."""
    yield
    unjitted.end()


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Of each target in turn; it is skipped where a package is missing that is not in the extra "test"."""
    chosen: str = request.param
    target, _ = inputs_of(chosen)
    if target.needs and find_spec(target.needs.partition(".")[0]) is None:
        pytest.skip(f"{target.needs} is not installed (python -m pip install -e .[fuzz])")
    return chosen


@pytest.mark.repeats
def test_what_the_repository_keeps_is_read_or_refused_in_words(name: str) -> None:
    target, inputs = inputs_of(name)
    assert len(inputs) >= 4
    for data in inputs:
        target.check(data)


@pytest.mark.repeats
def test_what_is_made_of_it_is_read_or_refused_in_words(name: str) -> None:
    target, _ = inputs_of(name)
    for number in range(target.a_second):
        target.check(input_at(name, SEED, number))


@pytest.mark.repeats
def test_what_hypothesis_draws_is_read_or_refused_in_words(name: str) -> None:
    target, _ = inputs_of(name)
    examples = min(100, max(4, target.a_second // 4))

    @settings(max_examples=examples, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(inputs_for(name))
    def draw(data: bytes) -> None:
        target.check(data)

    draw()


@pytest.mark.repeats
@pytest.mark.parametrize("name", ["filters", "schemas"])
def test_what_atheris_finds_its_way_to_is_read_or_refused_in_words(name: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="python -m pip install -e .[fuzz]")
    result = guide(Plan(name, SEED, 0, 2_000, 600.0, 1, tmp_path))
    assert (result.found, result.executions) == ([], 2_000)


def test_an_input_is_the_same_for_ever() -> None:
    assert input_at("times", 3, 5) == input_at("times", 3, 5)
    assert len({input_at("times", seed, number) for seed in range(3) for number in range(40)}) > 80


@pytest.mark.parametrize("data", [b"", b"tag:Irp", b"'\"\0\xff", bytes(range(256)), b"#" * 400])
def test_an_input_is_a_line_of_text_and_comes_back(data: bytes) -> None:
    line = line_of(data)
    assert line.isascii()
    assert not line.startswith("#")
    assert input_of(line) == data


@pytest.mark.slow
def test_each_kind_of_defect_is_found_once_with_its_input_and_the_rest_goes_on(tmp_path: Path) -> None:
    result = Campaign(Plan("broken", 2, 0, 18, 600.0, 2, tmp_path, patience=4.0)).run()
    kinds = {line.partition(":")[0].partition(" in ")[0] for line in result.found}
    assert kinds == {"DefectError", "KeyError", "MemoryError", "ended with 7", "hangs"}
    assert len(result.found) == len(kinds)
    assert result.executions == 18
    assert sorted(read_lines(tmp_path / "broken.txt")) == [b"dies", b"fills", b"hangs", b"raises", b"wrong"]


@pytest.mark.slow
def test_the_command_tells_what_it_did_and_adds_campaigns_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    for first in ("0", "300"):
        words = ["times", "--executions", "300", "--first", first, "--processes", "1", "--log", str(log)]
        assert main([*words, "--found", str(tmp_path)]) == 0
    assert main(["alerts", "--engine", "hypothesis", "--executions", "30", "--log", str(log)]) == 0
    counts = [json.loads(line)["executions"] for line in log.read_text("utf-8").splitlines()]
    assert counts[:2] == [300, 300]
    capsys.readouterr()
    assert main(["--tally", str(log)]) == 0
    rows = [[cell.strip() for cell in row.split("|")[1:4]] for row in capsys.readouterr().out.splitlines()]
    assert ["times", "mutate", "600"] in rows
    assert ["all", "", str(sum(counts))] in rows


@pytest.mark.slow
def test_coverage_is_that_of_the_files_that_a_target_runs() -> None:
    table = measure(["times"], 20, SEED)
    assert "| analyzers/selection/times.py |" in table
    assert "tracer/etl/walk.py" not in table
