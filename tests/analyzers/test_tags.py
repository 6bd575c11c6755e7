"""What tags stand for: our own names, and the user's before them."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.pooltag import PROTECTED_POOL
from analyzers.tags import TagName, TagNames
from analyzers.tags.names import MAX_FILE_BYTES
from analyzers.tags.places import microsofts
from tracer.errors import InputError


def tag(text: str) -> int:
    return int.from_bytes(text.encode("ascii"), "little")


@pytest.fixture
def pooltag(tmp_path: Path) -> Path:
    return tmp_path / "pooltag.txt"


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("Irp ", "nt"),
        ("IoSB", "nt"),
        ("Mdl ", "nt"),
        ("Thre", "nt"),
        ("AfdE", "afd.sys"),
        ("AfdZ", "afd.sys"),
        ("TTcb", "tcpip.sys"),
        ("Nnbl", "netio.sys"),
        ("Nb07", "netbt.sys"),
        ("Ntff", "ntfs.sys"),
    ],
)
def test_our_own_list_knows_the_drivers_of_the_network_and_of_the_kernel(text: str, driver: str) -> None:
    name = TagNames.load().lookup(tag(text))
    assert name is not None
    assert (name.driver, name.source) == (driver, "poolscope")
    assert name.description


def test_a_protected_tag_is_the_same_tag() -> None:
    names = TagNames.load()
    assert names.lookup(tag("AfdE") | PROTECTED_POOL) == names.lookup(tag("AfdE"))


def test_a_tag_that_nobody_lists_has_no_name() -> None:
    assert TagNames.load().lookup(tag("Qz7!")) is None


def test_the_users_list_wins_over_ours(pooltag: Path) -> None:
    pooltag.write_text("Irp  - mine.sys - mine\n")
    names = TagNames.load(pooltag)
    assert names.lookup(tag("Irp ")) == TagName("mine.sys", "mine", "pooltag.txt")
    assert [(used.path, used.tags, used.junk_lines) for used in names.files] == [(pooltag, 1, 0)]


def test_what_the_users_list_lacks_comes_from_ours(pooltag: Path) -> None:
    pooltag.write_text("Widg - mine.sys - mine\n")
    name = TagNames.load(pooltag).lookup(tag("Irp "))
    assert name is not None
    assert name.source == "poolscope"


def test_a_specific_tag_beats_a_wildcard_in_one_list_and_between_lists(pooltag: Path) -> None:
    pooltag.write_text(
        "W??? - a.sys - a\nWi?? - b.sys - b\nWid? - c.sys - c\nWidg - d.sys - d\nAfd? - mine.sys - mine\n"
    )
    names = TagNames.load(pooltag)
    drivers = [name.driver for text in ("Wxyz", "Wixy", "Widx", "Widg") if (name := names.lookup(tag(text)))]
    assert drivers == ["a.sys", "b.sys", "c.sys", "d.sys"]
    exact, generic = names.lookup(tag("AfdE")), names.lookup(tag("AfdZ"))
    assert exact is not None
    assert exact.source == "poolscope"
    assert generic == TagName("mine.sys", "mine", "pooltag.txt")


def test_of_two_lines_for_one_tag_the_first_counts(pooltag: Path) -> None:
    pooltag.write_text("Widg - a.sys - a\nWidg - b.sys - b\n")
    assert TagNames.load(pooltag).lookup(tag("Widg")) == TagName("a.sys", "a", "pooltag.txt")


def test_junk_lines_are_counted(pooltag: Path) -> None:
    pooltag.write_text("what is this\nWidg - a.sys - a\n")
    assert [used.junk_lines for used in TagNames.load(pooltag).files] == [1]


def test_a_missing_list_is_an_error_that_says_what_where_why_and_next(pooltag: Path) -> None:
    with pytest.raises(InputError) as caught:
        TagNames.load(pooltag)
    error = caught.value
    assert (error.code, error.where) == ("pooltag-unreadable", str(pooltag))
    assert error.what
    assert error.why
    assert "--pooltag" in error.next


def test_a_folder_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        TagNames.load(tmp_path)


def test_a_list_without_a_tag_is_refused(pooltag: Path) -> None:
    pooltag.write_text("{\n  'schema': 2\n}\n", encoding="utf-8")
    with pytest.raises(InputError, match="no list of pool tags"):
        TagNames.load(pooltag)


def test_a_file_far_too_large_for_a_list_is_refused(pooltag: Path) -> None:
    with pooltag.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(InputError) as caught:
        TagNames.load(pooltag)
    assert "larger than 16 MB" in caught.value.why


def test_a_path_that_the_system_cannot_hold_is_an_error_too() -> None:
    with pytest.raises(InputError):
        TagNames.load(Path("pool\0tag.txt"))


def test_lists_that_are_found_are_used_the_users_own_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, gone, kit = tmp_path / "own.txt", tmp_path / "gone.txt", tmp_path / "kit.txt"
    own.write_text("Widg - own.sys - own\n")
    kit.write_text("Widg - kit.sys - kit\nGadg - kit.sys - kit\n")
    monkeypatch.setattr("analyzers.tags.names.users_own", lambda: own)
    monkeypatch.setattr("analyzers.tags.names.microsofts", lambda: iter((gone, kit)))
    names = TagNames.load()
    assert names.lookup(tag("Widg")) == TagName("own.sys", "own", "pooltag.txt")
    assert names.lookup(tag("Gadg")) == TagName("kit.sys", "kit", "pooltag.txt")
    assert [used.path for used in names.files] == [own, kit]


def test_a_list_given_by_name_is_the_only_one_besides_ours(
    pooltag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.txt"
    own.write_text("Gadg - own.sys - own\n")
    pooltag.write_text("Widg - given.sys - given\n")
    monkeypatch.setattr("analyzers.tags.names.users_own", lambda: own)
    assert TagNames.load(pooltag).lookup(tag("Gadg")) is None


def test_microsofts_lists_are_looked_for_where_their_kits_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kits = tmp_path / "Windows Kits" / "10"
    versioned = kits / "Tools" / "10.0.26100.0" / "Other" / "x64"
    versioned.mkdir(parents=True)
    (versioned / "pooltag.txt").touch()
    monkeypatch.setenv("ProgramFiles(x86)", str(tmp_path))
    monkeypatch.delenv("ProgramFiles", raising=False)
    monkeypatch.setenv("PATH", "")
    places = list(microsofts())
    assert places[0] == kits / "Debuggers" / "x64" / "triage" / "pooltag.txt"
    assert kits / "Debuggers" / "arm64" / "triage" / "pooltag.txt" in places
    assert kits / "Tools" / "Other" / "x64" / "pooltag.txt" in places
    assert versioned / "pooltag.txt" in places
