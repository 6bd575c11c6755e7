"""What the reading process answers, asked in this one."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.tracer.symbols.named import DEBUG, FILE, FOLDER, IMAGE, PDB, truth
from tracer.symbols.child import answer, reader_of_this_system
from tracer.symbols.pdbs import Pdbs
from tracer.symbols.symbol import symbol_from

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="tests/windows reads PDB files by dbghelp")
pytest.importorskip("symbolic")
pytest.importorskip("pefile")


def ask(cache: Path, do: str, path: Path, **more: Any) -> dict[str, Any]:
    return answer(partial(reader_of_this_system, cache), {"do": do, "path": str(path)} | more)


def test_an_identity_is_told(tmp_path: Path) -> None:
    assert ask(tmp_path, "identity", PDB) == {"guid": DEBUG.guid.hex, "age": 1}


@pytest.mark.parametrize("age", [1, 2])
def test_symbols_are_told_of_the_build_that_was_asked_for(age: int, tmp_path: Path) -> None:
    addresses = list(range(0x1000, 0x10D0))
    told = ask(tmp_path, "symbols", PDB, guid=DEBUG.guid.hex, age=age, size=FILE.size, addresses=addresses)
    if age == DEBUG.age:
        assert [fields and symbol_from(fields) for fields in told["symbols"]] == [truth(each) for each in addresses]
    else:
        assert "another build" in told["error"]


def test_exports_are_told(tmp_path: Path) -> None:
    told = ask(tmp_path, "exports", IMAGE, stamp=FILE.time_date_stamp, size=FILE.size, addresses=[0x1071, 0x1000])
    assert told["symbols"] == [("CtDispatch", 1, "", 0, ()), None]


@pytest.mark.parametrize(
    ("do", "path", "why"),
    [
        ("identity", IMAGE, "is no PDB file"),
        ("identity", FOLDER / "build.sh", "is damaged: unsupported object file format"),
        ("identity", FOLDER / "none.pdb", "cannot be read: No such file"),
        ("exports", PDB, "is no image"),
        ("exports", IMAGE, "is another build"),
    ],
)
def test_what_cannot_be_read_is_an_error_in_words(do: str, path: Path, why: str, tmp_path: Path) -> None:
    assert why in ask(tmp_path, do, path, stamp=1, size=1, addresses=[])["error"]


@pytest.mark.parametrize(
    ("raised", "why"),
    [
        (ImportError("no symbolic"), "does not start"),
        (MemoryError(), "takes more than 512 MB"),
        (KeyError(), "damaged"),
    ],
)
def test_whatever_a_library_raises_is_an_error_of_the_file(raised: Exception, why: str) -> None:
    def pdbs() -> Pdbs:
        raise raised

    assert why in answer(pdbs, {"do": "identity", "path": "x.pdb"})["error"]


def test_as_many_pdbs_stay_open_as_are_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracer.symbols import pdb_symbolic

    monkeypatch.setattr(pdb_symbolic, "_MOST_OPEN", 1)
    pdbs = pdb_symbolic.SymbolicPdbs(tmp_path / "cache")
    other = tmp_path / "copy.pdb"
    other.write_bytes(PDB.read_bytes())
    for path in (PDB, other, PDB):
        assert pdbs.symbols(path, pdbs.identity(path), FILE.size, [0x1000]) == [truth(0x1000)]
    assert len(pdbs._open) == 1
