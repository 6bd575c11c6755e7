"""How a call stack stands in the panel."""

from __future__ import annotations

import pytest

from analyzers.pool_tables import Frame
from tests.tui.stories import HOSTILE
from tests.tui.views.listings import is_harmless
from tracer.symbols.symbol import Inlined, Source, Symbol
from tui.tables.frames import MOST, frame_text, short_name
from tui.tables.sites import caller
from tui.views.stack_lines import stack_lines

NT, DRIVER = "ntoskrnl.exe", "contosodev.sys"
FILE = r"C:\contoso\contosodev.c"


def frame(module: str, function: str, source: Source = Source.PDB, inlined: tuple[Inlined, ...] = ()) -> Frame:
    return Frame(0x1000, module, 0x10, Symbol(function, 0x4F, FILE, 29, inlined), source)


STACK = (
    frame(NT, "ExAllocateHeapPool"),
    frame(NT, "ExAllocatePool2"),
    frame(DRIVER, "CtAllocateContext", inlined=(Inlined("CtCount", FILE, 13),)),
    Frame(0x2000, DRIVER, 0x20),
    frame(NT, "IofCallDriver"),
    frame(NT, "NtDeviceIoControlFile"),
)


def said(*frames: Frame, unfolded: bool = False, outermost_first: bool = False) -> list[str]:
    return [line.plain.strip() for line in stack_lines(frames, unfolded=unfolded, outermost_first=outermost_first)]


FOLDED = [
    "2 frames of the pool allocator (F shows)",
    "contosodev!CtCount (inlined)  contosodev.c:13",
    "contosodev!CtAllocateContext+0x4f  contosodev.c:29",
    "contosodev.sys+0x20",
    "2 frames of the I/O manager (F shows)",
]


def test_functions_stand_with_their_line_and_what_is_inlined_and_the_allocator_is_folded() -> None:
    assert said(*STACK) == FOLDED


def test_unfolded_every_frame_has_its_line() -> None:
    assert said(*STACK, unfolded=True) == [
        "nt!ExAllocateHeapPool+0x4f  contosodev.c:29",
        "nt!ExAllocatePool2+0x4f  contosodev.c:29",
        *FOLDED[1:4],
        "nt!IofCallDriver+0x4f  contosodev.c:29",
        "nt!NtDeviceIoControlFile+0x4f  contosodev.c:29",
    ]


def test_callers_first_it_is_the_other_way_round() -> None:
    assert said(*STACK, outermost_first=True) == FOLDED[::-1]


@pytest.mark.parametrize(
    ("source", "words"), [(Source.EXPORTS, "nearest export"), (Source.MAP, "map file"), (Source.PDB, "")]
)
def test_names_that_no_pdb_tells_are_marked_and_explained_once(source: Source, words: str) -> None:
    lines = said(frame(DRIVER, "A", source), frame(DRIVER, "B", source))
    mark = "~" if words else ""
    assert lines[:2] == [f"{mark}contosodev!{name}+0x4f  contosodev.c:29" for name in "AB"]
    assert len(lines) == (3 if words else 2)
    assert words in lines[-1].lower()


def test_a_label_begins_with_the_drivers_own_code() -> None:
    assert caller(STACK) == "nt!IofCallDriver+0x4f > contosodev!CtAllocateContext+0x4f".replace(
        "nt!IofCallDriver+0x4f", "contosodev.sys+0x20"
    )


def test_hostile_names_are_harmless_and_cut() -> None:
    hostile = Symbol(HOSTILE * 9, 1, HOSTILE, 1, (Inlined(HOSTILE * 9, HOSTILE, 1),))
    for line in said(Frame(1, HOSTILE, 1, hostile, Source.PDB), unfolded=True):
        assert is_harmless(line)
        assert len(line) <= MOST + len(" (inlined)  :1") + len(HOSTILE) * 6


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("nt!ExAllocatePool2+0x10", "nt!ExAllocatePool2+0x10"),
        ("a!map<string<char,traits<char>>,vector<int,allocator<int>>>::insert<long>" + "x" * 20 + "+0x10",
         "a!map<..>::insert<..>" + "x" * 20 + "+0x10"),
        ("x" * 300 + "+0x10", "x" * 52 + ".." + "x" * 21 + "+0x10"),
        ("a->b" + "<" * 200, "a->b<.."),
    ],
)  # fmt: skip
def test_long_names_lose_the_arguments_of_templates_and_then_their_middle(name: str, short: str) -> None:
    assert short_name(name) == short
    assert len(short) <= MOST


def test_a_frame_without_a_name_is_module_and_offset() -> None:
    assert frame_text(Frame(0x2000, DRIVER, 0x20)) == "contosodev.sys+0x20"
