"""A minute of hostile PDB files, and that the fuzzer sees what breaks."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tracer.symbols import fuzz
from tests.tracer.symbols.named import PDB
from tracer.symbols.reader import NotReadError, Reader
from tracer.symbols.symbol import Symbol

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="tests/windows reads PDB files by dbghelp")
pytest.importorskip("symbolic")

SECONDS = 60


@pytest.mark.slow
@pytest.mark.repeats
def test_hostile_pdbs_for_a_minute_break_nothing() -> None:
    command = [sys.executable, "-m", "tests.tracer.symbols.fuzz", "--seconds", str(SECONDS), "--seed", str(os.getpid())]
    ended = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("mutation", fuzz.MUTATIONS)
def test_every_kind_of_mutation_changes_the_file_and_its_seed_makes_it_again(mutation: fuzz.Mutation) -> None:
    whole = PDB.read_bytes()
    made = []
    for seed in [*range(20), *range(20)]:
        rng, data = random.Random(seed), bytearray(whole)
        mutation(rng, data)
        assert len(data) <= len(whole)
        made.append(bytes(data))
    assert made[:20] == made[20:]
    assert len({*made} - {whole}) > 10
    assert fuzz.mutated(whole, 1, 2) == fuzz.mutated(whole, 1, 2) != fuzz.mutated(whole, 1, 3)


def test_files_are_read_refused_and_counted(tmp_path: Path) -> None:
    fuzzer = fuzz.Fuzzer(tmp_path, seed=1)
    assert fuzzer.run(first=0, files=60, seconds=600) == 60
    assert sum(fuzzer.told.values()) == 60
    assert fuzzer.told["(read right)"] > 0
    assert any("is damaged" in told for told in fuzzer.told)


@pytest.mark.parametrize(
    ("raised", "failure"),
    [
        (ValueError("ours"), "ValueError: ours"),
        (NotReadError("{path} is damaged: 'NoneType' object is not subscriptable"), "NoneType"),
        (NotReadError("an error of no file"), "an error of no file"),
    ],
)
def test_an_exception_of_ours_is_a_failure(
    raised: Exception, failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def symbols(_reader: Reader, path: Path, *_: object) -> list[Symbol | None]:
        raise type(raised)(str(raised).format(path=path))

    monkeypatch.setattr(Reader, "symbols", symbols)
    with pytest.raises(fuzz.FailedError, match=f"seed 1, file 5: .*{failure}"):
        fuzz.Fuzzer(tmp_path, seed=1).run(first=5, files=1, seconds=600)


def test_the_next_file_read_wrongly_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "symbols", lambda _reader, _path, _debug, _size, asked: [None] * len(asked))
    with pytest.raises(fuzz.FailedError, match="the next file is read wrongly"):
        fuzz.Fuzzer(tmp_path, seed=1).run(first=0, files=1, seconds=600)


def test_a_name_that_is_too_long_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def symbols(_reader: Reader, _path: Path, _debug: object, _size: int, asked: list[int]) -> list[Symbol | None]:
        return [Symbol("x" * 1025, 0)] * len(asked)

    monkeypatch.setattr(Reader, "symbols", symbols)
    with pytest.raises(fuzz.FailedError, match="longer"):
        fuzz.Fuzzer(tmp_path, seed=1).run(first=0, files=1, seconds=600)


@pytest.mark.parametrize(("most", "code"), [((1 << 20, 700 << 20), 1), ((700 << 20, 1 << 20), 1), ((1 << 20,) * 2, 0)])
def test_too_much_memory_is_a_failure(most: tuple[int, int], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "most_bytes", lambda: most)
    assert fuzz.main(["--files", "0"]) == code
