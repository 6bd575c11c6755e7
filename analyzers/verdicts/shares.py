"""For how many of a finding's allocations each of its sentences is true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzers.factorize import most_often
from analyzers.findings import Evidence
from analyzers.formatting import agreeing
from analyzers.modules import KERNEL_NAME
from analyzers.policy import COVERAGE
from analyzers.pool_tables import PoolSnapshot
from analyzers.verdicts.owners import Owners
from tracer.arrays import Rows
from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class Walked:
    """Among ``total`` allocations: how many have a ``stack``, and how many come from the one ``frame`` that most do.

    ``frame``: its address, 0 where none has a stack.
    """

    total: int
    stacks: int
    frame: int
    at_frame: int

    @classmethod
    def of(cls, groups: Sequence[Rows], pool: PoolSnapshot) -> list[Walked]:
        """Of each of several groups of rows of the outstanding table."""
        if not groups:
            return []
        lengths = np.array([len(each) for each in groups])
        site = pool.outstanding.site[np.concatenate(groups)]
        walked = pool.sites.stack[site] >= 0
        group = np.repeat(np.arange(len(groups)), lengths)[walked]
        frames, of_site = np.unique(pool.sites.frame, return_inverse=True)
        columns = np.zeros((3, len(groups)), np.uint64)
        if len(group):
            of, stacks = np.unique(group, return_counts=True)
            most, at_frame = most_often(group, of_site[site[walked]])
            columns[:, of] = stacks, frames[most], at_frame
        return [cls(*each) for each in zip(lengths.tolist(), *columns.tolist(), strict=True)]

    @property
    def none(self) -> bool:
        """Whether no allocation has a stack."""
        return not self.stacks

    @property
    def few(self) -> bool:
        """Whether there are stacks, but of too few to speak for all."""
        return 0 < self.stacks < COVERAGE.walked * self.total


def where(walked: Walked, code: str, driver: str) -> list[Evidence]:
    """Which code allocated them (``code``: module and offset); the kernel's own tells nothing."""
    if walked.none:
        return []
    named = code if driver != KERNEL_NAME else ""
    if walked.stacks < walked.total:
        says = f"{walked.stacks:,} of {walked.total:,} {agreeing(walked.stacks, 'has', 'have')} a stack"
        says += f", {_those(walked.at_frame, walked.stacks)} from {named}" if named else ""
        return [Evidence("allocating-frame", says)]
    return (
        [Evidence("allocating-frame", f"{_they(walked.at_frame, walked.total)} allocated by {named}")] if named else []
    )


def whose(who: Owners, total: int) -> list[Evidence]:
    """The thread that stands out, else the process; and how that is known."""
    if who.thread is not None:
        how, on = who.on_thread, f"on thread {who.thread}"
    elif who.process is not None:
        how, on = who.in_process, f"in process {who.process}"
    else:
        return []
    says = f"{_they(how.count, total)} allocated {on}"
    if 0 < how.switched < how.count:
        says += f", {how.switched:,} of them as context switches tell"
    rule = "one-thread" if who.thread is not None else "one-process"
    return [Evidence(rule, says, inferred=how.switched > 0)]


def _they(count: int, total: int) -> str:
    if total == 1:
        return "it was"
    return "all were" if count == total else f"{count:,} of {total:,} {agreeing(count, 'was', 'were')}"


def _those(count: int, total: int) -> str:
    return "all of those" if count == total else f"{count:,} of those"
