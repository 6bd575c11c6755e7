"""PDB files read by Windows' dbghelp.

Under Wine two of its functions are stood in for: Wine 8.0 has no SymSrvGetFileIndexInfoW (calling it ends the process),
and its SymLoadModuleExW takes images, whose PDB it finds beside them, but no PDB. All the others are Wine's own, with
one difference: where a function begins with an inlined one, Wine has no line for the outer one. On Windows nothing is
stood in for; there this has not been run.
"""

from __future__ import annotations

import ctypes as ct
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.tracer.symbols.named import DEBUG, FILE, FOLDER, IMAGE, PDB, truth
from tracer.images.headers import NotAnImage, read_image_headers
from tracer.symbols.pdbs import Identity, PdbError
from tracer.symbols.reader import NotReadError, Reader
from tracer.symbols.symbol import Symbol

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="dbghelp is a library of Windows")

WANTED = Identity(DEBUG.guid, DEBUG.age)
CODE = [address for address in range(0x1000, 0x10D0) if truth(address)]


def _is_wine() -> bool:
    return hasattr(vars(ct)["windll"].ntdll, "wine_get_version")


class _WithStandIns:
    """dbghelp, but for the two functions."""

    def __init__(self, dll: Any) -> None:
        self._dll = dll

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dll, name)

    def SymSrvGetFileIndexInfoW(self, path: str, index: Any, flags: int) -> int:  # noqa: N802 - its name
        assert flags == 0
        try:
            headers = read_image_headers(_image_for(path))
        except (OSError, NotAnImage):
            return 0
        if headers.debug is None:
            return 0
        ct.memmove(index._obj.guid, headers.debug.guid.bytes_le, 16)
        index._obj.age = headers.debug.age
        return 1

    def SymLoadModuleExW(self, process: Any, file: Any, path: str, *rest: Any) -> int:  # noqa: N802 - its name
        base: int = self._dll.SymLoadModuleExW(process, file, str(_image_for(path)), *rest)
        return base


def _image_for(path: str) -> Path:
    return Path(path).with_suffix(".sys") if path.lower().endswith(".pdb") else Path(path)


@pytest.fixture
def pdbs() -> Iterator[Any]:
    from tracer.symbols.pdb_dbghelp import DbghelpPdbs

    reader = DbghelpPdbs()
    if _is_wine():
        reader._dll = _WithStandIns(reader._dll)
    yield reader
    reader.close()


def test_the_identity_of_a_pdb_is_its_guid_and_age(pdbs: Any) -> None:
    assert pdbs.identity(PDB) == WANTED


def test_every_byte_of_the_code_has_the_right_function_line_and_inlined_functions(pdbs: Any) -> None:
    assert [_as_wine(found) for found in pdbs.symbols(PDB, WANTED, FILE.size, CODE)] == [
        _as_wine(truth(address)) for address in CODE
    ]


def _as_wine(symbol: Symbol | None) -> Symbol | None:
    """Without the line that Wine does not tell."""
    if symbol is not None and _is_wine() and symbol.inlined and symbol.function == "CtAllocateContext":
        return replace(symbol, file="", line=0)
    return symbol


def test_what_no_function_covers_or_is_behind_the_image_has_no_name(pdbs: Any) -> None:
    assert pdbs.symbols(PDB, WANTED, 0x1070, [0x1070, 0x9000]) == [None, None]


def test_another_build_and_what_is_no_pdb_are_refused(pdbs: Any) -> None:
    with pytest.raises(PdbError, match="another build"):
        pdbs.symbols(PDB, replace(WANTED, age=2), FILE.size, CODE)
    with pytest.raises(PdbError, match="is no PDB file"):
        pdbs.identity(FOLDER / "build.sh")
    with pytest.raises(FileNotFoundError):
        pdbs.identity(FOLDER / "missing.pdb")


def test_two_readers_one_after_the_other_start(pdbs: Any) -> None:
    from tracer.symbols.pdb_dbghelp import DbghelpPdbs

    pdbs.close()
    DbghelpPdbs().close()


def test_exports_are_read_in_the_process_of_a_reader(tmp_path: Path) -> None:
    pytest.importorskip("pefile")
    with Reader(tmp_path) as reader:
        (named,) = reader.exports(IMAGE, FILE, [0x1075])
        assert named == Symbol("CtDispatch", 5)


def test_a_process_of_a_reader_answers_or_its_death_is_told(tmp_path: Path) -> None:
    """Wine ends a process that calls what it does not have, as a crash would."""
    with Reader(tmp_path, seconds=60) as reader:
        if _is_wine():
            with pytest.raises(NotReadError, match="was given up: the process that read it ended with code"):
                reader.symbols(PDB, DEBUG, FILE.size, CODE)
        else:
            assert reader.symbols(PDB, DEBUG, FILE.size, CODE) == [truth(address) for address in CODE]
