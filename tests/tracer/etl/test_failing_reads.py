"""A file that fails, goes out of reach or is written to while it is read: that is told, and where."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tracer.etl.small import small_trace
from tests.tracer.traces import buffer_offsets
from tracer.errors import DamageCode, InputError
from tracer.etl.file import EtlFile, _File

FAILURES = ("EIO", "EACCES", "ESTALE", "ENETRESET")
"""A bad sector; permission taken away; the file is gone from its server; the share is lost."""
ALWAYS = 1 << 30


def failing(patch: pytest.MonkeyPatch, after: int, number: int) -> list[int]:
    """So many reads work, and none after them; what is given grows by a number with each that is asked for."""
    asked: list[int] = []

    def wrapped(real: Callable[..., object]) -> Callable[..., object]:
        def read(*arguments: object) -> object:
            asked.append(len(asked))
            if len(asked) > after:
                raise OSError(number, os.strerror(number))
            return real(*arguments)

        return read

    for name in ("_read_once", "_read_once_into"):
        patch.setattr(_File, name, wrapped(getattr(_File, name)))
    return asked


def taken(path: Path, threads: int) -> None:
    with EtlFile.open(path, threads=threads, window_bytes=1_024) as trace:
        for _ in trace.batches():
            pass


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_read_that_fails_at_any_moment_says_where_and_why(
    compressed: bool, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.etl.reading._HELPED_BYTES", 0)
    path = tmp_path / "t.etl"
    path.write_bytes(small_trace(compressed=compressed))
    with monkeypatch.context() as patch:
        reads = failing(patch, ALWAYS, 0)
        taken(path, threads)
    for after in reads:
        number = getattr(errno, FAILURES[after % len(FAILURES)], errno.EIO)
        with monkeypatch.context() as patch:
            failing(patch, after, number)
            with pytest.raises(InputError) as raised:
                taken(path, threads)
        assert raised.value.code == ("no-permission" if number == errno.EACCES else "read-failed")
        assert f"{path}, byte " in raised.value.where
        assert raised.value.why == os.strerror(number)
        assert raised.value.next


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda path, data: path.write_bytes(data[::-1]), DamageCode.FILE_CHANGED, "the file was written to"),
        (lambda path, data: path.write_bytes(data + data), DamageCode.FILE_GREW, "the file grew from"),
    ],
)
def test_a_file_that_is_written_to_while_it_is_read_is_said_to_be(
    change: Callable[[Path, bytes], object], code: DamageCode, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.etl"
    data = small_trace(compressed=False)
    path.write_bytes(data)
    os.utime(path, (0, 0))
    with EtlFile.open(path) as trace:
        assert len(trace.index.buffers) == len(buffer_offsets(data))
        change(path, data)
        trace.scan()
        [told] = [place.what for place in trace.damage if place.code is code]
    assert said in told


def test_a_file_that_another_takes_the_place_of_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "t.etl"
    path.write_bytes(small_trace(compressed=False))
    with EtlFile.open(path) as trace:
        other = tmp_path / "other.etl"
        other.write_bytes(b"another")
        try:
            other.replace(path)
        except PermissionError:  # Windows lets no file take the place of one that is open
            return
        trace.carried_schemas()
        trace.scan()
        assert trace.damage == ()
        path.unlink()
        trace.scan()
        assert trace.damage == ()


def test_that_the_file_went_out_of_reach_after_all_of_it_was_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.etl"
    path.write_bytes(small_trace(compressed=False))
    with EtlFile.open(path) as trace:
        trace.scan()

        def stale(_: int) -> os.stat_result:
            raise OSError(errno.EIO, "Stale file handle")

        monkeypatch.setattr("tracer.etl.file.os.fstat", stale)
        trace.scan()
        assert [place.what for place in trace.damage] == [
            "the file went out of reach while it was read (Stale file handle)"
        ]
