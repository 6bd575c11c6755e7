"""What must be seen on every screen: which trace, that it is simulated, what is missing, what is outstanding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from analyzers.formatting import counted, duration, number, size
from analyzers.selection.since import totals_since
from analyzers.snapshot import Snapshot
from tui.incompleteness import missing_words, words_within
from tui.machine_words import processor_count
from tui.redaction.snapshots import is_redacted
from tui.safe_text import safe

SIMULATED: Final = " SIMULATED "
REDACTED: Final = " REDACTED "


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
        self.show(snapshot)

    def show(self, snapshot: Snapshot, signs: Sequence[str] = (), mark: Snapshot | None = None) -> None:
        """Show this moment's lines; ``signs`` stand out before the trace's name. With a mark, totals are since it."""
        self._trace = _trace(snapshot, signs)
        self._totals = _totals(snapshot) if mark is None or snapshot.counted else _totals_since(snapshot, mark)
        self._missing = missing_words(snapshot, interrupted="read to")
        self.refresh(layout=True)

    @property
    def lines(self) -> list[Text]:
        """What stands there: parts that have room, as a number cut short is a wrong number."""
        width = self.content_size.width
        return [that_fit(self._trace, width), that_fit(self._totals, width), *self._missing_line(width)]

    def render(self) -> RenderResult:
        """The lines, each cut at the width."""
        return Text("\n").join(self.lines)

    def _missing_line(self, width: int) -> list[Text]:
        """Loss and damage in one line, what matters most first; none when nothing is missing."""
        if not self._missing:
            return []
        sign = "INCOMPLETE: "
        return [Text(sign + words_within(self._missing, width - len(sign)), "bold yellow")]


def that_fit(parts: Sequence[Text], width: int) -> Text:
    """The first part, and as many of those after it as fit on a line of ``width`` cells."""
    line = parts[0].copy()
    for part in parts[1:]:
        if line.cell_len + part.cell_len > width:
            break
        line.append_text(part)
    return line


def _trace(snapshot: Snapshot, signs: Sequence[str]) -> list[Text]:
    """The trace in parts: its name, then what it is."""
    info = snapshot.info
    marker: list[Text | str] = [Text(SIMULATED, "bold reverse"), " "] if info.simulated else []
    marker += [Text(REDACTED, "bold reverse"), " "] if is_redacted(snapshot) else []
    for sign in signs:
        marker += [Text(f" {safe(sign)} ", "bold reverse"), " "]
    name = safe(PurePath(info.path.replace("\\", "/")).name)
    name += f", session {info.session_number} of {info.sessions}" if info.sessions > 1 else ""
    about = (
        f"  build {info.os_build}",
        f", {info.machine_pointer * 8} bit",
        f", {counted(processor_count(info), 'CPU')}",
    )
    return [Text.assemble(*marker, (name, "bold")), *map(Text, about), Text(f", {duration(info.duration_ns)}")]


def _totals(snapshot: Snapshot) -> list[Text]:
    """Totals in parts, the most important first; where events are lost, nobody knows which blocks are older."""
    totals = snapshot.pool.totals
    older = "unmatched" if missing_words(snapshot) else "of older blocks"
    parts = (
        (f"  {number(totals.failed_allocations)} failed", totals.failed_allocations, "bold"),
        (f"  allocs {number(totals.allocations)}", True, ""),
        (f"  frees {number(totals.frees)}", True, ""),
        (f" + {number(totals.replaced_without_free)} lost", totals.replaced_without_free, ""),
        (f", {number(totals.frees_without_allocation)} {older}", totals.frees_without_allocation, ""),
    )
    held = f"{number(totals.outstanding_count)}, {size(totals.outstanding_bytes)}"
    return [
        Text.assemble("outstanding ", (held, "bold")),
        *(Text(words, style) for words, some, style in parts if some),
    ]


def _totals_since(snapshot: Snapshot, mark: Snapshot) -> list[Text]:
    """Totals of what came after a mark, in parts, the most important first."""
    since = totals_since(snapshot, mark)
    sign = "+" if since.grown_bytes > 0 else ""
    return [
        Text.assemble("since the mark: pool ", (f"{sign}{size(since.grown_bytes)}", "bold")),
        Text(f"  new and still there {number(since.kept)}, {size(since.kept_bytes)}"),
        Text(f"  allocs {number(since.allocations)}  frees {number(since.frees)}"),
    ]


def _missing_line(snapshot: Snapshot) -> list[Text]:
    """Loss and damage in one line; none when nothing is missing."""
    missing = missing_words(snapshot)
    return [Text(f"INCOMPLETE: {', '.join(missing)}", "bold yellow")] if missing else []
