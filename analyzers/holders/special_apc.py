"""Holder *special-apc*: the special kernel APC that runs stage 2 of the completion has not run.

It interrupts a running thread and any wait below APC_LEVEL (Microsoft, "Types of APCs", "Waits and APCs"). What holds
it is one uninterrupted call in the kernel (a guarded region, APC_LEVEL, a thread attached to another process) or a
thread that gets no CPU. Both are bounded: no thread returns to user mode with APCs disabled (bug check 0x1), and the
balance set manager lifts a starved thread after some four seconds. So it is never said with more than even odds.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers import advice
from analyzers.activity.thread_state import NEVER_RAN, RAN, WAITED
from analyzers.findings import Accused, Evidence, Verdict
from analyzers.holders.evidence import Seen
from analyzers.holders.held import HeldGroup
from analyzers.holders.holder import Holder, Rule, Turn
from analyzers.requests.tables import Completion
from tracer.arrays import Mask

STARVED: Final = "thread-starved"
IN_ONE_CALL: Final = "in-one-kernel-call"


def starved(evidence: Seen) -> Mask:
    """By completed request: its thread could not take the APC, having had no CPU."""
    return np.asarray(evidence.starved & ~evidence.user_mode & ~evidence.finished)


def in_one_call(evidence: Seen) -> Mask:
    """By completed request: its buffer shows that stage 2 has not run, and its thread may still be in the kernel."""
    not_on_its_way = evidence.owns_buffer | (evidence.off_list & _may_be_in_the_kernel(evidence))
    return np.asarray(
        not_on_its_way & ~evidence.user_mode & (~evidence.passed | evidence.rarely_retired) & ~evidence.finished
    )


def _may_be_in_the_kernel(evidence: Seen) -> Mask:
    """By request: whether others completed it, and its thread ran since, or waits in the kernel's name."""
    since = evidence.since
    there = (since.what == RAN) | (since.what == WAITED) | ((since.what == NEVER_RAN) & ~since.user_mode)
    return np.asarray(there & (evidence.requests.completion > Completion.INLINE))


def evidence(group: HeldGroup) -> list[Evidence]:
    """Why the requests of a thread are taken for waiting for special kernel APCs, in sentences."""
    seen = group.seen
    thread, buffers = f"thread {group.thread}", group.number(seen.owns_buffer)
    oldest = int(group.rows[np.argmin(group.times_ns)])
    found = [Evidence("thread-since", f"{thread} {seen.since.words(oldest)}", inferred=True)]
    if buffers:
        says = f"{group.their('buffers', seen.owns_buffer)} are still there: Windows has not finished them"
        found.append(Evidence(IN_ONE_CALL, says))
    return found


def doubts(group: HeldGroup) -> list[tuple[float, str]]:
    """What speaks against it, each with its factor."""
    del group
    return [(1.0, "special kernel APCs run as soon as the thread gets a CPU or leaves its kernel call")]


def says(group: HeldGroup) -> str:
    """The reason as an explanation."""
    return f"they were completed, and thread {group.thread} has had no chance to finish them since"


HOLDER: Final = Holder(
    verdict=Verdict.PENDING_APC,
    name="special kernel APC",
    edge="completed, not yet delivered",
    accuses=Accused.PROCESS,
    rules=(
        Rule(
            STARVED,
            "completed while its thread was ready and got no CPU",
            Turn.COMPLETED,
            lambda asked: starved(asked.seen),
        ),
        Rule(
            IN_ONE_CALL,
            "completed, not released, and its thread has not been seen in user mode since",
            Turn.COMPLETED,
            lambda asked: in_one_call(asked.seen),
        ),
    ),
    evidence=evidence,
    doubts=doubts,
    says=says,
    advice=lambda group, process: advice.special_apc(
        process, group.thread, group.irp, starved=group.share(group.seen.starved) == 1
    ),
)
