"""No query gets a planted name out of a database that was redacted."""

from __future__ import annotations

import io
import json
import struct
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from analyzers.tags import TagNames
from fixtures.demo import DEMO_TRACE
from fixtures.etl.options import TraceOptions
from fixtures.etl.records import ExtendedItem, Record
from fixtures.etl.writer import EtlWriter
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.tui.redaction.planted import IPV4, IPV6, NAMES, PROVIDERS, found_in, names_planted, planted_snapshot
from tracer.columns import EventTable
from tracer.errors import UsageError
from tracer.etl.headers import ExtendedType, HeaderType
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.exports.tables import ExportTable, TableColumn
from tui.redaction.redaction import Redaction
from tui.sql.database import Database
from tui.sql.event_tables import tcp
from tui.sql.opened import OpenTrace
from tui.sql.results import FORMATS


def _event(provider: bytes, fields: dict[str, str]) -> Record:
    described = b"\0SecretEvent\0" + b"".join(name.encode() + b"\0\x01" for name in fields)
    items = (
        ExtendedItem(ExtendedType.PROV_TRAITS, struct.pack("<H", len(provider) + 3) + provider + b"\0"),
        ExtendedItem(ExtendedType.SCHEMA_TL, struct.pack("<H", len(described) + 2) + described),
    )
    payload = "".join(f"{value}\0" for value in fields.values()).encode("utf-16-le")
    return Record(HeaderType.EVENT64, 1_000_000, payload, provider=uuid.UUID(int=0xBCDE), extended=items)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events that tell every name; field names are of the provider's own."""
    path = tmp_path_factory.mktemp("erika.müller") / "geheim 0.etl"
    values = {f"secretbuild{n}": f"{name} and more" if n % 2 else name for n, name in enumerate(NAMES)}
    events = [_event(name.encode(), values) for name in (PROVIDERS[0], "Microsoft-Windows-Anything")]
    path.write_bytes(EtlWriter(TraceOptions()).write(events))
    return path


@pytest.fixture(scope="module")
def leak(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With drivers that are not Windows' own in its stacks."""
    path = tmp_path_factory.mktemp("svc_backup") / "leak.etl"
    simulate("missing-free", 3, Settings(iterations=40)).write(path)
    return path


@contextmanager
def _database(monkeypatch: pytest.MonkeyPatch, *traces: Path, redaction: Redaction | None) -> Iterator[Database]:
    analyse = OpenTrace._analyse

    def planted(trace: OpenTrace, *words: Any) -> Any:
        found, snapshot = analyse(trace, *words)
        return found, planted_snapshot(snapshot) if snapshot.diagnosis.findings else snapshot

    def connected(table: EventTable, *words: Any) -> ExportTable:
        made = tcp(table, *words)
        return replace(made, columns=tuple(map(_with_addresses, made.columns)))

    monkeypatch.setattr(OpenTrace, "_analyse", planted)
    monkeypatch.setattr("tui.sql.event_tables.tcp", connected)
    with names_planted(), ExitStack() as stack:
        opened = [
            stack.enter_context(OpenTrace(each, TagNames.load(), quiet=True, redaction=redaction)) for each in traces
        ]
        database = Database(opened, redaction)
        stack.callback(database.close)
        yield database


def _with_addresses(column: TableColumn) -> TableColumn:
    if column.name not in ("local_address", "remote_address"):
        return column
    words = (*IPV4, *IPV6)
    missing = None if column.missing is None else column.missing & False
    return replace(
        column, words=words, values=(column.values + range(len(column.values))) % len(words), missing=missing
    )


def _said(database: Database, query: str, form: str) -> str:
    [written] = [b"".join(FORMATS[form](answer)) for answer in database.ask(query)]
    if form == "parquet":
        return json.dumps(pq.read_table(io.BytesIO(written)).to_pydict(), ensure_ascii=False)
    return written.decode()


def _texts_of(database: Database) -> dict[str, str]:
    """By table the query for all of its texts."""
    columns = "select table_name, list(column_name) from duckdb_columns() where data_type = 'VARCHAR' and not internal"
    [found] = [each.fetchall() for each in database.ask(f"{columns} and schema_name = 'main' group by all")]
    return {name: f"""select distinct "{'", "'.join(texts)}" from {name}""" for name, texts in found}


def _found(said: str) -> list[str]:
    """Also in JSON that stands in another text."""
    once = said.replace("\\\\", "\\").replace('\\"', '"')
    twice = once.replace("\\\\", "\\").replace('\\"', '"')
    return found_in("\n".join((said, once, twice)))


def test_without_redaction_they_are_seen(trace: Path, leak: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _database(monkeypatch, DEMO_TRACE, leak, trace, redaction=None) as database:
        queries = _texts_of(database)
        assert queries.keys() == database.tables.keys()
        seen = {name: set(_found(_said(database, query, "json"))) for name, query in queries.items()}
    assert len(seen["events"]) > 200
    assert {name for name, names in seen.items() if names} >= {
        "outstanding", "sites", "tags", "stacks", "frames", "findings", "held_requests", "sockets", "processes",
        "threads", "images", "allocations", "frees", "tcp", "events",
    }  # fmt: skip


@pytest.mark.parametrize("shifts", [False, True])
def test_no_table_tells_any_in_any_form(shifts: bool, trace: Path, leak: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    redaction = Redaction(b"a long secret" if shifts else None, shifts=shifts)
    with _database(monkeypatch, DEMO_TRACE, leak, trace, redaction=redaction) as database:
        for name, query in _texts_of(database).items():
            for form in FORMATS:
                said = _said(database, query, form)
                assert len(said) > 10
                assert _found(said) == [], (name, form)
                assert str(DEMO_TRACE.parent) not in said


def test_rows_and_numbers_stay(trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = (
        "select count(*), sum(bytes), count(distinct tag), count(distinct driver), count(process), min(address),"
        " max(address) - min(address) from allocations"
    )
    answers = []
    for redaction in (None, Redaction(), Redaction(shifts=True)):
        with _database(monkeypatch, DEMO_TRACE, redaction=redaction) as database:
            [answer] = [each.fetchall()[0] for each in database.ask(query)]
            answers.append(answer)
            [same] = [
                each.fetchall()
                for each in database.ask("select count(*) from outstanding join allocations using (address, time_ns)")
            ]
            assert same[0][0] > 0
    plain, redacted, moved = answers
    assert plain == redacted
    assert plain[:5] == moved[:5]
    assert plain[5] != moved[5]


def test_the_kinds_of_values_stay_and_known_names_are_those_of_the_tables(
    trace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    values = {
        "a": "payroll_server.exe", "b": "0xfffff80000001000", "c": "127.0.0.1", "d": str(uuid.UUID(int=7)), "e": "",
        "f": "ntoskrnl.exe",
    }  # fmt: skip
    path = tmp_path / "t.etl"
    path.write_bytes(EtlWriter(TraceOptions()).write([_event(b"Microsoft.Windows.Thing", values)]))
    with _database(monkeypatch, DEMO_TRACE, path, redaction=Redaction()) as database:
        [row] = json.loads(_said(database, "select list(fields) from events", "json").strip()).values()
        [known] = json.loads(
            _said(database, "select process from processes where process like 'process-%' order by all limit 1", "json")
        ).values()
    told = json.loads(row[0])
    assert (told["b"], told["c"], told["e"], told["f"]) == (values["b"], values["c"], "", "ntoskrnl.exe")
    assert told["a"].startswith("process-")
    assert told["a"].endswith(".exe")
    assert known.startswith("process-")
    assert str(uuid.UUID(told["d"])) != values["d"]


def test_errors_and_settings_tell_none(trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _database(monkeypatch, DEMO_TRACE, redaction=Redaction()) as database:
        list(database.ask("select count(*) from images"))
        for query in (
            "select process::int from processes where 1 = 'payroll_server.exe'::int",
            "selec 'payroll_server.exe'",
        ):
            with pytest.raises(UsageError) as raised:
                [each.fetchall() for each in database.ask(query)]
            said = f"{raised.value.what} {raised.value.where} {raised.value.why}"
            assert found_in(said) == []
        for query in (
            "select current_setting('temp_directory')", "from duckdb_settings()", 'show "temp_directory"',
        ):  # fmt: skip
            with pytest.raises(UsageError, match="settings are not told"):
                list(database.ask(query))


@pytest.mark.parametrize("option", [["--redact"], ["--redact-key", "a long secret"], ["--redact-addresses"]])
def test_the_command_takes_the_options(option: list[str], trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(DEMO_TRACE), str(trace), "select trace, fields from events", "--format", "json", "-q"]
    assert main(["sql", *words]) == ExitCode.DONE
    assert len(_found(capsys.readouterr().out)) > 200
    assert main(["sql", *words, *option]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert said.count("trace-") == 2
    assert _found(said) == []
