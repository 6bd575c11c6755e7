"""One cause, one finding: what one socket, or one step of a program, leaves behind together is one finding."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from analyzers.findings import Accused, Evidence, Finding, GroupShare
from analyzers.formatting import agreeing
from analyzers.modules import KERNEL_NAME
from analyzers.pooltag import tag_text
from analyzers.tags.callers import ENDPOINT, FILE, IO_MANAGER, IRP, PORT_PACKET, SOCKETS
from analyzers.tags.objects import HANDLE_TABLE, OBJECTS
from analyzers.verdicts.accusation import DiagnosisInputs
from analyzers.verdicts.call_order import modules_below
from analyzers.verdicts.handle_tables import table_words
from analyzers.verdicts.judgement import Judgement
from analyzers.verdicts.signs import explained
from tracer.arrays import unique
from tracer.data_classes import dataclass

_FIRST: Final = (IRP, PORT_PACKET, FILE, ENDPOINT)
"""What heads a finding, best first: an IRP that is held keeps its file, and a file what hangs on it."""
_NAMED: Final = 5
"""Tags that a sentence names."""


@dataclass(frozen=True, slots=True)
class Accusation:
    """An accused group, and what is said of it alone."""

    judgement: Judgement
    finding: Finding

    @property
    def callers(self) -> bool:
        """Whether the culprit is who asked for it."""
        return self.judgement.group.callers


def united(
    members: Sequence[Accusation], inputs: DiagnosisInputs, keep_irps: Container[int], retained_bytes: int | None = None
) -> Accusation:
    """The accusation that stands for all ``members``.

    ``keep_irps``: processes whose IRPs are accused. ``retained_bytes``: of all, where more hangs on them.
    """
    head = _head(members, inputs)
    others = sorted((each for each in members if each is not head), key=lambda each: -each.finding.bytes)
    ordered = [head, *others]
    reasons = explained(head.judgement, [each.judgement for each in ordered], inputs, keep_irps)
    if not others and retained_bytes is None:
        return replace(head, finding=replace(head.finding, explanations=reasons)) if reasons else head
    finding = replace(
        head.finding,
        retained_bytes=sum(each.finding.bytes for each in ordered) if retained_bytes is None else retained_bytes,
        groups=tuple(_share(each, head) for each in ordered),
        driver=_driver(ordered),
        accused=Accused.PROCESS if head.callers else Accused.DRIVER,
        rows=unique(np.concatenate([each.finding.rows for each in ordered])),
        undecided=sum(each.finding.undecided for each in ordered),
        explanations=reasons,
    )
    if head.callers and finding.process_id is None:
        finding = _asked_by(finding, others)
    tables = [each for each in others if each.finding.tag == HANDLE_TABLE]
    steps = [each for each in others if each not in tables]
    if steps:
        finding = replace(finding, evidence=(*finding.evidence, _together(head, steps)))
    if tables:
        grown = Evidence("handle-table", table_words(sum(each.finding.count for each in tables)))
        finding = replace(finding, evidence=(*finding.evidence, grown))
    return Accusation(head.judgement, finding)


def _asked_by(finding: Finding, others: Sequence[Accusation]) -> Finding:
    """What interrupts made in step with a program's own memory is that program's."""
    own = next((each.finding for each in others if each.callers and each.finding.process_id is not None), None)
    if own is None:
        return finding
    return replace(finding, process_id=own.process_id, process=own.process, thread_id=own.thread_id, advice=own.advice)


def _head(members: Sequence[Accusation], inputs: DiagnosisInputs) -> Accusation:
    """What the program asked for, else what the driver allocated that called the others."""
    if len(members) == 1:
        return members[0]
    asked = [each for each in members if each.callers]
    if asked:
        return min(asked, key=lambda each: (_rank(each.finding.tag), -each.finding.bytes))
    below = modules_below([each.finding for each in members], inputs.frames_of)
    called = [sum(each.finding.driver in modules for modules in below) for each in members]
    best = max(range(len(members)), key=lambda at: (called[at], members[at].finding.bytes))
    return members[best]


def _rank(tag: int) -> int:
    if tag in _FIRST:
        return _FIRST.index(tag)
    if tag in OBJECTS:
        return len(_FIRST)
    return len(_FIRST) + 1 + (tag not in IO_MANAGER) + (tag in SOCKETS)


def _share(each: Accusation, head: Accusation) -> GroupShare:
    found = each.finding
    driver = "" if each.callers or (head.callers and found.driver == KERNEL_NAME) else found.driver
    return GroupShare(found.tag, found.paged, found.count, found.bytes, driver)


def _driver(ordered: Sequence[Accusation]) -> str:
    """The head's; where the culprit is who asked, the only driver that keeps something with it."""
    head = ordered[0]
    if not head.callers:
        return head.finding.driver
    drivers = {each.finding.driver for each in ordered if not each.callers} - {"", KERNEL_NAME}
    return drivers.pop() if len(drivers) == 1 else ""


def _together(head: Accusation, others: Sequence[Accusation]) -> Evidence:
    counts: dict[int, int] = {}
    for each in others:
        counts[each.finding.tag] = counts.get(each.finding.tag, 0) + each.finding.count
    said = [_counted(*one) for one in counts.items()]
    names = ", ".join(said[:_NAMED]) + (f" and {len(said) - _NAMED} more tags" if len(said) > _NAMED else "")
    one = _counted(head.finding.tag, head.finding.count)
    return Evidence(
        "in-step", f"{names} {agreeing(sum(counts.values()), 'stays', 'stay')} in step with {one}", inferred=True
    )


def _counted(tag: int, count: int) -> str:
    return f"{count:,} {tag_text(tag).strip()}"
