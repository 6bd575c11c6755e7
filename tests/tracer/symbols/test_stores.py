"""Where PDB files are found: the layouts of folders and stores, in any case of letters."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from tracer.images.headers import DebugFile
from tracer.symbols.identity import store_key, stored_name
from tracer.symbols.path import Omitted, parse_symbol_path
from tracer.symbols.stores import Candidate, candidates, kept_path

GUID = uuid.UUID("0123abcd-0000-4000-8000-0000000000ef")
KEY = "0123ABCD0000400080000000000000EF1A"
PDB = DebugFile(GUID, 0x1A, r"D:\build\out\ContosoDev.pdb")


def _written(*places: Path, data: bytes = b"x") -> None:
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def _found(path: str, tmp_path: Path, *, image: Path | None = None, debug: DebugFile = PDB) -> list[Path]:
    places = candidates(debug, image, parse_symbol_path(path, tmp_path / "default"))
    return [place.path for place in places if isinstance(place, Candidate)]


def _told(path: str, tmp_path: Path) -> list[str]:
    places = candidates(PDB, None, parse_symbol_path(path, tmp_path / "default"))
    return [place.why for place in places if isinstance(place, Omitted)]


def test_the_key_is_the_guid_and_the_age_in_hexadecimal() -> None:
    assert store_key(PDB) == KEY


@pytest.mark.parametrize(
    "name", ["", ".", "..", r"c:\x\..", "a:b.pdb", "x\0.pdb", "x" * 300, r"c:\folder" + "\\", "a*.pdb"]
)
def test_what_is_no_name_of_a_file_is_looked_for_nowhere(name: str, tmp_path: Path) -> None:
    debug = DebugFile(GUID, 1, name)
    assert stored_name(debug) == ""
    assert not _found(str(tmp_path), tmp_path, debug=debug)


def test_a_plain_folder_is_searched_with_the_folders_of_each_kind_of_image(tmp_path: Path) -> None:
    inside = [tmp_path / "symbols/sys/contosodev.pdb", tmp_path / "dll/contosodev.pdb", tmp_path / "contosodev.pdb"]
    _written(*inside, tmp_path / "other/contosodev.pdb", tmp_path / "other.pdb")
    assert _found(str(tmp_path), tmp_path) == inside


def test_a_plain_folder_may_be_a_store(tmp_path: Path) -> None:
    _written(tmp_path / "ContosoDev.pdb" / KEY / "ContosoDev.pdb")
    assert _found(str(tmp_path), tmp_path) == [tmp_path / "ContosoDev.pdb" / KEY / "ContosoDev.pdb"]


@pytest.mark.parametrize("change", [str, str.lower, str.upper])
@pytest.mark.parametrize("tiers", [1, 2])
def test_a_store_has_a_pdb_by_name_and_key_in_any_case(change: type[str], tiers: int, tmp_path: Path) -> None:
    name, key = change("ContosoDev.pdb"), change(KEY)
    folder = tmp_path / change("co") if tiers == 2 else tmp_path
    if tiers == 2:
        _written(tmp_path / change("index2.txt"), tmp_path / "ContosoDev.pdb" / KEY / "ContosoDev.pdb")
    _written(folder / name / key / name, folder / name / change(f"{KEY}1") / name)
    (found,) = _found(f"srv*{tmp_path}", tmp_path)
    assert found.samefile(folder / name / key / name)


def test_where_a_store_would_keep_a_pdb_is_told_by_its_tiers(tmp_path: Path) -> None:
    assert kept_path(tmp_path, PDB) == tmp_path / "ContosoDev.pdb" / KEY / "ContosoDev.pdb"
    _written(tmp_path / "index2.txt")
    assert kept_path(tmp_path, PDB) == tmp_path / "co" / "ContosoDev.pdb" / KEY / "ContosoDev.pdb"


def test_the_folder_of_the_image_comes_first(tmp_path: Path) -> None:
    beside, stored = tmp_path / "drivers/contosodev.pdb", tmp_path / "symbols/contosodev.pdb"
    _written(beside, stored)
    found = _found(str(tmp_path / "symbols"), tmp_path, image=tmp_path / "drivers/contosodev.sys")
    assert found == [beside, stored]


@pytest.mark.skipif(os.name == "nt", reason="a path of the other systems")
def test_the_path_that_the_linker_wrote_is_tried(tmp_path: Path) -> None:
    linked = tmp_path / "out" / "contosodev.pdb"
    _written(linked)
    assert _found("", tmp_path, debug=DebugFile(GUID, 1, str(linked))) == [linked]


def test_a_compressed_file_comes_after_the_plain_one_and_is_marked(tmp_path: Path) -> None:
    plain, packed = (tmp_path / f"ContosoDev.pd{end}" for end in "b_")
    _written(plain, packed)
    found = list(candidates(PDB, None, parse_symbol_path(f"cache*{tmp_path / 'kept'};{tmp_path}", tmp_path)))
    kept_in = tmp_path / "kept"
    assert found == [Candidate(plain, False, kept_in), Candidate(packed, True, kept_in)]


def test_stores_are_asked_from_left_to_right(tmp_path: Path) -> None:
    wanted = [tmp_path / store / "ContosoDev.pdb" / KEY / "ContosoDev.pdb" for store in ("near", "far", "last")]
    _written(*wanted)
    path = f"srv*{tmp_path / 'near'}*{tmp_path / 'far'};srv*{tmp_path / 'last'}"
    assert _found(path, tmp_path) == wanted


@pytest.mark.parametrize("before", ["", "PATH:", "path: ", "\ufeffPATH:"])
def test_a_pointer_is_followed(before: str, tmp_path: Path) -> None:
    target = tmp_path / "builds" / "77" / "ContosoDev.pdb"
    _written(target)
    _written(tmp_path / "ContosoDev.pdb" / KEY / "file.ptr", data=f"{before}{target}\r\nmore".encode())
    assert _found(f"srv*{tmp_path}", tmp_path) == [target]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"MSG: not indexed", "not indexed"),
        (b"MSG:", "no message"),
        (b"PATH:/nowhere/at/all.pdb", "there is no file"),
        (b"", "points to nothing"),
        (b"\xff\0\xfe" * 40, "characters"),
        pytest.param(b"x" * 90_000, "there is no file", id="long"),
    ],
)
def test_a_pointer_that_leads_nowhere_is_told(text: bytes, why: str, tmp_path: Path) -> None:
    _written(tmp_path / "ContosoDev.pdb" / KEY / "file.ptr", data=text)
    (told,) = _told(f"srv*{tmp_path}", tmp_path)
    assert why in told


def test_a_pointer_to_another_machine_is_not_followed_without_the_network(tmp_path: Path) -> None:
    _written(tmp_path / "ContosoDev.pdb" / KEY / "file.ptr", data=rb"PATH:\\server\builds\ContosoDev.pdb")
    (told,) = _told(f"srv*{tmp_path}", tmp_path)
    assert ("another machine" if os.name == "nt" else "path of Windows") in told


def test_a_folder_of_the_pdbs_name_or_a_missing_store_is_no_candidate(tmp_path: Path) -> None:
    (tmp_path / "ContosoDev.pdb").mkdir()
    assert not _found(f"{tmp_path};srv*{tmp_path / 'missing'}", tmp_path)
