"""Bytes over time as a drawing of characters: filled up to what stays, shaded up to what was there."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from analyzers.formatting import duration, size
from tracer.arrays import I64
from tracer.data_classes import dataclass

GUTTER: Final = 10
"""Cells left of the drawing, for the sizes: ``1023 GiB`` and the axis."""
_BELOW: Final = 3
"""Lines below it: marks, axis, times."""
_HALVES: Final = 2
_RIGHT_BUTTON: Final = 3

KEPT: Final = "█"
HALF: Final = "▄"
GONE: Final = "░"
"""Shaded: what was freed since. All of them are characters that even the console fonts of code page 437 have."""
_CHOSEN: Final = str.maketrans({KEPT: "▓", GONE: "▒", " ": "·"})
"""How they are drawn where they are selected, or under the cursor: told apart from the rest, and from each other."""


@dataclass(frozen=True, slots=True)
class ChartMark:
    """A sign below a step; where several meet, the first given is seen."""

    step: int
    sign: str


@dataclass(frozen=True, slots=True, eq=False)
class ChartData:
    """By step: ``total`` bytes that were outstanding, and those of them that still are (``kept``).

    ``end_ns``: when the last step ends, where that is before it is full.
    """

    total: I64
    kept: I64
    step_ns: int
    marks: tuple[ChartMark, ...] = ()
    end_ns: int | None = None

    def __len__(self) -> int:
        return len(self.total)


def plot(data: ChartData, width: int, height: int) -> list[str]:
    """The drawing, line by line from the top, each of ``width`` cells."""
    steps = step_of(np.arange(width), len(data), width)
    most = max(int(data.total.max(initial=0)), 1)
    kept = np.ceil(data.kept[steps] / most * height * _HALVES).astype(np.int64)
    total = np.ceil(data.total[steps] / most * height).astype(np.int64)
    lines = []
    for below in range(height - 1, -1, -1):
        line = np.where(total > below, GONE, " ")
        line = np.where(kept == below * _HALVES + 1, HALF, line)
        line = np.where(kept > below * _HALVES + 1, KEPT, line)
        lines.append("".join(line.tolist()))
    return lines


def step_of(cells: I64, steps: int, width: int) -> I64:
    """Which step a cell of the drawing belongs to."""
    return np.clip(cells * steps // max(width, 1), 0, max(steps - 1, 0))


def cells_of(step: int, steps: int, width: int) -> tuple[int, int]:
    """First cell of a step and the one after its last; at least one cell where the steps are more than the cells."""
    first, last = (-(-each * width // max(steps, 1)) for each in (step, step + 1))
    first = min(first, width - 1)
    return first, max(last, first + 1)


class Chart(Widget, can_focus=True):
    """The drawing with its axes, a cursor on a step and a selected stretch of steps."""

    ALLOW_SELECT: ClassVar[bool] = False  # the pointer selects time, not text

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chart--kept",
        "chart--gone",
        "chart--chosen",
        "chart--axis",
        "chart--mark",
    }

    DEFAULT_CSS = """
    Chart { height: 1fr; min-height: 6; padding: 0 1; }
    Chart > .chart--kept { color: $primary; }
    Chart > .chart--gone { color: $text-muted; }
    Chart > .chart--chosen { color: $accent; text-style: bold; }
    Chart > .chart--axis { color: $text-muted; }
    Chart > .chart--mark { text-style: bold; color: $warning; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Earlier", show=False, id="chart.left", tooltip="One step earlier"),
        Binding("right", "move(1)", "Later", show=False, id="chart.right", tooltip="One step later"),
        Binding("home,g", "move(-1000)", "Start", show=False, id="chart.first", tooltip="To the trace's start"),
        Binding("end,G", "move(1000)", "End", show=False, id="chart.last", tooltip="To the trace's end"),
    ]

    class Moved(Message):
        """The cursor was put on a step; ``stretch``: to select up to there."""

        def __init__(self, step: int, *, stretch: bool = False) -> None:
            super().__init__()
            self.step = step
            self.stretch = stretch

    def __init__(self) -> None:
        super().__init__()
        nothing = np.zeros(0, np.int64)
        self.data = ChartData(nothing, nothing, 1)
        self.cursor = 0
        self.selected: tuple[int, int] | None = None
        self._drawn: list[Strip] | None = None
        self._pulled_to: int | None = None  # a step, while a button is down

    def show(self, data: ChartData, cursor: int, selected: tuple[int, int] | None) -> None:
        """Draw this; ``selected``: first and last step."""
        self.data, self.cursor, self.selected = data, cursor, selected
        self._drawn = None
        self.refresh()

    def action_move(self, steps: int) -> None:
        """Move the cursor."""
        self.post_message(self.Moved(min(max(self.cursor + steps, 0), max(len(self.data) - 1, 0))))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the cursor under the pointer; select up to there with Shift, or with the right button.

        Most terminals keep a click with Shift for themselves, but not the right button.
        """
        place = event.get_content_offset(self)
        if place is None or not len(self.data) or not 0 <= place.x - GUTTER < self._plot_width:
            return
        self.capture_mouse()
        self._pulled_to = self._step_at(place.x)
        stretch = event.shift or event.button == _RIGHT_BUTTON
        self.post_message(self.Moved(self._pulled_to, stretch=stretch))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select up to where the pointer is pulled, also beyond the drawing's edges."""
        if self._pulled_to is not None:
            step = self._step_at(event.get_content_offset_capture(self).x)
            if step != self._pulled_to:
                self._pulled_to = step
                self.post_message(self.Moved(step, stretch=True))

    def on_mouse_up(self) -> None:
        """Let go."""
        self._pulled_to = None
        self.release_mouse()

    def _step_at(self, x: int) -> int:
        """The step at a column of the widget; the first or the last one beside the drawing."""
        cell = min(max(x - GUTTER, 0), self._plot_width - 1)
        return int(step_of(np.array([cell], np.int64), len(self.data), self._plot_width)[0])

    def on_resize(self) -> None:
        """Draw it in the new size."""
        self._drawn = None

    def notify_style_update(self) -> None:
        """Draw it in the new colours."""
        super().notify_style_update()
        self._drawn = None

    def render_line(self, y: int) -> Strip:
        """One line of the drawing, which is made once for all of them."""
        if self._drawn is None:
            self._drawn = self._draw()
        width = self.size.width
        return self._drawn[y].adjust_cell_length(width, self.rich_style) if y < len(self._drawn) else Strip.blank(width)

    @property
    def _plot_width(self) -> int:
        return max(self.size.width - GUTTER, 1)

    def _draw(self) -> list[Strip]:
        height, width = max(self.size.height - _BELOW, 1), self._plot_width
        if not len(self.data):
            return []
        axis = self.get_component_rich_style("chart--axis")
        lines = plot(self.data, width, height)
        labels = size_labels(int(self.data.total.max(initial=0)), height)
        drawn = [
            Strip([Segment(f"{labels.get(row, ''):>{GUTTER - 2}} │", axis), *self._marked(line)])
            for row, line in enumerate(lines)
        ]
        marks = Segment(mark_line(self.data, self.cursor, width), self.get_component_rich_style("chart--mark"))
        drawn.append(Strip([Segment(" " * GUTTER, axis), marks]))
        drawn.append(Strip([Segment(" " * (GUTTER - 1) + "+" + "─" * width, axis)]))
        times = time_line(len(self.data) * self.data.step_ns, width, self.data.end_ns)
        drawn.append(Strip([Segment(" " * GUTTER + times, axis)]))
        return drawn

    def _marked(self, line: str) -> list[Segment]:
        """A line of the drawing; what is selected, else what is under the cursor, by other signs and colours."""
        width, steps = len(line), len(self.data)
        first, last = (self.cursor, self.cursor) if self.selected is None else self.selected
        begin, end = cells_of(first, steps, width)[0], cells_of(last, steps, width)[1]
        named = self.get_component_rich_style
        plain = {KEPT: named("chart--kept"), HALF: named("chart--kept"), GONE: named("chart--gone")}
        chosen = named("chart--chosen")
        return [
            Segment(sign.translate(_CHOSEN), chosen)
            if begin <= cell < end
            else Segment(sign, plain.get(sign, self.rich_style))
            for cell, sign in enumerate(line)
        ]


def size_labels(most: int, height: int) -> dict[int, str]:
    """By line: the size that its upper edge stands for."""
    return {0: size(most), height // 2: size(most // 2), height - 1: "0"} if height > _BELOW else {0: size(most)}


def mark_line(data: ChartData, cursor: int, width: int) -> str:
    """Marks below the steps that they belong to, and ``^`` below the cursor; none where a longer one has taken it."""
    line = " " * width
    for mark in sorted((ChartMark(cursor, "^"), *data.marks), key=lambda mark: -len(mark.sign)):
        first = max(min(cells_of(mark.step, len(data), width)[0], width - len(mark.sign)), 0)
        last = first + len(mark.sign)
        if not line[first:last].strip():
            line = line[:first] + mark.sign + line[last:]
    return line[:width]


def time_line(until_ns: int, width: int, end_ns: int | None = None) -> str:
    """The beginning, the middle and the end of the time that is drawn; ``end_ns``: where that is not ``until_ns``."""
    middle, end = duration(until_ns // 2), duration(until_ns if end_ns is None else end_ns)
    left = max(width // 2 - len(middle) // 2, 2)
    line = f"{'0':<{left}}{middle}"
    return f"{line}{end:>{max(width - len(line), 0)}}"[:width]
