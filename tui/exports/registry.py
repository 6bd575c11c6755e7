"""Every form that an export can have: a new one is a function, and a line here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Final, cast

from tracer.data_classes import dataclass
from tui.exports.extras import ARROW, PDF, Extra


class Takes(Enum):
    """What a form is made of."""

    TABLE = "any table"
    STACKS = "stacks and a weight"
    SNAPSHOT = "findings, memory over time or the retention graph"


@dataclass(frozen=True, slots=True)
class ExportForm:
    """``suffix``: the end of a file's name that asks for it; ``name``: the same for ``--format``.

    ``extra``: what brings a module that it needs.
    """

    suffix: str
    name: str
    help: str
    takes: Takes
    module: str
    function: str
    extra: Extra | None = None

    def load(self) -> Callable[..., Iterator[bytes]]:
        """What makes it, in pieces; imports its module. Raises MachineError where an extra is not installed."""
        if self.extra is not None:
            self.extra.load()
        return cast("Callable[..., Iterator[bytes]]", getattr(importlib.import_module(self.module), self.function))


FORMS: Final = (
    ExportForm(".csv", "csv", "a table for a spreadsheet", Takes.TABLE, "tui.exports.table_files", "csv_lines"),
    ExportForm(".ndjson", "ndjson", "a table, an object a line", Takes.TABLE, "tui.exports.table_files", "ndjson"),
    ExportForm(
        ".parquet", "parquet", "a table (extra: sql)", Takes.TABLE, "tui.exports.arrow_files", "parquet", ARROW
    ),
    ExportForm(".folded", "folded", "stacks for flamegraph.pl", Takes.STACKS, "tui.exports.stack_files", "folded"),
    ExportForm(
        ".speedscope.json", "speedscope", "stacks for speedscope", Takes.STACKS, "tui.exports.stack_files", "speedscope"
    ),
    ExportForm(".pb.gz", "pprof", "stacks for pprof", Takes.STACKS, "tui.exports.stack_files", "pprof"),
    ExportForm(
        ".trace.json", "chrome", "memory over time and requests, for Perfetto", Takes.SNAPSHOT,
        "tui.exports.chrome_trace", "chrome_trace",
    ),
    ExportForm(".graphml", "graphml", "the retention graph", Takes.SNAPSHOT, "tui.exports.graph_files", "graphml"),
    ExportForm(".gexf", "gexf", "the retention graph, for Gephi", Takes.SNAPSHOT, "tui.exports.graph_files", "gexf"),
    ExportForm(".sarif", "sarif", "a result for each finding", Takes.SNAPSHOT, "tui.exports.sarif", "sarif"),
)  # fmt: skip


REPORT_FORMS: Final = (
    ExportForm(".html", "html", "the report in a page", Takes.SNAPSHOT, "tui.exports.html_report", "html_report"),
    ExportForm(
        ".md", "markdown", "the report as text", Takes.SNAPSHOT, "tui.exports.markdown_report", "markdown_report"
    ),
    ExportForm(
        ".pdf", "pdf", "the report to be printed (extra: pdf)", Takes.SNAPSHOT,
        "tui.exports.pdf_report", "pdf_report", PDF,
    ),
)  # fmt: skip
"""Those of ``poolscope report``."""


def form_of(name: str, forms: Iterable[ExportForm]) -> ExportForm | None:
    """The form that a file's name ends in, the longest end first."""
    fits = [form for form in forms if name.lower().endswith(form.suffix)]
    return max(fits, key=lambda form: len(form.suffix), default=None)
