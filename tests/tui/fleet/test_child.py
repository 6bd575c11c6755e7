"""What the process of a worker answers, asked in this one."""

from __future__ import annotations

import hashlib
import os
from collections import namedtuple
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.tui.fleet.fleets import make_fleet, plain_loop
from tui.fleet import child

Room = namedtuple("Room", "free")


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return make_fleet(tmp_path / "fleet", 1) / "b" / "trace-000.etl"


@pytest.fixture
def said() -> list[Any]:
    return []


@pytest.fixture
def tools(said: list[Any]) -> Iterator[child._Tools]:
    with ExitStack() as stack:
        yield child._Tools(stack, said.append)


def _job(place: object, **facts: object) -> dict[str, Any]:
    options: dict[str, Any] = {"pooltag": None, "symbols": None, "symbol_server": False, "map": None, "storage": {}}
    return {"place": str(place), "bytes": 5, "known": [], "options": options} | facts


def _hash(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()


def test_a_traces_rows_are_those_of_a_plain_loop_and_its_hash_is_told_first(
    trace: Path, tools: child._Tools, said: list[Any]
) -> None:
    answer = tools.answer(_job(trace))
    [row], findings = plain_loop(trace.parent)
    assert answer["trace"] == row.document()
    assert answer["findings"] == [each.document() for each in findings]
    assert [each["begun"]["hash"] for each in said] == [_hash(trace)]


def test_what_is_known_is_not_analysed(trace: Path, tools: child._Tools, said: list[Any]) -> None:
    answer = tools.answer(_job(trace, known=[_hash(trace)]))
    assert answer == {"hash": _hash(trace), "bytes": trace.stat().st_size, "known": True}
    assert said == []


def test_a_trace_at_an_address_is_copied_for_as_long_as_it_is_read(
    trace: Path, tools: child._Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(child.tempfile, "tempdir", str(tmp_path / "temporary"))  # type: ignore[attr-defined]
    answer = tools.answer(_job(trace.as_uri()))
    assert (answer["hash"], answer["trace"]["path"]) == (_hash(trace), trace.as_uri())
    assert not list((tmp_path / "temporary").iterdir())


def test_a_copy_that_would_fill_the_disk_is_not_made(
    trace: Path, tools: child._Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.fleet.child.shutil.disk_usage", lambda _: Room(1000))
    answer = tools.answer(_job(trace.as_uri()))
    assert (answer["error"]["code"], answer["hash"]) == ("no-room", "")


@pytest.mark.parametrize("place", ["/nowhere/a.etl", "file:///nowhere/a.etl"])
def test_a_trace_that_is_not_there_has_an_error_and_no_hash(place: str, tools: child._Tools) -> None:
    answer = tools.answer(_job(place))
    assert (answer["error"]["code"], answer["hash"], answer["bytes"]) == ("unreadable", "", 5)


def test_an_address_of_a_kind_that_is_not_installed_has_an_error(tools: child._Tools) -> None:
    assert tools.answer(_job("nosuchstore://a/b.etl"))["error"]["code"] == "no-file-system"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tools: child._Tools, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.etl")
    assert tools.answer(_job(tmp_path / "pipe.etl"))["error"]["code"] == "not-a-file"


@pytest.mark.parametrize(("raised", "code"), [(MemoryError(), "out-of-memory"), (KeyError("x"), "internal-error")])
def test_what_goes_wrong_in_one_trace_is_its_error_and_the_next_is_analysed(
    raised: Exception, code: str, trace: Path, tools: child._Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise raised

    with monkeypatch.context() as patch:
        patch.setattr(child, "read_telling_session", fails)
        answer = tools.answer(_job(trace))
    assert (answer["error"]["code"], answer["hash"]) == (code, _hash(trace))
    assert "trace" in tools.answer(_job(trace))


def test_a_map_names_the_sites(tools: child._Tools, tmp_path: Path) -> None:
    fleet = make_fleet(tmp_path / "fleet", 2)
    (tmp_path / "names.map").write_text("contosoflt.sys 0x1000 CtSomething\n")
    job = _job(fleet / "b" / "trace-001.etl")
    job["options"]["map"] = str(tmp_path / "names.map")
    assert [each["site"] for each in tools.answer(job)["findings"]] == ["contosoflt!CtSomething"]
