"""Sessions that were appended to one file, each with a clock of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.etl.rolling import appended
from tests.tracer.etl.joining.recordings import analysed, pool_records, simulated, written
from tracer.errors import InputError
from tracer.etl.buffers import BufferIndex, index_buffers
from tracer.etl.file import EtlFile
from tracer.etl.headers import LogFileMode
from tui.reading.together import open_trace, other_sessions

TIMES = range(0, 50_000, 500)


def two(folder: Path) -> Path:
    """The second session has another clock: it began long before the first, as far as raw times tell."""
    first = written(folder / "1", pool_records(TIMES))
    second = written(folder / "2", [*pool_records(range(0, 10_000, 500), first=900)], start_ticks=500_000)
    path = folder / "both.etl"
    path.write_bytes(appended([first.read_bytes(), second.read_bytes()]))
    return path


def test_a_file_says_how_many_sessions_it_holds(tmp_path: Path) -> None:
    with EtlFile.open(two(tmp_path)) as file:
        assert (file.sessions, file.info.session_number) == (2, 1)
    with EtlFile.open(tmp_path / "1") as file:
        assert file.sessions == 1


def test_each_session_is_read_by_itself_with_its_own_clock(tmp_path: Path) -> None:
    path = two(tmp_path)
    first, second = (analysed(EtlFile.open(path, session=number)) for number in (1, 2))
    assert (first.pool.totals.allocations, second.pool.totals.allocations) == (len(TIMES), 20)
    assert (first.info.duration_ns, second.info.duration_ns) == (4_950_000, 50_950_000)
    assert first.info.bytes + second.info.bytes == path.stat().st_size
    assert (first.loss.gaps, second.loss.gaps, first.damage, second.damage) == ((), (), (), ())


@pytest.mark.parametrize("compressed", [False, True])
def test_as_many_sessions_as_were_appended_are_found(tmp_path: Path, *, compressed: bool) -> None:
    data = simulated("churn", compressed=compressed).data
    path = tmp_path / "three.etl"
    path.write_bytes(appended([data, data, data]))
    with EtlFile.open(path, session=3) as file:
        assert file.sessions == 3
        file.scan()
        assert file.info.bytes == len(data)


def test_a_session_that_the_file_does_not_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no session 3"):
        EtlFile.open(two(tmp_path), session=3)


def test_the_header_of_a_merged_file_begins_no_other_session(tmp_path: Path) -> None:
    data = simulated("churn").data
    path = tmp_path / "merged.etl"
    parts = [written(tmp_path / name, pool_records(TIMES), mode=LogFileMode.RELOG).read_bytes() for name in "ab"]
    path.write_bytes(b"".join(parts))
    with EtlFile.open(path) as file:
        assert file.sessions == 1
    path.write_bytes(appended([data]))
    with EtlFile.open(path) as file:
        assert file.sessions == 1


def test_a_second_header_that_cannot_be_read_is_an_error_of_that_session_alone(tmp_path: Path) -> None:
    path = two(tmp_path)
    data = bytearray(path.read_bytes())
    with EtlFile.open(path) as file:
        begins = file.info.bytes
    path.write_bytes(data[: begins + 200])
    with EtlFile.open(path) as file:
        assert file.sessions == 2
        assert analysed(EtlFile.open(path)).pool.totals.allocations == len(TIMES)
    with pytest.raises(InputError):
        EtlFile.open(path, session=2)


def test_of_many_sessions_each_is_found_once_whoever_reads_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.etl"
    path.write_bytes(appended([written(tmp_path / "1", pool_records(TIMES)).read_bytes()] * 12))
    looks: list[int] = []

    def counted(*args: Any) -> BufferIndex:
        looks.append(args[-1])
        return index_buffers(*args)

    monkeypatch.setattr("tracer.etl.file.index_buffers", counted)
    with EtlFile.open(path) as first:
        others = other_sessions(path, first.info)
    assert len(looks) == 12
    for each in others:
        with open_trace(each) as source:
            assert source.info.sessions == 12
    assert len(looks) <= 12 + 2 * 12
