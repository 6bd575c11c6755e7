"""Several traces at a glance: a line each, before their reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from analyzers.formatting import counted, size
from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tui.findings.headline import headline
from tui.findings.words import percent
from tui.incompleteness import missing_words
from tui.report.pool import has_pool_events
from tui.report.styles import LABEL, heading
from tui.report.trace import name_of
from tui.report.wrapping import wrapped

_NAME: Final = 32
"""Cells of the widest name that has its words beside it; those of a longer one stand below."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A trace in a few words.

    ``leaks``: ``None`` where nothing can be said. ``is_read``: it has a report of its own.
    """

    name: str
    leaks: int | None
    says: str
    is_read: bool = True


def summary_of(snapshot: Snapshot) -> Summary:
    """How many leaks it has and which is the first; what of the trace is missing."""
    diagnosis = snapshot.diagnosis
    lacks = "".join(f"; {words}" for words in missing_words(snapshot))
    if not has_pool_events(snapshot.pool.totals):
        return Summary(name_of(snapshot.info), None, f"no pool events{lacks}")
    if not diagnosis.findings:
        return Summary(name_of(snapshot.info), 0, f"no leak found{lacks}")
    first = diagnosis.findings[0]
    said = f"{headline(first, diagnosis)}; {size(first.retained_bytes)}, {percent(first.confidence)} sure{lacks}"
    return Summary(name_of(snapshot.info), len(diagnosis.findings), said)


def summary_lines(summaries: Sequence[Summary], width: int) -> list[Text]:
    """A table: trace, leaks, the first of them."""
    leaking = sum(bool(each.leaks) for each in summaries)
    beside = min(max((cell_len(each.name) for each in summaries), default=0), _NAME)
    lines = [
        heading(f"{counted(len(summaries), 'trace')}, {f'{leaking:,} with leaks' if leaking else 'none with a leak'}"),
        Text(),
    ]
    lines.append(Text(f"  {'Trace':<{beside}}  Leaks  First leak", LABEL))
    for each in summaries:
        name = each.name + " " * (beside - cell_len(each.name))
        leaks = "?" if each.leaks is None else f"{each.leaks:,}"
        if cell_len(each.name) > beside:
            lines.append(Text(f"  {name}"))
            name = " " * beside
        lines += _row(f"  {name}  {leaks:>5}  ", each.says, width)
    return [*lines, Text()]


def _row(cells: str, says: str, width: int) -> list[Text]:
    """The words in the last column, also where they take several lines."""
    pieces = wrapped([Text(says)], max(width - cell_len(cells), 20))
    return [Text(cells) + pieces[0], *(Text(" " * cell_len(cells)) + piece for piece in pieces[1:])]
