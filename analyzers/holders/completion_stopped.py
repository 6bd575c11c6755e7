"""Holder *completion-stopped*: a completion routine stopped the completion, and its driver keeps the request.

A routine that answers STATUS_MORE_PROCESSING_REQUIRED ends stage 1 where it is: buffer, file reference and IRP stay
until the driver completes the request again (Microsoft, "Using IoCompletion routines"; ReactOS
ntoskrnl/io/iomgr/irp.c, IofCompleteRequest). So it shows by a completed request that still has its buffer or keeps its
file, while its thread, which has run in user mode since, has no special APC left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from analyzers import advice
from analyzers.findings import Accused, Evidence, Verdict
from analyzers.holders.evidence import Seen
from analyzers.holders.held import NOT_STEADY, HeldGroup, user_mode_since
from analyzers.holders.holder import Holder, Rule, Turn
from analyzers.modules import is_inbox
from analyzers.policy import COURSE, HELD, HELD_DOUBTS, PARTS
from tracer.arrays import Mask, unique

RULE: Final = "stage-two-missing"
SEVERAL: Final = "same-routine-last"


def holds(evidence: Seen) -> Mask:
    """By completed request that is in no port: whether its completion was stopped."""
    snapshot = evidence.snapshot
    stays = evidence.owns_buffer | (evidence.refers & evidence.off_list)  # others may refer to the file as well
    kept = stays & evidence.user_mode & ~evidence.finished
    may_be = snapshot.seen_queues & (evidence.passed | np.bool_(not snapshot.seen_routines))
    return np.asarray(kept & may_be)


def now_and_then(evidence: Seen, left: Mask, module_of: Callable[[int], str]) -> Mask:
    """By request of those ``left``: whether the routine that met it last let others of its kind pass.

    All that is left of such a request may be its IRP, as of a user APC. But user APCs are taken in order, thread by
    thread, so that later ones of the kind would not be retired. Where a program makes requests of the kind with and
    without a routine, they would be all the same: so Windows' own drivers are named only where several programs have
    this in common.
    """
    requests, shares = evidence.requests, evidence.snapshot.retired_share
    may_be = left & evidence.passed & ~evidence.finished & evidence.off_list & evidence.user_mode
    result = np.zeros(len(requests), np.bool_)
    if not evidence.snapshot.seen_queues:
        return result
    for routine in unique(requests.completion_routine[may_be]).tolist():
        mine = may_be & (requests.completion_routine == routine)
        if np.count_nonzero(mine) < COURSE.fewest:
            continue
        several = len(unique(requests.process[mine])) >= HELD.several
        if is_inbox(module_of(routine)):
            result |= mine & (shares >= HELD.got_through) & np.bool_(several)
        else:
            result |= mine & ((shares >= HELD.got_through) | np.bool_(several))
    return result


def evidence(group: HeldGroup) -> list[Evidence]:
    """Why a driver is taken to have stopped completions, in sentences."""
    seen = group.seen
    buffers, files, routines = (group.number(mask) for mask in (seen.owns_buffer, seen.refers, seen.passed))
    found = []
    if buffers:
        says = f"{group.their('buffers', seen.owns_buffer)} are still there: their completion is not finished"
        found.append(Evidence(RULE, says))
    if files:
        found.append(Evidence("file-kept", f"{group.their('files', seen.refers)} are closed, but still referred to"))
    if routines:
        whose = group.driver or "a driver"
        words = f"{group.their('completion', seen.passed)} called a routine of {whose}, and went no further"
        found.append(Evidence("routine-called", words))
    return [*found, user_mode_since(group)]


def doubts(group: HeldGroup) -> list[tuple[float, str]]:
    """What speaks against it, each with its factor."""
    found = []
    if group.share(group.seen.passed) < PARTS.most:
        found.append((HELD_DOUBTS.stopped_no_routine, "no event shows which driver's completion routine stopped them"))
    if not group.number(group.seen.owns_buffer | group.seen.refers):
        found.append((HELD_DOUBTS.stopped_irps_alone, "only the IRPs stay, which user APCs would explain as well"))
    if not group.steady:
        found.append((HELD_DOUBTS.stopped_not_steady, NOT_STEADY))
    return found


def says(group: HeldGroup) -> str:
    """The reason as an explanation."""
    return f"a completion routine of {group.driver or 'a driver'} stopped their completion for good"


HOLDER: Final = Holder(
    verdict=Verdict.DRIVER_KEPT,
    name="driver stopped its completion",
    edge="it stopped their completion",
    accuses=Accused.DRIVER,
    rules=(
        Rule(
            RULE,
            "completed, its buffer or file is still held, and no special APC and no port can be the reason",
            Turn.STOPPED,
            lambda asked: holds(asked.seen) & asked.seen.callers,
        ),
        Rule(
            SEVERAL,
            "completed, and a driver's routine saw it last that others of its kind got through",
            Turn.LEFT,
            lambda asked: now_and_then(asked.seen, asked.left, asked.module_of),
        ),
    ),
    evidence=evidence,
    doubts=doubts,
    says=says,
    advice=lambda group, _process: advice.driver_kept(group.driver, group.irp, completed=True),
)
