"""What a trace's names hold never reaches a terminal as anything but text."""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path

import pytest

from tests.tui.hostile import hostile_trace
from tests.tui.stories import FORBIDDEN
from tui.views.registry import VIEWS

if sys.platform == "win32":
    pytest.skip("needs a pty, which Windows does not have", allow_module_level=True)

from tests.tui.terminal import Terminal

CLIPBOARD = "\x1b]52;c;cm0gLXJm\x07"
TAG = "\x1b[5m"
FILE_NAME = "\x1b]0;x\x07\u202e[b].etl"

OF_TEXTUAL = re.compile(
    r"\x1b(?:"
    r"\[[\d;:]*m"  # style
    r"|\[\d+;\d+H"  # cursor to
    r"|\[\?(?:7|25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048)(?:[hl]|\$p)"  # modes, and asking for them
    r"|\[>\d+u|\[<u"  # keyboard protocol on and off
    r"|\]22;[a-z-]*\x07"  # shape of the mouse pointer
    r"|\]52;c;[A-Za-z0-9+/=]*\x07"  # a copy: base64, in which nothing of a trace is raw
    r")"
)
"""All that the interface has to say to a terminal; a name cannot spell any of it, for it would need an escape."""

SPOKEN_BY_NAMES = (CLIPBOARD, TAG, "\x1b]0;", "\x9b", "\u202e")
"""None of these is anything that the interface would ever say."""

ONCE = (b"?", b"\x1b", b"\x10", b"\x1b")
"""Help and back, command palette and back: they say the same in every view."""
EVERYWHERE = (b"j", b"/", b"x", b"\r", b"\x1b", b"y", b"x", b"\r")
"""Down, a filter and none, copy, export (Enter writes it): one by one, for what one opens takes the next."""
DEEPER = (b"\r", b"\x7f")


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / FILE_NAME
    hostile_trace().write(path)
    return path


@pytest.mark.parametrize(
    ("size", "once", "in_each"),
    [((80, 24), ONCE, EVERYWHERE + DEEPER), ((160, 48), (), DEEPER)],
    ids=["every key on a small terminal", "all columns on a wide one"],
)
@pytest.mark.slow
def test_no_name_of_a_trace_says_anything_to_the_terminal(
    size: tuple[int, int], once: tuple[bytes, ...], in_each: tuple[bytes, ...], trace: Path, tmp_path: Path
) -> None:
    with Terminal(["tui", trace, "--quiet"], cwd=tmp_path, size=size) as terminal:
        terminal.press(until="[1 Findings]")
        drive(terminal, once, in_each)
        terminal.press(b"q")
        assert terminal.end() == 0
        shown = terminal.shown
    said = shown.decode("utf-8")  # half a character would be an attack too
    assert "\\x1b]52;c;cm0gLXJm\\x07" in said, "the attack was never on the screen: this test tests nothing"
    for attack in SPOKEN_BY_NAMES:
        assert attack not in said
    assert not harmful(said)
    for path in tmp_path.rglob("*"):  # exports, and their names
        assert not (FORBIDDEN - {"\n", "\r"}) & set(f"{path.name}{path.read_bytes().decode()}")


def drive(terminal: Terminal, once: tuple[bytes, ...], in_each: tuple[bytes, ...]) -> None:
    """Some keys, then every view with the keys that show names, write or copy them, or step down."""
    for keys in once:
        terminal.press(keys)
    for view in VIEWS:
        another = VIEWS[-1] if view is not VIEWS[-1] else VIEWS[0]
        terminal.press(another.number.encode())  # nothing is drawn of a view that is shown already
        terminal.press(view.number.encode(), until=f"[{view.number} {view.title}]")
        for keys in in_each:
            terminal.press(keys)


def harmful(said: str) -> set[str]:
    """What is left of the controls, the invisible and the unassigned when Textual's own sequences are taken out."""
    rest = OF_TEXTUAL.sub("", said)
    bad = {c for c in rest if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}} - {"\r", "\n"}
    return {f"U+{ord(c):04x} in {rest[max(0, rest.index(c) - 30) : rest.index(c) + 30]!r}" for c in bad}
