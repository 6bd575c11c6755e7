"""The interface on the pool's counters: the table of tags, and what it cannot show said plainly."""

from __future__ import annotations

from rich.text import Text

from analyzers.formatting import duration, size
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tui.app import PoolscopeApp
from tui.counters.follower import CountersFollower
from tui.live.screen import LiveScreen
from tui.live.update import LiveUpdate
from tui.look import FULL, Look
from tui.views.table_view import TableView
from tui.widgets.live_line import LiveLine

TAGS = "tags"
_ONLY_TAGS = "the pool's counters know tags alone; 'poolscope live' shows allocations, stacks and processes"


class CountersLine(LiveLine):
    """How long it has been counted, and how fast the pool grows."""

    waiting = "waiting for the next sample"

    def course(self, moment: LiveUpdate) -> Text:
        """One line."""
        growth = moment.rates.growth
        sign = "+" if growth > 0 else ""
        return Text.assemble(
            f"+{duration(moment.at_ns)}  pool ",
            (f"{sign}{size(round(growth))}/s", "bold yellow" if growth > 0 else ""),
            "  M: growth counts from now on, C: from the start",
        )


class CountersScreen(LiveScreen):
    """Tags alone; the mark moves the moment from which growth counts."""

    def __init__(self, snapshot: Snapshot, follower: CountersFollower, *, words: str) -> None:
        super().__init__(snapshot, TAGS, follower, words=words)
        self._counters = follower
        self._line = CountersLine()

    def on_mount(self) -> None:
        """What grows most comes first, once there is a table."""
        self.call_after_refresh(self._sort)

    def _sort(self) -> None:
        view = self.view
        if isinstance(view, TableView):
            view.table.sort_by("growth")

    def go(self, view: str, scope: Query | None = None, label: str = "") -> None:
        """There is nowhere to go."""
        del scope, label
        if view != TAGS:
            self.notify(_ONLY_TAGS, markup=False)

    def mark(self, snapshot: Snapshot | None) -> None:
        """Growth counts from now on; ``None``: from the first sample again."""
        self.show(self._counters.rebase(here=snapshot is not None), self._counters.label)


class CountersApp(PoolscopeApp):
    """Opens on the tags, which is all there is."""

    def __init__(self, follower: CountersFollower, *, words: str = "", look: Look = FULL) -> None:
        """``words``: a filter to begin with."""
        super().__init__(follower.first(), TAGS, look=look)
        self._follower = follower
        self._words = words

    def first_screen(self) -> CountersScreen:
        """The table, moving."""
        return CountersScreen(self.snapshot, self._follower, words=self._words)
