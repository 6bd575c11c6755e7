"""What is watched: the newest snapshot, the one that is shown, and the mark."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from analyzers.formatting import moment
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tui.naming import Naming
from tui.tables.rates import TagRates
from tui.views.scene import Scene, narrowed_to

if TYPE_CHECKING:
    from tui.reading.compared import Compared


@dataclass(slots=True, eq=False)
class Watch:
    """``newest`` goes on while ``is_paused`` holds what is ``shown``; ``status``: a word of who feeds the snapshots.

    ``follows``: more may come; a trace that has ended follows no more. ``unfolded``: frames of the allocator and the
    like are shown. ``naming``: what finds names aside. ``compared``: what changed since other traces.
    """

    newest: Snapshot
    shown: Snapshot
    before: Snapshot | None = None
    mark: Snapshot | None = None
    is_paused: bool = False
    follows: bool = False
    status: str = ""
    rates: TagRates = field(default_factory=TagRates)
    unfolded: bool = False
    naming: Naming | None = None
    compared: Compared | None = None

    def __post_init__(self) -> None:
        self.rates.take(self.shown)

    def take(self, snapshot: Snapshot, *, ended: bool = False) -> bool:
        """Take the next snapshot, after which nothing comes where it has ended; tells whether it is shown."""
        self.newest, self.follows = snapshot, not ended
        return not self.is_paused and self._catch_up()

    def renew(self, snapshot: Snapshot) -> None:
        """Take the same moment, concluded anew."""
        self.newest = self.shown = snapshot

    def pause(self) -> None:
        """Hold what is shown; again: go on with the newest."""
        self.is_paused = not self.is_paused
        if not self.is_paused:
            self._catch_up()

    def scene(self, scope: Query) -> Scene:
        """What a view that is limited to ``scope`` shows: since the mark, if there is one."""
        shown = narrowed_to(self.shown, scope, self.mark)
        return Scene(
            shown,
            self.shown,
            scope,
            self.before,
            self.mark,
            self.follows,
            self._rates,
            unfolded=self.unfolded,
            named=self.shown.named if self.naming is None else self.naming.found,
            compared=self.compared,
        )

    @property
    def _rates(self) -> TagRates | None:
        """How fast tags grow now; unknown of a trace that does not move."""
        return None if self.before is None else self.rates

    @property
    def signs(self) -> tuple[str, ...]:
        """Words that must not be overlooked."""
        marked = () if self.mark is None else (f"SINCE {moment(self.mark.at_ns)}: C Clears",)
        named = () if self.naming is None or not self.naming.status else (self.naming.status,)
        paused = ("PAUSED",) if self.is_paused else ()
        return (*((self.status,) if self.status else ()), *paused, *marked, *named)

    def _catch_up(self) -> bool:
        if self.newest is self.shown:
            return False
        self.before, self.shown = self.shown, self.newest
        self.rates.take(self.shown)
        return True
