"""Names that attack whoever shows them, and a simulated trace that has them wherever a trace has a name."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from analyzers.snapshot import Snapshot
from fixtures.etl.options import TraceOptions
from fixtures.settings import Settings
from fixtures.simulate import Simulation, simulate
from tests.tui.diagnoses import hostile_diagnosis
from tests.tui.stories import HOSTILE, SECOND, Story
from tracer.errors import Damage, DamageCode
from tracer.events import encode
from tracer.symbols.pdbs import MOST_TEXT
from tracer.symbols.symbol import Inlined, Source, Symbol
from tracer.trace import Gap, Loss

LONG: Final = "<i>x " * 13_000
"""64 KiB, in which no record has room for more."""
NAMES: Final = (
    HOSTILE,
    # what a terminal acts on: colours, the screen, the window's title, the clipboard, a link, a bell, a report, C1
    "\x1b[31mred", "\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x1b]52;c;cm0gLXJm\x07", "\x1b]8;;http://x.test/\x1b\\y\x1b]8;;\x1b\\",
    "\x07bell", "\x1b[6n", "\x9b31mC1", "\x9d0;t\x9c", "\x90q\x9c", "\x1bP$q\x1b\\", "\x7f\x08\x08back",
    # lines and what is not there
    "two\r\nlines", "one\rover", "a\tb", "a\0b", "a\x0bb\x0cc\x1cd\x1ee\x85f", "a\u2028b\u2029c",
    "a\u200bb\u200dc\ufeffd",
    "\u202egpj.exe", "\u2066a\u2069b\u200f", "\U000e0041\U000e007f", "\ufffe\uffff\ue000",
    "\ud800lone\udfff", "\u0301accent",
    # pages
    "</script><img src=x onerror=alert(1)>", "<b>&lt;\"'`", "]]><x/>", "--!><!-- -->",
    "&#60;i&#62;&amp;", "javascript:alert(1)",
    "{{7*7}}{% x %}${7*7}#{7*7}", "<a href='http://x.test/'>", "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e 'e'>]>",
    # Markdown
    "[click](http://x.test/)", "![x](http://x.test/y.png)", "`code` ```", "a|b|c", "**bold** _it_ ~~no~~ $x^2$",
    "# heading", "- item", "1. item", "> quote", "    code", "---", "===", "http://x.test/ www.x.test", "<http://x.test/>",
    # spreadsheets
    "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\uff1d1+1", "x;=1+1", '"=1+1', "x\n=1+1", " =1",
    # programs
    "a;b 12", "x 5 7", "%s%n%d", "${IFS}$(reboot)`reboot`", "[red]x[/]", "[/x]", "[@click=app.quit]x[/]",
    "{0}{1}", "\\",
    "'; drop table outstanding; --", '"quoted"', "../../etc/passwd", "CON", "NUL.txt", "C:\\x\\..\\y", "\\\\?\\pipe\\x",
)  # fmt: skip


def acted_on(text: str, but: str = "") -> set[str]:
    """The characters of a text, ``but`` some, that a terminal acts on or that nobody sees."""
    return {c for c in set(text) - set(but) if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}}


def is_harmless(text: str) -> bool:
    """Whether nothing acts on a terminal in lines of text."""
    return not acted_on(text, "\n")


def failing(holds: Callable[[str], bool]) -> list[str]:
    """The names, as they can be told, for which something does not hold."""
    return [ascii(name)[:80] for name in NAMES if not holds(name)]


def hostile_snapshot_of(story: Story, name: str) -> Snapshot:
    """A story in which whatever a trace can name is called so."""
    named = Symbol(name, 1, name, 1, (Inlined(name, name, 1),))
    story.path, story.session = f"{name}.etl", name
    story.processes = dict.fromkeys(story.processes, name)
    story.stacks = {
        stack: tuple(replace(frame, module=name, symbol=named, source=Source.PDB) for frame in frames)
        for stack, frames in story.stacks.items()
    }
    story.descriptions = dict.fromkeys(story.descriptions, (name, name))
    story.sites = [replace(site, driver=name) for site in story.sites]
    story.loss = Loss(0, 0, (Gap(0, SECOND, 0, name),))
    story.damage = (Damage(0, DamageCode.RECORD_CUT, name, 1),)
    story.diagnosis = hostile_diagnosis(name)
    return story.make()


_TAGS: Final = {
    b"TcpE": b"<b>|",
    b"AfdX": b"=1+1",
    b"Nbuf": b"\x1b[5m",
    b"Irp ": b"@`\\|",
    b"File": b"];&#",
    b"CM25": b"-\t\r\n",
}


def hostile_trace(names: tuple[str, ...] = NAMES) -> Simulation:
    """A simulated leak whose records name every process, image, file and user so, one after the other; its map too.

    A name ends at a NUL, and one of 64 KiB has no room in a record.
    """
    ours = [each.partition("\0")[0] for each in names]
    given: dict[str, str] = {}

    def named(value: Any, encoding: str, errors: str) -> bytes:
        if not isinstance(value, str) or encoding == "ascii" or not value:
            return text(value, encoding, errors)
        folder, slash, file = value.rpartition("\\")
        name = given.setdefault(file, ours[len(given) % len(ours)])
        return text(f"{folder}{slash}{name}", encoding, errors)

    text = encode._text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encode, "_text", named)
        patch.setattr("fixtures.simulate.TraceOptions", _named_options)
        made = simulate("winsock-loop", 7, Settings(iterations=60))
    data = made.data
    for tag, attack in _TAGS.items():
        data = data.replace(tag, attack)
    shown = [name for name in ours if name.isprintable() and len(name) < MOST_TEXT]  # a map file may have no others
    functions = tuple(
        (given[module], offset, shown[number % len(shown)])
        for number, (module, offset, _) in enumerate(made.names)
        if not any(c.isspace() for c in given[module])
    )
    return replace(made, trace=replace(made.trace, data=data), names=functions)


def _named_options(**given: Any) -> TraceOptions:
    name = "\x1b]0;[/b]\u202e\x07\x9b]<script>|=1"
    return TraceOptions(**{**given, "session": f"{given['session']}{name}", "log_file": name})
