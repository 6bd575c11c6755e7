"""To which time of a trace to go."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from analyzers.quantities import duration
from tui.filtering.amounts import amount
from tui.widgets.key_bar import KeyBar
from tui.widgets.typed_input import TypedInput

_PART: Final = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%")


class TimeInput(TypedInput):
    """Shows what Enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Go", id="jump.go", tooltip="Go there")]


class JumpScreen(ModalScreen[int | None]):
    """Asks for a time; gives nanoseconds since the trace's start."""

    DEFAULT_CSS = """
    JumpScreen { align: center middle; }
    JumpScreen > Vertical {
        width: 60; max-width: 100%; height: auto; border: round $primary; padding: 0 1; background: $panel;
    }
    JumpScreen Static { height: auto; }
    JumpScreen .wrong { color: $warning; text-style: bold; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="jump.cancel", tooltip="Stay"),
    ]

    def __init__(self, at_ns: int, end_ns: int) -> None:
        super().__init__()
        self._at_ns, self._end_ns = at_ns, end_ns
        self._input = TimeInput(compact=True)
        self._wrong = Static(markup=False, classes="wrong")

    def compose(self) -> ComposeResult:
        """A question, a line for the answer, and what is wrong with it."""
        with Vertical() as box:
            box.border_title = "Jump"
            of = f" of {duration(self._end_ns)}? 50%" if self._end_ns else "?"
            yield Static(f"To which time{of}  2.5s  +1s  -500ms", markup=False)
            yield self._input
            yield self._wrong
        yield KeyBar()

    def on_mount(self) -> None:
        """Keys go to the line."""
        self._input.focus()

    @on(Input.Submitted)
    def _judge(self, event: Input.Submitted) -> None:
        """Take the answer, if it is a time."""
        time_ns = time_of(event.value, self._at_ns, self._end_ns)
        if time_ns is None:
            self._wrong.update("a part such as 50%, or a time with its unit (ns us ms s min h)")
        else:
            self.dismiss(time_ns)

    def action_cancel(self) -> None:
        """Stay."""
        self.dismiss(None)

    @on(Input.Changed)
    def _forget(self) -> None:
        self._wrong.update("")


def time_of(text: str, at_ns: int, end_ns: int) -> int | None:
    """A part of the trace, a time since its start, or with a sign one since now; ``None`` for none of them."""
    text = text.strip()
    part = _PART.fullmatch(text)
    if part is not None and end_ns:
        return round(end_ns * float(part[1]) / 100)
    time = amount(text, is_time=True)
    if time is None:
        return None
    return max(round(time) + (at_ns if text.startswith(("+", "-")) else 0), 0)
