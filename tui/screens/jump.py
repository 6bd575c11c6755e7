"""To which time of a trace to go."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from analyzers.formatting import duration
from tui.filtering.amounts import amount
from tui.screens.question import QuestionScreen
from tui.widgets.typed_input import TypedInput

_PART: Final = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%")


class TimeInput(TypedInput):
    """Shows what Enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Go", id="jump.go", tooltip="Go there")]


class JumpScreen(QuestionScreen[int]):
    """Asks for a time; gives nanoseconds since the trace's start."""

    def __init__(self, at_ns: int, end_ns: int) -> None:
        of = f" of {duration(end_ns)}? 50%" if end_ns else "?"
        super().__init__("Jump", f"To which time{of}  2.5s  +1s  -500ms", TimeInput(compact=True))
        self._at_ns, self._end_ns = at_ns, end_ns

    def judged(self, said: str) -> int:
        """The time, if it is one."""
        time_ns = time_of(said, self._at_ns, self._end_ns)
        if time_ns is None:
            raise ValueError("a part such as 50%, or a time with its unit (ns us ms s min h)")
        return time_ns


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
