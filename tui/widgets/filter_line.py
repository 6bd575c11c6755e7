"""The line to type a filter into."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from analyzers.formatting import counted
from tui.safe_text import safe
from tui.widgets.typed_input import TypedInput

_APART: Final = 2
"""Cells between two terms that are offered."""
_EDGES: Final = 6
"""Cells of the line that hold neither terms nor how many rows fit."""


class FilterInput(TypedInput):
    """Shows what Enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Keep filter", id="filter.keep", tooltip="Keep the filter, and back to the rows"),
    ]


class FilterLine(Vertical):
    """Filters while one types; Enter keeps the filter, Escape drops it."""

    DEFAULT_CSS = """
    FilterLine { display: none; height: auto; }
    FilterLine.-open { display: block; }
    FilterLine > Horizontal { height: 1; padding: 0 1; }
    FilterLine > Horizontal > Static { width: 2; text-style: bold; }
    FilterLine > Horizontal > .fits { width: auto; padding: 0 0 0 2; }
    FilterLine > Horizontal > .-none { color: $warning; }
    FilterLine Input { width: 1fr; }
    FilterLine > .wrong { display: none; height: auto; max-height: 3; padding: 0 1; color: $warning; text-style: bold; }
    FilterLine.-wrong > .wrong { display: block; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", "Drop filter", id="filter.drop", tooltip="Show all rows again"),
    ]

    class Changed(Message):
        """The filter is another one now."""

        def __init__(self, value: str) -> None:
            super().__init__()
            self.value = value

    class Closed(Message):
        """Typing has ended; the filter as it is now counts."""

    def __init__(self) -> None:
        super().__init__()
        self._input = FilterInput(compact=True)
        self._offered: Sequence[str] = ()
        self._fits = Static(markup=False, classes="fits")
        self._wrong = Static(markup=False, classes="wrong")

    def compose(self) -> ComposeResult:
        """What is wrong with the filter stands above it."""
        yield self._wrong
        with Horizontal():
            yield Static("/", markup=False)
            yield self._input
            yield self._fits

    @property
    def value(self) -> str:
        """The filter as it is typed."""
        return self._input.value

    @value.setter
    def value(self, words: str) -> None:
        self._input.value = words
        self.set_class(bool(words) or self._input.has_focus, "-open")

    def open(self, offered: Sequence[str]) -> None:
        """Show the line and take the keys; ``offered``: terms that can be typed here, as many as there is room for."""
        self._offered = offered
        self.add_class("-open")
        self._input.focus()

    def close(self) -> None:
        """Hand the keys back; the line stays while it holds a filter."""
        self.set_class(bool(self.value), "-open")
        self.post_message(self.Closed())

    def complain(self, wrong: str) -> None:
        """Say what is wrong with the filter; an empty text is nothing."""
        self._wrong.update(safe(wrong) if wrong else "")
        self.set_class(bool(wrong), "-wrong")

    def count(self, fitting: int, rows: int) -> None:
        """Say how many rows fit, and offer terms beside that."""
        fits = f"{fitting:,} of {counted(rows, 'row')}" if fitting or not rows else "nothing fits"
        self._fits.update(fits)
        room = self.app.size.width - _EDGES - len(fits)
        ends = accumulate(len(term) + _APART for term in self._offered)
        some = (term for term, end in zip(self._offered, ends, strict=True) if end <= room)
        self._input.placeholder = (" " * _APART).join(some)
        self._fits.set_class(not fitting and rows > 0, "-none")

    def drop(self) -> None:
        """Without a filter."""
        self.value = ""
        self.close()

    def action_drop(self) -> None:
        """Escape."""
        self.drop()

    @on(Input.Changed)
    def _tell(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _keep(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()
