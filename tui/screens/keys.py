"""The keys of the interface that work in every view."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

from tui.views.registry import CHANGES, VIEWS
from tui.views.stack_lines import UNFOLD_KEY

MAIN_KEYS: Final[list[BindingType]] = [
    Binding("escape,backspace", "back", "Back", id="main.back", tooltip="Drop the filter, or one step back"),
    Binding(
        "tab", "next_view(1)", "Next view", show=False, id="main.next", tooltip="The next view, limited as this one"
    ),
    Binding(
        "shift+tab",
        "next_view(-1)",
        "Previous view",
        show=False,
        id="main.previous",
        tooltip="The view before, limited as this one",
    ),
    *(
        Binding(view.number, f"go('{view.key}')", view.title, show=False, id=f"view.{view.key}", tooltip=view.summary)
        for view in (*VIEWS, CHANGES)
    ),
    Binding("U", "unlimit", "No limits", show=False, id="main.unlimit", tooltip="Drop all limits: show everything"),
    Binding(
        UNFOLD_KEY,
        "unfold",
        "Frames",
        show=False,
        id="main.unfold",
        tooltip="Show the frames of the allocator and the I/O manager, or fold them",
    ),
    Binding("slash", "filter", "Filter", key_display="/", id="main.filter", tooltip="Show rows that fit a filter"),
    Binding("space", "pause", "Pause", show=False, id="main.pause", tooltip="Hold the picture, or go on"),
    Binding("M", "mark", "Mark", show=False, id="main.mark", tooltip="From now on only what comes after counts"),
    Binding("C", "clear_mark", "Clear mark", show=False, id="main.clear", tooltip="Everything counts again"),
    Binding("y", "copy", "Copy", id="main.copy", tooltip="Copy the row to the clipboard"),
    Binding("x", "export", "Export", id="main.export", tooltip="Write the rows to a file (CSV, TSV, JSON or text)"),
    Binding("ctrl+o", "panel", "Panel", show=False, id="main.panel", tooltip="Keys to the panel and back"),
    Binding("question_mark", "help", "Help", key_display="?", id="main.help", tooltip="What the keys do"),
    Binding("q", "app.quit", "Quit", id="main.quit", tooltip="Leave Poolscope"),
]
