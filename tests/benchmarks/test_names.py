"""The PDB file of the benchmark traces, and what the section about names says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.named import NoCompilerError, make_pdb
from benchmarks.pipeline import WrongResultError
from benchmarks.plan import QUICK
from benchmarks.rundown import NAMED, NAMED_DEBUG
from benchmarks.sections import names
from benchmarks.sites import IMAGE_SIZE
from benchmarks.taken import Taken
from benchmarks.traces import Traces
from tracer.images.carried import ImageFile
from tracer.symbols.path import parse_symbol_path
from tracer.symbols.resolver import Asked, Module, Resolver
from tracer.symbols.symbol import Source

PLAN = QUICK.sized(1 << 20)


@pytest.fixture
def pdb(tmp_path: Path) -> Path:
    try:
        make_pdb(tmp_path / NAMED_DEBUG.name, functions=50)
    except NoCompilerError as error:
        pytest.skip(str(error))
    return tmp_path / NAMED_DEBUG.name


def test_the_pdb_that_is_made_is_that_of_the_traces_image_and_has_its_functions(pdb: Path, tmp_path: Path) -> None:
    pytest.importorskip("symbolic")
    image = ImageFile(NAMED, IMAGE_SIZE, 0, NAMED_DEBUG)
    with Resolver(parse_symbol_path(str(pdb.parent), tmp_path, network=False), tmp_path / "cache") as resolver:
        asked = Asked(Module(image), np.array([0x1010], np.uint32), np.ones(1, np.bool_))
        [found] = resolver.resolve([asked])
    assert found.source is Source.PDB, found.told
    assert found.symbols[0] is not None
    assert found.symbols[0].function == "SimulatedFunction00000"
    assert found.symbols[0].line


def test_without_a_compiler_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(NoCompilerError, match="needs clang and lld-link"):
        make_pdb(tmp_path / "x.pdb")


@pytest.mark.parametrize(("seconds", "kept"), [(2.2, True), (2.4, False)])
def test_names_are_held_against_analysing_without(
    seconds: float, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "make_pdb", lambda path: path.write_bytes(b""))
    taken = Taken(seconds, seconds)
    measured = names._Measured(Taken(2.0, 2.0), taken, taken, 10, 10)
    monkeypatch.setattr(names, "_measured", lambda *_: measured)
    found = [row.passed for row in names.rows(PLAN, Traces(tmp_path))]
    assert found == [None, kept, True]


def test_frames_without_names_are_a_wrong_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = {"module": NAMED, "symbol": None}
    monkeypatch.setattr(names, "_analyzed", lambda *_: json.dumps({"findings": [{"stack": [frame]}]}).encode())
    with pytest.raises(WrongResultError, match="0 of 1 frames"):
        names._measured(tmp_path / "x.etl", tmp_path, 1)
