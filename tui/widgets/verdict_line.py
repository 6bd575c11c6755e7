"""The verdict in one line: the first finding, or that there is none."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from analyzers.findings import Diagnosis
from tui.findings.words import alarm


class VerdictLine(Static):
    """Cut at the width; never read as markup."""

    DEFAULT_CSS = """
    VerdictLine {
        height: 1;
        padding: 0 1;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(_verdict(diagnosis), markup=False)


def _verdict(diagnosis: Diagnosis) -> Text:
    if not diagnosis.findings:
        return Text("no leak found, as far as this trace can tell", "dim")
    first, *others = diagnosis.findings
    more = f" (and {len(others):,} more)" if others else ""
    return Text(alarm(first) + more, "bold yellow")
