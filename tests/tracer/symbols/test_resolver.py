"""Names by module: in which order they are looked for, what is believed, and what is said where there are none."""

from __future__ import annotations

import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tracer.symbols.loopback import PACKED, PLACE, Loopback, gives, missing, serving
from tests.tracer.symbols.named import DEBUG, FILE, IMAGE, PDB, truth
from tests.tui.cabinet import cabinet
from tracer.symbols.map_file import MapFile
from tracer.symbols.path import parse_symbol_path
from tracer.symbols.resolver import Asked, Module, ModuleNames, Resolver
from tracer.symbols.symbol import Source, Symbol

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="tests/windows reads PDB files by dbghelp")
pytest.importorskip("symbolic")
pytest.importorskip("pefile")

ADDRESSES = [0x1000, 0x1052, 0x10AA, 0x106B, 0x2000]
ELSEWHERE = Module(FILE)
"""The image of the trace, which is not on this machine."""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Resolver]]:
    """Resolvers by symbol path, with a cache and a default store in the test's folder."""
    made: list[Resolver] = []

    def resolver(path: str = "", *, network: bool = False, map_file: MapFile | None = None) -> Resolver:
        parsed = parse_symbol_path(path, tmp_path / "default", network=network)
        made.append(Resolver(parsed, tmp_path / "cache", map_file=map_file))
        return made[-1]

    yield resolver
    for each in made:
        each.close()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that has the fixture's PDB."""
    place = tmp_path / "store" / PLACE[1:]
    place.parent.mkdir(parents=True)
    shutil.copy(PDB, place)
    return tmp_path / "store"


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as loopback:
        yield loopback


def names(
    resolver: Resolver, module: Module, addresses: list[int] = ADDRESSES, returns: list[bool] | None = None
) -> ModuleNames:
    is_return = np.array(returns if returns is not None else [False] * len(addresses), np.bool_)
    (found,) = resolver.resolve([Asked(module, np.array(addresses, np.uint32), is_return)])
    return found


def copied(folder: Path, *files: Path) -> Path:
    """The first of the files, in a folder of this test."""
    folder.mkdir(parents=True, exist_ok=True)
    first, *_ = [Path(shutil.copy(file, folder)) for file in files]
    return first


def test_names_come_from_a_store_once_the_identity_fits(make: Callable[..., Resolver], store: Path) -> None:
    found = names(make(f"srv*{store}"), ELSEWHERE)
    assert (found.source, found.where, found.told) == (Source.PDB, str(store / PLACE[1:]), ())
    assert list(found.symbols) == [truth(address) for address in ADDRESSES]


def test_a_return_address_is_looked_up_one_byte_lower_and_counts_from_itself(
    make: Callable[..., Resolver], store: Path
) -> None:
    end = 0x106B
    found = names(make(f"srv*{store}"), ELSEWHERE, [end, end, 0x1050, 0x1050, 0], [True, False, True, False, True])
    first, second, third, fourth, fifth = found.symbols
    assert first == replace(truth(end - 1) or Symbol("", 0), displacement=27)
    assert second is None
    assert third == replace(truth(0x104F) or Symbol("", 0), displacement=80)
    assert fourth == truth(0x1050)
    assert fifth is None


def test_a_module_is_looked_for_once(make: Callable[..., Resolver], store: Path, tmp_path: Path) -> None:
    resolver = make(f"srv*{store}")
    names(resolver, ELSEWHERE, [0x1000])
    later = tmp_path / "default"
    store.rename(later)
    assert names(resolver, ELSEWHERE, [0x1070]).where == str(store / PLACE[1:])


def test_a_pdb_beside_the_image_comes_first(make: Callable[..., Resolver], store: Path, tmp_path: Path) -> None:
    image = copied(tmp_path / "drivers", IMAGE, PDB)
    found = names(make(f"srv*{store}"), Module(FILE, image))
    assert found.where == str(image.with_suffix(".pdb"))


def test_the_file_on_this_machine_says_which_pdb_where_the_trace_does_not(
    make: Callable[..., Resolver], store: Path, tmp_path: Path
) -> None:
    image = copied(tmp_path / "drivers", IMAGE)
    unreported = replace(FILE, debug=None)
    assert names(make(f"srv*{store}"), Module(unreported, image)).source is Source.PDB
    other = names(make(f"srv*{store}"), Module(replace(unreported, time_date_stamp=7), image))
    assert other.source is Source.NONE
    assert "says which PDB belongs to it" in other.told[0]
    assert "another build: its time stamp and size are 0x2b6892ad" in other.told[1]


def test_a_pdb_of_another_build_is_told_and_the_next_place_is_asked(
    make: Callable[..., Resolver], store: Path, tmp_path: Path
) -> None:
    wrong = replace(DEBUG, guid=uuid.UUID(int=7))
    copied(tmp_path / "plain", PDB)
    found = names(make(str(tmp_path / "plain")), Module(replace(FILE, debug=wrong)))
    assert found.source is Source.NONE
    assert "plain/contosodev.pdb belongs to another build: it has GUID e307d01e" in found.told[0]
    damaged = tmp_path / "damaged" / "contosodev.pdb"
    copied(damaged.parent, PDB)
    damaged.write_bytes(PDB.read_bytes()[:9000])
    found = names(make(f"{damaged.parent};srv*{store}"), ELSEWHERE)
    assert found.where == str(store / PLACE[1:])
    assert str(damaged) in found.told[0]


def test_a_compressed_pdb_is_unpacked_into_the_cache_of_the_path_once(
    make: Callable[..., Resolver], tmp_path: Path
) -> None:
    packed = tmp_path / "packed" / "contosodev.pd_"
    packed.parent.mkdir()
    packed.write_bytes(cabinet({"contosodev.pdb": PDB.read_bytes()}))
    for path in (f"cache*{tmp_path / 'kept'};{packed.parent}", f"{packed.parent};cache*{tmp_path / 'kept'}"):
        found = names(make(path), ELSEWHERE)
        assert found.where == str(tmp_path / "kept" / PLACE[1:])
        assert found.symbols[0] == truth(0x1000)
        packed.write_bytes(b"damaged since")


def test_a_compressed_pdb_that_cannot_be_unpacked_is_told(make: Callable[..., Resolver], tmp_path: Path) -> None:
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "contosodev.pd_").write_bytes(b"MSCF, but not really")
    found = names(make(str(tmp_path / "packed")), ELSEWHERE)
    assert "cannot be unpacked" in found.told[0]
    assert set(found.symbols) == {None}


def test_without_the_option_nothing_is_asked_of_a_server(
    make: Callable[..., Resolver], loopback: Loopback, tmp_path: Path
) -> None:
    loopback.serve(PLACE, gives(PDB.read_bytes()))
    found = names(make(f"srv*{tmp_path / 'near'}*{loopback.url};srv*{loopback.url}"), ELSEWHERE)
    assert found.source is Source.NONE
    assert f"skipped: {loopback.url}" in found.told[0]
    assert not loopback.asked


@pytest.mark.parametrize("packed", [False, True])
def test_with_it_a_pdb_is_fetched_into_the_nearest_store_and_asked_for_once(
    packed: bool, make: Callable[..., Resolver], loopback: Loopback, tmp_path: Path
) -> None:
    if packed:
        loopback.serve(PACKED, gives(cabinet({"contosodev.pdb": PDB.read_bytes()})))
    else:
        loopback.serve(PLACE, gives(PDB.read_bytes()))
    path = f"srv*{tmp_path / 'near'}*{tmp_path / 'far'}*{loopback.url}"
    asked = []
    for _ in range(2):
        found = names(make(path, network=True), ELSEWHERE)
        assert (found.source, found.where) == (Source.PDB, str(tmp_path / "near" / PLACE[1:]))
        assert list(found.symbols) == [truth(address) for address in ADDRESSES]
        asked.append(len(loopback.asked))
    assert asked[0] == asked[1]


def test_a_pdb_of_another_build_from_a_server_is_not_kept(
    make: Callable[..., Resolver], loopback: Loopback, tmp_path: Path
) -> None:
    data = PDB.read_bytes().replace(DEBUG.guid.bytes_le, uuid.UUID(int=7).bytes_le)
    loopback.serve(PLACE, gives(data))
    found = names(make(f"srv*{tmp_path / 'near'}*{loopback.url}", network=True), ELSEWHERE)
    assert "is not believed: it has GUID 00000000-0000-0000-0000-000000000007, age 1, the image GUID" in found.told[0]
    assert not list(tmp_path.rglob("*.pdb"))


def test_a_server_that_does_not_have_it_is_named(
    make: Callable[..., Resolver], loopback: Loopback, tmp_path: Path
) -> None:
    loopback.serve(PLACE, missing)
    found = names(make(f"srv*{tmp_path / 'near'}*{loopback.url}", network=True), ELSEWHERE)
    assert f"age 1) is not in {tmp_path / 'near'}, {loopback.url}" in found.told[0]


def test_a_store_that_cannot_be_written_to_gives_way_to_the_users_own(
    make: Callable[..., Resolver], loopback: Loopback, tmp_path: Path
) -> None:
    loopback.serve(PLACE, gives(PDB.read_bytes()))
    (tmp_path / "file").touch()
    found = names(make(f"srv*{tmp_path / 'file'}*{loopback.url}", network=True), ELSEWHERE)
    assert found.where == str(tmp_path / "default" / PLACE[1:])
    assert "cannot be written to" in found.told[0]


def test_exports_come_after_pdbs_and_say_what_they_are(make: Callable[..., Resolver], tmp_path: Path) -> None:
    image = copied(tmp_path / "drivers", IMAGE)
    found = names(make(), Module(FILE, image), [0x1000, 0x1071, 0x1071], [False, False, True])
    assert (found.source.value, found.where) == ("nearest export", str(image))
    assert found.symbols == (None, Symbol("CtDispatch", 1), Symbol("CtDispatch", 1))
    assert "contosodev.pdb (GUID e307d01e-6947-7b67-4c4c-44205044422e, age 1) is not beside the image" in found.told[0]


def test_a_map_file_comes_last(make: Callable[..., Resolver], tmp_path: Path) -> None:
    path = tmp_path / "names.map"
    path.write_text("contosodev.sys 0x1000 FromTheMap\n", "utf-8")
    image = copied(tmp_path / "drivers", IMAGE)
    resolver = make(map_file=MapFile(path))
    assert names(resolver, Module(FILE, image)).source is Source.EXPORTS
    found = names(resolver, ELSEWHERE, [0x1010, FILE.size])
    assert (found.source, found.where) == (Source.MAP, str(path))
    assert found.symbols == (Symbol("FromTheMap", 0x10), None)
    assert names(resolver, Module(replace(FILE, name="other.sys"))).source is Source.NONE


def test_a_machine_without_a_reader_of_pdbs_says_so_and_goes_on(
    make: Callable[..., Resolver], store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.symbols.reader.find_spec", lambda _: None)
    image = copied(tmp_path / "drivers", IMAGE)
    found = names(make(f"srv*{store}"), Module(FILE, image))
    assert found.source is Source.EXPORTS
    assert "the package symbolic" in found.told[0]


def test_a_pdb_that_goes_away_leaves_the_module_without_names(
    make: Callable[..., Resolver], store: Path, tmp_path: Path
) -> None:
    resolver = make(f"srv*{store}")
    names(resolver, ELSEWHERE)
    shutil.rmtree(store)
    found = names(resolver, ELSEWHERE)
    assert set(found.symbols) == {None}
    assert "cannot be read" in found.told[0]


def test_several_modules_are_answered_in_their_order(make: Callable[..., Resolver], store: Path) -> None:
    resolver = make(f"srv*{store}")
    nobody = np.zeros(1, np.bool_)
    other = Module(replace(FILE, name="other.sys", debug=None))
    asked = [Asked(module, np.array([0x1000], np.uint32), nobody) for module in (other, ELSEWHERE, other)]
    assert [found.source for found in resolver.resolve(asked)] == [Source.NONE, Source.PDB, Source.NONE]
    empty = Asked(ELSEWHERE, np.zeros(0, np.uint32), np.zeros(0, np.bool_))
    assert resolver.resolve([empty])[0].symbols == ()


ANONYMOUS = Module(replace(FILE, debug=None))
"""The image of a trace that says its time stamp and size, but not which PDB belongs to it."""
IMAGE_PLACE = "/contosodev.sys/2B6892AD4000/contosodev.sys"


def test_an_image_whose_pdb_nobody_tells_is_asked_for_by_time_stamp_and_size(
    make: Callable[..., Resolver], loopback: Loopback, tmp_path: Path
) -> None:
    loopback.serve(IMAGE_PLACE, gives(IMAGE.read_bytes()))
    loopback.serve(PLACE, gives(PDB.read_bytes()))
    found = names(make(f"srv*{tmp_path / 'store'}*{loopback.url}", network=True), ANONYMOUS)
    assert (found.source, list(found.symbols)) == (Source.PDB, [truth(address) for address in ADDRESSES])
    assert (tmp_path / "store" / IMAGE_PLACE[1:]).read_bytes() == IMAGE.read_bytes()
    again = names(make(f"srv*{tmp_path / 'store'}"), ANONYMOUS)
    assert again.source is Source.PDB
    assert loopback.paths() == [IMAGE_PLACE, PLACE]


def test_an_image_of_another_build_is_not_believed(
    make: Callable[..., Resolver], loopback: Loopback, tmp_path: Path
) -> None:
    loopback.serve("/contosodev.sys/2B6892AE4000/contosodev.sys", gives(IMAGE.read_bytes()))
    other = Module(replace(FILE, debug=None, time_date_stamp=FILE.time_date_stamp + 1))
    found = names(make(f"srv*{tmp_path / 'store'}*{loopback.url}", network=True), other)
    assert found.source is Source.NONE
    assert any("is not believed: it has time stamp 2B6892AD" in each for each in found.told)
    assert not list((tmp_path / "store").rglob("*.sys"))


def test_no_image_is_asked_for_without_the_network(make: Callable[..., Resolver], loopback: Loopback) -> None:
    loopback.serve(IMAGE_PLACE, gives(IMAGE.read_bytes()))
    assert names(make(f"srv*{loopback.url}"), ANONYMOUS).source is Source.NONE
    assert loopback.paths() == []
