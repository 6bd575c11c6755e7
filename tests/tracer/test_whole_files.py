"""A file is there whole or not at all, wherever writing it fails, and what was there before stays until then."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tracer.whole_files import growing, write_whole

ROOT = Path(__file__).parents[2]
NUMBERS = [errno.ENOSPC, errno.EIO, *([errno.EDQUOT] if hasattr(errno, "EDQUOT") else [])]


def failing(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


class FailsToClose(io.FileIO):
    """As a file of a share whose quota is only told of as it is closed."""

    def close(self) -> None:
        if not self.closed:
            super().close()
            failing(errno.ENOSPC)()


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("seam", ["mkstemp", "write", "fsync", "close", "replace"])
def test_where_any_step_of_writing_fails_the_file_of_before_is_left_and_nothing_beside_it(
    seam: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.csv"
    path.write_bytes(b"before")
    pieces: Iterator[bytes] = iter([b"a", b"b"])
    if seam == "write":

        def made() -> Iterator[bytes]:
            yield b"a" * (1 << 20)
            failing(number)()

        pieces = made()
    elif seam == "close":
        monkeypatch.setattr("tracer.whole_files.os.fdopen", lambda descriptor, _: FailsToClose(descriptor, "wb"))
    else:
        where = {"mkstemp": "tempfile.mkstemp", "fsync": "os.fsync", "replace": "Path.replace"}[seam]
        monkeypatch.setattr(f"tracer.whole_files.{where}", failing(number))
    with pytest.raises(OSError, match=r"\[Errno"):
        write_whole(path, pieces)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("out.csv", b"before")]


def test_a_part_that_cannot_be_removed_either_does_not_hide_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.whole_files.os.fsync", failing(errno.ENOSPC))
    monkeypatch.setattr("tracer.whole_files.Path.unlink", failing(errno.EROFS))
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)), growing(tmp_path / "x"):
        pass


def test_a_file_system_without_modes_takes_the_file_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.whole_files.Path.chmod", failing(errno.EPERM))
    write_whole(tmp_path / "x", [b"whole"])
    assert (tmp_path / "x").read_bytes() == b"whole"


def test_the_longest_name_that_a_file_can_have_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127)
    write_whole(path, [b"whole"])
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_what_was_left_by_the_killed_goes_with_the_next_file_and_what_is_young_stays(tmp_path: Path) -> None:
    for name, age in ((".poolscope-old.part", 0), (".poolscope-young.part", None), ("download.part", 0)):
        (tmp_path / name).touch()
        if age is not None:
            os.utime(tmp_path / name, (age, age))
    write_whole(tmp_path / "out.csv", [b"whole"])
    assert {each.name for each in tmp_path.iterdir()} == {".poolscope-young.part", "download.part", "out.csv"}


FILLS = """
import errno, sys
from pathlib import Path
from tracer.whole_files import write_whole
try:
    write_whole(Path(sys.argv[1]), [bytes(1 << 20)] * 9)
except OSError as error:
    print(errno.errorcode[error.errno])
"""


def test_a_disk_that_is_really_full_keeps_the_file_of_before(small_disk: Path) -> None:
    path = small_disk / "out.csv"
    path.write_bytes(b"before")
    done = subprocess.run(
        [sys.executable, "-c", FILLS, path], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == "ENOSPC\n"
    assert [(each.name, each.read_bytes()) for each in small_disk.iterdir()] == [("out.csv", b"before")]


KILLED = """
import os, sys
from pathlib import Path
from tracer import whole_files

path, lines = Path(sys.argv[1]), 0

def killed_at(line):
    def look(frame, event, _):
        global lines
        if frame.f_code.co_filename != whole_files.__file__:
            return None
        lines += event == "line"
        if lines == line:
            os._exit(9)
        return look
    sys.settrace(look)

ends = []
while 9 in ends[-1:] or not ends:
    path.write_bytes(b"before")
    child = os.fork()
    if not child:
        killed_at(len(ends) + 1)
        whole_files.write_whole(path, [b"af", b"ter"])
        os._exit(0)
    ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    assert path.read_bytes() in ((b"before", b"after") if ends[-1] else (b"after",)), (ends, path.read_bytes())
whole_files.write_whole(path, [b"after"])
print(len(ends), ends[-1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the lines of a child are counted in a copy of this process")
def test_who_is_killed_at_any_line_of_writing_leaves_the_file_of_before_or_the_whole_new_one(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    words = [sys.executable, "-c", KILLED, str(path)]
    done = subprocess.run(
        words, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    killed, end = map(int, done.stdout.split())
    assert (killed > 20, end) == (True, 0)
    left = {each.name for each in tmp_path.iterdir()} - {"out.csv"}
    assert left
    assert all(name.startswith(".poolscope-") for name in left)
