from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.analyzers.fleet.made import finding, trace
from tracer.errors import UsageError
from tui.fleet.journal import NAME, Line, opened
from tui.fleet.sources import Source

_HEADER = {"poolscope": "1", "symbols": None}


def _line(number: int, machine: str = "PC-1", **facts: object) -> Line:
    row = trace(number, machine, [("leaky.sys", "1")], **facts)
    return Line(row.path, f"stamp-{number}", row.hash, row, (finding(row),))


def test_what_was_added_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with opened(tmp_path, _HEADER, anew=False) as journal:
        for number in (2, 1):
            journal.add(_line(number))
        rows = journal.rows([_line(1).place, _line(2).place])
    with opened(tmp_path, _HEADER, anew=False) as journal:
        assert journal.rows([_line(1).place, _line(2).place]) == rows
        assert [each.hash for each in rows[0]] == [_line(1).hash, _line(2).hash]


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_a_torn_last_line_is_cut_off_and_its_trace_is_left_to_do(tmp_path: Path, cut: int) -> None:
    with opened(tmp_path, _HEADER, anew=False) as journal:
        for number in (1, 2):
            journal.add(_line(number))
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole[:-cut])
    sources = [Source(each.place, each.stamp) for each in (_line(1), _line(2))]
    with opened(tmp_path, _HEADER, anew=False) as journal:
        assert (journal.torn, journal.left(sources, again=False)) == (1, [sources[1]])
        journal.add(_line(2))
    assert (tmp_path / NAME).read_bytes() == whole


def test_a_torn_header_begins_anew(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b'{"poolsc')
    with opened(tmp_path, _HEADER, anew=False):
        pass
    assert json.loads((tmp_path / NAME).read_bytes()) == _HEADER


def test_a_line_that_is_no_row_is_passed_over(tmp_path: Path) -> None:
    with opened(tmp_path, _HEADER, anew=False) as journal:
        journal.add(_line(1))
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"place": 3}\nnull\n[]\n')
    with opened(tmp_path, _HEADER, anew=False) as journal:
        assert (journal.torn, len(journal.lines)) == (3, 1)


def test_rows_of_other_options_are_refused_and_forgotten_when_that_is_asked_for(tmp_path: Path) -> None:
    with opened(tmp_path, _HEADER, anew=False) as journal:
        journal.add(_line(1))
    with pytest.raises(UsageError, match="made otherwise"), opened(tmp_path, {"poolscope": "2"}, anew=False):
        pass
    with opened(tmp_path, {"poolscope": "2"}, anew=True) as journal:
        assert not journal.lines


def test_two_runs_do_not_write_to_one_journal(tmp_path: Path) -> None:
    with (
        opened(tmp_path, _HEADER, anew=False),
        pytest.raises(UsageError, match="another run writes there"),
        opened(tmp_path, _HEADER, anew=True),
    ):
        pass


def test_what_failed_is_left_only_when_it_is_to_be_tried_again(tmp_path: Path) -> None:
    failed = _line(1, error_code="timeout")
    source = Source(failed.place, failed.stamp, 1000)
    with opened(tmp_path, _HEADER, anew=False) as journal:
        journal.add(failed)
        assert journal.left([source], again=False) == []
        assert journal.left([source], again=True) == [source]
        assert (journal.hashes(1000, again=False), journal.hashes(1000, again=True)) == ([failed.hash], [])


def test_a_source_without_a_hash_or_with_another_stamp_is_left(tmp_path: Path) -> None:
    line = _line(1)
    with opened(tmp_path, _HEADER, anew=False) as journal:
        journal.add(line)
        for stamp in ("", "other"):
            source = Source(line.place, stamp)
            assert journal.left([source], again=False) == [source]


def test_a_content_is_told_under_the_first_of_its_places_and_stays_when_that_is_written_again(tmp_path: Path) -> None:
    line = _line(1, machine="/traces", machine_from="folder")
    with opened(tmp_path, _HEADER, anew=False) as journal:
        journal.add(line)
        journal.add(Line("/copies/1.etl", "", line.hash, None))
        [row], [found] = journal.rows(["/traces/1.etl", "/copies/1.etl"])
        assert (row.path, row.machine, found.hash) == ("/copies/1.etl", str(Path("/copies")), line.hash)
        journal.add(Line(line.place, "new", _line(2).hash, _line(2).trace))
        assert [each.hash for each in journal.rows(["/copies/1.etl"])[0]] == [line.hash]
