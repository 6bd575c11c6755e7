"""A trace that cannot be read any further, in whichever command and at whichever read, ends with 3 and the byte."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.settings import Settings
from fixtures.simulate import simulate
from tracer.etl.file import _File
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.sql.event_tables import Reread

COMMANDS = [
    ["info", "{}"],
    ["analyze", "{}", "{}", "--json"],
    ["sql", "{}", "from allocations limit 1"],
    ["tui", "{}", "--screenshot", "x.svg", "--force"],
    ["export", "{}", "--to", "x.csv", "--force"],
    ["symbols", "{}"],
]
ALWAYS = 1 << 30


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("failing") / "leak.etl"
    simulate("missing-free", 3, Settings(iterations=20)).write(path)
    return path


@contextmanager
def failing(after: int) -> Iterator[list[int]]:
    """So many reads work, and none after them; gives a list that grows with each."""
    asked: list[int] = []

    def wrapped(real: Callable[..., object]) -> Callable[..., object]:
        def read(*arguments: object) -> object:
            asked.append(1)
            if len(asked) > after:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(*arguments)

        return read

    with pytest.MonkeyPatch.context() as patch:
        for name in ("_read_once", "_read_once_into"):
            patch.setattr(_File, name, wrapped(getattr(_File, name)))
        yield asked


@pytest.mark.usefixtures("folder_of_its_own")
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: "-".join(word for word in words if word.isalpha()))
def test_every_command_says_at_which_byte_its_trace_could_not_be_read(
    words: list[str], trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*(word.format(trace) for word in words), "--quiet"]
    with failing(ALWAYS) as asked:
        assert main(words) == ExitCode.DONE
    for after in {0, 1, len(asked) // 2, len(asked) - 1}:
        with failing(after):
            assert main(words) == ExitCode.INPUT
        out, err = capsys.readouterr()
        assert f"{trace}, byte " in out + err
        assert os.strerror(errno.EIO) in out + err
        assert "Traceback" not in err


def test_tables_that_are_read_twice_are_refused_where_the_trace_was_written_to_between(
    trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "leak.etl"
    here.write_bytes(trace.read_bytes())

    def written_over(*arguments: object, **options: object) -> object:
        here.write_bytes(trace.read_bytes()[::-1])
        return Reread(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("tui.sql.opened.Reread", written_over)
    os.utime(here, (0, 0))
    assert main(["sql", str(here), "select count(*) from allocations", "--quiet"]) == ExitCode.INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert "the trace was written to while it was read" in err
