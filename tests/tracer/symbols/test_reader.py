"""PDB files read in a process of their own: names and lines, refusals, and what a damaged file may not do."""

from __future__ import annotations

import itertools
import struct
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tracer.symbols.named import DEBUG, FILE, FOLDER, IMAGE, PDB, truth
from tracer.images.headers import DebugFile, read_image_headers
from tracer.symbols.reader import NotReadError, Reader
from tracer.symbols.symbol import Symbol

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="tests/windows reads PDB files by dbghelp")
pytest.importorskip("symbolic")
pytest.importorskip("pefile")

CODE = list(range(0xFF0, 0x10E0))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with Reader(tmp_path_factory.mktemp("cache"), seconds=30) as reader:
        yield reader


def test_the_fixtures_identity_is_that_of_its_image(reader: Reader) -> None:
    headers = read_image_headers(IMAGE)
    assert (headers.debug, headers.size, headers.time_date_stamp) == (DEBUG, FILE.size, FILE.time_date_stamp)
    found = reader.identity(PDB)
    assert (found.guid, found.age) == (DEBUG.guid, DEBUG.age)


def test_every_byte_of_the_code_has_the_right_function_line_and_inlined_functions(reader: Reader) -> None:
    assert reader.symbols(PDB, DEBUG, FILE.size, CODE) == [truth(address) for address in CODE]


def test_a_cache_that_was_kept_answers_the_same(tmp_path: Path) -> None:
    for _ in range(2):
        with Reader(tmp_path) as reader:
            assert reader.symbols(PDB, DEBUG, FILE.size, CODE) == [truth(address) for address in CODE]
        assert len(list(tmp_path.iterdir())) == 1


def test_a_cache_that_is_damaged_is_made_again(tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        reader.symbols(PDB, DEBUG, FILE.size, [])
        (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:100])
    with Reader(tmp_path) as reader:
        assert reader.symbols(PDB, DEBUG, FILE.size, [0x1000]) == [truth(0x1000)]
    assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_kept_hinders_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with Reader(tmp_path / "file") as reader:
        assert reader.symbols(PDB, DEBUG, FILE.size, [0x1000]) == [truth(0x1000)]


def test_an_address_behind_the_image_has_no_name(reader: Reader) -> None:
    assert reader.symbols(PDB, DEBUG, 0x1070, [0x1000, 0x1070]) == [truth(0x1000), None]


def test_more_addresses_than_one_question_takes_are_all_answered(reader: Reader) -> None:
    addresses = CODE * 5
    assert reader.symbols(PDB, DEBUG, FILE.size, addresses) == [truth(address) for address in addresses]


@pytest.mark.parametrize("debug", [replace(DEBUG, guid=uuid.UUID(int=7)), replace(DEBUG, age=2)])
def test_a_pdb_of_another_build_is_refused(debug: DebugFile, reader: Reader) -> None:
    with pytest.raises(NotReadError, match=r"another build: it has GUID e307.*, age 1, the image GUID .*, age \d"):
        reader.symbols(PDB, debug, FILE.size, [0x1000])


@pytest.mark.parametrize(("age_of", "told"), [("header", 1), ("debug information", 26)])
def test_the_age_is_that_of_the_debug_information(age_of: str, told: int, reader: Reader, tmp_path: Path) -> None:
    """It is the image's too; the age in the PDB's header grows whenever a tool writes to it, as stripping does."""
    data = bytearray(PDB.read_bytes())
    header = data.index(DEBUG.guid.bytes_le) - 4
    debug_information = data.index(struct.pack("<2I", 0xFFFFFFFF, 19990903)) + 8  # signature and version come first
    at = header if age_of == "header" else debug_information
    data[at : at + 4] = struct.pack("<I", 26)
    path = tmp_path / "contosodev.pdb"
    path.write_bytes(data)
    assert reader.identity(path).age == told


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (IMAGE, "is no PDB file"),
        (FOLDER / "build.sh", "is damaged"),
        (FOLDER / "missing.pdb", "cannot be read: No such file"),
        (FOLDER, "cannot be read: Is a directory"),
    ],
)
def test_what_is_no_pdb_is_refused_in_words(path: Path, why: str, reader: Reader) -> None:
    with pytest.raises(NotReadError, match=why):
        reader.symbols(path, DEBUG, FILE.size, [0x1000])


def test_exports_name_what_is_behind_them(reader: Reader) -> None:
    named = [symbol and (symbol.function, symbol.displacement) for symbol in reader.exports(IMAGE, FILE, CODE[::16])]
    assert (
        named
        == [None] * 8
        + [("CtDispatch", 0), ("CtDispatch", 16), ("CtDispatch", 32)]
        + [("DriverEntry", at) for at in (0, 16, 32)]
        + [None] * 1
    )


@pytest.mark.parametrize(
    ("path", "stamp", "why"),
    [(IMAGE, 1, "another build"), (PDB, 1, "is no image"), (FOLDER / "none.sys", 1, "cannot be read")],
)
def test_exports_of_another_image_are_refused(path: Path, stamp: int, why: str, reader: Reader) -> None:
    with pytest.raises(NotReadError, match=why):
        reader.exports(path, replace(FILE, time_date_stamp=stamp), [0x1070])


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("import os; input(); os.abort()", "ended with code"),
        ("import time; input(); time.sleep(99)", "took longer than 0.5 s"),
        ("input(); print('no JSON')", "ended with code"),
    ],
)
def test_a_process_that_dies_or_is_silent_is_an_error_of_that_file_alone(
    does: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Reader(tmp_path, seconds=0.5) as reader:
        with monkeypatch.context() as patch:
            patch.setattr("tracer.symbols.reader._START", does)
            with pytest.raises(NotReadError, match=why):
                reader.symbols(PDB, DEBUG, FILE.size, [0x1000])
        reader._seconds = 30
        assert reader.symbols(PDB, DEBUG, FILE.size, [0x1000]) == [truth(0x1000)]


def test_who_closes_does_not_wait_for_an_answer_and_nothing_is_read_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.symbols.reader._START", "import time; input(); time.sleep(99)")
    reader, told = Reader(tmp_path), list[str]()

    def ask() -> None:
        with pytest.raises(NotReadError) as raised:
            reader.identity(PDB)
        told.append(str(raised.value))

    asking = threading.Thread(target=ask)
    asking.start()
    while reader._process is None:
        time.sleep(0.01)
    reader.close()
    asking.join()
    ask()
    assert "was given up" in told[0]
    assert "nobody waits for it" in told[1]
    assert reader._process is None


def test_a_process_that_was_ended_between_two_questions_is_replaced(tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        reader.identity(PDB)
        assert reader._process is not None
        reader._process.kill()
        reader._process.wait()
        assert reader.identity(PDB).age == 1


def test_without_symbolic_pdbs_are_not_read_and_exports_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = "import sys; sys.path.insert(0, sys.argv[1]); sys.modules['symbolic'] = None\n"
    monkeypatch.setattr(
        "tracer.symbols.reader._START", f"{started}from tracer.symbols.child import main; main(sys.argv[2])"
    )
    with Reader(tmp_path) as reader:
        with pytest.raises(NotReadError, match=r"does not start .*symbolic"):
            reader.identity(PDB)
        assert reader.exports(IMAGE, FILE, [0x1070]) == [Symbol("CtDispatch", 0)]


@pytest.mark.skipif(sys.platform != "linux", reason="the other systems bound memory otherwise")
def test_memory_is_bounded() -> None:
    program = "from tracer.symbols.limits import limit_memory; limit_memory(64 << 20); bytearray({} << 20)"
    root = Path(__file__).parents[3]
    ended = [
        subprocess.run([sys.executable, "-c", program.format(size)], cwd=root, capture_output=True, check=False)
        for size in (32, 80)
    ]
    assert [b"MemoryError" in each.stderr for each in ended] == [False, True]


@pytest.mark.skipif(sys.platform != "linux", reason="the other systems bound memory otherwise")
def test_a_pdb_that_claims_two_billion_types_ends_its_reader_and_nothing_else(reader: Reader, tmp_path: Path) -> None:
    """symbolic 13.9 asks for as much memory as the count says, and aborts where it gets none."""
    first_types = struct.pack("<3I", 20040203, 56, 0x1000)  # version, length and first index of a stream of types
    at = PDB.read_bytes().index(first_types) + len(first_types)
    data = bytearray(PDB.read_bytes())
    data[at : at + 4] = b"\xff\xff\xff\x7f"
    path = tmp_path / "contosodev.pdb"
    path.write_bytes(data)
    with pytest.raises(NotReadError, match=r"was given up: the process that read it ended with code -6.* 512 MB"):
        reader.symbols(path, DEBUG, FILE.size, CODE)
    assert reader.symbols(PDB, DEBUG, FILE.size, [0x1000]) == [truth(0x1000)]


def test_the_words_of_a_library_are_one_line(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "contosodev.pdb"
    path.write_bytes(PDB.read_bytes()[:9000])
    with pytest.raises(NotReadError) as raised:
        reader.symbols(path, DEBUG, FILE.size, CODE)
    assert "is damaged: invalid pdb file caused by:" in str(raised.value)


_NUMBER = itertools.count()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.none() | st.integers(0, PDB.stat().st_size),
    writes=st.lists(
        st.tuples(
            st.integers(0, 12 * 4096) | st.integers(0, PDB.stat().st_size - 1),
            st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 4, b"\0" * 64, b"\x7f\xff\xff\xff"]),
        ),
        max_size=8,
    ),
)
def test_a_damaged_pdb_is_an_error_or_gives_symbols_and_the_next_file_is_read(
    cut: int | None, writes: list[tuple[int, bytes]], reader: Reader, tmp_path: Path
) -> None:
    data = bytearray(PDB.read_bytes())
    for at, written in writes:
        data[at : at + len(written)] = written
    path = tmp_path / f"{next(_NUMBER)}.pdb"
    path.write_bytes(data[:cut])
    told = f"{path} has symbols"
    try:
        assert len(reader.symbols(path, DEBUG, FILE.size, CODE)) == len(CODE)
    except NotReadError as error:
        told = str(error)
    assert str(path) in told
    assert reader.symbols(PDB, DEBUG, FILE.size, [0x1000]) == [truth(0x1000)]
