"""The screen of a replay: what the keys do to the trace."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from analyzers.formatting import duration
from analyzers.snapshot import Snapshot
from tui.live.app import LiveApp
from tui.live.replay import Replay
from tui.live.screen import LiveScreen
from tui.live.update import LiveUpdate
from tui.look import FULL, Look
from tui.naming import Naming
from tui.screens.jump import JumpScreen
from tui.widgets.live_line import LiveLine

_KEYS = "space Pause  . Step  < > Speed  J Jump  z Hold picture"
"""Short: with how far it is they fit into 80 cells."""


class ReplayLine(LiveLine):
    """How far it is, and the keys of a replay."""

    def __init__(self, end_ns: int) -> None:
        super().__init__()
        self._end_ns = end_ns
        self._lines.append(Text(_KEYS, "dim"))

    def show(self, moment: LiveUpdate) -> None:
        """The keys below what goes on."""
        super().show(moment)
        far = f"at {100 * moment.at_ns // self._end_ns} % of {duration(self._end_ns)}  " if self._end_ns else ""
        self._lines.insert(1, Text.assemble(far, (_KEYS, "dim")))


class ReplayScreen(LiveScreen):
    """Space pauses the trace, ``z`` the picture."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("z", "hold", "Hold picture", show=False, id="replay.hold", tooltip="Hold the picture, or go on"),
        Binding("full_stop", "step", "Step", show=False, id="replay.step", key_display=".", tooltip="A hundredth on"),
        Binding(
            "less_than_sign", "speed(False)", "Slower", show=False, id="replay.slower", key_display="<",
            tooltip="Half as fast",
        ),
        Binding(
            "greater_than_sign", "speed(True)", "Faster", show=False, id="replay.faster", key_display=">",
            tooltip="Twice as fast",
        ),
        Binding("J", "jump", "Jump", show=False, id="replay.jump", tooltip="Go to a time of the trace"),
    ]  # fmt: skip

    def __init__(self, snapshot: Snapshot, first: str, replay: Replay, naming: Naming | None = None) -> None:
        super().__init__(snapshot, first, replay, naming=naming)
        self._replay = replay
        self._line = ReplayLine(replay.end_ns)
        self._at_ns = 0

    def action_pause(self) -> None:
        """Pause the trace, or go on."""
        self._replay.toggle()

    def action_hold(self) -> None:
        """Hold the picture while the trace goes on; again: go on."""
        super().action_pause()

    def action_step(self) -> None:
        """Go on a little."""
        self._replay.step()

    def action_speed(self, faster: bool) -> None:
        """Twice or half as fast."""
        self._replay.change_speed(faster=faster)

    def action_jump(self) -> None:
        """Ask for a time and go there."""

        def go(time_ns: int | None) -> None:
            if time_ns is not None:
                self._replay.seek(time_ns)

        self.app.push_screen(JumpScreen(self._at_ns, self._replay.end_ns), go)

    def show_update(self, moment: LiveUpdate) -> None:
        """Also that time has gone back: then the mark is of a time that is still to come."""
        if moment.at_ns < self._at_ns and self._watch.mark is not None and self._watch.mark.at_ns > moment.at_ns:
            self._watch.mark = None
        self._at_ns = moment.at_ns
        super().show_update(moment)


class ReplayApp(LiveApp):
    """Opens on the tags, as every followed trace."""

    def __init__(self, replay: Replay, *, look: Look = FULL, naming: Naming | None = None) -> None:
        super().__init__(replay, look=look, naming=naming)
        self._replay = replay

    def first_screen(self) -> ReplayScreen:
        """Views that move as the keys want it."""
        return ReplayScreen(self.snapshot, self._view, self._replay, self.naming)
