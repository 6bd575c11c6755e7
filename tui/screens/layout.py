"""How a view and the panel share the room between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from textual.geometry import Size

from tracer.data_classes import dataclass

BESIDE: Final = 42
"""Cells that the panel needs beside a view: its sentences are hard to read on shorter lines."""
MOST_BESIDE: Final = 80
"""Cells that it takes at most."""
_LEAST_LINES: Final = 7
"""Lines that a view keeps above a panel: headings and a few rows."""
_LEAST_BELOW: Final = 3
"""Lines with fewer of which a panel says nothing: its edge and two of text."""
_EDGE: Final = 1


@dataclass(frozen=True, slots=True)
class Room:
    """What the panel gets: ``cells`` of width beside the view, or of height below it; 0: it is not shown."""

    beside: bool
    cells: int


def shared(
    body: Size, view: Size, lines: Callable[[int], int], *, is_read: bool = False, needs: int | None = None
) -> Room:
    """Room for the panel, whose text takes ``lines`` on a given width; ``view``: what the view would fill.

    The panel stands beside a view that loses no cell by that. Below one it takes what its text needs and the view does
    not, or up to half of the room; while somebody reads it (``is_read``) up to two thirds. ``needs``: lines that are
    enough for a view, the rest of which is less than what the panel says.
    """
    if not (text := lines(body.width)):
        return Room(beside=False, cells=0)
    spare = body.width - view.width
    if spare >= BESIDE:
        return Room(beside=True, cells=min(spare, MOST_BESIDE))
    half = body.height // 2 if needs is None else min(body.height // 2, needs)
    kept = body.height // 3 if is_read else max(_LEAST_LINES, half)
    needed = text + _EDGE
    below = min(needed, body.height - min(view.height, kept))
    return Room(beside=False, cells=below if below >= min(needed, _LEAST_BELOW) else 0)
