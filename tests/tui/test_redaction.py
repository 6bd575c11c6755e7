"""What is taken out of a report, and what must stay in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.doctor.redaction import Redaction
from tui.json_documents.writing import Object

MADE = Redaction(["Erika", "O'Neill.x", ""], ["BUCHHALTUNG7"], [r"C:\Users\erika", "/Users/erika"])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("trace of ERIKA on buchhaltung7", "trace of <user> on <host>"),
        ("trace_erika_1", "trace_<user>_1"),
        ("Erikas profile", "Erikas profile"),
        (r"StartTraceW, C:\Users\erika\AppData\Local\Temp\a b.etl: error 5", "StartTraceW, <path>: error 5"),
        (r"'\\buchhaltung7\share\x.etl', and on", "'<path>', and on"),
        (r"\Device\HarddiskVolume3\Windows\System32\ntdll.dll", r"\Device\HarddiskVolume3\Windows\System32\ntdll.dll"),
        (r"\\?\C:\x", "<path>"),
        ("read /Users/erika/tags.txt twice", "read <path> twice"),
        ("read /opt/tools/tags.txt twice", "read <path> twice"),
        ("at 0xffff9a8000001010", "at <address>"),
        ("frame fffff803105506a6 of", "frame <address> of"),
        ("fffff803`105506a6", "<address>"),
        ("of S-1-5-21-3623811015-3361044348-30300820-1013", "of <user>"),
        ("to 192.168.13.7:443", "to <address>:443"),
    ],
)
def test_names_paths_and_addresses_go(text: str, left: str) -> None:
    assert MADE.text(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "NtQuerySystemInformation answers 0xC0000022", "error 5", "EnableTraceEx2 for memory answered with error 87",
        "82958ca9-b6cd-47f8-a3a8-03ae85a4bc24", "1,024 of 2,048 and/or more", "Python 3.13.2", "granted", "10.0.26100",
        "0E20", "fffff",
    ],
)  # fmt: skip
def test_what_says_nothing_of_anybody_stays(text: str) -> None:
    assert MADE.text(text) == text


def test_every_string_of_a_document_is_looked_at_and_no_key() -> None:
    document: Object = {"erika": ["Erika", {"x": "on BUCHHALTUNG7"}, 5, None, True]}
    assert MADE.document(document) == {"erika": ["<user>", {"x": "on <host>"}, 5, None, True]}


def test_this_machine_knows_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Redaction.here({"USERNAME": "erika", "LOGONSERVER": r"\\DC01"})
    assert here.text("erika at DC01") == "<user> at <host>"
    assert here.text(f"'{Path.cwd() / 'x.etl'}'") == "'<path>'"


def test_where_nothing_is_known_of_names_the_rest_goes_all_the_same() -> None:
    assert Redaction([], [], []).text(r"C:\x 0xffff9a8000001010") == "<path>"
    assert Redaction([], [], []).text("plain") == "plain"
