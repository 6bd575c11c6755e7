"""Which leaks have one cause because each step of a program leaves some of each behind.

An opened file keeps a file object, what the file system and each filter hang on it, its name and its security context:
several drivers, several tags, one cause. Such blocks are born on one thread, in the same moments, so many of one kind
for each of another.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from analyzers.policy import COURSE, PARTS, TOGETHER
from analyzers.pool_tables import Outstanding
from analyzers.verdicts.owners import Owners
from tracer.arrays import I64, U32, Mask, Rows, unique
from tracer.data_classes import dataclass

Births = tuple[I64, U32]
"""Births, ascending, and the thread of each."""


@dataclass(frozen=True, slots=True, eq=False)
class _Cluster:
    """Groups of one cause, by number, the scarcest first: ``births`` are its. ``listed``: all come from lists as well.

    ``process``, ``thread``: who stands out, ``None`` for nobody.
    """

    members: list[int]
    births: I64
    process: int | None
    thread: int | None
    listed: bool

    @property
    def loose(self) -> bool:
        """Whether the steps that it is part of may show more than it does."""
        return self.listed or self.thread is None

    def is_part_of(self, other: _Cluster) -> bool:
        """Whether it belongs to the steps of another, which nothing says is another thread's."""
        if self.process not in {None, other.process}:
            return False
        if self.thread != other.thread and None not in {self.thread, other.thread}:
            return False
        return among_steps(other.births, self.births) or (self.listed and _about_as_many(other.births, self.births))


def in_step(
    groups: Sequence[Rows], whose: Sequence[Owners], outstanding: Outstanding, listed: Collection[int] = ()
) -> list[list[int]]:
    """Indices of the groups, those in step with each other in one list; the first of each list is the scarcest.

    ``groups``: rows of the outstanding table, oldest first; ``whose``: who stands out in each. ``listed``: groups whose
    blocks come from lookaside lists as well, which no event tells of, so that not every step need have one.
    """
    births = [outstanding.time_ns[rows] for rows in groups]
    families: dict[tuple[int | None, int | None], list[int]] = {}
    for number, who in enumerate(whose):
        key = (who.process, who.thread) if who.process is not None else (None, -1 - number)
        families.setdefault(key, []).append(number)
    clusters = []
    for (process, thread), members in families.items():
        by_count = sorted(members, key=lambda number: len(groups[number]))
        found = _clusters([(births[number], outstanding.thread[groups[number]]) for number in by_count])
        for places in found:
            numbers = [by_count[at] for at in places]
            nobodys = None if process is None else thread
            cluster = _Cluster(numbers, births[numbers[0]], process, nobodys, set(numbers) <= set(listed))
            clusters.append(cluster)
    return [cluster.members for cluster in _put_together(clusters)]


def _put_together(clusters: list[_Cluster]) -> list[_Cluster]:
    """Loose clusters put to the first whose steps they are part of; nobody's last: an interrupt's, perhaps."""
    result = [cluster for cluster in clusters if not cluster.loose]
    somebodys = [cluster for cluster in result if cluster.process is not None]
    order = sorted(
        (each for each in clusters if each.loose), key=lambda each: (each.process is None, -len(each.births))
    )
    for cluster in order:
        to = next((other for other in somebodys if cluster.is_part_of(other)), None)
        if to is None:
            result.append(cluster)
            somebodys += [cluster] if cluster.process is not None else []
        else:
            to.members.extend(cluster.members)
    return result


def _clusters(kinds: list[Births]) -> list[list[int]]:
    """The same of one process' or thread's kinds, scarcest first."""
    least = max(len(kinds) - TOGETHER.most_kinds, 0)
    counts = np.array([len(births) for births, _ in kinds])
    left = np.arange(len(kinds)) >= least
    clusters = [[number] for number in range(least)]
    for first, (births, threads) in enumerate(kinds):
        if not left[first]:
            continue
        left[first] = False
        cluster = [first]
        near = np.flatnonzero(left & (counts <= 2 * TOGETHER.most_each * counts[first]))
        for other in near.tolist():
            if follows(births, threads, *kinds[other]):
                left[other] = False
                cluster.append(other)
        clusters.append(cluster)
    return clusters


def _about_as_many(steps: I64, births: I64) -> bool:
    """Whether blocks that lists hand out as well are most of what the steps would have, and hardly more."""
    inside = _between(steps, births[0], births[-1])
    return TOGETHER.least_listed * _length(inside) <= len(births) <= (1 + TOGETHER.alike) * _length(inside)


def follows(births: I64, threads: U32, other_births: I64, other_threads: U32) -> bool:
    """Whether there are 1 to 4 of the others for each of the first, between it and the next one of its thread.

    Births are int64, ascending. Only the time in which there are both counts: the newest ones of either kind may be too
    young to be judged.
    """
    low, high = max(births[0], other_births[0]), min(births[-1], other_births[-1])
    ours, others = _between(births, low, high), _between(other_births, low, high)
    count, more = _length(ours), _length(others)
    each = round(more / count) if count else 0
    if count < COURSE.fewest or count < PARTS.most * len(births) or not 1 <= each <= TOGETHER.most_each:
        return False
    if more < PARTS.most * len(other_births) or abs(more - each * count) > TOGETHER.alike * each * count:
        return False
    thread = np.concatenate([threads[ours], other_threads[others]])
    time = np.concatenate([births[ours], other_births[others]])
    is_other = np.arange(count + more) >= count
    # A clock may tick more slowly than a thread allocates: either may have come first at one time.
    return any(
        _share(np.lexsort((first, time, thread)), is_other, each) >= TOGETHER.in_step for first in (is_other, ~is_other)
    )


def _share(order: Rows, is_other: Mask, each: int) -> float:
    """Share of the steps, each from one of the first kind to the next, with so many of the others."""
    others = is_other[order]
    step = np.maximum(np.cumsum(~others)[others] - 1, 0)
    return float(np.mean(np.bincount(step, minlength=int(np.count_nonzero(~others))) == each))


def among_steps(births: I64, other_births: I64) -> bool:
    """Whether the others belong to some of the steps that the first begin or end: one each, at the same place in it.

    Both are of one thread, int64, ascending.
    """
    if len(other_births) < COURSE.fewest or len(births) <= len(other_births) * (1 - TOGETHER.alike):
        return False
    length = (births[-1] - births[0]) / max(len(births) - 1, 1)
    before = np.searchsorted(births, other_births, "right") - 1
    after = np.searchsorted(births, other_births, "left")
    for step, inside in ((before, before >= 0), (after, after < len(births))):
        owner = step[inside]
        if len(owner) < TOGETHER.alone * len(other_births):
            continue
        place = np.abs(other_births[inside] - births[owner])
        low, high = np.quantile(place, (0.1, 0.9))
        if len(unique(owner)) >= TOGETHER.alone * len(owner) and high - low <= TOGETHER.spread * length:
            return True
    return False


def _between(births: I64, low: np.int64, high: np.int64) -> slice:
    first, last = np.searchsorted(births, low), np.searchsorted(births, high, side="right")
    return slice(int(first), int(last))


def _length(part: slice) -> int:
    return int(part.stop - part.start)
