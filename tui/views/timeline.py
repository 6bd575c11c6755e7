"""Timeline: outstanding bytes over time. An interval of it limits the other views."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.widgets import Static

from analyzers.formatting import moment
from analyzers.selection.query import Interval, Lifetime
from tui.views.course import OutstandingHistory
from tui.views.listing import Location
from tui.views.scene import Scene
from tui.views.view import Table, View
from tui.widgets.chart import Chart

_DRAWING = 24
"""Lines on which a course is easy to read."""
_EMPTY = "Nothing was allocated here, so there is nothing to draw."


class TimelineView(View):
    """A chart; what is selected is kept as time, so that it stays where it is while a trace is followed."""

    DEFAULT_CSS = """
    TimelineView > .legend { height: auto; padding: 0 1; }
    TimelineView.-empty > Chart { display: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+left", "stretch(-1)", "Select", show=False, id="timeline.left", tooltip="Select, leftwards"),
        Binding("shift+right", "stretch(1)", "Select", show=False, id="timeline.right", tooltip="Select, rightwards"),
        Binding(
            "left_square_bracket", "begin", "From", key_display="[", id="timeline.begin",
            tooltip="The interval begins here",
        ),
        Binding(
            "right_square_bracket", "end", "To", key_display="]", id="timeline.end", tooltip="The interval ends here"
        ),
        Binding(
            "v", "lifetime", "Which", show=False, id="timeline.lifetime",
            tooltip="Which allocations the interval selects",
        ),
        Binding("u", "unselect", "Unselect", show=False, id="timeline.unselect", tooltip="Forget the interval"),
        Binding("enter", "limit", "Limit", id="timeline.limit", tooltip="Limit everything to the interval"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._scene: Scene | None = None
        self._course: OutstandingHistory | None = None
        self._at_ns: int | None = None  # None: at the end, and stays there while a trace is followed
        self._interval: tuple[int, int] | None = None
        self._lifetime = Lifetime.INSIDE_KEPT
        self._legend = Static(markup=False, classes="legend")
        self.chart = Chart()

    def compose(self) -> ComposeResult:
        """What the signs mean, and the drawing."""
        yield self._legend
        yield self.chart

    def forget(self) -> None:
        """Keep what is selected, not the history."""
        self._scene = self._course = None

    def take_focus(self) -> None:
        """Keys go to the chart."""
        self.chart.focus()

    def show(self, scene: Scene) -> None:
        """Draw the scene's history."""
        self._scene, self._course = scene, OutstandingHistory.of(scene)
        self.set_class(not len(self._course.data), "-empty")
        self._draw()

    def wanted(self, width: int) -> Size:
        """Enough for a drawing that can be read."""
        return Size(super().wanted(width).width, _DRAWING)

    def exported(self) -> Table:
        """One row for each step."""
        return OutstandingHistory.HEADINGS, () if self._course is None else self._course.rows()

    def copied(self) -> str:
        """The interval, or the time under the cursor."""
        return str(self.interval) if self.interval is not None else ""

    @property
    def interval(self) -> Interval | None:
        """What is selected, without a selection the step under the cursor; ``None`` where nothing is drawn."""
        course = self._course
        if course is None or not len(course.data):
            return None
        begin, end = self._interval or course.bounds(course.step_at(self._at_ns))
        return Interval(begin, end, self._lifetime)

    def action_stretch(self, steps: int) -> None:
        """Move the cursor and select what it passes."""
        if self._course is not None and len(self._course.data):
            self._stretch_to(self._course.step_at(self._at_ns) + steps)

    def action_begin(self) -> None:
        """Let the interval begin with the step under the cursor."""
        self._set_interval(begins=True)

    def action_end(self) -> None:
        """Let the interval end with the step under the cursor."""
        self._set_interval(begins=False)

    def action_unselect(self) -> None:
        """Forget the interval."""
        self._interval = None
        self._draw()

    def action_lifetime(self) -> None:
        """Take the next of the four kinds of allocations."""
        kinds = list(Lifetime)
        self._lifetime = kinds[(kinds.index(self._lifetime) + 1) % len(kinds)]
        self._draw()

    def action_limit(self) -> None:
        """Limit everything to the interval."""
        if self._scene is not None and self.interval is not None:
            interval = self.interval
            scope = replace(self._scene.scope, interval=interval)
            self.post_message(self.Stepped(self, Location("tags", scope, str(interval))))

    @on(Chart.Moved)
    def _moved(self, event: Chart.Moved) -> None:
        event.stop()
        if event.stretch:
            self._stretch_to(event.step)
        else:
            self._put_cursor(event.step)
            self._draw()

    def _put_cursor(self, step: int) -> None:
        course = self._course
        if course is not None:
            step = min(max(step, 0), max(len(course.data) - 1, 0))
            self._at_ns = None if step == len(course.data) - 1 else step * course.data.step_ns

    def _stretch_to(self, step: int) -> None:
        """The end of the interval that the cursor is on goes with it."""
        course = self._course
        if course is None:
            return
        begin, end = course.bounds(course.step_at(self._at_ns))
        fixed = (begin, end)
        if self._interval is not None and begin in (self._interval[0], self._interval[1] - (end - begin)):
            at_begin = begin == self._interval[0] and self._interval != fixed
            anchor = self._interval[1] - 1 if at_begin else self._interval[0]
            fixed = course.bounds(course.step_at(anchor))
        self._put_cursor(step)
        here = course.bounds(course.step_at(self._at_ns))
        self._interval = min(fixed[0], here[0]), max(fixed[1], here[1])
        self._draw()

    def _set_interval(self, *, begins: bool) -> None:
        course = self._course
        if course is None or not len(course.data):
            return
        begin, end = course.bounds(course.step_at(self._at_ns))
        old = self._interval or (0, course.at_ns)
        if begins:
            self._interval = (begin, old[1] if old[1] >= end else end)
        else:
            self._interval = (old[0] if old[0] <= begin else begin, end)
        self._draw()

    def _draw(self) -> None:
        course = self._course
        if course is None:
            return
        step = course.step_at(self._at_ns)
        chosen = None
        if self._interval is not None:
            chosen = course.step_at(self._interval[0]), course.step_at(self._interval[1] - 1)
        self.chart.show(course.data, step, chosen)
        self._legend.update(course.legend() if len(course.data) else self._empty())
        self.describe(self._words(course, step))

    def _empty(self) -> str:
        return "" if self._scene is None else self._scene.no_pool_events or _EMPTY

    def _words(self, course: OutstandingHistory, step: int) -> Text:
        interval = self.interval
        if interval is None:
            return Text()
        selected = "selected " if self._interval is not None else "this step "
        return Text.assemble(
            course.words(step),
            "\n",
            (f"{selected}{moment(interval.from_ns)} to {moment(interval.to_ns)}", "bold"),
            f": {interval.lifetime.value} (v: another kind; Enter: limit everything to it)",
        )


def make() -> TimelineView:
    """The view."""
    return TimelineView()
