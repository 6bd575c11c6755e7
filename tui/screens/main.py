"""The one screen of the interface: a view, the current row in words, and the way down that led here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import ContentSwitcher, Static

from analyzers.selection.query import EVERYTHING, Query
from analyzers.snapshot import Snapshot
from tui.naming import Naming
from tui.redaction.snapshots import is_redacted
from tui.screens.breadcrumbs import first_view, location_words
from tui.screens.copy_export import TakingScreen
from tui.screens.keys import MAIN_KEYS
from tui.screens.layout import Room, shared
from tui.screens.live_state import Watch
from tui.views.listing import Location
from tui.views.registry import CHANGES, VIEWS
from tui.views.view import View
from tui.widgets.filter_line import FilterLine
from tui.widgets.key_bar import KeyBar
from tui.widgets.side_panel import SidePanel
from tui.widgets.trace_bar import TraceBar
from tui.widgets.view_bar import ViewBar

if TYPE_CHECKING:
    from tui.reading.compared import Compared

_NAMES_SECONDS: Final = 0.25
"""How often it is seen whether there are names that were not there before."""
_STEPS_KEPT: Final = 100
"""So far back leads the way."""
_NOTHING_AFTER: Final = "this trace is complete: nothing comes after a mark. In 9 Timeline, [ and ] set an interval"


class MainScreen(TakingScreen):
    """Views over a snapshot; :meth:`show` takes the next one while a trace is followed."""

    DEFAULT_CSS = """
    MainScreen #way { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    MainScreen #body { height: 1fr; }
    MainScreen ContentSwitcher { height: 1fr; }
    MainScreen.-beside #body { layout: horizontal; }
    MainScreen.-beside ContentSwitcher { width: 1fr; height: 100%; }
    MainScreen.-beside SidePanel { height: 100%; border-left: solid $primary; }
    MainScreen.-beside SidePanel:focus { border-left: heavy $accent; }
    """

    BINDINGS: ClassVar[list[BindingType]] = MAIN_KEYS

    def __init__(
        self,
        snapshot: Snapshot,
        first: str = "",
        scope: Query = EVERYTHING,
        naming: Naming | None = None,
        compared: Compared | None = None,
    ) -> None:
        super().__init__()
        self._watch = Watch(snapshot, snapshot, naming=naming, compared=compared)
        self._specs = VIEWS if compared is None else (*VIEWS, CHANGES)
        begin = Location(first or (first_view(snapshot) if compared is None else CHANGES.key), EVERYTHING)
        self._trail = [begin, Location(begin.view, scope, str(scope.interval or ""))] if scope else [begin]
        self._views: dict[str, View] = {}
        self._stale: set[str] = set()
        self._room: Room | None = None
        self._was_read = False

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield TraceBar(self._watch.newest)
        yield ViewBar(self._specs)
        yield Static(id="way", markup=False)
        with Container(id="body"):
            with ContentSwitcher(id="views"):
                for spec in self._specs:
                    view = self._views[spec.key] = spec.make()
                    view.id = spec.key
                    yield view
            yield SidePanel()
        yield FilterLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Show the first view."""
        self._arrive()
        if self._watch.naming is not None:
            self.set_interval(_NAMES_SECONDS, self._look_for_names)

    @property
    def location(self) -> Location:
        """Where one is."""
        return self._trail[-1]

    @property
    def view(self) -> View:
        """The view that is shown."""
        return self._views[self.location.view]

    @property
    def whole(self) -> Snapshot:
        """What is shown, not narrowed."""
        return self._watch.shown

    @property
    def is_redacted(self) -> bool:
        """Whether what is shown is without names."""
        return is_redacted(self._watch.newest)

    def show(self, snapshot: Snapshot, status: str = "", *, ended: bool = False) -> None:
        """Take the next snapshot of a trace that is followed; ``status`` stands out in the header."""
        self._watch.status = status
        if self._watch.take(snapshot, ended=ended):
            self._refresh_all()
        else:
            self._refresh_bar()

    def mark(self, snapshot: Snapshot | None) -> None:
        """Count only what came after a snapshot; ``None`` for everything again."""
        self._watch.mark = snapshot
        self._refresh_all()

    def go(self, view: str, scope: Query | None = None, label: str = "") -> None:
        """Take a step: to another view, limited as now or to ``scope``."""
        target = replace(self.location, view=view) if scope is None else Location(view, scope, label)
        if target != self.location:
            self._trail = [*self._trail, target][-_STEPS_KEPT:]
            self._arrive()

    def action_go(self, view: str) -> None:
        """Change to a view, without limits."""
        self._views[view].drop_own_limit()
        self.go(view, EVERYTHING)

    def action_unlimit(self) -> None:
        """Drop all limits and the filter, and stay in the view."""
        self.query_one(FilterLine).drop()
        self.view.drop_own_limit()
        self.go(self.location.view, EVERYTHING)

    def action_next_view(self, step: int) -> None:
        """Change to a view beside this one; the limits stay."""
        keys = [view.key for view in self._specs]
        self.go(keys[(keys.index(self.location.view) + step) % len(keys)])

    def action_back(self) -> None:
        """Drop the filter if there is one, else take one step back."""
        line = self.query_one(FilterLine)
        if line.value:
            line.drop()
        elif len(self._trail) > 1:
            self._trail.pop()
            self._arrive()

    def action_filter(self) -> None:
        """Open the filter line."""
        self.query_one(FilterLine).open([term for term, _ in self.view.offers()])
        self._count()

    def action_panel(self) -> None:
        """Move the keys between view and panel."""
        panel = self.query_one(SidePanel)
        if panel.has_focus:
            self.view.take_focus()
        else:
            panel.display = True  # a small terminal shows it only to who reads it
            panel.focus()

    def action_help(self) -> None:
        """Show what the keys do here."""
        from tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self, self.view.offers()))

    def action_pause(self) -> None:
        """Hold the picture while the header goes on counting; again: go on."""
        if not (self._watch.follows or self._watch.is_paused):
            self.notify("this trace is complete: there is nothing to pause", markup=False)
            return
        self._watch.pause()
        self._refresh_all()

    def action_mark(self) -> None:
        """From now on only what comes after counts."""
        if self._watch.follows:
            self.mark(self._watch.newest)
        else:
            self.notify(_NOTHING_AFTER, markup=False)

    def action_clear_mark(self) -> None:
        """Everything counts again."""
        self.mark(None)

    def action_unfold(self) -> None:
        """Show the frames of the allocator and the like, or fold them."""
        self._watch.unfolded = not self._watch.unfolded
        self._room = None
        self._refresh_all()

    def _look_for_names(self) -> None:
        """Show the names that were found since the last look."""
        naming = self._watch.naming
        if naming is None:
            return
        before = naming.status
        has_news = naming.look()
        if naming.fault:
            self.notify(naming.told(), severity="error", markup=False)
        if (renewed := naming.taken()) is not None:
            self._watch.renew(renewed)
        if has_news or renewed is not None:
            self._room = None  # names need another width than addresses
            self._refresh_all()
        elif naming.status != before:
            self._refresh_bar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A view, a way back, a filter: only where there is one, where one came from, where it leaves something out."""
        if action == "go":
            return parameters[0] in {view.key for view in self._specs}
        if action == "back" and self.is_mounted:
            return bool(self.query_one(FilterLine).value) or len(self._trail) > 1
        if action == "unlimit" and self.is_mounted:
            return bool(self.location.scope or self.view.own_limit())
        if action == "filter" and self.is_mounted:
            return self.view.can_narrow and not self.query_one(FilterLine).has_focus_within
        return super().check_action(action, parameters)

    def _arrive(self) -> None:
        """Show the place that one has come to."""
        self._drop_filter()
        switcher = self.query_one(ContentSwitcher)
        if switcher.current not in {None, self.location.view}:
            self._views[str(switcher.current)].forget()
        switcher.current = self.location.view
        self.query_one(ViewBar).current = self.location.view
        self._show_trail()
        self._room = None
        self._stale.add(self.location.view)
        self._refresh_view()
        self.view.take_focus()
        self.refresh_bindings()

    def on_resize(self) -> None:
        """Everything takes the room that there is."""
        self._room = None
        self._show_trail()
        self.call_after_refresh(self._share_room)

    def _share_room(self) -> None:
        """Give the panel what it needs and the view can spare.

        In one place it only ever gets more, so that the rows do not jump while the cursor moves.
        """
        panel, body = self.query_one(SidePanel), self.query_one("#body").size
        if not body.height:
            return
        room = shared(body, self.view.wanted(body.width), panel.lines, is_read=panel.has_focus, needs=self.view.needs())
        before = self._room
        if before is not None and before.beside == room.beside and not (panel.has_focus or self._was_read):
            room = max(before, room, key=lambda each: each.cells)
        self._was_read = panel.has_focus
        if room == before:
            return
        self._room = room
        self.set_class(room.beside, "-beside")
        panel.display = room.cells > 0
        panel.styles.width, panel.styles.height = (room.cells, "100%") if room.beside else ("100%", room.cells)

    def _show_trail(self) -> None:
        words = location_words(self._trail, self.whole, self.size.width - 2, self.view.own_limit())
        self.query_one("#way", Static).update(words, layout=False)

    def _drop_filter(self) -> None:
        """A filter ends with the place it was typed in."""
        line, left = self.query_one(FilterLine), self.query_one(ContentSwitcher).current
        if line.value and left is not None:
            self._views[left].narrow("")
            line.complain("")
        line.value = ""

    def _refresh_all(self) -> None:
        self._stale = set(self._views)
        self._refresh_bar()
        self._refresh_view()

    def _refresh_bar(self) -> None:
        self.query_one(TraceBar).show(self._watch.newest, self._watch.signs, self._watch.mark)

    def _refresh_view(self) -> None:
        """Only what is seen is worked out."""
        if self.location.view in self._stale:
            self._stale.discard(self.location.view)
            self.view.show(self._watch.scene(self.location.scope))

    @on(View.Described)
    def _say(self, event: View.Described) -> None:
        if event.view is self.view:
            self.query_one(SidePanel).say(event.text)
            self._share_room()
            self._count()

    def _count(self) -> None:
        counts = self.view.counts()
        if counts is not None:
            self.query_one(FilterLine).count(*counts)

    @on(View.Limited)
    def _limit(self, event: View.Limited) -> None:
        if event.view is self.view:
            self._show_trail()
            self._count()
            self.refresh_bindings()

    @on(SidePanel.Read)
    def _read(self) -> None:
        self._share_room()

    @on(View.Stepped)
    def _step(self, event: View.Stepped) -> None:
        self.go(event.step.view, event.step.scope, event.step.label)

    @on(ViewBar.Chosen)
    def _choose(self, event: ViewBar.Chosen) -> None:
        self.action_go(event.key)

    @on(FilterLine.Changed)
    def _narrow(self, event: FilterLine.Changed) -> None:
        self.query_one(FilterLine).complain(self.view.narrow(event.value))
        self._count()
        self.refresh_bindings()

    @on(FilterLine.Closed)
    def _return_keys(self) -> None:
        self.view.take_focus()
