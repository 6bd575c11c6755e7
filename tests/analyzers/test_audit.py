"""The books of an analysis: two ways to count everything, which come to the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analyzers.analysis import Analysis
from analyzers.audit import Audit, Left, audit
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from fixtures.etl.rolling import appended
from tests.sweeps.every_kind import clean, leaking, packed, story
from tests.tracer.etl.joining.recordings import analysed, joined, written
from tracer.errors import DamageCode
from tracer.etl.file import EtlFile
from tracer.etl.joining.belonging import groups_of


def snapshot_of(data: bytes, folder: Path, session: int = 1) -> Snapshot:
    path = folder / "t.etl"
    path.write_bytes(data)
    return analysed(EtlFile.open(path, session=session))


def terms(books: Audit, name: str) -> dict[str, int]:
    (equation,) = [each for each in books.equations if each.name == name]
    assert equation.holds
    return dict(equation.terms)


@pytest.fixture
def whole(tmp_path: Path) -> Snapshot:
    return snapshot_of(clean(), tmp_path)


def test_everything_of_a_trace_with_every_kind_of_record_is_accounted_for(whole: Snapshot) -> None:
    books = audit(whole)
    assert books.holds
    assert sum(terms(books, "bytes").values()) == len(clean())
    records = len(story(leaks=False)) + 3  # the writer's own: the header, two group masks
    assert books.records == sum(terms(books, "records").values()) == records
    assert sum(books.decoded.values()) + books.stacks + sum(each.records for each in books.left) == records
    assert terms(books, "allocations") == {"matched": 32, "replaced without free": 0, "outstanding": 7}
    assert terms(books, "frees") == {"matched": 32, "without allocation": 1}
    assert terms(books, "pool events") == {"allocations": 39, "frees": 33, "failed": 1}
    assert {state: count for state, count in terms(books, "requests").items() if count} == {
        "freed": 1, "taken off a port": 1,
    }  # fmt: skip


def test_what_is_not_decoded_says_why(whole: Snapshot) -> None:
    books = audit(whole)
    found = {why: {each.what: each.records for each in books.left if each.why is why} for why in Left}
    assert found[Left.HEADER] == {"0000": 1}
    assert found[Left.NOT_NEEDED]["0548"] == 4
    assert found[Left.NO_LAYOUT] == {"0F2E": 1}
    assert found[Left.NO_SCHEMA] == {"11111111-2222-3333-4444-555555555555": 6}
    assert found[Left.MESSAGE] == {"MESSAGE": 1}
    assert found[Left.OPAQUE] == {"ERROR": 1, "TIMED": 1, "WNODE": 1}


def test_records_of_another_version_say_by_which_layout_they_were_read(tmp_path: Path) -> None:
    records = [replace(each, version=5) if each.hook == 0x0524 else each for each in story(leaks=False)]
    books = audit(analysed(EtlFile.open(written(tmp_path / "t.etl", records))))
    assert [(each.what, each.version, each.read_as, each.records) for each in books.versions] == [("0524", 5, 2, 7)]


def test_payloads_that_end_early_and_stacks_without_a_frame_are_counted(tmp_path: Path) -> None:
    cut = {0x0E20: 22, 0x1820: 16}
    records = [replace(each, payload=each.payload[: cut.get(each.hook, 9_999)]) for each in story(leaks=False)]
    books = audit(analysed(EtlFile.open(written(tmp_path / "t.etl", records))))
    assert books.holds
    assert books.short == len([each for each in records if len(each.payload) == 22])
    assert books.bare_stacks == len([each for each in records if each.hook == 0x1820])


@pytest.mark.parametrize("make", [leaking, packed])
@pytest.mark.parametrize("length", [5_000, 3_001])
def test_the_books_of_a_damaged_file_balance(make: Callable[[], bytes], length: int, tmp_path: Path) -> None:
    data = bytearray(make()[:length])
    data[2_000:2_040] = bytes(40)
    books = audit(snapshot_of(bytes(data), tmp_path))
    assert books.holds
    assert sum(terms(books, "bytes").values()) == length
    assert sum(each.bytes for each in books.skipped) == sum(terms(books, "skipped").values()) > 0
    assert {DamageCode.BUFFER_CUT} <= {each.code for each in books.skipped}


def test_the_books_of_files_that_were_joined_know_the_copies(tmp_path: Path) -> None:
    records = story(leaks=True)
    first = written(tmp_path / "first.etl", records, session="first")
    second = written(tmp_path / "second.etl", records, session="second")
    (group,) = groups_of([first, second])
    books = audit(joined(group))
    assert books.holds
    events = terms(books, "pool events")
    assert events["copies in another file"] == events["allocations"] + events["frees"] + events["failed"]
    assert sum(terms(books, "bytes").values()) == first.stat().st_size + second.stat().st_size


def test_each_session_of_a_file_has_books_of_its_own(tmp_path: Path) -> None:
    both = appended([clean(), leaking()])
    found = [audit(snapshot_of(both, tmp_path, number)) for number in (1, 2)]
    assert [books.holds for books in found] == [True, True]
    assert [sum(terms(books, "bytes").values()) for books in found] == [len(clean()), len(leaking())]


def test_the_books_of_an_interrupted_reading_say_what_was_not_read(tmp_path: Path) -> None:
    path = tmp_path / "t.etl"
    path.write_bytes(clean())
    with EtlFile.open(path, threads=1, window_bytes=1) as source:
        analysis, batches = Analysis(source, TagNames(())), source.batches(Analysis.KINDS)
        for _ in range(5):
            analysis.feed(next(batches))
        books = audit(analysis.snapshot(partial=True))
    assert books.holds
    assert terms(books, "bytes")["unread"] > 0
    assert terms(books, "records")["not used yet"] >= 0


@pytest.mark.parametrize("name", ["records", "decoded", "pool events", "bytes", "ids"])
def test_an_equation_that_does_not_hold_is_told(name: str, whole: Snapshot) -> None:
    census = whole.census
    usage = census.usage
    assert usage is not None
    lost = replace(usage, given={**usage.given, "pool": usage.given["pool"] - 1})
    wrong = {
        "bytes": replace(whole, bytes=replace(whole.bytes, padding=whole.bytes.padding + 1)),
        "ids": replace(whole, census=replace(census, total=census.total + 1)),
    }.get(name, replace(whole, census=replace(census, usage=lost)))
    books = audit(wrong)
    assert not books.holds
    assert name in {each.name for each in books.equations if not each.holds}


def test_only_a_reading_of_files_has_books(whole: Snapshot) -> None:
    with pytest.raises(ValueError, match="only the analysis of files"):
        audit(replace(whole, census=replace(whole.census, usage=None)))
