"""Everything that can be done can be done by key, is in the palette, is in the help, and is explained."""

from __future__ import annotations

import re

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

from analyzers.snapshot import Snapshot
from tests.tui.session import Session, opened
from tui.app import ActionProvider
from tui.screens.actions import actions
from tui.screens.help import HelpScreen
from tui.themes import THEMES
from tui.views.registry import VIEWS


def ours(node: DOMNode) -> list[Binding]:
    """The bindings with a name of their own, which textual's have not."""
    return [binding for many in node._bindings.key_to_bindings.values() for binding in many if binding.id]


def possible(node: DOMNode, binding: Binding) -> bool:
    name, _, parameters = binding.action.rpartition(".")[2].partition("(")
    return node.check_action(name, tuple(parameters.strip(")'"))) is not False


def chain(it: Session) -> list[DOMNode]:
    focused = it.screen.focused
    assert focused is not None
    return list(focused.ancestors_with_self)


@pytest.mark.repeats
async def test_every_action_has_a_key_that_no_other_takes(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot, (120, 40)) as it:
        for view in VIEWS:
            await it.press(view.number)
            known = {(action.node, action.call) for action in actions(it.screen)}
            for node in chain(it):
                for binding in ours(node):
                    if possible(node, binding):
                        assert (node, binding.action) in known, f"{view.key}: {binding.key} ({binding.id}) is taken"


@pytest.mark.repeats
async def test_every_action_is_explained_and_has_a_name_of_its_own(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot, (120, 40)) as it:
        for view in VIEWS:
            await it.press(view.number)
            done = actions(it.screen)
            assert [each for each in done if not (each.title and each.explanation and each.keys)] == [], view.key
            assert len({action.id for action in done}) == len(done), view.key


@pytest.mark.repeats
async def test_every_action_is_in_the_palette_and_so_is_every_view_and_theme(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot, (120, 40)) as it:
        for view in VIEWS:
            await it.press(view.number)
            titles = {title for title, _, _ in ActionProvider(it.screen)._commands()}
            assert {action.title for action in actions(it.screen)} <= titles, view.key
            assert {spec.title for spec in VIEWS} <= titles, view.key
            assert {f"Theme {theme.name}" for theme in THEMES} <= titles, view.key


async def test_every_action_is_in_the_help_of_the_view(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot, (120, 120)) as it:
        for view in VIEWS:
            await it.press(view.number)
            wanted = {action.explanation for action in actions(it.screen)}
            await it.press("question_mark")
            assert isinstance(it.app.screen, HelpScreen), view.key
            said = it.app.screen._text.content.plain  # type: ignore[union-attr]
            assert [explanation for explanation in wanted if explanation not in said] == [], view.key
            await it.press("escape")


async def test_the_help_is_narrowed_by_typing_and_escape_closes_it(snapshot: Snapshot) -> None:
    async with opened(snapshot, (80, 40)) as it:
        await it.press("question_mark")
        assert re.search(r"t +Sort by Tag", it.text)
        await it.press(*"one row")
        assert "One row down" in it.text
        assert "Sort by" not in it.text
        await it.press("down", "up", "pagedown", "pageup", *"zzz")
        assert "nothing here fits" in it.text
        await it.press("escape")
        assert not isinstance(it.app.screen, HelpScreen)
        assert it.screen.focused is it.table


async def test_the_palette_does_what_is_chosen(snapshot: Snapshot) -> None:
    async with opened(snapshot, (100, 40)) as it:
        await it.press("ctrl+p")
        await it.until("To the first row")
        await it.press(*"timeline")
        await it.until("outstanding bytes over time")
        await it.pilot.pause(0.3)
        await it.press("enter")
        await it.until("outstanding bytes over time")
        assert it.screen.location.view == "timeline"


async def test_the_palette_changes_the_theme(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        for theme in THEMES:
            await next(
                run for title, _, run in ActionProvider(it.screen)._commands() if title == f"Theme {theme.name}"
            )()
            await it.press()
            assert it.app.theme == theme.name
            assert "outstanding 18" in it.text


async def test_the_palette_begins_with_what_stands_on_the_line_of_keys(snapshot: Snapshot) -> None:
    async with opened(snapshot, (80, 24)) as it:
        await it.press("ctrl+p")
        await it.until("Leave Poolscope")
        assert "One row up" not in it.text
