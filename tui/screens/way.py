"""The way down that led to a view, and back up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from analyzers.snapshot import Snapshot
from tui.safe_text import safe
from tui.views.registry import VIEWS
from tui.views.scope import Scope

_DEEPER, _MORE = " > ", ".."
_TITLES: Final = {view.key: view.title for view in VIEWS}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one is: a view, and what it is limited to."""

    view: str
    scope: Scope


def first_view(snapshot: Snapshot) -> str:
    """The verdicts when there are any, the trace itself when it holds no pool events, else the tags."""
    if not snapshot.pool.totals.events:
        return "trace"
    return "findings" if snapshot.diagnosis.findings else "tags"


def way_words(way: Sequence[Place], width: int) -> Text:
    """The last steps of the way, as many as fit into ``width`` cells; the last one always."""
    shown = _step_words(way[-1])
    for before in range(len(way) - 2, -1, -1):
        longer = Text.assemble(_step_words(way[before]), _DEEPER, shown)
        if longer.cell_len + (len(_MORE) + len(_DEEPER)) * bool(before) > width:
            return Text.assemble((_MORE, "dim"), _DEEPER, shown)
        shown = longer
    return shown


def _step_words(place: Place) -> Text:
    label = safe(place.scope.label) if place.scope.label else ""
    return Text(f"{_TITLES[place.view]} of {label}" if label else _TITLES[place.view])
