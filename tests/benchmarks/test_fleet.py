from __future__ import annotations

import json
from importlib.util import find_spec

import pytest


@pytest.mark.slow
@pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is not installed")
def test_a_fleet_whose_workers_and_runs_are_killed_loses_nothing_and_counts_nothing_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from benchmarks.fleet.__main__ import main

    assert main(["--traces", "20", "--at-once", "10", "--kills", "4", "--small", "--only", "killed"]) == 0
    [run] = json.loads(capsys.readouterr().out)["runs"]
    assert run["rows_are_those_of_a_plain_loop"]
    assert run["traces"] == 20


@pytest.mark.slow
def test_the_version_that_leaks_is_named_in_a_fleet_of_traces_and_none_where_none_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from benchmarks.fleet.versions import main

    assert main(["--fleets", "1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["named"], told["unnamed"]) == (1, 1)
    assert told["traces"] >= 48
