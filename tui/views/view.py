"""What all views have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from rich.text import Text
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from tui.tables.export_values import Value
from tui.views.listing import Location
from tui.views.scene import Scene

Table: TypeAlias = tuple[Sequence[str], Sequence[Sequence[Value]]]
"""Headings and rows."""


_READABLE: Final = 80
"""Cells of a line that a person still reads with ease."""


class View(Widget):
    """A part of the interface that shows a scene. A view that can be narrowed by a text overrides :meth:`narrow`."""

    DEFAULT_CSS = """
    View { height: 1fr; }
    """

    class Described(Message):
        """What the side panel should say now."""

        def __init__(self, view: View, text: Text) -> None:
            super().__init__()
            self.view = view
            self.text = text

    class Stepped(Message):
        """A row was chosen that leads on."""

        def __init__(self, view: View, step: Location) -> None:
            super().__init__()
            self.view = view
            self.step = step

    class Limited(Message):
        """A key has limited the view, or dropped that limit."""

        def __init__(self, view: View) -> None:
            super().__init__()
            self.view = view

    def show(self, scene: Scene) -> None:
        """Show this instead; called again and again while a trace is followed."""
        raise NotImplementedError

    def describe(self, text: Text) -> None:
        """Let the side panel say this.

        The screen is told itself, not by way of all that lies between: so it knows before it draws the view.
        """
        self.screen.post_message(self.Described(self, text))

    def forget(self) -> None:
        """Let go of the scene while another view is seen: :meth:`show` comes before this one is seen again."""

    def take_focus(self) -> None:
        """Give the keys to the widget that answers them."""
        self.focus()

    def narrow(self, words: str) -> str:
        """Show only what fits the filter; gives what is wrong with it, empty for nothing."""
        del words
        return ""

    def own_limit(self) -> str:
        """What a key of the view has limited it to, in words; empty for nothing."""
        return ""

    def drop_own_limit(self) -> None:
        """Without it again."""

    def offers(self) -> list[tuple[str, str]]:
        """Terms that a filter of this view understands, each with what it means."""
        return [("words", "lines that hold the text, upper and lower case alike")] if self.can_narrow else []

    def counts(self) -> tuple[int, int] | None:
        """How many rows fit the filter, and how many there are; ``None`` where there are no rows."""
        return None

    @property
    def can_narrow(self) -> bool:
        """Whether a filter leaves anything out."""
        return type(self).narrow is not View.narrow

    def wanted(self, width: int) -> Size:
        """Cells of a line, and lines of ``width`` cells, on which nothing would be left out."""
        del width
        return Size(_READABLE, 0)

    def needs(self) -> int | None:
        """Lines that are enough where the panel has much to say; ``None`` for as many as there are room for."""
        return None

    def exported(self) -> Table:
        """Names for programs and all rows in full, for an export; as sorted and filtered on the screen."""
        return (), ()

    def shown(self) -> Table:
        """Titles and rows as the texts that stand on the screen."""
        return self.exported()

    def document(self) -> tuple[str, str] | None:
        """Name and text of a file that is all about the current row; ``None`` where there is no such thing."""
        return None

    def copied(self) -> str:
        """What copying the current row gives; empty for nothing."""
        return ""
