"""Packed traces are opened in place, and what only looks like one does no harm."""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from fixtures.demo import DEMO_TRACE
from tui.cli import main
from tui.exit_codes import ExitCode


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go; it has to be empty at the end."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return temporary


def zipped(path: Path, *names: str, data: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, data)
    return path


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 3) -> dict[str, str]:
    assert main([*words, "--json", "--quiet"]) == code
    error = json.loads(capsys.readouterr().out)["error"]
    assert isinstance(error, dict)
    return error


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_the_one_trace_in_a_packed_file_is_read_as_if_it_were_not(
    kind: str, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, path = DEMO_TRACE.read_bytes(), tmp_path / f"demo.etl.{kind}"
    if kind == "zip":
        zipped(path, "Traces/DEMO.ETL", data=data)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("symbols/a.pdb", b"x")
    else:
        path.write_bytes(gzip.compress(data))
    documents = []
    for trace in (DEMO_TRACE, path):
        assert main(["info", str(trace), "--json", "--quiet"]) == ExitCode.DONE
        documents.append(json.loads(capsys.readouterr().out))
    plain, packed = documents
    name = "Traces/DEMO.ETL" if kind == "zip" else "demo.etl"
    assert packed["trace"].pop("path") == f"{path}: {name}"
    plain["trace"].pop("path")
    assert packed == plain
    assert list(folder.iterdir()) == []


def test_an_analysis_takes_it_too(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = zipped(tmp_path / "demo.zip", "demo.etl", data=DEMO_TRACE.read_bytes())
    assert main(["analyze", str(path), "--quiet", "--fail-on-finding"]) == ExitCode.FOUND
    assert "demo.zip:demo.etl" in "".join(capsys.readouterr().out.split())  # a long path is wrapped
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "what", "why"),
    [
        ((), "holds no .etl", "in it: nothing"),
        (("readme.txt", "a.pdb"), "holds no .etl", "in it: readme.txt, a.pdb"),
        (("a.etl", "b.etl", "c.txt"), "holds 2 traces", "in it: a.etl, b.etl"),
        (tuple(f"{n}.txt" for n in range(9)), "holds no .etl", "4.txt and 4 more"),
    ],
)
def test_what_is_in_it_is_told_where_there_is_not_one_trace(
    names: tuple[str, ...], what: str, why: str, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = zipped(tmp_path / "x.zip", *names, data=b"x")
    if not names:
        path.write_bytes(b"PK\x03\x04" + path.read_bytes())
    error = told(capsys, "info", str(path))
    assert what in error["what"]
    assert why in error["why"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_a_file_that_was_made_to_fill_a_disk_fills_none(
    kind: str, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, zeros = tmp_path / f"x.{kind}", bytes(40 << 20)
    if kind == "zip":
        zipped(path, "x.etl", data=zeros)
    else:
        path.write_bytes(gzip.compress(zeros))
    assert told(capsys, "analyze", str(path))["code"] == "packed-bomb"
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_told_before_it_is_full(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = zipped(tmp_path / "x.zip", "demo.etl", data=DEMO_TRACE.read_bytes())
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 20}))
    assert told(capsys, "info", str(path))["code"] == "packed-no-room"


@pytest.mark.parametrize(
    ("data", "code", "then"),
    [
        (gzip.compress(bytes(range(256)) * 9)[:-20], "packed-damaged", "unpack it"),
        (b"PK\x03\x04" + b"x" * 100, "packed-damaged", "unpack it"),
        (b"MSCF" + bytes(60), "not-unpacked", "expand x.bin" if sys.platform == "win32" else "cabextract -F"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(60), "not-unpacked", "7z x x.bin"),
    ],
)
def test_what_cannot_be_unpacked_says_what_to_do(
    data: bytes, code: str, then: str, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(data)
    error = told(capsys, "info", str(path))
    assert (error["code"], error["next"].startswith(then)) == (code, True)
    assert list(folder.iterdir()) == []
