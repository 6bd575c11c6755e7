"""What the views show at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.selection.intervals import counted_inside
from analyzers.selection.query import EVERYTHING, Query
from analyzers.selection.select import select, select_since
from analyzers.snapshot import Snapshot
from analyzers.symbolization import NamesFound
from tracer.data_classes import dataclass
from tui.report.pool import has_pool_events
from tui.report.recording import NO_POOL_EVENTS, NO_POOL_EVENTS_YET
from tui.tables.rates import TagRates

if TYPE_CHECKING:
    from tui.reading.compared import Compared


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """``snapshot`` is narrowed to ``scope``, ``whole`` is not.

    ``before``: the whole snapshot that was shown before this one, for changes since the last refresh; ``None`` at first
    and for a trace that does not move. ``mark``: the whole snapshot at the mark, ``None`` without one: what came before
    it is left out of ``snapshot``. ``is_followed``: events may still come.
    ``rates``: how fast every tag grows, where that is known. ``unfolded``: frames of the allocator and the like are
    shown. ``named``: how far addresses have names by now, ``None`` where nobody looks for names. ``compared``:
    what changed since other traces, ``None`` where there are none.
    """

    snapshot: Snapshot
    whole: Snapshot
    scope: Query = EVERYTHING
    before: Snapshot | None = None
    mark: Snapshot | None = None
    is_followed: bool = False
    rates: TagRates | None = None
    unfolded: bool = False
    named: NamesFound | None = None
    compared: Compared | None = None

    @property
    def no_pool_events(self) -> str:
        """What to say where the whole trace has none; empty where it has some."""
        if has_pool_events(self.whole.pool.totals):
            return ""
        return NO_POOL_EVENTS_YET if self.is_followed else NO_POOL_EVENTS

    @property
    def earlier(self) -> Snapshot | None:
        """``before``, narrowed as ``snapshot`` is."""
        return None if self.before is None else narrowed_to(self.before, self.scope, self.mark)


def narrowed_to(snapshot: Snapshot, scope: Query, mark: Snapshot | None = None) -> Snapshot:
    """What a scope selects of a snapshot, and only what came after the mark, if there is one.

    Inside an interval allocations and frees are the interval's, too.
    """
    part = select(snapshot, scope) if mark is None else select_since(snapshot, scope, mark)
    return part if scope.interval is None else counted_inside(part, scope.interval)
