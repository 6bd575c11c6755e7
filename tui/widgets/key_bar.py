"""The keys that work here, on the last line; a click presses one.

Textual's own footer builds some twenty widgets anew whenever the keys change, three times for a change of view: that
took most of the time of such a change. This one draws a line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tracer.data_classes import dataclass

_WHEEL: Final = 4
"""Cells that one turn of the wheel moves the line by, where it is longer than there is room."""
_ROOM: Final = Style(bold=False)
"""Of the blank behind the last key: another one than that of the last word, so that the two stay apart in a picture."""


@dataclass(frozen=True, slots=True)
class _Label:
    """A key as it is drawn."""

    key: str
    shown: str
    says: str
    explains: str
    is_enabled: bool

    @property
    def width(self) -> int:
        return cell_len(self.shown) + cell_len(self.says)


class KeyBar(Widget):
    """Keys that are to be shown, those of the focused widget first."""

    ALLOW_SELECT = False

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key", "key-bar--says", "key-bar--hovered"}

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom; height: 1; pointer: pointer;
        color: $footer-foreground; background: $footer-background;
    }
    KeyBar > .key-bar--key { color: $footer-key-foreground; background: $footer-key-background; text-style: bold; }
    KeyBar > .key-bar--says {
        color: $footer-description-foreground; background: $footer-description-background;
    }
    KeyBar > .key-bar--hovered { color: $footer-key-foreground; background: $block-hover-background; }
    """

    hovered: reactive[int] = reactive(-1)
    """Place of the key under the pointer, -1 for none."""
    left: reactive[int] = reactive(0)
    """Cells that have gone out of sight at the left."""

    def __init__(self) -> None:
        super().__init__()
        self._labels: list[_Label] = []

    def on_mount(self) -> None:
        """Draw anew when other keys work."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def render_line(self, y: int) -> Strip:
        """The keys that work now."""
        del y
        self._labels = self._current()
        if sum(label.width for label in self._labels) > self.size.width:
            self._labels = [replace(label, says=label.says.rstrip()) for label in self._labels]
        segments = [segment for place, label in enumerate(self._labels) for segment in self._drawn(place, label)]
        width = self.size.width
        return Strip(segments).crop(self.left).adjust_cell_length(width, self.rich_style.background_style + _ROOM)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press the key under the pointer."""
        place = self._place(event.x)
        if place < 0:
            return
        if self._labels[place].is_enabled:
            self.app.simulate_key(self._labels[place].key)
        else:
            self.app.bell()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Mark the key under the pointer and explain it."""
        self.hovered = self._place(event.x)
        self.tooltip = self._labels[self.hovered].explains if self.hovered >= 0 else None

    def on_leave(self) -> None:
        """Mark none."""
        self.hovered = -1

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Show what lies further right."""
        self._scroll(event, _WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Show what lies further left."""
        self._scroll(event, -_WHEEL)

    def _scroll(self, event: events.MouseEvent, cells: int) -> None:
        event.stop()
        hidden = sum(label.width for label in self._labels) - self.size.width
        self.left = max(min(self.left + cells, hidden), 0)

    def _current(self) -> list[_Label]:
        """Each action once, with the first of its keys."""
        shown: dict[str, tuple[Binding, bool, str]] = {}
        for _, binding, is_enabled, tooltip in self.screen.active_bindings.values():
            if binding.show:
                shown.setdefault(binding.action, (binding, is_enabled, tooltip))
        return [
            _Label(
                binding.key, f" {self.app.get_key_display(binding)} ", f"{binding.description} ", tooltip, is_enabled
            )
            for binding, is_enabled, tooltip in shown.values()
        ]

    def _drawn(self, place: int, label: _Label) -> tuple[Segment, Segment]:
        base = self.get_component_rich_style("key-bar--hovered") if place == self.hovered else self.rich_style
        dim = Style(dim=not label.is_enabled or None)
        styles = (self.get_component_rich_style(name, partial=True) for name in ("key-bar--key", "key-bar--says"))
        key, says = (base + style + dim for style in styles)
        return Segment(label.shown, key), Segment(label.says, says)

    def _place(self, x: int) -> int:
        """Of the key at a cell; -1 for none."""
        right = -self.left
        for place, label in enumerate(self._labels):
            right += label.width
            if x < right:
                return place
        return -1
