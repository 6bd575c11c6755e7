"""The judgement of one group: an accusation or a reason why it is none.

Rules and thresholds: ``docs/verdicts.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import repeat
from typing import Final

import numpy as np

from analyzers.findings import ACCUSATIONS, Separation, Verdict
from analyzers.formatting import counted
from analyzers.image_lives import Unload
from analyzers.loss_model import LossRate
from analyzers.policy import COURSE, LIFETIMES, LOSS, PARTS
from analyzers.pool_tables import Outstanding
from analyzers.trends.history import GroupHistory
from analyzers.trends.survivors import Survivors, survivors, survivors_of
from analyzers.trends.trend import Growth, growths
from analyzers.verdicts.birth_pattern import BirthPattern, Span, birth_patterns, increasingly_rare
from analyzers.verdicts.groups import Family, Group, joined
from tracer.arrays import I64, Rows
from tracer.data_classes import dataclass

_BIN: Final = 1.5
"""The usual age is the upper edge of a half octave; what is beyond its lower edge is old."""


@dataclass(frozen=True, slots=True)
class FrameComparison:
    """What the stacks of kept and freed ones tell; ``kept``, ``freed``: how many have a stack.

    ``separation``: ``None`` where nothing separates. ``driver``: whom it accuses; ``others``: further places that
    separate as well, innermost first. ``alike``: every frame of the kept ones' usual stack is in those of freed ones.
    ``frees_others``: the driver is one of several callers, and frees others of what it gets in the same way. ``sends``:
    it reaches the one that allocates through Windows.
    """

    separation: Separation | None
    kept: int
    freed: int
    driver: str = ""
    others: tuple[str, ...] = ()
    alike: bool = False
    frees_others: bool = False
    sends: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """The driver of a group was unloaded; ``at_end``: so late that the trace hardly shows what came after it.

    ``one_lost``: a loss without any sign may explain what it left.
    """

    driver: str
    unload: Unload
    at_end: bool
    one_lost: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """``why``: for a cleared group, the reason; ``birth_pattern`` and ``growth`` are what it was judged by.

    ``explained``: survivors that lost events may explain. ``seen_ns``: how long the trace goes on after the first one.
    ``comparison``, ``gone``: what :mod:`analyzers.verdicts.separates` and :mod:`analyzers.verdicts.gone` found.
    ``young``: younger ones that go with the survivors, as none was freed of late; ``undecided``: those that are too
    young to tell.
    """

    group: Group
    verdict: Verdict
    survivors: Survivors
    birth_pattern: BirthPattern
    growth: Growth
    explained: float
    why: str = ""
    seen_ns: int = 0
    comparison: FrameComparison | None = None
    gone: Gone | None = None
    young: int = 0
    undecided: int = 0

    @property
    def rows(self) -> Rows:
        """Rows of the outstanding table, oldest first: the survivors', and those of the young that go with them.

        All go with them where what separates was never freed.
        """
        reported = self.comparison
        if (
            reported is not None
            and reported.separation is not None
            and not self.group.frees
            and not reported.separation.freed_with
        ):
            return self.group.rows
        return self.group.rows[: self.survivors.count + self.young]

    @property
    def driver(self) -> str:
        """Whom it is about: the driver that the separating frame accuses, else the one that allocates."""
        return (self.comparison.driver if self.comparison is not None else "") or self.group.driver


@dataclass(frozen=True, slots=True)
class _Seen:
    """A group before it is judged.

    ``start``: of the time in which survivors could be born; ``seen``: how long the trace goes on after the first of
    what is outstanding; ``rarer``: whether they came ever more rarely, where no lifetimes tell more; ``all_stay``: none
    of those that were made of late was freed. ``in_use``: what stays in a drain is no more than was in use before.
    """

    group: Group
    survivors: Survivors
    birth_pattern: BirthPattern
    growth: Growth
    start: int
    seen: int
    rarer: bool = False
    all_stay: bool = False
    in_use: bool = False


def judge_all(found: Sequence[Group], outstanding: Outstanding, span: Span, reported: float) -> list[Judgement]:
    """Judge every group. ``span``: from the first pool event to the snapshot; ``reported``: share of events lost.

    Where events were lost, each group is held against what the others keep.
    """
    seen = _looked_at(found, outstanding, span)
    kept = [_share(each) for each in seen]
    judged = []
    for number, each in enumerate(seen):
        others = tuple(share for at, share in enumerate(kept) if share is not None and at != number) if reported else ()
        judged.append(_judge(each, LossRate(reported, others)))
    return _with_wider(judged, outstanding, span, reported)


def _with_wider(judged: list[Judgement], outstanding: Outstanding, span: Span, reported: float) -> list[Judgement]:
    """Where each place in a driver's code keeps too few of a tag to tell, all of them are judged as one group.

    What comes of it counts where that is an accusation.
    """
    families: dict[Family, list[Judgement]] = {}
    for each in judged:
        if each.group.driver:
            families.setdefault(each.group.family, []).append(each)
    several = (family for family in families.values() if len(family) > 1)
    few = [family for family in several if all(each.birth_pattern is BirthPattern.TOO_FEW for each in family)]
    wider = [group for family in few if len((group := joined([each.group for each in family])).rows) >= COURSE.fewest]
    accused: dict[Family, Judgement] = {}
    for seen in _looked_at(wider, outstanding, span):
        found = _judge(seen, LossRate(reported))
        if found.verdict in ACCUSATIONS:
            accused[seen.group.family] = found
    kept = [each for each in judged if each.group.family not in accused]
    return [*accused.values(), *kept]


def _looked_at(groups: Sequence[Group], outstanding: Outstanding, span: Span) -> list[_Seen]:
    histories = [group.history for group in groups]
    births, lived = _lived(groups, outstanding, span)
    until = [_born_until(each, span) for each in lived]
    longest = LIFETIMES.observable * max(span.until - span.start, 1) + span.drained_ns
    old = [mine[: each.count if each.age_ns <= longest else 0] for mine, each in zip(births, lived, strict=True)]
    patterns = birth_patterns(old, span.start, until, histories)
    columns = growths(histories), births, lived, patterns, _all_stay(histories, births, lived)
    return list(map(_look, groups, *columns, repeat(span)))


def _look(
    group: Group, grows: Growth, births: I64, lived: Survivors, how: BirthPattern, all_stay: bool, span: Span
) -> _Seen:
    seen, until = (span.end - int(births[0]) if len(births) else 0), _born_until(lived, span)
    if how is BirthPattern.TOO_FEW and grows.rising and lived.freed:
        return _by_growth(group, births, lived, grows, span)
    rarer = _is_never_freed(lived) and how is BirthPattern.CONTINUES and increasingly_rare(births[: lived.count], until)
    in_use = _in_use(group, births[: lived.count], span)
    return _Seen(group, lived, how, grows, span.start, seen, rarer, all_stay, in_use)


def _born_until(lived: Survivors, span: Span) -> int:
    """Until when survivors could be born: what came later is too young, or does not count."""
    return min(span.end - lived.age_ns, span.until)


def _all_stay(histories: Sequence[GroupHistory], births: Sequence[I64], lived: Sequence[Survivors]) -> list[bool]:
    """By group: whether all that was allocated since the last so many survivors is still there."""
    freed = np.array([each.allocations - each.survivors for each in histories], np.int64)
    since = np.full(len(histories), freed.shape[-1])
    for number, each in enumerate(lived):
        if each.count:
            step = histories[number].step_at(births[number].item(max(each.count - LIFETIMES.latest, 0)))
            since[number] = min(step, freed.shape[-1] - 1)
    left = np.where(np.arange(freed.shape[-1]) >= since[:, np.newaxis], freed, 0).sum(axis=1)
    return [each.count > 0 and not gone for each, gone in zip(lived, left.tolist(), strict=True)]


def _by_growth(group: Group, births: I64, lived: Survivors, grows: Growth, span: Span) -> _Seen:
    """Lifetimes are too long to tell survivors one by one: what is left of the settled steps rises all the same."""
    count = int(np.searchsorted(births, grows.settled_ns))
    how = BirthPattern.CONTINUES if count >= LIFETIMES.fewest_settled else BirthPattern.TOO_FEW
    lived = replace(lived, count=count, age_ns=span.end - grows.settled_ns)
    in_use = _in_use(group, births[:count], span)
    return _Seen(group, lived, how, grows, span.start, span.end - int(births[0]), in_use=in_use)


def _in_use(group: Group, births: I64, span: Span) -> bool:
    """Whether what stays in a drain replaced others as it came: a cache, or what a load uses, keeps its last ones.

    Of these none is freed any more when the load is over, however short they lived before.
    """
    if not span.drained_ns or not len(births):
        return False
    history, first = group.history, group.history.step_at(int(births[0]))
    grown = int((history.allocations - history.frees)[first:].sum())
    return grown < PARTS.most * len(births)


def _lived(groups: Sequence[Group], outstanding: Outstanding, span: Span) -> tuple[list[I64], list[Survivors]]:
    """By group: births of what is outstanding, and its survivors.

    A place in the code that never frees (an error path's, say) is judged by its driver's other places.
    """
    births = [outstanding.time_ns[group.rows] for group in groups]
    ages = [span.end - each for each in births]
    found = survivors_of([group.history.lifetimes for group in groups], ages)
    for number, own in enumerate(found):
        siblings = groups[number].siblings
        if _is_never_freed(own) and int(siblings.sum()) >= LIFETIMES.fewest_freed:
            wider = survivors(siblings, ages[number])
            found[number] = wider if wider.count >= PARTS.most * own.count else own
    return births, found


def _is_never_freed(lived: Survivors) -> bool:
    """Whether so few siblings are freed that their lifetimes tell nothing."""
    return lived.freed < LIFETIMES.fewest_freed


def _share(each: _Seen) -> float | None:
    """The group's share of survivors; ``None`` where that tells nothing of a loss."""
    group = each.group
    telling = group.frees and group.allocations >= LOSS.telling_allocations
    return each.survivors.count / group.allocations if telling else None


def _judge(each: _Seen, rate: LossRate) -> Judgement:
    group, count = each.group, each.survivors.count
    is_freed = group.frees or group.unmatched
    explained = rate.explained(group.allocations, group.unmatched) if is_freed else 0.0
    hardly = rate.hardly(group.allocations, group.unmatched, group.replaced)
    verdict, why = _decide(each, 0.0 if count > min(explained, hardly) else explained)
    older, unsure = _older_freed(each, rate.reported) if verdict in ACCUSATIONS else (0.0, 0.0)
    fewest = LIFETIMES.older_freed * count
    if verdict in ACCUSATIONS and older >= fewest:
        verdict, why = (
            Verdict.TRANSIENT,
            f"{counted(round(older), 'older one was', 'older ones were')} freed, from before the trace; so may these",
        )
    if verdict in ACCUSATIONS:
        possible = rate.possible(group.allocations, group.replaced) if is_freed else 0.0
        # Where frees alone were lost, those without allocation are of blocks from before the trace, all of them.
        explained = count if older + unsure >= fewest else min(possible + unsure / LIFETIMES.older_freed, count)
    left = len(group.rows) - count if verdict in ACCUSATIONS else 0
    young, undecided = (left, 0) if each.all_stay else (0, left)
    return Judgement(
        group, verdict, each.survivors, each.birth_pattern, each.growth, explained, why, each.seen, young=young,
        undecided=undecided,
    )  # fmt: skip


def _older_freed(each: _Seen, reported: float) -> tuple[float, float]:
    """Frees of blocks older than siblings usually become: allocated before the trace, freed so long after its start.

    Where survivors count as such from an earlier age on, because so few siblings are freed at all, that age tells.
    Where events were lost, some may be of blocks whose allocation was lost, at whatever age, and others are not seen.
    The second number is how many that may be so of.
    """
    history = each.group.history
    if not each.group.unmatched_by_step.any():
        return 0.0, 0.0
    usual = min(int(each.survivors.usual_ns / _BIN), each.survivors.age_ns)
    unmatched = each.group.unmatched_by_step[history.step_at(each.start + usual) if usual else 0 :].copy()
    if usual:
        unmatched[:1] *= _part_of_step(each, usual)
    seen = float(unmatched.sum())
    lost = min(LossRate(reported).unmatched(int(history.frees[len(history.frees) - len(unmatched) :].sum())), seen)
    return (seen - lost) / (1 - min(reported, LOSS.most)), lost


def _part_of_step(each: _Seen, usual: int) -> float:
    """Share of the step in which blocks become older than usual that is later; none where half of that is earlier."""
    history, at = each.group.history, each.start + usual
    begins = history.start_ns + history.step_at(at) * history.step_ns
    late = min(max(begins + history.step_ns - at, 0) / history.step_ns, 1.0)
    return late if begins >= each.start + usual // 2 else 0.0


def _decide(each: _Seen, explained: float) -> tuple[Verdict, str]:
    lived, group = each.survivors, each.group
    if each.birth_pattern is BirthPattern.TOO_FEW:
        return _too_few(each)
    if lived.count <= explained:
        return Verdict.UNKNOWN, (
            f"{lived.count:,} of {counted(group.allocations, 'allocation')} stay, and lost events explain up to"
            f" {explained:,.0f}"
        )
    if each.birth_pattern is BirthPattern.BURST:
        return (
            Verdict.TRANSIENT,
            "those old enough to judge came within a short time",
        )
    if each.birth_pattern is BirthPattern.LEVELLED_OFF:
        return Verdict.CACHE, "it grew and levelled off"
    if each.in_use:
        return Verdict.CACHE, "as many were freed as came: these are the last ones in use when the drain began"
    return _without_siblings(each) if _is_never_freed(lived) else (Verdict.MISSING_FREE, "")


def _too_few(each: _Seen) -> tuple[Verdict, str]:
    if each.survivors.freed:
        return Verdict.TRANSIENT, "younger than this kind usually gets before it is freed"
    return Verdict.UNKNOWN, f"{_too_small(len(each.group.rows))} a leak from what is in use"


def _too_small(count: int) -> str:
    return f"{counted(count, 'allocation is', 'allocations are')} too few to tell"


def _without_siblings(each: _Seen) -> tuple[Verdict, str]:
    """Nothing tells when such allocations are freed: only growth up to the end counts."""
    if each.survivors.count < LIFETIMES.fewest_kept:
        return Verdict.UNKNOWN, f"{_too_small(each.survivors.count)} a leak from what is in use"
    if each.rarer:
        return Verdict.CACHE, "it grows ever more slowly, as what is kept for use again does"
    if each.birth_pattern is BirthPattern.ENDED or each.growth.levelled_off:
        return Verdict.CACHE, "it grew and stopped growing before the end"
    if each.growth.sawtooth:
        return Verdict.CACHE, "it grows and is trimmed again and again"
    if each.group.history.start_ns:
        return Verdict.UNKNOWN, (
            "it grows and none is freed, but the file overwrote its beginning: a cache that is trimmed rarely looks the"
            " same"
        )
    return Verdict.GROWTH, ""
