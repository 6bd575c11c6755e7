"""The views, in the order of their numbers. A new one is a module with ``make`` and one line here.

The module has the key's name, with underscores; it is loaded when the view is made.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from tracer.data_classes import dataclass

if TYPE_CHECKING:
    from tui.views.view import View


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """``key`` names the view in code and on the command line, ``number`` is its key."""

    key: str
    number: str
    title: str
    summary: str

    def make(self) -> View:
        """A view of this kind."""
        view: View = import_module(f"tui.views.{self.key.replace('-', '_')}").make()
        return view


VIEWS: Final = (
    ViewSpec("findings", "1", "Findings", "verdicts: who leaks, why, and how sure that is"),
    ViewSpec("tags", "2", "Tags", "PoolMon's table: pool tags, with changes"),
    ViewSpec("stacks", "3", "Stacks", "who allocates, as a tree of callers"),
    ViewSpec("processes", "4", "Processes", "processes and threads that hold memory"),
    ViewSpec("sockets", "5", "Sockets", "endpoints, their addresses, requests and memory"),
    ViewSpec("held-requests", "6", "Held", "requests that an APC, a port or a driver holds"),
    ViewSpec("retention", "7", "Retention", "what keeps what, and how much"),
    ViewSpec("allocations", "8", "Allocs", "single outstanding allocations"),
    ViewSpec("timeline", "9", "Timeline", "outstanding bytes over time"),
    ViewSpec("trace", "0", "Trace", "the trace itself: losses, damage, evidence"),
)
CHANGES: Final = ViewSpec("changes", "D", "Changes", "what is new, grown or gone since the trace before")
"""Of a trace that is compared with others only."""
