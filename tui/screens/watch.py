"""What is watched: the newest snapshot, the one that is shown, and the mark."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analyzers.quantities import moment
from analyzers.snapshot import Snapshot
from tui.views.narrowing import narrowed
from tui.views.scene import Scene
from tui.views.scope import Interval, Lifetime, Scope


@dataclass(slots=True, eq=False)
class Watch:
    """``newest`` goes on while ``is_paused`` holds what is ``shown``; ``status``: a word of who feeds the snapshots."""

    newest: Snapshot
    shown: Snapshot
    before: Snapshot | None = None
    mark: Snapshot | None = None
    is_paused: bool = False
    follows: bool = False
    status: str = ""

    def take(self, snapshot: Snapshot) -> bool:
        """Take the next snapshot; tells whether it is shown."""
        self.newest, self.follows = snapshot, True
        return not self.is_paused and self._catch_up()

    def pause(self) -> None:
        """Hold what is shown; again: go on with the newest."""
        self.is_paused = not self.is_paused
        if not self.is_paused:
            self._catch_up()

    def scene(self, scope: Scope) -> Scene:
        """What a view that is limited to ``scope`` shows: since the mark, if there is one."""
        limits = self._since_mark(scope)
        return Scene(narrowed(self.shown, limits), self.shown, scope, self.before, self.mark, limits, self.follows)

    @property
    def signs(self) -> tuple[str, ...]:
        """Words that must not be overlooked."""
        marked = () if self.mark is None else (f"SINCE {moment(self.mark.at_ns)}",)
        return (*([self.status] if self.status else []), *(["PAUSED"] if self.is_paused else []), *marked)

    def _catch_up(self) -> bool:
        if self.newest is self.shown:
            return False
        self.before, self.shown = self.shown, self.newest
        return True

    def _since_mark(self, scope: Scope) -> Scope:
        if self.mark is None:
            return scope
        end = max(self.shown.at_ns, self.mark.at_ns)
        if scope.interval is None:
            return replace(scope, interval=Interval(self.mark.at_ns, end, Lifetime.INSIDE_KEPT))
        start = min(max(scope.interval.from_ns, self.mark.at_ns), scope.interval.to_ns)
        return replace(scope, interval=replace(scope.interval, from_ns=start))
