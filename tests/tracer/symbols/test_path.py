"""Microsoft's symbol path, part by part."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer.symbols.defaults import path_from_environment
from tracer.symbols.path import MICROSOFT, Chain, Folder, SymbolPath, parse_symbol_path

DEFAULT = Path("/default")
URL = "https://symbols.example/store"
A, B = Path("/a"), Path("/b")


def parsed(text: str, *, network: bool = True, windows: bool = False) -> SymbolPath:
    return parse_symbol_path(text, DEFAULT, network=network, windows=windows)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", []),
        (" ; ;", []),
        ("/a", [Folder(A, DEFAULT)]),
        ("/a ; /b", [Folder(A, DEFAULT), Folder(B, DEFAULT)]),
        (f"srv*{URL}", [Chain((DEFAULT,), URL, DEFAULT)]),
        (f"SRV*/a*{URL}/", [Chain((A,), URL, A)]),
        (f"srv*/a*/b*{URL}", [Chain((A, B), URL, A)]),
        (f"srv**/b*{URL}", [Chain((DEFAULT, B), URL, DEFAULT)]),
        ("srv*/a", [Chain((A,), "", DEFAULT)]),
        ("srv*/a*", [Chain((A, DEFAULT), "", A)]),
        ("srv*", [Chain((DEFAULT,), MICROSOFT, DEFAULT)]),
        (f"SymSrv*SYMSRV.dll*/a*{URL}", [Chain((A,), URL, A)]),
        ("symsrv*symsrv.dll*/a", [Chain((A,), "", DEFAULT)]),
        ("/a*/b", [Chain((A, B), "", A)]),
        ("cache*", [Chain((DEFAULT,), "", DEFAULT)]),
        ("/a;Cache*/b;/a", [Folder(A, DEFAULT), Chain((B,), "", B), Folder(A, B)]),
        (f"cache*/b;srv*{URL}", [Chain((B,), "", B), Chain((B,), URL, B)]),
        (f"cache*/b;srv*/a*{URL}", [Chain((B,), "", B), Chain((A,), URL, A)]),
    ],
)
def test_parts_are_read_as_debuggers_read_them(text: str, places: list[Folder | Chain]) -> None:
    path = parsed(text)
    assert list(path.places) == places
    assert not path.omitted


@pytest.mark.parametrize(
    ("text", "left", "why"),
    [
        (URL, [], "write srv*"),
        (f"/a*{URL}", [Chain((A,), "", DEFAULT)], "srv* only"),
        (f"srv*{URL}*/a", [Chain((A,), "", DEFAULT)], "stands last"),
        ("srv*ftp://symbols.example/store", [], "http or https"),
        ("srv*https://", [], "http or https"),
        ("srv*https://symbols.example:port/", [], "no address"),
        ("srv*https://me:secret@symbols.example/", [], "password"),
        ("symsrv", [], "names no server"),
        ("symsrv*other.dll*/a", [], "other.dll is not run"),
        ("cache*/a*/b", [], "one folder"),
        ("/a\0", [], "characters"),
        (r"c:\symbols;/a", [Folder(A, DEFAULT)], "path of Windows"),
        (r"\\server\share", [], "path of Windows"),
    ],
)
def test_a_part_that_cannot_be_used_is_told_and_the_others_stand(
    text: str, left: list[Folder | Chain], why: str
) -> None:
    path = parsed(text)
    assert list(path.places) == left
    assert [why in omitted.why for omitted in path.omitted] == [True]


def test_servers_are_skipped_and_said_to_be_where_the_network_is_not_allowed() -> None:
    path = parsed(f"srv*/a*{URL};srv*{URL};/b", network=False)
    assert path.places == (Chain((A,), "", DEFAULT), Folder(B, DEFAULT))
    assert [(omitted.part, "network" in omitted.why) for omitted in path.omitted] == [
        (URL, True),
        (f"srv*{URL}", True),
    ]


@pytest.mark.parametrize("text", [r"\\server\share", "//server/share", r"srv*\\server\share", r"cache*\\server\share"])
def test_a_share_of_another_machine_is_network_too(text: str) -> None:
    refused, taken = (parsed(text, network=network, windows=True) for network in (False, True))
    assert not refused.places
    assert "another machine" in refused.omitted[0].why
    assert len(taken.places) == 1
    assert not taken.omitted


def test_a_drive_is_a_path_on_windows() -> None:
    assert parsed(r"c:\symbols", windows=True).places == (Folder(Path(r"c:\symbols"), DEFAULT),)


def test_a_path_without_end_is_cut_and_said_to_be() -> None:
    path = parsed("/a;" * 300)
    assert len(path.places) == 256
    assert path.omitted


def test_the_environment_is_joined_in_the_debuggers_order() -> None:
    assert path_from_environment({"_NT_SYMBOL_PATH": "/b", "_NT_ALT_SYMBOL_PATH": "/a "}) == "/a;/b"
    assert path_from_environment({}) == ""
