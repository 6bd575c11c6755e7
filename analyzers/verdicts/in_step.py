"""Which leaks have one cause because each step of a program leaves some of each behind.

An opened file keeps a file object, what the file system and each filter hang on it, its name and its security context:
several drivers, several tags, one cause. Such blocks are born on one thread, in the same moments, so many of one kind
for each of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.snapshot import Outstanding
from analyzers.verdicts.course import FEWEST
from analyzers.verdicts.owners import Owners

I64 = npt.NDArray[np.int64]
U32 = npt.NDArray[np.uint32]
Rows = npt.NDArray[np.intp]

_MOST_EACH: Final = 4
"""Blocks of one kind for each of another up to which they are told to be in step."""
_ALIKE: Final = 0.1
"""Share by which the numbers may differ from that: lost events, and what is too young to be judged."""
_IN_STEP: Final = 0.7
"""Share of the steps with just that number. Where a tenth of each kind is missing 0.8 are left; of two kinds that are
born at an even rate by chance, 0.25 of the steps have one, at a fixed rate and one by chance 0.37."""
_MOST_KINDS: Final = 200
"""Kinds of one thread that are compared with each other: the largest."""


def in_step(groups: Sequence[Rows], whose: Sequence[Owners], outstanding: Outstanding) -> list[list[int]]:
    """Places of the groups, those in step with each other together; the first of each list is the scarcest.

    ``groups``: rows of the outstanding table, oldest first; ``whose``: who stands out in each.
    """
    families: dict[tuple[int, int | None], list[int]] = {}
    alone = []
    for number, who in enumerate(whose):
        if who.process is None:
            alone.append([number])
        else:
            families.setdefault((who.process, who.thread), []).append(number)
    clusters = alone
    for members in families.values():
        by_count = sorted(members, key=lambda number: len(groups[number]))
        kinds = [(outstanding.time_ns[groups[number]], outstanding.thread[groups[number]]) for number in by_count]
        clusters += [[by_count[at] for at in cluster] for cluster in _clusters(kinds)]
    return clusters


def _clusters(kinds: list[tuple[I64, U32]]) -> list[list[int]]:
    """The same of one process' or thread's kinds, as (births, threads), scarcest first."""
    least = max(len(kinds) - _MOST_KINDS, 0)
    counts = np.array([len(births) for births, _ in kinds])
    left = np.arange(len(kinds)) >= least
    clusters = [[number] for number in range(least)]
    for first, (births, threads) in enumerate(kinds):
        if not left[first]:
            continue
        left[first] = False
        cluster = [first]
        near = np.flatnonzero(left & (counts <= 2 * _MOST_EACH * counts[first]))
        for other in near.tolist():
            if follows(births, threads, *kinds[other]):
                left[other] = False
                cluster.append(other)
        clusters.append(cluster)
    return clusters


def follows(births: I64, threads: U32, other_births: I64, other_threads: U32) -> bool:
    """Whether there are 1 to 4 of the others for each of the first, between it and the next one of its thread.

    Births are int64, ascending. Only the time in which there are both counts: the newest ones of either kind may be too
    young to be judged.
    """
    low, high = max(births[0], other_births[0]), min(births[-1], other_births[-1])
    ours, others = _between(births, low, high), _between(other_births, low, high)
    count, more = _length(ours), _length(others)
    each = round(more / count) if count else 0
    if count < FEWEST or 2 * count < len(births) or not 1 <= each <= _MOST_EACH:
        return False
    if 2 * more < len(other_births) or abs(more - each * count) > _ALIKE * each * count:
        return False
    thread = np.concatenate([threads[ours], other_threads[others]])
    is_other = np.arange(count + more) >= count
    order = np.lexsort((is_other, np.concatenate([births[ours], other_births[others]]), thread))
    step = np.cumsum(~is_other[order])[is_other[order]]
    return bool(np.mean(np.bincount(np.maximum(step - 1, 0), minlength=count) == each) >= _IN_STEP)


def _between(births: I64, low: np.int64, high: np.int64) -> slice:
    first, last = np.searchsorted(births, low), np.searchsorted(births, high, side="right")
    return slice(int(first), int(last))


def _length(part: slice) -> int:
    return int(part.stop - part.start)
