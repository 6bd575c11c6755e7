"""The report as Markdown: every finding as it is pasted into a bug tracker, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.formatting import counted, size
from analyzers.snapshot import Snapshot
from tui.findings.markdown import escaped, finding_markdown
from tui.incompleteness import missing_words
from tui.report.trace import name_of


def markdown_report(snapshot: Snapshot) -> Iterator[bytes]:
    """Head, findings, and how to record what the trace lacks."""
    told, totals = snapshot.diagnosis, snapshot.pool.totals
    count = len(told.findings)
    lines = [
        f"# {counted(count, 'leak') if count else 'No leak found'} in {escaped(name_of(snapshot.info))}",
        "",
        f"{counted(totals.outstanding_count, 'allocation')} outstanding, {size(totals.outstanding_bytes)}; "
        f"{totals.allocations:,} were made and {totals.matched:,} of them freed in the trace.",
    ]
    if missing := missing_words(snapshot):
        lines += ["", f"**Incomplete:** {escaped('; '.join(missing))}"]
    yield ("\n".join(lines) + "\n").encode()
    for finding in told.findings:
        yield f"\n{finding_markdown(finding, snapshot)}\n".replace("\n## ", "\n### ").replace("\n# ", "\n## ").encode()
    coverage = snapshot.coverage
    if coverage is not None and coverage.record:
        yield f"\n## What the trace lacks\n\nA trace recorded so would tell more:\n\n    {coverage.record}\n".encode()
