"""What must be seen on every screen: which trace, that it is simulated, what is missing, what is outstanding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from analyzers.quantities import counted, duration, number, size
from analyzers.selection.since import totals_since
from analyzers.snapshot import Snapshot
from tui.incompleteness import missing_words, words_within
from tui.machine_words import processor_count
from tui.safe_text import safe

SIMULATED: Final = " SIMULATED "


class TraceBar(Widget):
    """One line on the trace, one on its totals, and a third only when something is missing."""

    DEFAULT_CSS = """
    TraceBar {
        height: auto;
        padding: 0 1;
        background: $panel;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._lines: list[Text] = []
        self._missing: list[str] = []
        self.show(snapshot)

    def show(self, snapshot: Snapshot, signs: Sequence[str] = (), mark: Snapshot | None = None) -> None:
        """Show this moment's lines; ``signs`` stand out before the trace's name. With a mark, totals are since it."""
        totals = _totals_line(snapshot) if mark is None or snapshot.counted else _since_line(snapshot, mark)
        self._lines, self._missing = (
            [_trace_line(snapshot, signs), totals],
            missing_words(snapshot, interrupted="read to"),
        )
        self.refresh(layout=True)

    def render(self) -> RenderResult:
        """The lines, each cut at the width."""
        return Text("\n").join([*self._lines, *self._missing_line()])

    def _missing_line(self) -> list[Text]:
        """Loss and damage in one line, what matters most first; none when nothing is missing."""
        if not self._missing:
            return []
        sign = "INCOMPLETE: "
        return [Text(sign + words_within(self._missing, self.size.width - len(sign)), "bold yellow")]


def _trace_line(snapshot: Snapshot, signs: Sequence[str]) -> Text:
    info = snapshot.info
    marker: list[Text | str] = [Text(SIMULATED, "bold reverse"), " "] if info.simulated else []
    for sign in signs:
        marker += [Text(f" {safe(sign)} ", "bold reverse"), " "]
    name = safe(PurePath(info.path.replace("\\", "/")).name)
    name += f", session {info.session_number} of {info.sessions}" if info.sessions > 1 else ""
    return Text.assemble(
        *marker,
        (name, "bold"),
        f"  build {info.os_build}, {info.machine_pointer * 8} bit, {counted(processor_count(info), 'CPU')}",
        f", {duration(info.duration_ns)}",
    )


def _totals_line(snapshot: Snapshot) -> Text:
    totals = snapshot.pool.totals
    return Text.assemble(
        "outstanding ",
        (f"{number(totals.outstanding_count)}, {size(totals.outstanding_bytes)}", "bold"),
        f"  allocs {number(totals.allocations)}  frees {number(totals.frees)}",
        f", {number(older)} of older blocks" if (older := totals.frees_without_allocation) else "",
        f"  lost frees {number(totals.replaced_without_free)}" if totals.replaced_without_free else "",
        (f"  failed {number(totals.failed_allocations)}", "bold") if totals.failed_allocations else "",
    )


def _since_line(snapshot: Snapshot, mark: Snapshot) -> Text:
    """Totals of what came after a mark."""
    since = totals_since(snapshot, mark)
    sign = "+" if since.grown_bytes > 0 else ""
    return Text.assemble(
        "since the mark: pool ",
        (f"{sign}{size(since.grown_bytes)}", "bold"),
        f"  allocs {number(since.allocations)}  frees {number(since.frees)}",
        f"  new and still there {number(since.kept)}, {size(since.kept_bytes)}",
    )
