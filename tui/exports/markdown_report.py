"""The report as Markdown: every finding as it is pasted into a bug tracker, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.formatting import counted, size
from analyzers.snapshot import Snapshot
from tui.exports.report_blocks import Heading, Items, Lines, Note, lacking, report_title
from tui.findings.markdown import escaped, finding_markdown
from tui.incompleteness import missing_words


def markdown_report(snapshot: Snapshot) -> Iterator[bytes]:
    """Head, findings, and how to record what the trace lacks."""
    totals = snapshot.pool.totals
    lines = [
        f"# {escaped(report_title(snapshot))}",
        "",
        f"{counted(totals.outstanding_count, 'allocation')} outstanding, {size(totals.outstanding_bytes)}; "
        f"{totals.allocations:,} were made and {totals.matched:,} of them freed in the trace.",
    ]
    if missing := missing_words(snapshot):
        lines += ["", f"**Incomplete:** {escaped('; '.join(missing))}"]
    yield ("\n".join(lines) + "\n").encode()
    for finding in snapshot.diagnosis.findings:
        yield f"\n{finding_markdown(finding, snapshot)}\n".replace("\n## ", "\n### ").replace("\n# ", "\n## ").encode()
    for block in lacking(snapshot):
        match block:
            case Heading(level, words):
                said = [f"{'#' * level} {words}"]
            case Note(words):
                said = [escaped(words)]
            case Items(items):
                said = [f"- {escaped(item)}" for item in items]
            case Lines(kept):
                said = ["```", *kept, "```"]
        yield ("\n" + "\n".join(said) + "\n").encode()
