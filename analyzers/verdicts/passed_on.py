"""IRPs that several programs seem to keep: lookaside lists hand them from one to another.

An IRP that one program has allocated from the pool rests on a list when its request is over, and the next program
that takes it may never give it back. The first then needs a new one: its allocations grow, though it holds nothing.
That ends when the lists' float is used up: from then on the IRPs of asynchronous requests come from the pool, each
for the program that makes the request (ReactOS, ``ntoskrnl/io/iomgr/irp.c``, LookasideIrpFloat). Without request events
nothing else tells who holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from analyzers.findings import Verdict
from analyzers.policy import PARTS, TOGETHER
from analyzers.pool_tables import PoolSnapshot
from analyzers.tags.callers import ENDPOINT, FILE, IRP
from analyzers.verdicts.judgement import Judgement
from analyzers.verdicts.merging import one_of

_ELSEWHERE: Final = (
    "another program keeps IRPs, and lookaside lists hand them from one to another: it may be what holds these, too"
)


def settled(
    accused: Sequence[Judgement], families: Sequence[Sequence[int]], pool: PoolSnapshot
) -> tuple[list[Judgement], list[Judgement]] | None:
    """The groups that stay accused and those that are cleared; ``None`` unless IRPs of several programs are accused.

    ``families``: places of groups with one cause. One program is named where it keeps more than lists give away, or by
    far the most, or keeps files with its IRPs. Where none is, one group stands for all of them.
    """
    irps = [number for number, each in enumerate(accused) if each.group.callers and each.group.tag == IRP]
    counts: dict[int, int] = {}
    for number in irps:
        process = accused[number].group.process
        counts[process] = counts.get(process, 0) + len(accused[number].rows)
    if len(counts) <= 1:
        return None
    least = min(PARTS.stands_out * sum(counts.values()), TOGETHER.passed_on + 1)
    named = {process for process, count in counts.items() if count >= least}
    for family in families:
        if any(accused[number].group.tag in {FILE, ENDPOINT} for number in family):
            named |= {accused[number].group.process for number in family if number in irps}
    others = [number for number in irps if accused[number].group.process not in named]
    rest = [each for number, each in enumerate(accused) if number not in others]
    if named:
        return rest, [replace(accused[number], verdict=Verdict.UNKNOWN, why=_ELSEWHERE) for number in others]
    return [one_of([accused[number] for number in others], pool), *rest], []
