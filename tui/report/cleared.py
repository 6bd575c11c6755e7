"""What was looked at and is no leak, with the reason; and how a report says that nothing is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.findings import Cleared
from analyzers.formatting import counted, size
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tui.findings.evidence import missing_kinds
from tui.findings.words import tag_name
from tui.report.styles import HEADING, heading, note, warning
from tui.report.wrapping import hanging
from tui.safe_text import safe
from tui.tables.words import pool_word

NO_FINDING: Final = "No leak found, as far as this trace can tell."
_BIGGEST: Final = 5
"""Cleared groups that a report names; --json has all."""


def no_finding_lines(snapshot: Snapshot, filters: Query) -> list[Text]:
    """The verdict where there is no finding, and what evidence it had to do without."""
    said = f"No leak found in the selection ({safe(str(filters))})." if filters else NO_FINDING
    lines = [Text(said, HEADING)]
    failed = snapshot.pool.totals.failed_allocations
    if failed:
        lines.append(warning(f"{counted(failed, 'allocation')} got no memory: pool or a quota was exhausted"))
    lacking = missing_kinds(snapshot)
    if lacking:
        lines.append(Text(f"  Not in the trace: {'; '.join(f'{kind.name} ({kind.tells})' for kind in lacking)}."))
    return lines


def cleared_lines(cleared: Sequence[Cleared], width: int) -> list[Text]:
    """How many groups were cleared, by verdict, and the biggest with the reason, within the width."""
    if not cleared:
        return []
    counts = Counter(group.verdict for group in cleared).most_common()
    by_verdict = ", ".join(f"{count:,} {verdict.words}" for verdict, count in counts)
    groups = counted(len(cleared), "group was", "groups were")
    lines = [heading(f"{groups} looked at and cleared"), Text(f"  {by_verdict}")]
    lines += [line for group in cleared[:_BIGGEST] for line in _lines(group, width)]
    more = len(cleared) - _BIGGEST
    return [*lines, note(f"  and {counted(more, 'group')} more (--json has all)")] if more > 0 else lines


def _lines(group: Cleared, width: int) -> list[Text]:
    held = f"{tag_name(group.tag):<4} {pool_word(paged=group.paged):<5} {size(group.bytes):>8}"
    return hanging(Text(f"  {held}  "), f"{group.verdict.words}: {safe(group.why)}", width)
