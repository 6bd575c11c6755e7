"""Findings held against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from analyzers.findings import OF_REQUESTS, WHYS, Accused, Apc, Cause, Diagnosis, Finding, Fits, Verdict, Why
from benchmarks.accuracy.spoilings import WEAKENING, Spoiling
from benchmarks.accuracy.truth import Leak, Truth, plain

SURE: Final = 0.5
"""Where events were lost, an accusation of the innocent may be made up to this confidence. What special APCs hold is
never said with more."""
HELD_SHARE: Final = 0.03
"""By so much the held requests may differ from the truth's IRPs."""
_LAST: Final = 3
"""So many of the last requests may rest on a list or be held: no later one tells."""
_UNFREED: Final = frozenset({Verdict.MISSING_FREE, Verdict.GROWTH})
_WEAKER: Final = {
    Verdict.PENDING_APC: _UNFREED,
    Verdict.UNDRAINED_PORT: _UNFREED,
    Verdict.DRIVER_KEPT: _UNFREED,
    Verdict.MISSING_FREE: frozenset({Verdict.GROWTH}),
}
"""What accuses the same culprit of less."""
_BY_DRIVER: Final = frozenset({Cause.DRIVER_KEPT.value, Cause.COMPLETION_STOPPED.value})
"""Either tells that a driver keeps them; which, only events of requests do."""
_NOBODY: Final = "nobody"


class Outcome(StrEnum):
    """How the first finding of a trace compares with the truth."""

    RIGHT = "right"
    WEAKER = "weaker"  # a kind of evidence is not in the trace, and the right culprit is accused of less
    WRONG_CULPRIT = "wrong culprit"
    WRONG_VERDICT = "wrong verdict"
    WRONG_HOLDER = "wrong holder"  # verdict and culprit are right, but not what holds how many requests
    MISSED = "missed"
    FALSE = "false accusation"  # of a clean trace
    DOUBTFUL = "false but unsure"  # the same where events were lost, with a confidence of at most one half
    CLEAN = "clean"
    FAINT = "too faint"  # the file shows next to nothing of the leak, or not what tells it from requests in flight
    BROKEN = "broken"  # the analysis raised an error


GOOD: Final = frozenset({Outcome.RIGHT, Outcome.WEAKER, Outcome.CLEAN, Outcome.DOUBTFUL, Outcome.FAINT})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of one trace.

    ``found``: leaks that some finding names, of ``leaks``. ``extras``: findings of the innocent in a leaking trace;
    ``sure_extras``: those above :data:`SURE`. ``sure_special``: findings of special APCs above it. ``retained``:
    whether the first finding, where it is about held requests, retains the truth's bytes exactly. ``says``: the
    findings in a line.
    """

    outcome: Outcome
    found: int = 0
    leaks: int = 0
    extras: int = 0
    sure_extras: int = 0
    sure_special: int = 0
    retained: bool | None = None
    says: str = ""


def judge(diagnosis: Diagnosis, truth: Truth, spoiling: Spoiling) -> Judgement:
    """The conclusions about one trace; of its findings the first one counts."""
    findings = diagnosis.findings
    says = "; ".join(map(_line, findings[:3])) or "no finding"
    sure = [finding for finding in findings if finding.confidence > SURE]
    special = sum(finding.apc is Apc.SPECIAL_KERNEL for finding in sure)
    if truth.clean:
        unsure = truth.lossy and not sure
        outcome = Outcome.CLEAN if not findings else Outcome.DOUBTFUL if unsure else Outcome.FALSE
        return Judgement(outcome, sure_special=special, says=says)
    guilty = [[leak for leak in truth.leaks if names(finding, leak, spoiling)] for finding in findings]
    innocent = [finding for finding, leaks in zip(findings, guilty, strict=True) if not leaks]
    outcome, why = _outcome(diagnosis, truth, spoiling)
    return Judgement(
        outcome=outcome,
        found=sum(any(leak in leaks for leaks in guilty) for leak in truth.leaks),
        leaks=len(truth.leaks),
        extras=len(innocent),
        sure_extras=sum(finding.confidence > SURE for finding in innocent),
        sure_special=special,
        retained=_retained(findings[0], guilty[0]) if findings else None,
        says=f"{says} ({why})" if why else says,
    )


def names(finding: Finding, leak: Leak, spoiling: Spoiling) -> bool:
    """Whether a finding is about a leak: its tag, and its culprit."""
    return finding.tag in leak.tags and not _wrong(finding, leak, spoiling)


def is_right(finding: Finding, truth: Truth, spoiling: Spoiling) -> bool:
    """Whether it names a leak, by tag and culprit, and what it says of that is true, if not all that could be said."""
    named = [leak for leak in truth.leaks if names(finding, leak, spoiling)]
    return any(not _verdict_problem(finding, leak) or _accused_of_less(finding, leak) for leak in named)


def _outcome(diagnosis: Diagnosis, truth: Truth, spoiling: Spoiling) -> tuple[Outcome, str]:
    """And why, where that is not plain."""
    bounded = all(leak.apc == Apc.SPECIAL_KERNEL for leak in truth.leaks)
    if truth.faint or (bounded and not diagnosis.findings and spoiling is not Spoiling.NONE):
        return Outcome.FAINT, ""
    if not diagnosis.findings:
        return Outcome.MISSED, ""
    top = diagnosis.findings[0]
    named = [leak for leak in truth.leaks if names(top, leak, spoiling)]
    if not named:
        nearest = next((leak for leak in truth.leaks if top.tag in leak.tags), truth.leaks[0])
        return Outcome.WRONG_CULPRIT, _wrong(top, nearest, spoiling) or "another tag"
    problems = [_verdict_problem(top, leak) for leak in named]
    if all(problems):
        if any(_weaker(top, leak, spoiling) for leak in named):
            return Outcome.WEAKER, ""
        return Outcome.WRONG_VERDICT, problems[0]
    if spoiling is not Spoiling.NONE:
        return Outcome.RIGHT, ""
    of = [leak for leak in truth.leaks if leak.why] if top.verdict in OF_REQUESTS else []
    true = frozenset[int]().union(*(leak.held | leak.unseen for leak in of))
    held = next(filter(None, (_held_problem(diagnosis, leak, true) for leak in of)), "")
    return (Outcome.WRONG_HOLDER, held) if held else (Outcome.RIGHT, "")


def _wrong(finding: Finding, leak: Leak, spoiling: Spoiling) -> str:
    """Why the culprit is the wrong one; empty where it is right.

    A weaker accusation may name the program that asked, where the truth is a port or a driver. Without stacks nothing
    tells which driver a tag of its own belongs to: naming none is not naming a wrong one.
    """
    accused = finding.accused.value
    less = spoiling in WEAKENING
    asked = less and finding.verdict in _UNFREED and bool(leak.why)
    if accused == Accused.DRIVER.value and not finding.driver and less:
        return ""
    if accused not in leak.accused and not (asked and accused == Accused.PROCESS.value):
        return f"accuses a {accused}"
    if accused == Accused.DRIVER.value:
        return "" if plain(finding.driver) in leak.drivers else f"accuses {finding.driver or _NOBODY}"
    if finding.process_id not in leak.processes and not (asked and finding.process_id is None):
        return f"accuses process {finding.process or finding.process_id}"
    if accused == Accused.PORT.value:
        return ""
    if finding.thread_id is not None and leak.threads and finding.thread_id not in leak.threads:
        return f"accuses thread {finding.thread_id}"
    unnamed = finding.verdict is Verdict.PENDING_APC and finding.thread_id is None and len(leak.threads) == 1
    return "names no thread" if unnamed else ""


def _verdict_problem(finding: Finding, leak: Leak) -> str:
    if finding.verdict not in leak.verdicts:
        return f"not {leak.verdicts[0]}"
    if finding.verdict not in OF_REQUESTS:
        return ""
    if (finding.apc or "") != leak.apc:
        return f"not by {leak.apc} APCs"
    if (finding.kept or "") != leak.kept:
        return f"not {leak.kept}"
    too_sure = finding.apc is Apc.SPECIAL_KERNEL and finding.confidence > SURE
    return "surer of special APCs than can be" if too_sure else ""


def _weaker(finding: Finding, leak: Leak, spoiling: Spoiling) -> bool:
    """Accused of less, where a kind of evidence is not there."""
    return spoiling in WEAKENING and _accused_of_less(finding, leak)


def _accused_of_less(finding: Finding, leak: Leak) -> bool:
    """By a verdict that says less, with reasons among which is the true one."""
    if finding.verdict not in _WEAKER.get(Verdict(leak.verdicts[0]), ()):
        return False
    fitting = {each.why.value for each in finding.explanations if each.fits is not Fits.NO}
    true = _BY_DRIVER if leak.cause in _BY_DRIVER else {leak.cause}
    return not leak.why or not fitting.isdisjoint(true)


def _held_problem(diagnosis: Diagnosis, leak: Leak, true: frozenset[int]) -> str:
    """How the held requests of a leak's processes differ from its IRPs, and from all true ones; or nothing."""
    held = diagnosis.held_requests
    claimed = set(
        held.irp[(held.why == WHYS.index(Why(leak.why))) & np.isin(held.process_id, list(leak.processes))].tolist()
    )
    room = HELD_SHARE * len(leak.held)
    missing, beyond = len(leak.held - claimed), len(claimed - true)
    if missing > room:
        return f"{missing} of {len(leak.held)} IRPs are not said to be held by {leak.why}"
    return (
        f"{beyond} requests beside {len(true)} are said to be held by {leak.why}" if beyond > max(room, _LAST) else ""
    )


def _retained(top: Finding, named: Sequence[Leak]) -> bool | None:
    """Where the truth is one leak of held requests."""
    return top.retained_bytes == named[0].bytes if len(named) == 1 and top.verdict in OF_REQUESTS else None


def _line(finding: Finding) -> str:
    tag = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in finding.tag.to_bytes(4, "little"))
    kind = finding.apc or finding.kept
    who = {
        Accused.DRIVER: finding.driver or "no driver",
        Accused.PROCESS: f"{finding.process or 'no process'}/{finding.thread_id or '-'}",
        Accused.PORT: f"a port of {finding.port.process if finding.port else finding.process}",
    }[finding.accused]
    fits = ",".join(each.why for each in finding.explanations if each.fits is not Fits.NO)
    verdict = finding.verdict + (f"/{kind}" if kind else "")
    return f"{verdict} {tag!r} of {who}, {finding.count}, {finding.confidence:.2f}{f' [{fits}]' if fits else ''}"
