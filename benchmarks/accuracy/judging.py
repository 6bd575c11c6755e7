"""Findings held against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from analyzers.findings import Finding, Verdict
from benchmarks.accuracy.spoilings import WEAKENING, Spoiling
from benchmarks.accuracy.truth import Leak, Truth, plain

SURE: Final = 0.5
"""Where events were lost, an accusation of the innocent may be made up to this confidence."""
_WEAKER: Final = {
    Verdict.PENDING_APC: frozenset({Verdict.MISSING_FREE, Verdict.GROWTH}),
    Verdict.MISSING_FREE: frozenset({Verdict.GROWTH}),
}


class Outcome(StrEnum):
    """How the first finding of a trace compares with the truth."""

    RIGHT = "right"
    WEAKER = "weaker"  # a kind of evidence is not in the trace, and the right culprit is accused of less
    WRONG_CULPRIT = "wrong culprit"
    WRONG_VERDICT = "wrong verdict"
    MISSED = "missed"
    FALSE = "false accusation"  # of a clean trace
    DOUBTFUL = "false but unsure"  # the same where events were lost, with a confidence of at most one half
    CLEAN = "clean"
    FAINT = "too faint"  # the file shows next to nothing of the leak: not judged
    BROKEN = "broken"  # the analysis raised an error


GOOD: Final = frozenset({Outcome.RIGHT, Outcome.WEAKER, Outcome.CLEAN, Outcome.DOUBTFUL, Outcome.FAINT})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of one trace.

    ``found``: leaks that some finding names, of ``leaks``. ``extras``: findings of the innocent in a leaking trace;
    ``sure_extras``: those above :data:`SURE`. ``says``: the findings in a line.
    """

    outcome: Outcome
    found: int = 0
    leaks: int = 0
    extras: int = 0
    sure_extras: int = 0
    says: str = ""


def judge(findings: Sequence[Finding], truth: Truth, spoiling: Spoiling) -> Judgement:
    """The findings of one trace, best first."""
    says = "; ".join(map(_line, findings[:3])) or "no finding"
    sure = [finding for finding in findings if finding.confidence > SURE]
    if truth.clean:
        unsure = truth.lossy and not sure
        outcome = Outcome.CLEAN if not findings else Outcome.DOUBTFUL if unsure else Outcome.FALSE
        return Judgement(outcome, says=says)
    guilty = [[leak for leak in truth.leaks if names(finding, leak, spoiling)] for finding in findings]
    innocent = [finding for finding, leaks in zip(findings, guilty, strict=True) if not leaks]
    return Judgement(
        outcome=_outcome(findings[0] if findings else None, truth, spoiling),
        found=sum(any(leak in leaks for leaks in guilty) for leak in truth.leaks),
        leaks=len(truth.leaks),
        extras=len(innocent),
        sure_extras=sum(finding.confidence > SURE for finding in innocent),
        says=says,
    )


def names(finding: Finding, leak: Leak, spoiling: Spoiling) -> bool:
    """Whether a finding is about a leak: its tag, and its driver or thread.

    Without stacks nothing tells which driver a tag of its own belongs to: naming none is not naming a wrong one.
    """
    if finding.tag not in leak.tags:
        return False
    unnamed = spoiling is Spoiling.NO_STACKS and not finding.driver
    return unnamed or plain(finding.driver) in leak.drivers or finding.thread_id in leak.threads


def _outcome(top: Finding | None, truth: Truth, spoiling: Spoiling) -> Outcome:
    if truth.faint:
        return Outcome.FAINT
    if top is None:
        return Outcome.MISSED
    named = [leak for leak in truth.leaks if names(top, leak, spoiling)]
    if any(top.verdict in leak.verdicts for leak in named):
        return Outcome.RIGHT
    if any(spoiling in WEAKENING and top.verdict in _WEAKER.get(Verdict(leak.verdicts[0]), ()) for leak in named):
        return Outcome.WEAKER
    if named:
        return Outcome.WRONG_VERDICT
    accused = any(top.verdict in leak.verdicts for leak in truth.leaks)
    return Outcome.WRONG_CULPRIT if accused else Outcome.WRONG_VERDICT


def _line(finding: Finding) -> str:
    tag = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in finding.tag.to_bytes(4, "little"))
    return f"{finding.verdict} {tag!r} of {finding.driver or 'no driver'}, {finding.count}, {finding.confidence:.2f}"
