"""The verdict: the first finding in full, the others in two lines each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.findings import Evidence, Finding, Verdict
from analyzers.quantities import counted, size
from analyzers.snapshot import Snapshot
from tui.findings.words import (
    amount_words,
    driver_words,
    headline,
    percent,
    rate_words,
    sure_words,
    tag_name,
    what_words,
    who_words,
)
from tui.report.styles import HEADING, QUIET, WARNING, labelled, note
from tui.report.wrapping import wrapped
from tui.safe_text import safe

_LABEL: Final = 8
"""Cells of the widest label, ``how much``."""
_OTHERS: Final = 9
"""Further findings that a report lists; --json has all."""

INFERRED: Final = " (inferred)"
"""Said after every reason that no event tells directly."""


def finding_lines(snapshot: Snapshot, width: int, room: int) -> list[Text]:
    """All findings, the best one in full, its advice within ``room`` lines if it can be; there must be one."""
    first, *others = snapshot.diagnosis.findings
    lines = _full(first, snapshot, width, room)
    for finding in others[:_OTHERS]:
        lines += [Text(), *wrapped(_short(finding), width)]
    if len(others) > _OTHERS:
        lines.append(note(f"  and {counted(len(others) - _OTHERS, 'finding')} more (--json has all)"))
    return lines


def fact_lines(finding: Finding, snapshot: Snapshot) -> list[Text]:
    """The accusation; who, what, how much, how fast."""
    return [
        _title(finding),
        labelled("who", who_words(finding), _LABEL),
        labelled("what", what_words(finding, snapshot), _LABEL),
        labelled("how much", amount_words(finding), _LABEL),
        labelled("how fast", rate_words(finding, snapshot), _LABEL),
    ]


def advice_lines(finding: Finding) -> list[Text]:
    """How sure, and what next."""
    return [labelled("how sure", sure_words(finding), _LABEL), labelled("next", safe(finding.advice), _LABEL)]


def _full(finding: Finding, snapshot: Snapshot, width: int, room: int) -> list[Text]:
    facts, after = wrapped(fact_lines(finding, snapshot), width), wrapped(advice_lines(finding), width)
    why, more = _reasons(finding.evidence, width, room - len(facts) - len(after))
    hint = note(f"  --explain {finding.rank} shows the way to this memory and the events behind it.")
    return [*facts, *why, *after, *more, *wrapped([hint], width)]


def _title(finding: Finding) -> Text:
    return Text.assemble((f"LEAK {finding.rank}: ", WARNING), (headline(finding), HEADING))


def _reasons(evidence: Sequence[Evidence], width: int, room: int) -> tuple[list[Text], list[Text]]:
    """The reasons that fit before the advice, at least one, and those that have to come after it."""
    why: list[Text] = []
    for place, reason in enumerate(evidence):
        lines = wrapped([_reason(reason, "why" if place == 0 else "")], width)
        if why and len(why) + len(lines) > room:
            rest = [_reason(later, "also" if at == 0 else "") for at, later in enumerate(evidence[place:])]
            return why, wrapped(rest, width)
        why += lines
    return why, []


def _reason(reason: Evidence, label: str) -> Text:
    said = safe(reason.says).rstrip(".") + (INFERRED if reason.inferred else "")
    if label:
        return labelled(label, said, _LABEL)
    return Text(" " * (_LABEL + 4) + said)


def _short(finding: Finding) -> list[Text]:
    held = f"{size(finding.retained_bytes)}, {counted(finding.count, 'allocation')} of {tag_name(finding.tag)}"
    place = f" by {driver_words(finding.driver)}" if finding.verdict is Verdict.PENDING_APC else ""
    return [
        _title(finding),
        Text(f"  {held}{place}, {percent(finding.confidence)} sure; --explain {finding.rank}", QUIET),
    ]
