"""What a view is limited to, and the steps that led there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.snapshot import Snapshot
from tui.safe_text import safe
from tui.views.limits import limit_words
from tui.views.listing import Location
from tui.views.registry import CHANGES, VIEWS

_DEEPER, _MORE = " > ", ".."
_WHOLE: Final = {"trace": "The whole trace", CHANGES.key: "All changes"}
"""The views that no limit changes, and what they show."""
_DROPS, _APART = "   U No limits", "   "
_TITLES: Final = {view.key: view.title for view in (*VIEWS, CHANGES)}
_SUMMARIES: Final = {view.key: view.summary for view in (*VIEWS, CHANGES)}


def first_view(snapshot: Snapshot) -> str:
    """The verdicts when there are any, the trace itself when it holds no pool events, else the tags."""
    if not snapshot.pool.totals.events:
        return "trace"
    return "findings" if snapshot.diagnosis.findings else "tags"


def location_words(trail: Sequence[Location], snapshot: Snapshot, width: int, own_limit: str = "") -> Text:
    """One line of ``width`` cells: the limits and the key that drops them, then the trail; without limits, the view.

    ``own_limit``: what a key of the view has limited it to.
    """
    location = trail[-1]
    limits = [*([own_limit] if own_limit else []), *limit_words(location.scope, snapshot)]
    if not limits:
        return Text(_SUMMARIES[location.view], "dim")
    where = f"{_WHOLE[location.view]}; other views: limited" if location.view in _WHOLE else "Limited"
    said = Text(f"{where} to {', '.join(limits)}", "bold yellow")
    said.truncate(max(width - len(_DROPS), 0), overflow="ellipsis")
    said.append(_DROPS, "bold")
    room = width - said.cell_len - len(_APART)
    led = _trail_words(_chain(trail), room)
    return Text.assemble(said, _APART, led) if led.cell_len <= room else said


def _chain(trail: Sequence[Location]) -> Sequence[Location]:
    """From the last place without limits on."""
    first = next((at for at in range(len(trail) - 1, -1, -1) if not trail[at].scope), 0)
    return trail[first:]


def _trail_words(trail: Sequence[Location], width: int) -> Text:
    """The last steps of the way, as many as fit into ``width`` cells; the last one always."""
    shown = _step_words(trail[-1])
    for before in range(len(trail) - 2, -1, -1):
        longer = Text.assemble(_step_words(trail[before]), _DEEPER, shown)
        if longer.cell_len + (len(_MORE) + len(_DEEPER)) * bool(before) > width:
            return Text.assemble((_MORE, "dim"), _DEEPER, shown)
        shown = longer
    return shown


def _step_words(location: Location) -> Text:
    label = safe(location.label) if location.label else ""
    return Text(f"{_TITLES[location.view]} of {label}" if label else _TITLES[location.view])
