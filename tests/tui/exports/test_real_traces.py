"""Every export of a real trace is opened by its own ecosystem's reader and gives the totals of ``analyze --json``.

No public trace has pool events: of memory all must say that there is none, of processes all must say the same.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import networkx as nx
import pyarrow.parquet as pq
import pypdf
import pytest

from tests.tui.exports.readers import profile_of
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.exports.registry import FORMS, REPORT_FORMS

TRACE = "merged-server2022-compressed.etl"


def _csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _ndjson(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _parquet(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    assert duckdb.connect().execute(f"select count(*) from read_parquet('{path}')").fetchall() == [(len(rows),)]
    return rows


ROWS = {"csv": _csv, "ndjson": _ndjson, "parquet": _parquet}


def _table(read: Callable[[Path], list[dict[str, Any]]]) -> Callable[[Path], int]:
    return lambda path: sum(int(row["bytes"]) for row in read(path))


def _folded(path: Path) -> int:
    return sum(int(line.rpartition(" ")[2]) for line in path.read_text(encoding="utf-8").splitlines())


def _speedscope(path: Path) -> int:
    [profile] = json.loads(path.read_text(encoding="utf-8"))["profiles"]
    assert profile["type"] == "sampled"
    return sum(profile["weights"])


def _pprof(path: Path) -> int:
    profile = profile_of(path.read_bytes())
    assert profile.string_table[profile.sample_type[0].type] == "outstanding_bytes"
    return sum(each.value[0] for each in profile.sample)


def _chrome(path: Path) -> int:
    events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    assert events[0]["args"]["name"] == "Pool: outstanding bytes"
    return sum({each["name"]: each["args"]["bytes"] for each in events if each["ph"] == "C"}.values())


def _graph(read: Callable[[Path], nx.DiGraph]) -> Callable[[Path], int]:
    return lambda path: sum(data["bytes"] for _, data in read(path).nodes(data=True))


def _sarif(path: Path) -> int:
    [run] = json.loads(path.read_text(encoding="utf-8"))["runs"]
    assert run["tool"]["driver"]["name"] == "Poolscope"
    return sum(each["properties"]["bytes"] for each in run["results"])


BYTES: dict[str, Callable[[Path], int]] = {
    **{name: _table(read) for name, read in ROWS.items()},
    **{"folded": _folded, "speedscope": _speedscope, "pprof": _pprof, "chrome": _chrome, "sarif": _sarif},
    **{"graphml": _graph(nx.read_graphml), "gexf": _graph(nx.read_gexf)},
}


@pytest.fixture
def write(samples: Path, tmp_path: Path) -> Callable[..., Path]:
    def written(command: str, form: str, *words: str) -> Path:
        path = tmp_path / form
        trace = str(samples / TRACE)
        assert main([command, trace, "--to", str(path), "--format", form, "-q", *words]) == ExitCode.DONE
        return path

    return written


@pytest.fixture
def document(samples: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    assert main(["analyze", str(samples / TRACE), "--json", "-q"]) == ExitCode.DONE
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("form", [form.name for form in FORMS])
def test_each_form_is_opened_and_has_the_bytes_of_the_document(
    form: str, write: Callable[..., Path], document: Any
) -> None:
    assert BYTES[form](write("export", form)) == document["pool"]["outstanding_bytes"]


def test_tables_of_all_forms_tell_the_same_processes(write: Callable[..., Path]) -> None:
    told = [
        [(int(row["process_id"]), row["process"]) for row in read(write("export", form, "--table", "processes"))]
        for form, read in ROWS.items()
    ]
    assert told[0] == told[1] == told[2]
    assert len(told[0]) > 50
    assert (4, "System") in told[0]


@pytest.mark.parametrize("form", [form.name for form in REPORT_FORMS])
def test_a_report_says_that_nothing_can_be_said_and_how_to_record(
    form: str, write: Callable[..., Path], document: Any
) -> None:
    path = write("report", form)
    if form == "pdf":
        text = "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    else:
        text = path.read_text(encoding="utf-8")
    assert document["evidence"]["pool"] is False
    assert "Nothing can be said of leaks" in text
    assert "0 allocations" in text
    assert "poolscope record pool.etl" in text
