from __future__ import annotations

import json

import pytest

from benchmarks.table import Bound, Row, Unit, table

READ = Row("speed", "plain read", 0.1, ratio=1.0, to="read", note="10 GiB/s")
FAST = Row("speed", "everything", 1.1, ratio=11.0, to="read", limit=12.0)
SLOW = Row("speed", "one core", 2.1, ratio=21.0, to="read", limit=20.0)
PEER = Row("peers", "sample", 9e6, Unit.RECORDS_PER_SECOND, 150.4, "dissect.etl", Bound.AT_LEAST, 100.0)
MISSING = Row("peers", "etl-parser", problem="not installed")


@pytest.mark.parametrize(("row", "passed"), [(READ, None), (FAST, True), (SLOW, False), (PEER, True), (MISSING, None)])
def test_a_limit_is_kept_on_its_good_side(row: Row, passed: bool | None) -> None:
    assert row.passed is passed


def test_a_rate_below_its_limit_is_missed() -> None:
    assert Row("peers", "x", 1.0, ratio=99.0, bound=Bound.AT_LEAST, limit=100.0).passed is False


def test_the_table_shows_values_ratios_limits_and_verdicts_under_one_head() -> None:
    lines = table([READ, FAST, SLOW, PEER, MISSING]).splitlines()
    assert lines[0].split() == ["measured", "value", "ratio", "limit", "note"]
    assert [line.split()[1] for line in lines if line.startswith("──")] == ["speed", "peers"]
    assert "0.100 s" in lines[2]
    assert lines[2].endswith("10 GiB/s")
    assert lines[3].split()[-5:] == ["×", "read", "≤", "12", "pass"]
    assert lines[4].split()[-3:] == ["≤", "20", "FAIL"]
    assert "9,000,000 records/s  150 × dissect.etl  ≥ 100  pass" in lines[6]
    assert lines[7].endswith("not installed")


def test_columns_stand_under_each_other() -> None:
    lines = [line for line in table([FAST, SLOW]).splitlines() if "≤" in line]
    assert len({line.index("≤") for line in lines}) == 1


def test_a_measurement_that_broke_reads_as_failed() -> None:
    assert "FAIL" in table([Row("memory", "memory", problem="OSError: no space", broken=True)])


def test_a_row_is_a_json_document_with_raw_numbers() -> None:
    document = json.loads(json.dumps(PEER.document()))
    assert document["value"] == 9e6
    assert document["unit"] == "records/s"
    assert document["bound"] == "at-least"
    assert document["passed"] is True
