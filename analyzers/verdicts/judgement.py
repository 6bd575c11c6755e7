"""The judgement of one group: an accusation or a reason why it is none.

Rules and thresholds: ``docs/verdicts.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.findings import ACCUSATIONS, Verdict
from analyzers.snapshot import I64, Outstanding
from analyzers.trends.trend import Growth, growths
from analyzers.verdicts.course import FEWEST, Course, Span, course
from analyzers.verdicts.groups import Group
from analyzers.verdicts.lost import TELLING_ALLOCATIONS, LossRate
from analyzers.verdicts.survivors import Survivors, survivors

FEWEST_SIBLINGS: Final = 10
"""Freed siblings from which "such allocations are freed" can be said."""
_FEWEST_KEPT: Final = 12
"""Allocations without enough freed siblings below which nothing is said of them."""
_FEWEST_BY_GROWTH: Final = 2 * FEWEST
"""Where survivors cannot be told one by one, it takes more of them."""
_OBSERVABLE: Final = 0.4
"""Where it takes a larger share of the trace until an allocation counts as a survivor, the rest is too short to tell a
warm-up from a leak."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """``why``: for a cleared group, the reason; ``course`` and ``growth`` are what it was judged by.

    ``explained``: survivors that lost events may explain.
    """

    group: Group
    verdict: Verdict
    survivors: Survivors
    course: Course
    growth: Growth
    explained: float
    why: str = ""

    @property
    def rows(self) -> npt.NDArray[np.intp]:
        """The survivors' rows of the outstanding table, oldest first."""
        return self.group.rows[: self.survivors.count]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A group before it is judged."""

    group: Group
    survivors: Survivors
    course: Course
    growth: Growth


def judge_all(found: Sequence[Group], outstanding: Outstanding, span: Span, told: float) -> list[Judgement]:
    """Judge every group. ``span``: from the first pool event to the snapshot; ``told``: share of events lost.

    Where events were lost, each group is held against what the others keep.
    """
    grown = growths([group.history for group in found])
    seen = [_look(group, grows, outstanding, span) for group, grows in zip(found, grown, strict=True)]
    kept = [_share(each) for each in seen]
    judged = []
    for number, each in enumerate(seen):
        others = tuple(share for at, share in enumerate(kept) if share is not None and at != number) if told else ()
        judged.append(_judge(each, LossRate(told, others)))
    return judged


def _look(group: Group, grows: Growth, outstanding: Outstanding, span: Span) -> _Seen:
    births, history = outstanding.time_ns[group.rows], group.history
    lived = _survivors(group, span.end - births)
    how = Course.TOO_FEW
    if lived.age_ns <= _OBSERVABLE * span.length:
        until = span.end - lived.age_ns
        how = course(births[: lived.count], Span(span.start, until), history)
    if how is Course.TOO_FEW and grows.rising and lived.freed:
        return _by_growth(group, births, lived, grows, span)
    return _Seen(group, lived, how, grows)


def _by_growth(group: Group, births: I64, lived: Survivors, grows: Growth, span: Span) -> _Seen:
    """Lifetimes are too long to tell survivors one by one: what is left of the settled steps rises all the same."""
    count = int(np.searchsorted(births, grows.settled_ns))
    how = Course.CONTINUES if count >= _FEWEST_BY_GROWTH else Course.TOO_FEW
    return _Seen(group, replace(lived, count=count, age_ns=span.end - grows.settled_ns), how, grows)


def _survivors(group: Group, ages_ns: I64) -> Survivors:
    """A place in the code that never frees (an error path's, say) is judged by its driver's other places."""
    own = survivors(group.history.lifetimes, ages_ns)
    if own.freed >= FEWEST_SIBLINGS or int(group.siblings.sum()) < FEWEST_SIBLINGS:
        return own
    wider = survivors(group.siblings, ages_ns)
    return wider if 2 * wider.count >= own.count else own


def _share(each: _Seen) -> float | None:
    """The group's share of survivors; ``None`` where that tells nothing of a loss."""
    group = each.group
    telling = group.frees and group.allocations >= TELLING_ALLOCATIONS
    return each.survivors.count / group.allocations if telling else None


def _judge(each: _Seen, rate: LossRate) -> Judgement:
    group, count = each.group, each.survivors.count
    explained = rate.explained(group.allocations, group.strays) if group.frees else 0.0
    hardly = rate.hardly(group.allocations, group.strays, group.replaced)
    verdict, why = _decide(each, 0.0 if count > min(explained, hardly) else explained)
    explained = min(explained, count) if verdict in ACCUSATIONS else explained
    return Judgement(group, verdict, each.survivors, each.course, each.growth, explained, why)


def _decide(each: _Seen, explained: float) -> tuple[Verdict, str]:
    lived, group = each.survivors, each.group
    if each.course is Course.TOO_FEW:
        return _too_few(each)
    if lived.count <= explained:
        return Verdict.UNKNOWN, (
            f"{lived.count:,} of {group.allocations:,} were not freed, and lost events explain up to {explained:,.0f}"
        )
    if each.course is Course.BURST:
        return (
            Verdict.TRANSIENT,
            "what is old enough to judge was allocated within a short time, and no more came since",
        )
    if each.course is Course.LEVELLED_OFF:
        return Verdict.CACHE, "it grew and levelled off: what stays was not allocated lately"
    if lived.freed >= FEWEST_SIBLINGS:
        return Verdict.MISSING_FREE, ""
    return _without_siblings(each)


def _too_few(each: _Seen) -> tuple[Verdict, str]:
    if each.survivors.freed:
        return Verdict.TRANSIENT, "what is outstanding is no older than such allocations become before they are freed"
    return Verdict.UNKNOWN, f"{len(each.group.rows):,} allocations are too few to tell a leak from what is in use"


def _without_siblings(each: _Seen) -> tuple[Verdict, str]:
    """Nothing tells when such allocations are freed: only growth up to the end counts."""
    if each.survivors.count < _FEWEST_KEPT:
        return Verdict.UNKNOWN, f"{each.survivors.count:,} allocations were kept: too few to tell"
    if each.course is Course.ENDED or each.growth.levelled_off:
        return Verdict.CACHE, "it grew and stopped growing before the end"
    if each.growth.sawtooth:
        return Verdict.CACHE, "it grows and is trimmed again and again"
    return Verdict.GROWTH, ""
