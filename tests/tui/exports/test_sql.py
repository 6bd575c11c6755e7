"""The tables of ``poolscope sql`` say what ``analyze --json`` says, and a question reaches nothing else."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import struct
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from analyzers.tags import TagNames
from fixtures.demo import DEMO_TRACE
from fixtures.etl.options import TraceOptions
from fixtures.etl.records import ExtendedItem, Record
from fixtures.etl.rolling import appended, rolled
from fixtures.etl.writer import EtlWriter
from fixtures.settings import Settings, StackMode
from fixtures.simulate import simulate
from tests.tracer.etl.joining.recordings import files, written
from tracer.etl.file import EtlFile
from tracer.etl.headers import ExtendedType, HeaderType
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.interrupts import Interrupts
from tui.redaction.redaction import Redaction
from tui.sql.database import Database
from tui.sql.opened import OpenTrace
from tui.sql.prompt import ask_on

Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    def asked(query: str, *traces: Path) -> list[dict[str, Any]]:
        words = [str(trace) for trace in traces or (DEMO_TRACE,)]
        assert main(["sql", *words, query, "--format", "json", "--quiet"]) == ExitCode.DONE
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return asked


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def said(*words: str, code: ExitCode = ExitCode.USAGE) -> str:
        assert main(["sql", *words, "--quiet"]) == code
        captured = capsys.readouterr()
        assert not captured.out
        return captured.err

    return said


@pytest.fixture
def document(capsys: pytest.CaptureFixture[str]) -> Any:
    assert main(["analyze", str(DEMO_TRACE), "--json", "--quiet"]) == ExitCode.DONE
    return json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with OpenTrace(DEMO_TRACE, TagNames(()), quiet=True) as opened:
        made = Database([opened])
        yield made
        made.close()


def _one(database: Database, query: str) -> Any:
    [answer] = [each.fetchall() for each in database.ask(query)]
    return answer


def test_events_and_what_is_outstanding_are_those_of_analyze(ask: Ask, document: Any) -> None:
    [counted] = ask(
        "select (select count(*) from allocations) allocations, (select count(*) from frees) frees,"
        " (select count(*) from outstanding) outstanding_count, (select sum(bytes) from outstanding) outstanding_bytes"
    )
    assert counted == {name: document["pool"][name] for name in counted}


def test_allocations_by_tag_are_those_of_analyze(ask: Ask, document: Any) -> None:
    rows = ask("select tag, tag_hex, paged, count(*) allocations from allocations group by all")
    told = document["pool"]["by_tag"]
    by_tag = {(each["tag"], each["tag_hex"], each["paged"]): each["allocations"] for each in told}
    assert {(row["tag"], row["tag_hex"], row["paged"]): row["allocations"] for row in rows} == by_tag


def test_findings_and_held_requests_are_those_of_analyze(ask: Ask, document: Any) -> None:
    assert [row["says"] for row in ask("from findings order by rank")] == [f["says"] for f in document["findings"]]
    [held] = ask("select count(*) n, min(irp) irp from held_requests")
    assert held == {"n": len(document["held_requests"]), "irp": min(each["irp"] for each in document["held_requests"])}


@pytest.mark.parametrize("stacks", StackMode)
def test_an_outstanding_allocation_is_the_same_row_among_all_allocations(
    stacks: StackMode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    """Windows so small that stacks, and the frames of their keys, come in later ones."""
    trace = tmp_path / "small.etl"
    settings = Settings(cpus=8, iterations=15, buffer_size=512, user_stacks=0.5, stacks=stacks)
    simulate("winsock-loop", 1, settings).write(trace)
    monkeypatch.setattr("tui.sql.opened.open_trace", lambda path: EtlFile.open(path, window_bytes=512, threads=1))
    columns = (
        "address, bytes, time_ns, tag, tag_hex, paged, pool_type, process_id, process, thread_id, known_by, driver,"
        ' stack_id, user_stack_id, cpu, "offset"'
    )
    [counted] = ask(
        f"select (select count(*) from (select {columns} from outstanding intersect all select {columns}"
        " from allocations)) same, (select count(*) from outstanding) outstanding,"
        " (select count(driver) from frees) callers, (select count(stack_id) from frees) stacks",
        trace,
    )
    assert counted["same"] == counted["outstanding"] > 0
    assert (counted["callers"] > 0) == (counted["stacks"] > 0) == (stacks is not StackMode.NONE)


def test_a_failed_allocation_is_none(ask: Ask) -> None:
    assert ask("select count(*) n from allocations where address = 0") == [{"n": 0}]


def test_threads_switches_and_connections_are_those_of_the_trace(ask: Ask) -> None:
    [client] = ask("select distinct process from tcp where event = 'connect'")
    assert client == {"process": "client.exe"}
    [where] = ask("select min(remote_port) port, min(remote_address) address from tcp where event = 'connect'")
    assert where == {"port": 7000, "address": "127.0.0.1"}
    [strange] = ask(
        "select count(*) n from context_switches s where not exists (select 1 from threads t where"
        " t.thread_id = s.new_thread_id and t.process_id = s.new_process_id) and new_thread_id != 0"
    )
    assert strange == {"n": 0}
    [kernel] = ask("select image from images where process_id = 0 order by bytes desc limit 1")
    assert kernel == {"image": "ntoskrnl.exe"}


def test_events_have_the_fields_of_the_schema_that_the_trace_carries(ask: Ask, samples: Path) -> None:
    trace = samples / "merged-win8-x64-compressed.etl"
    [files] = ask(
        "select count(*) n, bool_and(fields->>'FileName' like '\\Device\\%') named from events"
        " where provider = 'Microsoft-Windows-Kernel-File' and event_id = 12",
        trace,
    )
    assert files == {"n": 562, "named": True}


def test_events_that_describe_themselves_are_decoded(ask: Ask, tmp_path: Path) -> None:
    traits = ExtendedItem(ExtendedType.PROV_TRAITS, b"\x14\0Contoso.Provider\0\0")
    fields = ExtendedItem(ExtendedType.SCHEMA_TL, b"\x14\0\0Started\0n\0\x08text\0\x01")
    payload = struct.pack("<I", 7) + "Grüße\0".encode("utf-16-le") + b"!!"
    record = Record(
        HeaderType.EVENT64, 1_000_000, payload, provider=uuid.UUID(int=9), process=4, extended=(traits, fields)
    )
    trace = tmp_path / "t.etl"
    trace.write_bytes(EtlWriter(TraceOptions()).write([record]))
    assert ask("select provider, event, event_id, process_id, fields from events", trace) == [
        {
            "provider": "Contoso.Provider",
            "event": "Started",
            "event_id": 0,
            "process_id": 4,
            "fields": '{"n": 7, "text": "Grüße", "not_decoded": "2121"}',
        }
    ]


def test_events_of_a_real_provider_without_a_manifest_are_decoded(ask: Ask, samples: Path) -> None:
    [found] = ask(
        "select provider, event, count(*) n, bool_and(fields->>'Engine' != '') engines from events group by all",
        samples / "events-lost.etl",
    )
    assert found == {"provider": "AmsiTrace", "event": "AmsiScript", "n": 19, "engines": True}


def test_frames_have_the_names_that_a_map_gives(ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of every stack, not only of those that a finding shows."""
    [frame] = ask(
        'select module, "offset" from frames join (select stack_id from sites order by outstanding_bytes limit 1)'
        " using (stack_id) where module is not null order by depth limit 1"
    )
    names = tmp_path / "names.map"
    names.write_text(f"{frame['module']} 0x{frame['offset'] - 4:x} CtNamed\n", encoding="utf-8")
    query = "select distinct symbol, displacement, named_by, source, line from frames where symbol is not null"
    assert main(["sql", str(DEMO_TRACE), query, "--map", str(names), "--format", "json", "-q"]) == ExitCode.DONE
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"symbol": "CtNamed", "displacement": 4, "named_by": "map file", "source": None, "line": None} in rows
    assert ask("select count(symbol) n from frames") == [{"n": 0}]


def test_of_a_file_of_several_sessions_the_first_with_pool_events_is_asked(ask: Ask, tmp_path: Path) -> None:
    quiet = written(tmp_path / "quiet", [], session="quiet").read_bytes()
    trace = tmp_path / "both.etl"
    trace.write_bytes(appended([quiet, simulate("burst", 1, Settings(iterations=10)).data]))
    [counted] = ask("select (select count(*) from allocations) n, (select sum(allocations) from tags) told", trace)
    assert counted["n"] == counted["told"] > 0
    trace.write_bytes(appended([quiet, quiet]))
    assert ask("select count(*) n from allocations", trace) == [{"n": 0}]


def test_parts_of_one_recording_are_one_trace(ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = files(tmp_path, rolled(simulate("missing-free", 1, Settings(iterations=20)).data, (0.3, 0.6)))
    query = "select (select count(*) from allocations) allocations, (select count(*) from frees) frees"
    [counted] = ask(query, *parts)
    assert main(["analyze", *map(str, parts), "--json", "-q"]) == ExitCode.DONE
    pool = json.loads(capsys.readouterr().out)["pool"]
    assert counted == {name: pool[name] for name in counted}


def test_several_traces_are_one_database(ask: Ask, tmp_path: Path) -> None:
    other = tmp_path / "it's another.etl"
    simulate("burst", 1, Settings(iterations=10)).write(other)
    rows = ask("select trace, count(*) n from allocations group by all", DEMO_TRACE, other)
    assert {row["trace"] for row in rows} == {str(DEMO_TRACE), str(other)}
    [alone] = ask("select count(*) n from allocations", other)
    assert alone["n"] == next(row["n"] for row in rows if row["trace"] == str(other))


def test_only_tables_that_a_query_names_are_made(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[set[str]] = []
    monkeypatch.setattr(database, "_read", lambda missing: made.append({*missing}))
    for query in (
        "select allocations, frees from tags",
        "with sockets as (select 1 as a) select * from sockets",
        "select * from sites join STACKS using (stack_id)",
        "pivot (select tag, paged from irps join processes using (process_id)) on paged",
    ):
        monkeypatch.setattr(database, "_filled", {})
        list(database.ask(query.replace("select tag, paged from irps", "select major tag, true paged from irps")))
    assert made == [{"tags"}, {"sites", "stacks"}, {"irps", "processes"}]


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("select count(*) from tags", {"peak_bytes"}),
        ("select TAG, count(*) from tags where paged group by all order by all", {"tag", "paged", "peak_bytes"}),
        ("select t.tag from tags t join tags u using (tag_hex)", {"tag", "tag_hex"}),
        ("select sum(frees) filter (where paged) over (partition by tag) from tags", {"frees", "paged", "tag"}),
        ("from tags", None),
        ("select * exclude (tag) from tags", None),
        ("select columns('t.*') from tags", None),
        ("select #1 from tags", None),
        ("select tags from tags", None),
        ("select count(t) from tags t", None),
        ("select c from tags t(c)", None),
        ("select tag from tags natural join sites", None),
        ("select tag from query_table('tags')", None),
        ("summarize tags", None),
        ("pivot (select tag, frees from tags) on tag", None),
        ("with t as (select tag, frees from tags) select tag from t where frees > 1", {"tag", "frees"}),
        ("select tag from tags union all select driver from tags order by 1", {"tag", "driver"}),
        ("select (select max(frees) from tags s where s.paged = t.paged) from tags t", {"frees", "paged"}),
    ],
)  # fmt: skip
def test_only_columns_that_a_query_names_are_made(
    query: str, columns: set[str] | None, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[set[str]] = []
    monkeypatch.setattr(database, "_read", lambda missing: made.append({*missing["tags"]}))
    monkeypatch.setattr(database, "_filled", {})
    list(database.ask(query))
    assert made == [{*database.tables["tags"]} if columns is None else columns | {"peak_bytes"}]


@pytest.mark.parametrize("table", ["allocations", "frees", "context_switches", "tcp", "outstanding", "threads"])
def test_each_column_by_itself_is_that_of_the_whole_table(table: str) -> None:
    with OpenTrace(DEMO_TRACE, TagNames(()), quiet=True) as opened:
        traces = [opened] * (2 if table in ("frees", "tcp", "threads") else 1)
        whole = Database(traces)
        list(whole.ask(f"from {table}"))
        for column in whole.tables[table]:
            query = f'select list("{column}") from (select "{column}" from {table} order by all)'
            alone = Database(traces)
            assert _one(alone, query) == _one(whole, query)
            alone.close()
        whole.close()


def test_a_table_is_made_whole_where_more_of_it_is_asked() -> None:
    with OpenTrace(DEMO_TRACE, TagNames(()), quiet=True) as opened:
        made = Database([opened])
        [(first,)] = _one(made, "select count(*) from frees")
        assert _one(made, "select count(*), count(address), count(bytes) from frees") == [(first, first, first)]
        list(made.ask("create view seen as select tag, peak_bytes as peak from tags"))
        assert _one(made, "select sum(peak) from seen") == _one(made, "select sum(peak_bytes) from tags")
        made.close()


def test_a_query_that_cannot_be_answered_reads_nothing(
    monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
) -> None:
    monkeypatch.setattr(Database, "_read", lambda *_: pytest.fail("it was read"))
    said = refused(str(DEMO_TRACE), "select nothing from allocations")
    assert 'column "nothing" not found' in said
    assert "the tables are allocations, context_switches, events" in said
    assert 'syntax error at or near "selec"' in refused(str(DEMO_TRACE), "selec * from tags")
    assert "Table with name nothing does not exist" in refused(str(DEMO_TRACE), "select 1 from nothing")
    assert "the query is empty" in refused(str(DEMO_TRACE), " ")
    assert "no trace is given" in refused("select 1 from tags")


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_text('{file}')",
        "select * from '{file}'",
        "copy (select 1) to '{file}'",
        "attach '{file}'",
        "install httpfs",
        "set memory_limit = '64GiB'",
        "set enable_external_access = true",
        "select * from DEMO_TRACE",
    ],
)
def test_a_query_reaches_neither_files_nor_settings(
    query: str, tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "_read", lambda *_: None)
    file = tmp_path / "mine.csv"
    file.write_text("a\n1\n", encoding="utf-8")
    refused(str(DEMO_TRACE), query.format(file=file))
    assert file.read_text(encoding="utf-8") == "a\n1\n"


def test_memory_is_bounded_and_what_is_more_goes_with_the_database(database: Database) -> None:
    [(limit, folder)] = _one(database, "select current_setting('memory_limit'), current_setting('temp_directory')")
    assert limit == "1.0 GiB"
    with OpenTrace(DEMO_TRACE, TagNames(()), quiet=True) as opened:
        other = Database([opened])
        [(its,)] = _one(other, "select current_setting('temp_directory')")
        assert its != folder
        assert Path(its).parent.is_dir()
        other.close()
    assert not Path(its).parent.exists()


QUERY = "select tag, paged, bytes, address, bytes / 2 half from outstanding order by address limit 3"


def test_each_form_says_the_same(tmp_path: Path, ask: Ask) -> None:
    rows = ask(QUERY)
    for name in ("a.csv", "a.json", "a.parquet", "a.md", "a.txt"):
        assert main(["sql", str(DEMO_TRACE), QUERY, "--to", str(tmp_path / name), "-q"]) == ExitCode.DONE
    text = {name: (tmp_path / name).read_text(encoding="utf-8") for name in ("a.csv", "a.json", "a.md", "a.txt")}
    assert [json.loads(line) for line in text["a.json"].splitlines()] == rows
    told = list(csv.DictReader(io.StringIO(text["a.csv"])))
    assert [(row["address"], int(row["bytes"]), row["paged"]) for row in told] == [
        (row["address"], row["bytes"], str(row["paged"]).lower()) for row in rows
    ]
    columns = pq.read_table(tmp_path / "a.parquet").to_pydict()
    assert [f"0x{address:x}" for address in columns["address"]] == [row["address"] for row in rows]
    for name in ("a.md", "a.txt"):
        assert all(row["address"] in text[name] for row in rows)
    assert text["a.txt"].endswith("(3 rows)\n")
    assert text["a.md"].splitlines()[1] == "| --- | --- | ---: | --- | ---: |"


def test_options_may_stand_between_the_trace_and_the_query(
    capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
) -> None:
    assert main(["sql", "-q", str(DEMO_TRACE), "--format", "csv", "select 3 x"]) == ExitCode.DONE
    assert capsys.readouterr().out == "x\n3\n"
    assert "there is no option --what" in refused(str(DEMO_TRACE), "--what", "select 3 x")


def test_a_long_table_says_how_much_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", str(DEMO_TRACE), "from range(1500)", "-q"]) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines), lines[-1]) == (1003, "(1,500 rows; the first 1,000 are shown, --to FILE.csv has all)")


def test_columns_that_do_not_fit_the_terminal_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    query = "select 'abcdef' a, 'ghij' b, 1 c, 2 d"
    assert main(["sql", str(DEMO_TRACE), query, "-q"]) == ExitCode.DONE
    assert capsys.readouterr().out.splitlines()[-2:] == ["abcdef  ghij  1  2", "(1 row)"]
    monkeypatch.setattr("tui.commands.sql.is_terminal", lambda _: True)
    assert main(["sql", str(DEMO_TRACE), query, "-q"]) == ExitCode.DONE
    assert capsys.readouterr().out.splitlines()[-2:] == ["abcdef  ghij", "(1 row; no room for c, d)"]
    monkeypatch.setenv("COLUMNS", "3")
    assert main(["sql", str(DEMO_TRACE), query, "-q"]) == ExitCode.DONE
    assert capsys.readouterr().out.splitlines()[-2:] == ["abcdef", "(1 row; no room for b, c, d)"]


def test_values_that_json_lacks_are_text_or_nothing(ask: Ask) -> None:
    [row] = ask("select 'nan'::double a, [1, 2] b, {'x': true} c, date '2026-01-02' d, 1.5::decimal(4, 2) e")
    assert row == {"a": None, "b": [1, 2], "c": {"x": True}, "d": "2026-01-02", "e": "1.50"}


def test_a_file_is_written_over_only_when_that_is_asked(tmp_path: Path, refused: Callable[..., str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("mine", encoding="utf-8")
    assert "there is a file of that name" in refused(str(DEMO_TRACE), "select 1 x", "--to", str(path))
    assert "one statement" in refused(str(DEMO_TRACE), "select 1; select 2", "--to", str(path), "--force")
    assert "no form has that end" in refused(str(DEMO_TRACE), "select 1 x", "--to", str(tmp_path / "a.what"))
    assert path.read_text(encoding="utf-8") == "mine"
    assert main(["sql", str(DEMO_TRACE), "select 1 x", "--to", str(path), "--force", "-q"]) == ExitCode.DONE
    assert path.read_text(encoding="utf-8") == "x\n1\n"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_the_writing_of_an_answer_is_shown_after_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, bool, bytes]] = []

    @contextmanager
    def noted(doing: str, pieces: Iterable[bytes], *, quiet: bool) -> Iterator[Iterable[bytes]]:
        shown.append((doing, quiet, b"".join(pieces)))
        yield [shown[-1][2]]

    monkeypatch.setattr("tui.reading.progress.while_written", noted)
    path = tmp_path / "a.csv"
    assert main(["sql", str(DEMO_TRACE), "select 1 x", "--to", str(path), "-q"]) == ExitCode.DONE
    assert shown == [(f"writing {path}", True, path.read_bytes())]


def test_a_query_comes_from_a_pipe_where_none_is_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("create view v as select 7 x; select x from v"))
    assert main(["sql", str(DEMO_TRACE), "--format", "csv", "-q"]) == ExitCode.DONE
    assert capsys.readouterr().out == "x\n7\n"


@pytest.mark.parametrize("module", ["duckdb", "pyarrow"])
def test_what_is_not_installed_is_named_with_the_command(
    module: str, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    said = refused(str(DEMO_TRACE), "select 1", code=ExitCode.MACHINE)
    assert f"{module} is not installed" in said
    assert "pip install 'poolscope[sql]'" in said


@pytest.mark.skipif(sys.platform == "win32", reason="a signal to oneself ends the process there")
def test_ctrl_c_ends_a_query_that_runs(database: Database) -> None:
    endless = "select count(*) from range(1000000) a, range(100000000) b where hash(a.range + b.range) % 7 = 1"
    with Interrupts():
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            list(database.ask(endless))
        timer.join()
    assert _one(database, "select 1") == [(1,)]


@pytest.mark.parametrize("table", ["outstanding", "frees"])
def test_ctrl_c_while_the_trace_is_read_leaves_no_part_of_a_table(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenTrace(DEMO_TRACE, TagNames(()), quiet=True) as opened:
        made = Database([opened])
        [(whole,)] = _one(made, "select count(*) from allocations")
        add = made._add

        def interrupted(*words: Any, **rest: Any) -> None:
            add(*words, **rest)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(made, "_add", interrupted)
            with pytest.raises(KeyboardInterrupt):
                list(made.ask(f"select count(*) from {table}"))
        [(read,)] = _one(made, f"select (select count(*) from {table}) + (select count(*) from allocations)")
        [(again,)] = _one(made, f"select count(*) + {whole} from {table}")
        made.close()
    assert read == again > whole


def test_the_prompt_answers_until_it_is_left(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Ctrl-C drops the line, an error is told, Ctrl-D leaves."""
    lines: list[str | type[BaseException]] = ["select 1", KeyboardInterrupt, "selec", "", "select 2", EOFError, "no"]

    class Session:
        def prompt(self, _: str) -> str:
            line = lines.pop(0)
            if isinstance(line, str):
                return line
            raise line

    monkeypatch.setattr("tui.sql.prompt._session", lambda _: Session())
    asked: list[str] = []

    def answer(text: str) -> None:
        asked.append(text)
        list(database.ask(text))

    ask_on(database, answer)
    assert (asked, lines) == (["select 1", "selec", "select 2"], ["no"])
    assert 'syntax error at or near "selec"' in capsys.readouterr().err


def _offered(database: Database, begun: str) -> list[str]:
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from tui.sql.editing import QueryCompleter

    offered = QueryCompleter(database.tables).get_completions(Document(begun), CompleteEvent())
    return [each.text for each in offered]


def test_the_prompt_keeps_no_queries_where_names_are_redacted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("prompt_toolkit")
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    monkeypatch.setattr("tui.sql.editing.history_file", lambda: pytest.fail("it was looked for"))
    monkeypatch.setattr(database, "redaction", Redaction())
    asked: list[str] = []
    with create_pipe_input() as typed, create_app_session(input=typed, output=DummyOutput()):
        typed.send_text("select 1\rexit\r")
        ask_on(database, asked.append)
    assert asked == ["select 1"]


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("help", None),
        (".help", None),
        ("\\?", None),
        (".tables", "show tables"),
        ("\\d", "show tables"),
        ("\\d tags", "describe tags"),
        (".schema tags;", "describe tags"),
        (".mode csv", None),
        ("select 1;", "select 1;"),
    ],
)
def test_the_prompt_takes_what_people_type_at_others(
    typed: str, query: str | None, database: Database, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    lines = [typed, "exit"]

    class Session:
        def prompt(self, _: str) -> str:
            return lines.pop(0)

    monkeypatch.setattr("tui.sql.prompt._session", lambda _: Session())
    asked: list[str] = []
    ask_on(database, asked.append)
    said = capsys.readouterr().err.split("Ctrl-D leaves", 1)[1]
    assert asked == ([] if query is None else [query])
    assert ("Ctrl-D or exit leaves" in said) == (query is None and typed != ".mode csv")
    assert ("there is no command .mode" in said) == (typed == ".mode csv")


def test_to_describe_a_table_reads_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_filled", {})
    monkeypatch.setattr(database, "_read", lambda _: pytest.fail("it was read"))
    [rows] = [each.fetchall() for each in database.ask("describe allocations")]
    assert [row[0] for row in rows] == list(database.tables["allocations"])
    list(database.ask("show tables"))


def test_a_prepared_query_and_a_macro_find_their_tables_filled() -> None:
    with OpenTrace(DEMO_TRACE, TagNames(()), quiet=True) as opened:
        made = Database([opened])
        told = _one(made, "prepare p as select count(*), count(tag) from frees; execute p")
        assert told == _one(made, "create macro m() as table from frees; select count(*), count(tag) from m()")
        assert told == _one(made, "select count(*), count(tag) from frees")
        assert told[0][0] > 0
        made.close()


def test_the_prompt_completes_tables_and_columns_and_keeps_queries(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("prompt_toolkit")
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    kept = tmp_path / "history"
    monkeypatch.setattr("tui.sql.editing.history_file", lambda: kept)
    asked: list[str] = []
    with create_pipe_input() as typed, create_app_session(input=typed, output=DummyOutput()):
        typed.send_text("select 1\rexit\r")
        ask_on(database, asked.append)
    assert _offered(database, "select retained_") == ["retained_bytes"]
    assert _offered(database, "from HELD") == ["held_requests"]
    assert _offered(database, "select 1 from frees JOIN tag") == ["tags"]
    assert _offered(database, "select tag") == ["tag", "tag_hex", "tags"]
    assert len(_offered(database, "describe ")) == len(database.tables)
    assert asked == ["select 1"]
    assert "+select 1" in kept.read_text(encoding="utf-8")


def test_queries_that_can_neither_be_read_nor_kept_cost_no_answer(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("prompt_toolkit")
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    monkeypatch.setattr("tui.sql.editing.history_file", lambda: tmp_path)  # a folder
    asked: list[str] = []
    with create_pipe_input() as typed, create_app_session(input=typed, output=DummyOutput()):
        typed.send_text("select 1\rselect 2\rexit\r")
        ask_on(database, asked.append)
    assert asked == ["select 1", "select 2"]
    assert "note: the queries that were kept cannot be read: " in capsys.readouterr().err


def test_the_page_about_exports_has_every_table_and_column(database: Database) -> None:
    page = (Path(__file__).parents[3] / "docs/exports.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|$", page, re.M)
    told = {name: re.findall(r"`(\w+)`", columns) for name, columns in rows}
    assert told == {name: list(columns) for name, columns in database.tables.items()}


def test_duckdb_says_of_addresses_alone_that_they_are_unsigned(database: Database) -> None:
    """By that type the forms for people tell them."""
    asked = "select column_name from duckdb_columns() where data_type = 'UBIGINT' and not internal"
    rows = _one(database, asked)
    names = {name for (name,) in rows}
    assert names == {
        "address", "frame", "irp", "endpoint", "file_object", "routine", "completion_routine", "tcb", "base",
    }  # fmt: skip
