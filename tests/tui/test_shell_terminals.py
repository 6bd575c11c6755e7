"""Terminals that can do less: no colour, sixteen colours, no Unicode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from analyzers.snapshot import Snapshot
from tests.tui.session import opened
from tui.cli import main
from tui.glyphs import in_ascii, terminal_is_unicode
from tui.look import look_here
from tui.tables.sparkline import BLOCKS
from tui.theme_names import BY_WORD, DARK, LIGHT, SIXTEEN
from tui.themes import THEMES, theme_for
from tui.views.registry import VIEWS


@pytest.mark.repeats
@pytest.mark.parametrize("view", [view.key for view in VIEWS])
async def test_without_unicode_every_view_is_ascii(
    leaking_snapshot: Snapshot, hostile_snapshot: Snapshot, view: str
) -> None:
    for snapshot, size in ((leaking_snapshot, (160, 48)), (hostile_snapshot, (80, 24))):
        async with opened(snapshot, size, view, ascii_only=True) as it:
            for keys in ((), ("down", "ctrl+o"), ("question_mark",), ("escape", "x"), ("escape", "y"), ("ctrl+p",)):
                await it.press(*keys)
                assert it.text.isascii()


async def test_without_unicode_keys_have_names_so_that_enter_and_right_are_not_taken_for_each_other(
    leaking_snapshot: Snapshot,
) -> None:
    async with opened(leaking_snapshot, (80, 24), "findings", ascii_only=True) as it:
        assert it.text.splitlines()[-1].split()[:2] == ["enter", "Open"]
        await it.press("7")
        await it.press("question_mark")
        assert "left -" in it.text
        assert "right +" in it.text


def test_a_theme_that_was_asked_for_is_taken_on_any_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "vt100")
    for word, name in BY_WORD.items():
        assert look_here(ascii_asked=False, theme=word).theme == name
    assert set(BY_WORD.values()) == {theme.name for theme in THEMES}


def test_a_light_picture_is_dark_on_light(
    traces: Callable[..., None], leaking_snapshot: Snapshot, tmp_path: Path
) -> None:
    traces(leak=leaking_snapshot)
    drawn = {}
    for theme in ("dark", "light"):
        path = tmp_path / f"{theme}.svg"
        assert main(["tui", "leak.etl", "-q", "--theme", theme, "--screenshot", str(path)]) == 0
        drawn[theme] = path.read_text(encoding="utf-8")
    colours = {theme.name: theme for theme in THEMES}
    assert str(colours[LIGHT].background) in drawn["light"]
    assert str(colours[DARK].background) not in drawn["light"]
    assert str(colours[DARK].background) in drawn["dark"]


def test_a_glyph_is_as_wide_in_ascii_as_before() -> None:
    for glyph in "▲▼─│┌…›Δµ日é█░\u0301":
        plain = in_ascii(glyph)
        assert plain.isascii()
        assert cell_len(plain) == cell_len(glyph)


def test_the_heights_of_a_sparkline_can_be_told_apart_in_ascii() -> None:
    assert len(set(in_ascii(BLOCKS[:8]))) == 8


def test_unicode_is_told_by_the_encoding() -> None:
    assert terminal_is_unicode(["utf-8"])
    assert terminal_is_unicode(["UTF-8", "utf8"])
    assert not terminal_is_unicode(["ascii"])
    assert not terminal_is_unicode(["cp1252"])
    assert not terminal_is_unicode([None])
    assert isinstance(terminal_is_unicode(), bool)


@pytest.mark.parametrize(
    ("environment", "theme"),
    [
        ({"TERM": "xterm-256color"}, DARK),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, DARK),
        ({"WT_SESSION": "1"}, DARK),
        ({"TERM": "linux"}, SIXTEEN),
        ({"TERM": "vt100"}, SIXTEEN),
        ({}, SIXTEEN),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, SIXTEEN),
    ],
)
def test_the_theme_goes_by_what_the_terminal_promises(environment: dict[str, str], theme: str) -> None:
    assert theme_for(environment) == theme


async def test_no_color_sends_no_colour_and_leaves_the_cursor_visible(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(snapshot) as it:
        assert it.app.no_color
        assert it.table.get_component_rich_style("table--cursor").reverse
        styles = {s.style for strip in it.app.screen._compositor.render_strips() for s in strip if s.style}
        assert {style.color for style in styles} <= {None} or all(
            style.color is None or style.color.is_default for style in styles
        )
        assert all(style.bgcolor is None or style.bgcolor.is_default for style in styles)


async def test_sixteen_colours_are_the_terminals_own(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot) as it:
        it.app.theme = SIXTEEN
        for view in VIEWS:
            await it.press(view.number)
            styles = {s.style for strip in it.app.screen._compositor.render_strips() for s in strip if s.style}
            colours = {colour for style in styles for colour in (style.color, style.bgcolor) if colour is not None}
            assert [colour for colour in colours if colour.triplet is not None] == []


@pytest.mark.repeats
async def test_nothing_blinks(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot) as it:
        for theme in THEMES:
            it.app.theme = theme.name
            for view in VIEWS:
                await it.press(view.number)
                strips = it.app.screen._compositor.render_strips()
                assert not [s for strip in strips for s in strip if s.style and (s.style.blink or s.style.blink2)]
