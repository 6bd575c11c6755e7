"""The report of ``poolscope analyze`` without options: the whole answer on one screen.

Who leaks, what, how much, how sure that is, what to do next, and which command shows more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.text import Text

from analyzers.findings import Diagnosis, Finding
from analyzers.formatting import counted, duration, size
from analyzers.selection.conclusions import as_diagnosed
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tui.findings.words import percent, tag_name
from tui.incompleteness import missing_words
from tui.report import names
from tui.report.analysis import SCREENFUL, outside_lines, unjudged_lines
from tui.report.cleared import no_finding_lines
from tui.report.findings import advice_lines, evidence_lines, fact_lines, other_lines, title
from tui.report.pool import has_pool_events
from tui.report.styles import HEADING, LABEL, WARNING, note
from tui.report.trace import SIMULATED_NOTICE, drain_lines, incomplete_lines, name_of, rolled_lines
from tui.report.wrapping import wrapped
from tui.safe_text import safe


def overview(
    snapshot: Snapshot, filters: Query, *, width: int, command: str, whole: Diagnosis | None = None
) -> list[Text]:
    """At most :data:`SCREENFUL` lines of 80 cells, unless a single sentence is longer than that allows.

    ``command``: what was typed, up to the trace; options that show more are appended. Empty where there is no file
    that could be read again.
    """
    whole = whole or snapshot.diagnosis
    snapshot = as_diagnosed(snapshot, whole)
    head = wrapped(_head(snapshot), width)
    if not has_pool_events(snapshot.pool.totals):
        return [*head, *unjudged_lines(snapshot, width)]
    outside = [*outside_lines(snapshot, filters, whole), *names.short_lines(snapshot.named)]
    foot = [Text(), *wrapped(outside, width), *_more(snapshot, command)]
    room = SCREENFUL - len(head) - len(foot)
    diagnosis = snapshot.diagnosis
    body = (
        _findings(snapshot, width, room) if diagnosis.findings else wrapped(no_finding_lines(snapshot, filters), width)
    )
    return [*head, *body, *foot]


def short_lines(snapshot: Snapshot, filters: Query) -> list[Text]:
    """One unbroken line a finding, or one that says that there is none."""
    diagnosis, lacks = snapshot.diagnosis, _missing(snapshot)
    if not has_pool_events(snapshot.pool.totals):
        return [Text(f"nothing can be said: the trace holds no pool events{lacks}")]
    if not diagnosis.findings:
        return [Text(f"no leak found{f' in the selection ({safe(str(filters))})' if filters else ''}{lacks}")]
    return [_short_line(finding, diagnosis) + lacks for finding in diagnosis.findings]


def _short_line(finding: Finding, diagnosis: Diagnosis) -> Text:
    held = f"{size(finding.retained_bytes)}, {counted(finding.count, 'allocation')} of {tag_name(finding.tag)}"
    return title(finding, diagnosis) + f"; {held}; {percent(finding.confidence)} sure"


def _missing(snapshot: Snapshot) -> str:
    missing = missing_words(snapshot)
    return f" (incomplete trace: {', '.join(missing)})" if missing else ""


def _head(snapshot: Snapshot) -> list[Text]:
    """Which trace it is, on one line, and whether it is less than whole."""
    info = snapshot.info
    lines = [Text(SIMULATED_NOTICE, WARNING)] if info.simulated else []
    lines.append(Text.assemble((name_of(info), HEADING), f" ({duration(info.duration_ns)})"))
    return [*lines, *drain_lines(snapshot), *incomplete_lines(snapshot), *rolled_lines(info)[1:], Text()]


def _findings(snapshot: Snapshot, width: int, room: int) -> list[Text]:
    """The first finding's answers; then the other findings, then reasons, as far as there is room."""
    first, *others = snapshot.diagnosis.findings
    answers = _answers(first, snapshot, width, room - bool(others))
    room -= len(answers)
    beside = _others(others, snapshot.diagnosis, width, room)
    return [*answers, *_reasons(first, width, room - len(beside)), *beside]


def _answers(finding: Finding, snapshot: Snapshot, width: int, room: int) -> list[Text]:
    """Who, what, how much, how sure, what next; with too little room fewer of the doubts are told."""
    doubts = len(finding.doubts)
    while True:
        lines = wrapped(_facts(replace(finding, doubts=finding.doubts[:doubts]), snapshot), width)
        if len(lines) <= room or not doubts:
            return lines
        doubts -= 1


def _facts(finding: Finding, snapshot: Snapshot) -> list[Text]:
    return [*fact_lines(finding, snapshot), *advice_lines(finding)]


def _others(others: Sequence[Finding], diagnosis: Diagnosis, width: int, room: int) -> list[Text]:
    """As many as there is room for, and how many more there are."""
    lines: list[Text] = []
    for place, finding in enumerate(others):
        said = other_lines(finding, diagnosis, width)
        is_last = place == len(others) - 1
        if len(lines) + len(said) + (not is_last) > room:
            return [*lines, note(f"  and {counted(len(others) - place, 'leak')} more: --short lists all")]
        lines += said
    return lines


def _reasons(finding: Finding, width: int, room: int) -> list[Text]:
    """The strongest reasons, whole ones only."""
    lines: list[Text] = []
    for line in evidence_lines(finding.evidence):
        said = wrapped([line], width)
        if len(lines) + len(said) > room:
            break
        lines += said
    return lines


def _more(snapshot: Snapshot, command: str) -> list[Text]:
    """The commands that show more, unbroken: they are there to be copied."""
    if not command:
        return []
    if not snapshot.diagnosis.findings:
        return [Text(f"{command} --full", LABEL), note("  shows cleared groups, tables and stacks")]
    says = "  shows its evidence, blocks, stack and events; --full instead: everything"
    return [Text(f"{command} --explain {snapshot.diagnosis.findings[0].rank}", LABEL), note(says)]
