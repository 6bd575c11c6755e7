"""What a followed trace is doing: its time and rates, of when the findings are, and what went wrong."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from analyzers.formatting import duration, number, size
from tui.live.update import LiveUpdate
from tui.safe_text import safe


class LiveLine(Widget):
    """One line; more only for an alarm and for what went wrong."""

    DEFAULT_CSS = """
    LiveLine { height: auto; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    waiting: ClassVar = "waiting for the first events"

    def __init__(self) -> None:
        super().__init__()
        self._lines = [Text(self.waiting)]
        self._alarm = ""

    def show(self, moment: LiveUpdate) -> None:
        """Show the latest update, and the last alarm."""
        self._alarm = safe(moment.alarms[-1]) if moment.alarms else self._alarm
        wrong = [*([self._alarm] if self._alarm else []), *moment.fault.splitlines()]
        self._lines = [self.course(moment), *(Text(line, "bold red") for line in wrong)]
        self.refresh(layout=True)

    def render(self) -> RenderResult:
        """The lines, each cut at the width."""
        return Text("\n").join(self._lines)

    def course(self, moment: LiveUpdate) -> Text:
        """What goes on."""
        return _course_line(moment)


def _course_line(moment: LiveUpdate) -> Text:
    rates = moment.rates
    sign = "+" if rates.growth > 0 else ""
    line = Text.assemble(
        ("on average " if moment.ended else f"+{duration(moment.at_ns)}  "),
        f"{number(round(rates.events))} events/s, {size(round(rates.bytes))}/s",
        "  pool ",
        (f"{sign}{size(round(rates.growth))}/s", "bold yellow" if rates.growth > 0 else ""),
    )
    if moment.ended:
        line.append(f" over {duration(moment.at_ns)}")
    elif 0 < moment.concluded_ns < moment.at_ns:
        line.append(f"  findings of +{duration(moment.concluded_ns)}")
    return line
