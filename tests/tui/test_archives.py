"""Packed traces are opened in place, and what only looks like one does no harm."""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from fixtures.demo import DEMO_TRACE
from tests.tui.cabinet import cabinet
from tui.cli import main
from tui.exit_codes import ExitCode

KINDS = ("zip", "gz", "cab", "7z")
BY_HAND = "expand x.bin" if sys.platform == "win32" else "cabextract -F"


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


def packed_as(kind: str, path: Path, files: dict[str, bytes]) -> Path:
    """The files packed; a .gz holds the largest alone."""
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    elif kind == "gz":
        path.write_bytes(gzip.compress(max(files.values(), key=len)))
    elif kind == "cab":
        path.write_bytes(cabinet(files))
    else:
        with pytest.importorskip("py7zr").SevenZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(data, name)
    return path


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 3) -> dict[str, str]:
    assert main([*words, "--json", "--quiet"]) == code
    error = json.loads(capsys.readouterr().out)["error"]
    assert isinstance(error, dict)
    return error


@pytest.mark.parametrize("kind", KINDS)
def test_the_one_trace_in_a_packed_file_is_read_as_if_it_were_not(
    kind: str, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"demo.etl.{kind}"
    packed_as(kind, path, {"symbols/a.pdb": b"x", "Traces/DEMO.ETL": DEMO_TRACE.read_bytes(), "z.txt": b"zz"})
    documents = []
    for trace in (DEMO_TRACE, path):
        assert main(["info", str(trace), "--json", "--quiet"]) == ExitCode.DONE
        documents.append(json.loads(capsys.readouterr().out))
    plain, packed = documents
    name = "demo.etl" if kind == "gz" else "Traces/DEMO.ETL"
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_was_made_to_fill_a_disk_fills_none(
    kind: str, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = packed_as(kind, tmp_path / f"x.{kind}", {"x.etl": bytes(40 << 20)})
    assert told(capsys, "analyze", str(path))["code"] == "packed-bomb"
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_told_before_it_is_full(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = zipped(tmp_path / "x.zip", "demo.etl", data=DEMO_TRACE.read_bytes())
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 20}))
    assert told(capsys, "info", str(path))["code"] == "packed-no-room"


def test_a_quota_that_is_reached_while_a_trace_is_unpacked_is_no_damage_of_it(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = zipped(tmp_path / "x.zip", "demo.etl", data=os.urandom(6 << 20))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 40}))
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    error = told(capsys, "info", str(path))
    assert (error["code"], "No space left" in error["why"]) == ("packed-no-room", True)
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "code", "then"),
    [
        (gzip.compress(bytes(range(256)) * 9, mtime=0)[:-20], "packed-damaged", "unpack it"),
        (b"PK\x03\x04" + b"x" * 100, "packed-damaged", "unpack it"),
        (b"MSCF" + bytes(60), "packed-damaged", "unpack it"),
        (cabinet({"x.etl": b"x" * 99})[:-20], "packed-damaged", "unpack it"),
        (cabinet({"x.etl": b"x" * 99})[:-1] + b"?", "packed-damaged", "unpack it"),
        (cabinet({"x.etl": b"x" * 99}, method=3), "packed-refused", BY_HAND),
        (cabinet({"x.etl": b"x" * 99}, flags=2), "packed-refused", BY_HAND),
    ],
    ids=["gz-cut", "zip-garbage", "cab-empty", "cab-cut", "cab-changed", "cab-lzx", "cab-of-a-set"],
)
def test_what_cannot_be_unpacked_says_what_to_do(
    data: bytes, code: str, then: str, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(data)
    error = told(capsys, "info", str(path))
    assert (error["code"], error["next"].startswith(then)) == (code, True)
    assert list(folder.iterdir()) == []


def test_a_stored_cabinet_is_read_too(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "demo.cab"
    path.write_bytes(cabinet({"a.txt": b"a" * 40_000, "demo.etl": DEMO_TRACE.read_bytes()}, method=0))
    assert main(["info", str(path), "--json", "--quiet"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["trace"]["bytes"] == DEMO_TRACE.stat().st_size


def test_where_nothing_unpacks_a_7z_it_says_what_would(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "py7zr", None)
    path = tmp_path / "x.7z"
    path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(60))
    error = told(capsys, "info", str(path))
    assert error["code"] == "not-unpacked"
    assert '".[7z]"' in error["next"]
    assert "7z x x.7z" in error["next"]


def test_a_damaged_7z_and_one_that_is_encrypted_or_of_a_large_dictionary_are_refused(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    py7zr = pytest.importorskip("py7zr")
    path, data = tmp_path / "x.7z", bytes(range(256)) * 99
    lzma2, large = {"id": py7zr.FILTER_LZMA2, "preset": 1}, {"id": py7zr.FILTER_LZMA2, "dict_size": 512 << 20}
    for options, words in (
        ({"password": "a"}, "method"),
        ({"password": "a", "header_encryption": True}, "encrypted"),
        ({"filters": [large]}, "its dictionary of 512 MiB"),
        ({"filters": [{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 24}]}, "method"),
    ):
        with py7zr.SevenZipFile(path, "w", **options) as archive:
            archive.writestr(data, "x.etl")
        error = told(capsys, "info", str(path))
        assert (error["code"], error["next"][:8]) == ("packed-refused", "7z x x.7")
        assert words in error["why"]
    with py7zr.SevenZipFile(path, "w", filters=[lzma2]) as archive:
        archive.writestr(data, "x.etl")
    whole = path.read_bytes()
    for damaged in (whole[:-9], whole[:40] + b"?" * 9 + whole[49:], whole[:6] + bytes(60)):
        path.write_bytes(damaged)
        assert told(capsys, "info", str(path))["code"] == "packed-damaged"
    assert list(folder.iterdir()) == []


def test_a_packed_trace_is_served(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "demo.zip", "demo.etl", data=DEMO_TRACE.read_bytes())
    served: list[str] = []
    monkeypatch.setattr("tui.web.server.GuardedServer.run", lambda self, _: served.append(self._title))
    for words in ([str(path)], ["--replay", str(path)]):
        assert main(["serve", "--port", "0", *words]) == ExitCode.DONE
    assert served == ["poolscope: demo.zip"] * 2
    assert list(folder.iterdir()) == []


def test_a_packed_file_without_a_trace_is_refused_before_anything_is_served(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = zipped(tmp_path / "x.zip", "readme.txt", data=b"x")
    assert main(["serve", "--port", "0", str(path)]) == ExitCode.INPUT
    assert "holds no .etl" in capsys.readouterr().err
