"""The verdict: the first finding in full, the others in two lines each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.findings import Diagnosis, Evidence, Finding
from analyzers.formatting import counted, size
from analyzers.snapshot import Snapshot
from tui.findings.explanations import named_cause, possible_reasons
from tui.findings.headline import headline
from tui.findings.rates import rate_words
from tui.findings.words import (
    amount_words,
    call_words,
    further_evidence,
    group_words,
    percent,
    sure_words,
    tag_name,
    what_words,
    who_words,
)
from tui.report.styles import HEADING, QUIET, WARNING, labelled, note
from tui.report.wrapping import wrapped
from tui.safe_text import safe

LABEL_CELLS: Final = 8
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
        lines += [Text(), *other_lines(finding, snapshot.diagnosis, width)]
    if len(others) > _OTHERS:
        lines.append(note(f"  and {counted(len(others) - _OTHERS, 'finding')} more (--json has all)"))
    return lines


def fact_lines(finding: Finding, snapshot: Snapshot) -> list[Text]:
    """The accusation; who, by which call, what, how much, how fast."""
    call, others, fast = call_words(finding, snapshot), group_words(finding), rate_words(finding, snapshot)
    return [
        title(finding, snapshot.diagnosis),
        labelled("who", who_words(finding), LABEL_CELLS),
        *([labelled("call", call, LABEL_CELLS)] if call else []),
        labelled("what", what_words(finding, snapshot), LABEL_CELLS),
        labelled("how much", amount_words(finding), LABEL_CELLS),
        *([labelled("with it", others, LABEL_CELLS)] if others else []),
        *([labelled("how fast", fast, LABEL_CELLS)] if fast else []),
    ]


def advice_lines(finding: Finding) -> list[Text]:
    """How sure, and what next."""
    return [labelled("how sure", sure_words(finding), LABEL_CELLS), labelled("next", safe(finding.advice), LABEL_CELLS)]


def reason_lines(finding: Finding) -> list[Text]:
    """Other reasons that may be true, what would tell them apart, and reasons that are excluded."""
    return [labelled(label, words, LABEL_CELLS) for label, words in possible_reasons(finding)]


def _full(finding: Finding, snapshot: Snapshot, width: int, room: int) -> list[Text]:
    facts, after = wrapped(fact_lines(finding, snapshot), width), wrapped(advice_lines(finding), width)
    left = room - len(facts) - len(after)
    why, more = _reasons(finding, snapshot, width, left)
    hint = note(f"  --explain {finding.rank} shows the way to this memory and the events behind it.")
    return [*facts, *why, *after, *more, *wrapped([hint], width)]


def title(finding: Finding, diagnosis: Diagnosis) -> Text:
    """The accusation with its number."""
    return Text.assemble((f"LEAK {finding.rank}: ", WARNING), (headline(finding, diagnosis), HEADING))


def _reasons(finding: Finding, snapshot: Snapshot, width: int, room: int) -> tuple[list[Text], list[Text]]:
    """The reasons that fit before the advice, at least one, and those that have to come after it.

    Where the verdict leaves open what keeps the memory, what it could be comes before the evidence.
    """
    why, could_be = evidence_lines(further_evidence(finding, snapshot)), reason_lines(finding)
    lines = [*why, *could_be] if named_cause(finding) is not None else [*could_be, *why]
    before: list[Text] = []
    for place, line in enumerate(lines):
        pieces = wrapped([line], width)
        if before and len(before) + len(pieces) > room:
            return before, wrapped(_also(lines[place:]), width)
        before += pieces
    return before, []


def _also(lines: Sequence[Text]) -> list[Text]:
    """Lines that follow on the advice: the first has a label in any case."""
    first = lines[0].plain
    if first.startswith(" " * (LABEL_CELLS + 4)):
        return [labelled("also", first.strip(), LABEL_CELLS), *lines[1:]]
    return list(lines)


def evidence_lines(evidence: Sequence[Evidence]) -> list[Text]:
    """What the verdict rests on, the label before the first only."""
    return [labelled("" if at else "why", _said(reason), LABEL_CELLS) for at, reason in enumerate(evidence)]


def _said(reason: Evidence) -> str:
    return safe(reason.says).rstrip(".") + (INFERRED if reason.inferred else "")


def other_lines(finding: Finding, diagnosis: Diagnosis, width: int) -> list[Text]:
    """A further finding in short: the accusation, how much, how sure."""
    held = f"{size(finding.retained_bytes)}, {counted(finding.count, 'allocation')} of {tag_name(finding.tag)}"
    others = len(finding.groups) - 1
    beside = f" and {counted(others, 'group')} more" if others > 0 else ""
    how_much = f"  {held}{beside}, {percent(finding.confidence)} sure; --explain {finding.rank}"
    return wrapped([title(finding, diagnosis), Text(how_much, QUIET)], width)
