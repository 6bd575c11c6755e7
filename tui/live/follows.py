"""What a screen that follows something needs of the worker behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tui.live.moment import Moment


class Follows(Protocol):
    """A worker in a thread of its own."""

    @property
    def label(self) -> str:
        """What the header says while it works."""

    def start(self, tell: Callable[[Moment], None]) -> None:
        """Begin; ``tell`` is called in the worker's thread and must not wait."""

    def taken(self) -> None:
        """The interface has shown what it was told."""

    def stop(self) -> None:
        """End; returns at once."""
