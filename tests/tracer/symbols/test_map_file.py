"""Plain map files: what they name, and what is wrong with them, by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer.errors import InputError
from tracer.symbols.map_file import MapFile
from tracer.symbols.symbol import Symbol

TEXT = """\ufeff# drivers
contosodev.sys 0x1050 CtAllocateContext
contosodev.sys 1000 CtProcessRequest
CONTOSODEV.SYS 0x1070 Engine::operator new(unsigned int)
contosodev.sys 0x1050 SecondName

afd 0x20 AfdBind
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "names.map"


def test_an_address_has_the_last_name_before_it(path: Path) -> None:
    path.write_text(TEXT, "utf-8")
    assert MapFile(path).symbols("ContosoDev.sys", [0xFFF, 0x1000, 0x104F, 0x1051, 0x1100]) == [
        None,
        Symbol("CtProcessRequest", 0),
        Symbol("CtProcessRequest", 0x4F),
        Symbol("CtAllocateContext", 1),
        Symbol("Engine::operator new(unsigned int)", 0x90),
    ]


def test_a_module_may_be_named_without_its_ending(path: Path) -> None:
    path.write_text(TEXT, "utf-8")
    names = MapFile(path)
    assert names.symbols("afd.sys", [0x21]) == [Symbol("AfdBind", 1)]
    assert [names.has(module) for module in ("afd.sys", "AFD", "tcpip.sys")] == [True, True, False]
    assert names.symbols("tcpip.sys", [1, 2]) == [None, None]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("contosodev.sys 0x10", "has 2 words"),
        ("contosodev.sys ten Name", "'ten' is no hexadecimal number"),
        ("contosodev.sys -1 Name", "no offset in an image"),
        ("contosodev.sys 100000000 Name", "no offset in an image"),
        pytest.param("contosodev.sys 1 " + "x" * 2000, "more than 1,024 letters", id="long"),
        ("contosodev.sys 1 \x1b[2J", "cannot be shown"),
    ],
)
def test_a_line_that_is_wrong_is_told_by_its_number(line: str, why: str, path: Path) -> None:
    path.write_text(f"# first\n\n{line}\n", "utf-8")
    with pytest.raises(InputError) as raised:
        MapFile(path)
    assert raised.value.where == f"{path}, line 3"
    assert why in raised.value.why
    assert "contosodev.sys 0x1050" in raised.value.next


def test_what_is_no_text_is_told(path: Path) -> None:
    path.write_bytes(b"a 1 b\n\xff\xfe\n")
    with pytest.raises(InputError) as raised:
        MapFile(path)
    assert (raised.value.where, raised.value.why) == (f"{path}, line 2", "it is no text in UTF-8")


def test_a_map_without_end_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(TEXT, "utf-8")
    for limit, least in (("_MOST_BYTES", 100), ("_MOST_LINES", 3)):
        with monkeypatch.context() as patch:
            patch.setattr(f"tracer.symbols.map_file.{limit}", least)
            with pytest.raises(InputError) as raised:
                MapFile(path)
        assert "it has more than" in raised.value.why


def test_a_map_that_is_not_there_is_told(path: Path) -> None:
    with pytest.raises(InputError) as raised:
        MapFile(path)
    assert raised.value.where == str(path)
