from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.tui.fleet.fleets import make_fleet
from tracer.errors import InputError, MachineError
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.fleet.sources import Source, sources_of


def _places(*words: object) -> list[str]:
    return [each.place for each in sources_of([str(word) for word in words])]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.etl", "a/A.ETL", "a/deep/c.etl.gz", "a/d.zip", "a/notes.md", "e.gz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * len(name))
    return tmp_path


def test_a_folder_stands_for_the_traces_in_it_and_below(folder: Path) -> None:
    names = ("a/A.ETL", "a/d.zip", "a/deep/c.etl.gz", "b.etl")
    assert _places(folder) == [str(folder / name) for name in names]


def test_a_link_to_a_folder_is_not_followed_so_that_a_circle_of_them_ends(folder: Path) -> None:
    before = _places(folder)
    try:
        (folder / "a" / "circle").symlink_to(folder, target_is_directory=True)
    except OSError:
        pytest.skip("no links to folders here")
    assert _places(folder) == before


def test_what_is_named_several_times_is_one(folder: Path) -> None:
    assert _places(folder / "b.etl", folder, folder / "a" / ".." / "b.etl") == _places(folder)


def test_a_file_that_is_named_may_have_any_ending(folder: Path) -> None:
    assert _places(folder / "e.gz") == [str(folder / "e.gz")]


def test_a_list_is_relative_to_itself_and_what_is_not_there_is_a_source_all_the_same(folder: Path) -> None:
    listed = folder / "a" / "list.txt"
    listed.write_text("# remark\n\nA.ETL\n../b.etl\ngone.etl\n")
    assert _places(listed) == [str(folder / name) for name in ("a/A.ETL", "a/gone.etl", "b.etl")]


@pytest.mark.parametrize("word", ["gone.etl", "gone.txt", "*.none"])
def test_a_word_that_stands_for_nothing_is_an_error_that_says_where(folder: Path, word: str) -> None:
    with pytest.raises(InputError) as told:
        sources_of([str(folder / word)])
    assert str(folder) in told.value.where


def test_a_folder_without_traces_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no trace"):
        sources_of([str(tmp_path)])


def test_an_address_of_a_kind_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot be read here"):
        sources_of(["nosuchstore://bucket/a.etl"])


def test_a_file_that_was_written_again_has_another_stamp(folder: Path) -> None:
    [before] = sources_of([str(folder / "b.etl")])
    (folder / "b.etl").write_bytes(b"another")
    [after] = sources_of([str(folder / "b.etl")])
    assert before.stamp != after.stamp
    assert Source(before.place).stamp == ""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_traces_at_addresses_are_fetched_and_told_by_their_address(
    served: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_fleet(tmp_path / "fleet", 2)
    listed = tmp_path / "list.txt"
    listed.write_text(f"{served}/fleet/a/trace-000.etl\n{served}/fleet/b/trace-001.etl\n{served}/fleet/b/gone.etl\n")
    assert main(["fleet", str(listed), "--out", str(tmp_path / "out"), "--workers", "1", "-q"]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert "3 traces, 2 read, of 2 machines" in said
    assert f"{served}/fleet/b/gone.etl: the trace cannot be read" in said
