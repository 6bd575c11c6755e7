"""Who is accused where events were lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from analyzers.findings import Finding
from benchmarks.accuracy.corpus import Writer
from benchmarks.accuracy.judging import SURE, judge, names
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.accuracy.truth import Truth
from benchmarks.analysed import analysed
from benchmarks.loss.coverage import play
from benchmarks.loss.losing import Way

STILL_FIRST: Final = 0.05
"""Share of events up to which the guilty stays the first finding."""


class Outcome(StrEnum):
    """What is said of one trace."""

    CLEAN = "clean"
    UNSURE = "accused up to 0.5, with the loss as a reason"
    FIRST = "culprit first"
    UNASKED = "not asked: too much is lost, or the whole trace does not name it first"
    SURE = "ACCUSED ABOVE 0.5"
    NO_REASON = "ACCUSED WITHOUT A WORD OF LOSS"
    NOT_FIRST = "CULPRIT NOT FIRST"

    @property
    def is_wrong(self) -> bool:
        """Whether it is not to be."""
        return self in {Outcome.SURE, Outcome.NO_REASON, Outcome.NOT_FIRST}


@dataclass(frozen=True, slots=True)
class Accusation:
    """One trace with loss, and what came of it."""

    writer: Writer
    kind: str
    seed: int
    way: Way
    share: float
    outcome: Outcome
    says: str


def accusations(case: tuple[Writer, str, int], ways: Sequence[Way]) -> list[Accusation]:
    """A kind of trace with each way and share of loss."""
    return list(_accusations(*case, ways))


def _accusations(writer: Writer, kind: str, seed: int, ways: Sequence[Way]) -> Iterator[Accusation]:
    data, truth = play(writer, kind, seed, Spoiling.NONE)
    named = truth.clean or _is_first(analysed(data, diagnosed=True).diagnosis.findings, truth)
    for way in ways:
        for share in way.shares:
            if not truth.clean and share > STILL_FIRST:
                continue
            lossy, shown = play(writer, kind, seed, way.spoiling, way.lose(share, seed))
            diagnosis = analysed(lossy, diagnosed=True).diagnosis
            outcome = _outcome(diagnosis.findings, shown, named=named)
            says = judge(diagnosis, shown, way.spoiling).says if outcome.is_wrong else ""
            yield Accusation(writer, kind, seed, way, share, outcome, says)


def _outcome(findings: Sequence[Finding], truth: Truth, *, named: bool) -> Outcome:
    if truth.clean:
        if not findings:
            return Outcome.CLEAN
        if any(finding.confidence > SURE for finding in findings):
            return Outcome.SURE
        told = all(any("lost" in doubt for doubt in finding.doubts) for finding in findings)
        return Outcome.UNSURE if told else Outcome.NO_REASON
    if not named or truth.faint:
        return Outcome.UNASKED
    return Outcome.FIRST if _is_first(findings, truth) else Outcome.NOT_FIRST


def _is_first(findings: Sequence[Finding], truth: Truth) -> bool:
    return bool(findings) and any(names(findings[0], leak, Spoiling.NONE) for leak in truth.leaks)
