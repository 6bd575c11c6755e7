"""A sample of the sweeps, that their traces have every kind of record, and that a sweep sees what breaks."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sweeps import __main__ as sweeps
from tests.sweeps import judging
from tests.sweeps.every_kind import GONE, NT, OF_SOCKETS, SOMEBODY, TRACES, clean, leaking, packed, story
from tests.sweeps.judging import BrokenError, Outcome, outcome
from tracer.errors import InputError
from tracer.etl.file import EtlFile
from tracer.etl.headers import HEADER_BYTES, BufferFlag, ExtendedType, HeaderType
from tracer.events.layout import EventId, KernelId, ProviderId
from tracer.events.registry import LAYOUTS, layout_for
from tracer.events.schema_book import SchemaBook

MOST_BYTES = 64 << 10


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "swept.etl"


def test_the_trace_has_every_header_and_every_kind_of_event() -> None:
    records = story(leaks=False)
    assert {record.header for record in records} == set(HeaderType)
    events: list[tuple[EventId, int]] = [
        (KernelId(each.hook) if each.hook else ProviderId(each.provider, each.opcode or each.id), each.version)
        for each in records
    ]
    found = {layout_for(event, version) for event, version in events}
    assert {each for each in LAYOUTS if each.kind not in OF_SOCKETS} <= found
    assert {each.kind for each in LAYOUTS} == {each.kind for each in found if each is not None}


def test_the_trace_has_what_else_a_file_can_hold(path: Path) -> None:
    records = story(leaks=False)
    assert {record.cpu for record in records} == {0, 1}
    items = {item.type for record in records for item in record.extended}
    assert {ExtendedType.SCHEMA_TL, ExtendedType.PROV_TRAITS, ExtendedType.STACK32, ExtendedType.STACK64} <= items
    assert {ExtendedType.STACK_KEY32, ExtendedType.STACK_KEY64} <= items
    assert any(record.counters and record.pebs is not None for record in records)
    path.write_bytes(clean())
    with EtlFile.open(path) as source:
        book = source.carried_schemas(SchemaBook())
        source.scan()
        assert source.bytes.padding > 0
        assert (source.damage, source.loss.gaps) == ((), ())
    assert [layout.name for layout in book.layouts if layout.kind.startswith("event:")] == ["Tk"]
    path.write_bytes(packed())
    with EtlFile.open(path) as source:
        assert source.info.compressed_buffers == source.info.buffers - 1
    path.write_bytes(leaking())
    with EtlFile.open(path) as source:
        assert [gap.reason for gap in source.loss.gaps] == ["events-lost"]
        assert any(source.index.buffers["flag"] & BufferFlag.EVENTS_LOST)


@pytest.mark.parametrize("trace", TRACES)
def test_the_trace_is_small_and_says_what_it_should(trace: str, path: Path) -> None:
    path.write_bytes(TRACES[trace]())
    assert path.stat().st_size <= MOST_BYTES
    found = outcome(path)
    accused = [(verdict, who, tag, count) for _, verdict, who, tag, count in found.accusations]
    assert accused == ([("missing-free", "abc.sys", "Abcd", 12)] if trace == "leaking" else [])
    assert found.shows_damage == (trace == "leaking")


def test_cases_are_every_prefix_and_three_changes_of_each_byte() -> None:
    whole = bytes(range(8))
    every = [sweeps.case("clean", whole, number, 1).data for number in range(4 * len(whole))]
    assert every[:8] == [whole[:length] for length in range(8)]
    for offset in range(8):
        changed = every[8 + 3 * offset : 11 + 3 * offset]
        assert {data[:offset] + data[offset + 1 :] for data in changed} == {whole[:offset] + whole[offset + 1 :]}
        assert len({data[offset] for data in changed} | {whole[offset]}) == 4


@pytest.mark.slow
@pytest.mark.repeats
@pytest.mark.skipif(sys.platform == "win32", reason="a process is waited for as Unix does it")
def test_a_sample_of_all_sweeps_breaks_nothing() -> None:
    command = [sys.executable, "-m", "tests.sweeps", "--step", "797"]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("raised", "says"),
    [
        (ValueError("ours"), "ValueError: ours"),
        (InputError("x", "what", where="t.etl", why="why", next="next"), "without an offset"),
        (InputError("x", "what", where="t.etl, byte 7", why="", next="next"), "does not say all"),
    ],
)
def test_what_is_no_typed_error_with_an_offset_fails(
    raised: Exception, says: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(judging, "read_snapshot", read)
    path.write_bytes(clean())
    with pytest.raises(BrokenError, match=says):
        outcome(path)


WHOLE = sweeps.Unchanged(9, sweeps.unpacked(clean()), sweeps.naming_bytes(sweeps.unpacked(clean())))
A_NAME, ANOTHER = next(iter(WHOLE.name)), HEADER_BYTES + 8
"""Offsets of bytes that say which event a record is, and when it was."""
KNOWN, MOVED = (NT + 0x10, GONE + 0x40, NT + 0x200), (NT + 0x10, GONE, NT + 0x200)


@pytest.mark.parametrize(
    ("trace", "offset", "shown", "blocks", "records", "frames", "fails"),
    [
        ("clean", ANOTHER, False, 20, 9, KNOWN, True),
        ("clean", ANOTHER, True, 20, 9, KNOWN, False),
        ("leaking", ANOTHER, False, 20, 9, KNOWN, False),
        ("clean", ANOTHER, False, 1, 9, KNOWN, True),
        ("clean", ANOTHER, False, 1, 9, MOVED, False),
        ("clean", ANOTHER, False, 1, 8, MOVED, True),
        ("clean", ANOTHER, False, 1, 9, (), True),
        ("clean", A_NAME, False, 1, 9, KNOWN, False),
        ("clean", A_NAME, False, 1, 8, KNOWN, True),
        ("clean", A_NAME, False, 2, 9, KNOWN, True),
    ],
)
def test_an_accusation_without_damage_fails_unless_it_is_what_the_file_says(
    trace: str, offset: int, shown: bool, blocks: int, records: int, frames: tuple[int, ...], fails: bool,
    path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    accused = {"confidence": 0.7, "stack": [{"address": hex(frame)} for frame in frames]}
    found = Outcome("", {"findings": [accused]}, ((0.7, "growth", "abc.sys", "Abcd", blocks),), shown, records)
    monkeypatch.setattr(sweeps, "outcome", lambda _path: found)
    data = clean()
    changed = data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1 :]
    wrong, _ = sweeps.failure(sweeps.Case(trace, 0, changed, "", offset), path, WHOLE)
    assert bool(wrong) == fails


def test_the_bytes_that_name_an_event_are_those_of_its_header() -> None:
    whole = clean()
    named = sweeps.naming_bytes(whole)
    at = whole.index(b"Gone") - 20
    assert {place - at for place in named if at <= place < at + 40} == {6, 7}
    at = whole.index(SOMEBODY.bytes_le + struct.pack("<H", 7)) - 24
    assert {place - at for place in named if at <= place < at + 80} == set(range(24, 42))


def test_a_trace_without_its_compression_has_as_many_records(path: Path) -> None:
    path.write_bytes(packed())
    plain = sweeps.unpacked(packed())
    assert max(sweeps.naming_bytes(plain).values()) + 1 == outcome(path).records
    assert sweeps.unpacked(clean()) == clean()
    assert struct.pack("<3Q", *KNOWN) in plain


@pytest.mark.parametrize(
    ("lines", "says"),
    [(['{"begins": 3}', None], "no answer"), (['{"begins": 3}', "Segmentation fault"], "Segmentation fault")],
)
def test_a_process_that_hangs_or_ends_is_a_failure_and_the_next_goes_on(
    lines: list[str | None], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers: list[list[str | None]] = [lines, ['{"begins": 4}', '{"told": {"damage shown": 2}}']]

    def said(*_: object) -> Iterator[str | None]:
        return iter(answers.pop(0))

    monkeypatch.setattr(sweeps, "_lines", said)
    monkeypatch.setattr(sweeps.Sweep, "command", [sys.executable, "-c", "import sys; sys.stdin.read()"])
    sweep = sweeps.Sweep("packed", seed=1)
    sweep.run([2, 3, 4])
    assert list(sweep.failed) == [3]
    assert says in sweep.failed[3]
    assert sweep.told == {"damage shown": 2}
    assert "--only 3" in capsys.readouterr().out
