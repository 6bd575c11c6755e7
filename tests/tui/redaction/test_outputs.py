"""No planted name is in any redacted output, and the answer is the same."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pypdf
import pytest

from analyzers.counter_snapshot import Nameless
from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from tests.tui.redaction.conftest import Run
from tests.tui.redaction.planted import NAMES, budget, found_in, names_planted
from tui.exports.registry import FORMS, REPORT_FORMS
from tui.exports.tables import TABLES
from tui.redaction.redaction import Redaction
from tui.redaction.snapshots import redacted

ANALYSES = (
    (), ("--json",), ("--full",), ("--short",), ("--explain", "1"), ("--full", "--driver", "drv"),
    ("--audit",), ("--audit", "--json"),
    ("--json", "--driver", "Zürich<b>flt", "--process", "no ending", "--process", "payroll"),
)  # fmt: skip


def test_there_are_two_hundred_names() -> None:
    assert len(set(NAMES)) >= 200


def test_without_redaction_they_are_seen(run: Run, traces: tuple[str, str]) -> None:
    assert len(found_in(run("analyze", traces[0], "--json"))) > 150
    assert len(found_in(run("info", traces[0], "--json", "--images"))) >= 6
    assert len(found_in(run("export", traces[0], "--to", "-", "--format", "csv", "--table", "sockets"))) >= 25


@pytest.mark.parametrize("words", ANALYSES)
def test_analyze_tells_none(run: Run, traces: tuple[str, str], words: tuple[str, ...]) -> None:
    for trace in traces:
        said = run("analyze", trace, "--redact", *words)
        assert len(said) > 100
        assert found_in(said) == []


def test_several_traces_tell_none(run: Run, traces: tuple[str, str]) -> None:
    for words in ((), ("--json",)):
        assert found_in(run("analyze", *traces, "--redact", *words)) == []


@pytest.mark.parametrize("words", [(), ("--json",), ("--images",), ("--json", "--images")])
def test_info_tells_none(run: Run, traces: tuple[str, str], words: tuple[str, ...]) -> None:
    said = run("info", traces[1], "--redact", *words)
    assert "trace-1.etl" in said
    assert found_in(said) == []


@pytest.mark.parametrize("form", [form.name for form in (*FORMS, *REPORT_FORMS)])
def test_no_export_tells_any(run: Run, traces: tuple[str, str], tmp_path: Path, form: str) -> None:
    command = "report" if form in [each.name for each in REPORT_FORMS] else "export"
    tables = [("--table", name) for name in TABLES] if form in ("csv", "ndjson", "parquet") else [()]
    for number, (trace, table) in enumerate(itertools.product(traces, tables)):
        path = tmp_path / f"{number}.out"
        run(command, trace, "--to", str(path), "--format", form, *table, "--redact-addresses")
        assert path.exists()
        assert found_in(_text(path, form)) == []


def _text(path: Path, form: str) -> str:
    if form == "parquet":
        return json.dumps(pq.read_table(path).to_pydict(), ensure_ascii=False)
    if form == "pdf":
        reader = pypdf.PdfReader(path)
        told = [page.extract_text() for page in reader.pages]
        assert len("".join(told)) > 1000
        return "\n".join((*told, str(reader.metadata), str(reader.outline)))
    data = path.read_bytes()
    return (gzip.decompress(data) if form == "pprof" else data).decode("utf-8", "replace")


@pytest.mark.parametrize("words", [(), ("--json",), ("--markdown",)])
def test_diff_tells_none(run: Run, traces: tuple[str, str], words: tuple[str, ...]) -> None:
    said = run("diff", *traces, "--redact", *words)
    assert "driver-" in said or "process-" in said
    assert found_in(said) == []


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_check_tells_none(run: Run, traces: tuple[str, str], tmp_path: Path, words: tuple[str, ...]) -> None:
    junit, sarif = tmp_path / "j.xml", tmp_path / "s.sarif"
    limits = ("--budget", str(budget(tmp_path)), "--junit", str(junit), "--sarif", str(sarif))
    said = run("check", traces[1], *limits, "--redact", *words)
    for text in (said, junit.read_text(encoding="utf-8"), sarif.read_text(encoding="utf-8")):
        assert "driver-" in text
        assert found_in(text) == []


def test_a_document_of_an_error_tells_none(run: Run, tmp_path: Path) -> None:
    for words in (["analyze", str(tmp_path / "geheim 0.etl")], ["analyze", str(DEMO_TRACE), "--driver=codec3.dll"]):
        said = run(*words, "--json", "--redact")
        assert "error" in json.loads(said)
        assert found_in(said) == []


def test_a_budget_of_stand_ins_is_not_written(run: Run, traces: tuple[str, str], tmp_path: Path) -> None:
    path = budget(tmp_path)
    before = path.read_bytes()
    run("check", traces[1], "--budget", str(path), "--update", "--redact")
    assert path.read_bytes() == before


def test_no_part_of_a_redacted_snapshot_holds_any(snapshots: dict[str, Snapshot]) -> None:
    for snapshot in snapshots.values():
        with names_planted():
            made = redacted(snapshot, Redaction())
        texts: set[str] = set()
        _gather((replace(made, names=Nameless()), list(made.diagnosis.held_requests)), texts, set())
        assert len(texts) > 100
        assert found_in("\n".join(texts)) == []


def _gather(value: Any, texts: set[str], seen: set[int]) -> None:
    """Every text that can be reached, but for what functions remember."""
    if isinstance(value, str):
        texts.add(value)
        return
    if id(value) in seen or isinstance(value, np.ndarray | type):
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        value = [*value.items()]
    if isinstance(value, list | tuple | set | frozenset):
        inside: Iterable[Any] = value
    elif is_dataclass(value):
        inside = [getattr(value, each.name) for each in fields(value)]
    else:
        inside = ()
    for each in inside:
        _gather(each, texts, seen)


def test_numbers_and_verdicts_stay(run: Run, traces: tuple[str, str]) -> None:
    for trace in traces:
        plain, redacted = (json.loads(run("analyze", trace, "--json", *more)) for more in ((), ("--redact",)))
        assert _numbers(plain) == _numbers(redacted)
        assert _codes(plain) == _codes(redacted)


def _numbers(document: Any) -> Any:
    match document:
        case dict():
            return [_numbers(each) for each in document.values()]
        case list():
            return [_numbers(each) for each in document]
    return None if isinstance(document, str) else document


def _codes(document: Any) -> list[Any]:
    findings = document["findings"]
    return [
        (each["verdict"], each["tag"], [step["kind"] for step in each["path"]], [e["rule"] for e in each["evidence"]])
        for each in findings
    ]


def test_moved_addresses_keep_their_differences(run: Run, traces: tuple[str, str]) -> None:
    def addresses(*words: str) -> list[int]:
        said = run("export", traces[1], "--to", "-", "--format", "ndjson", *words)
        return [int(json.loads(line)["address"], 16) for line in said.splitlines()]

    kept, moved = addresses("--redact"), addresses("--redact-addresses")
    assert kept == addresses()
    [by] = {(new - old) % (1 << 47) for old, new in zip(kept, moved, strict=True)}
    assert by
    assert by % 0x1000 == 0
    assert min(moved) >> 47 == 0x1FFFF


def test_a_key_gives_the_same_stand_ins_everywhere(run: Run, traces: tuple[str, str], tmp_path: Path) -> None:
    def said(trace: str, *words: str) -> str:
        return run("analyze", trace, "--json", *words)

    once = said(traces[0], "--redact-key", "a long secret")
    assert once == said(traces[0], "--redact-key", "a long secret")
    assert once != said(traces[0], "--redact-key", "another secret")
    file = tmp_path / "key"
    file.write_text("a long secret", encoding="utf-8")
    assert once == said(traces[0], "--redact-key", str(file))
    page = run("export", traces[0], "--to", "-", "--format", "csv", "--table", "findings", "--redact-key", str(file))
    assert json.loads(once)["findings"][0]["process"]["name"] in page
    assert found_in(once + page) == []


def test_an_empty_key_is_refused(run: Run) -> None:
    error = json.loads(run("analyze", str(DEMO_TRACE), "--json", "--redact-key", " "))["error"]
    assert error["code"] == "redact-key"
