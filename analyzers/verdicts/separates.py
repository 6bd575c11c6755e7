"""The frame that separates: what stands in the stacks of all that is kept, and of hardly any that was freed.

Code that allocates for others is in the stacks of all its callers' blocks, and is not at fault for one that forgets to
free. What the stacks of freed ones have too is cleared; who of the rest is the culprit says
:mod:`analyzers.verdicts.culprit`.

All is counted at once: for each accused group, and each frame and module in the stacks of its survivors, how many of
these have it, and how many of the freed ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from analyzers.factorize import coded_pairs
from analyzers.findings import ACCUSATIONS, Separation
from analyzers.modules import KERNEL, KERNEL_NAME, FrameTable, is_inbox, is_library
from analyzers.policy import COURSE, LIFETIMES, PARTS, SEPARATING
from analyzers.pool_tables import Frame, PoolSnapshot
from analyzers.verdicts.culprit import StackFrame, find_client, find_culprit
from analyzers.verdicts.judgement import FrameComparison, Judgement
from tracer.arrays import F64, I32, I64, Mask, Numbers, unique
from tracer.data_classes import dataclass

FramesOf = Callable[[I32], FrameTable]


def lower_bound(part: Numbers, whole: Numbers) -> F64:
    """Lower end of Wilson's 90 % interval of a share; 0 of nothing."""
    n, z2 = np.maximum(whole, 1), SEPARATING.z * SEPARATING.z
    share = part / n
    half = SEPARATING.z * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return np.where(whole > 0, (share + z2 / (2 * n) - half) / (1 + z2 / n), 0.0)


def upper_bound(part: Numbers, whole: Numbers) -> F64:
    """Upper end of Wilson's 90 % interval of a share; 1 of nothing."""
    return 1 - lower_bound(whole - part, whole)


def is_separating(kept_with: Numbers, kept: Numbers, freed_with: Numbers, freed: Numbers) -> Mask:
    """Whether so many of the kept ones and so few of the freed ones have a frame that this is no chance."""
    shares = (kept_with >= SEPARATING.nearly_all * kept) & (freed_with <= SEPARATING.hardly_any * freed)
    return np.asarray(shares & (lower_bound(kept_with, kept) - upper_bound(freed_with, freed) >= SEPARATING.apart))


def is_callers_alone(kept_with: Numbers, kept: Numbers, freed_with: Numbers, freed: Numbers) -> Mask:
    """Whether nearly all that is kept is one caller's, though much of what is freed is others'."""
    shares = (kept_with >= SEPARATING.nearly_all * kept) & (freed_with <= SEPARATING.not_all * freed)
    enough = (kept >= COURSE.fewest) & (freed - freed_with >= LIFETIMES.fewest_freed)
    apart = lower_bound(kept_with, kept) - upper_bound(freed_with, freed) >= SEPARATING.apart_as_caller
    return np.asarray(shares & enough & apart)


def compare_frames(
    judged: Sequence[Judgement], pool: PoolSnapshot, frames_of: FramesOf, frame_of: Callable[[int], Frame]
) -> list[Judgement]:
    """The judgements; those of a driver with the frame that separates kept from freed, and the driver it accuses.

    ``frames_of``: the frames of many stacks; ``frame_of``: what lies at a place.
    """
    numbers = [number for number, each in enumerate(judged) if _is_driver_s(each)]
    found = list(judged)
    if not numbers:
        return found
    columns = _counted(pool, [judged[at] for at in numbers], frames_of)
    for number, steps, kept, freed, alike in zip(numbers, *columns, strict=True):
        comparison = _comparison(found[number], steps, kept, freed, frame_of, alike=alike)
        found[number] = replace(found[number], comparison=comparison)
    return found


def _is_driver_s(judgement: Judgement) -> bool:
    group = judgement.group
    if judgement.gone is not None:
        return False
    return judgement.verdict in ACCUSATIONS and not group.callers and group.driver not in {"", KERNEL_NAME}


def _comparison(
    judgement: Judgement,
    steps: Sequence[StackFrame],
    kept: int,
    freed: int,
    frame_of: Callable[[int], Frame],
    *,
    alike: bool,
) -> FrameComparison:
    culprit = find_culprit(steps, judgement.group.driver)
    if culprit is None and (client := find_client(steps, judgement.group.driver)) is not None:
        separation = Separation(frame_of(client.place), client.kept_with, kept, client.freed_with, freed)
        return FrameComparison(separation, kept, freed, client.module, frees_others=True)
    if culprit is None:
        return FrameComparison(None, kept, freed, alike=alike)
    step = culprit.step
    separation = Separation(frame_of(step.place), step.kept_with, kept, step.freed_with, freed)
    others = tuple(str(frame_of(each.place)) for each in culprit.others)
    return FrameComparison(separation, kept, freed, step.module, others, sends=culprit.sends)


def _counted(
    pool: PoolSnapshot, accused: Sequence[Judgement], frames_of: FramesOf
) -> tuple[list[list[StackFrame]], list[int], list[int], list[bool]]:
    """By accused group: the frames of its most usual stack, none where none of them separates or is one caller's alone.

    Then how many kept and freed ones have a stack, and whether every frame of the usual one is in freed ones' too.
    """
    kept = _kept(pool, accused)
    freed, of_driver = _freed(pool, accused)
    every, place = np.unique(np.concatenate([kept.site, freed.site]), return_inverse=True)
    frames = _Frames.of(frames_of(pool.sites.stack[every]))
    kept, freed = replace(kept, site=place[: len(kept.site)]), replace(freed, site=place[len(kept.site) :])
    owner = np.arange(len(accused))
    all_kept, all_freed = kept.totals(len(accused)), freed.totals(len(accused))
    usual = kept.most(len(accused))
    lengths = np.append(np.diff(frames.table.bounds), 0)[usual]  # none of the last, which a group without one has
    of = np.repeat(owner, lengths)
    ends = np.cumsum(lengths)
    row = np.arange(int(lengths.sum())) - np.repeat(ends - lengths, lengths) + frames.table.bounds[usual][of]
    by_frame, by_module = frames.frame[row], frames.module[row]
    kept_by, freed_by = frames.count(kept), frames.count(freed)
    is_known = by_module >= 0
    with_frame = kept_by(of, by_frame), freed_by(of, by_frame)
    with_module = kept_by(of, by_module) * is_known, freed_by(of, by_module) * is_known
    exact = is_separating(with_frame[0], all_kept[of], with_frame[1], all_freed[of]) & of_driver[of]
    whole = is_separating(with_module[0], all_kept[of], with_module[1], all_freed[of]) & is_known
    own = np.array([frames.code(each.group.driver) for each in accused], np.int64)
    whole &= of_driver[of] | (by_module == own[of])
    alone = is_callers_alone(with_module[0], all_kept[of], with_module[1], all_freed[of]) & is_known & of_driver[of]
    use_module = np.where(exact | whole, whole & ~exact, alone)
    kept_with, freed_with = (np.where(use_module, *each) for each in zip(with_module, with_frame, strict=True))
    alike = np.bincount(of[freed_with <= SEPARATING.hardly_any * all_freed[of]], minlength=len(accused)) == 0
    is_told = np.bincount(of[exact | whole | alone], minlength=len(accused)) > 0
    told = np.flatnonzero(is_told[of])
    columns = (
        frames.table.place[row[told]].tolist(),
        frames.listed(by_module[told]),
        (exact | whole)[told].tolist(),
        kept_with[told].tolist(),
        freed_with[told].tolist(),
        alone[told].tolist(),
    )
    steps: list[list[StackFrame]] = [[] for _ in accused]
    for group, *each in zip(of[told].tolist(), *columns, strict=True):
        steps[group].append(StackFrame(*each))
    return steps, all_kept.tolist(), all_freed.tolist(), alike.tolist()


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """So many allocations (``count``) of an accused group (``of``) at a site."""

    of: I64
    site: I64
    count: I64

    def totals(self, groups: int) -> I64:
        """By group."""
        total = np.zeros(groups, np.int64)
        np.add.at(total, self.of, self.count)
        return total

    def most(self, groups: int) -> I64:
        """By group: the site with most, -1 for none."""
        found = np.full(groups, -1, np.int64)
        order = np.lexsort((-self.site, self.count, self.of))
        found[self.of[order]] = self.site[order]
        return found


def _kept(pool: PoolSnapshot, accused: Sequence[Judgement]) -> _Counts:
    """Survivors by site; where nothing of a site was ever freed, the younger ones too. Those with a stack."""
    sites, site_of = pool.sites, pool.outstanding.site
    rows = [each.group.rows for each in accused]
    of = np.repeat(np.arange(len(rows)), [len(each) for each in rows])
    old = np.concatenate([np.arange(len(each.group.rows)) < each.survivors.count for each in accused])
    pairs, at = coded_pairs(of, site_of[np.concatenate(rows)])
    keys = pairs.astype(np.int64)
    survivors, every = np.bincount(at, old, len(keys)).astype(np.int64), np.bincount(at, minlength=len(keys))
    site = keys & 0xFFFFFFFF
    count = np.where(sites.frees[site] == 0, every * (survivors > 0), survivors)
    used = np.flatnonzero((count > 0) & (sites.stack[site] >= 0))
    return _Counts(keys[used] >> 32, site[used], count[used])


def _freed(pool: PoolSnapshot, accused: Sequence[Judgement]) -> tuple[_Counts, Mask]:
    """Freed ones of the tag by the same driver by site, those with a stack; of all drivers where it freed too few.

    Also by group, whether it is the driver's.
    """
    sites = pool.sites
    rows = np.flatnonzero((sites.frees > 0) & (sites.stack >= 0))
    wanted = {each.group.driver: number for number, each in enumerate(accused)}
    driver = np.array([wanted.get(sites.driver[row], -1) for row in rows.tolist()], np.int64)
    tag = sites.tag_row[rows]
    order = np.lexsort((driver, tag))
    rows, key = rows[order], ((tag.astype(np.int64) << 32) | (driver + 1))[order]
    sums = np.concatenate(([0], np.cumsum(sites.frees[rows])))
    tags = np.array([each.group.tag_row for each in accused], np.int64) << 32
    mine = tags | np.array([wanted[each.group.driver] + 1 for each in accused], np.int64)
    first, last = np.searchsorted(key, mine), np.searchsorted(key, mine, side="right")
    of_driver = sums[last] - sums[first] >= LIFETIMES.fewest_freed
    first = np.where(of_driver, first, np.searchsorted(key, tags))
    last = np.where(of_driver, last, np.searchsorted(key, tags + (1 << 32)))
    lengths = last - first
    at = np.arange(int(lengths.sum())) + np.repeat(first - (np.cumsum(lengths) - lengths), lengths)
    return _Counts(np.repeat(np.arange(len(accused)), lengths), rows[at], sites.frees[rows[at]]), of_driver


@dataclass(frozen=True, slots=True, eq=False)
class _Frames:
    """The frames of some sites. ``frame``, ``module``: by row of the table, numbers of both kinds, -1 for none.

    ``things``: by site one after another, each once; those of site ``i`` from ``bounds[i]`` to the next.
    """

    table: FrameTable
    frame: I64
    module: I64
    names: dict[str, int]
    things: I64
    bounds: I64

    @classmethod
    def of(cls, table: FrameTable) -> _Frames:
        """Numbered, and once for each stack."""
        distinct, frame = np.unique(table.place, return_inverse=True)
        names: dict[str, int] = {}
        first = len(distinct)
        codes = [names.setdefault(_driver_name(each.name), first + len(names)) for each in table.modules]
        module = np.array([*codes, -1], np.int64)[table.module]
        stack = np.repeat(np.arange(len(table.bounds) - 1), np.diff(table.bounds))
        known = module >= 0
        pairs = unique(np.concatenate([(stack << 32) | frame, (stack[known] << 32) | module[known]]))
        bounds = np.searchsorted(pairs >> 32, np.arange(len(table.bounds)))
        return cls(table, frame.astype(np.int64), module, names, pairs & 0xFFFFFFFF, bounds.astype(np.int64))

    def listed(self, modules: I64) -> list[str]:
        """Modules' names as drivers'; empty for none."""
        names, first = [*self.names, ""], min(self.names.values(), default=0)
        return [names[at] for at in np.where(modules >= 0, modules - first, -1).tolist()]

    def code(self, driver: str) -> int:
        """The number of a driver's module."""
        return self.names.get(driver, -1)

    def count(self, counts: _Counts) -> Callable[[I64, I64], I64]:
        """Gives of how many allocations of a group the stacks have a thing."""
        lengths = np.diff(self.bounds)[counts.site]
        at = np.arange(int(lengths.sum())) + np.repeat(
            self.bounds[counts.site] - (np.cumsum(lengths) - lengths), lengths
        )
        keys, place = np.unique((np.repeat(counts.of, lengths) << 32) | self.things[at], return_inverse=True)
        total = np.zeros(len(keys) + 1, np.int64)
        np.add.at(total, place, np.repeat(counts.count, lengths))

        def of(group: I64, thing: I64) -> I64:
            key = (group << 32) | np.maximum(thing, 0)
            where = np.searchsorted(keys, key)
            return np.where(np.append(keys, -1)[where] == key, total[where], 0)

        return of


def _driver_name(name: str) -> str:
    return KERNEL_NAME if KERNEL.match(name) else name


def callers_apart(pool: PoolSnapshot, explained: Mask, frames_of: FramesOf) -> I64:
    """By site: 0, or a number that tells the driver for whom the same code allocates, where its blocks stay.

    Only where that code's blocks are freed that it allocates for others: else all of it is one group. ``explained``: by
    outstanding allocation.
    """
    sites = pool.sites
    found = np.zeros(len(sites.tag_row), np.int64)
    kept = np.bincount(pool.outstanding.site[~explained], minlength=len(found))
    _, code = np.unique(sites.frame, return_inverse=True)
    _, code = np.unique((sites.tag_row.astype(np.int64) << 32) | code, return_inverse=True)
    driver_s = np.fromiter((driver not in {"", KERNEL_NAME} for driver in sites.driver), np.bool_, len(found))
    enough = (_sums(code, kept) >= COURSE.fewest) & (_sums(code, sites.frees) >= LIFETIMES.fewest_freed)
    rows = np.flatnonzero(driver_s & enough[code])
    if not len(rows):
        return found
    caller = _callers(frames_of(sites.stack[rows]), [sites.driver[row] for row in rows.tolist()])
    _, pair = np.unique((code[rows] << 32) | (caller + 1), return_inverse=True)
    stay, gone = _sums(pair, kept[rows]), _sums(pair, sites.frees[rows])
    guilty = (stay >= COURSE.fewest) & (lower_bound(stay, stay + gone) >= PARTS.most) & (stay > 0)
    freed = _sums(code[rows], np.where(guilty[pair], 0, sites.frees[rows]))
    mine = guilty[pair] & (caller >= 0) & (freed[code[rows]] >= LIFETIMES.fewest_freed)
    found[rows[mine]] = caller[mine] + 1
    return found


def _callers(frames: FrameTable, drivers: Sequence[str]) -> I64:
    """By stack: a number for the next driver outwards from the allocating one, a third party's before one of Windows'.

    -1 where no other driver is in the stack.
    """
    names: dict[str, int] = {}
    code = np.array([*(names.setdefault(_driver_name(each.name), len(names)) for each in frames.modules), -1], np.int64)
    module = code[frames.module]
    listed = list(names)
    third = np.array([*(not (is_inbox(name) or is_library(name)) for name in listed), False])[module]
    driver = np.array([*(name != KERNEL_NAME for name in listed), False])[module]
    stack = np.repeat(np.arange(len(drivers)), np.diff(frames.bounds))
    other = driver & (module != np.array([names.get(each, -2) for each in drivers], np.int64)[stack])
    found = np.full(len(drivers), -1, np.int64)
    for which in (other, other & third):
        at = np.flatnonzero(which)
        of, first = np.unique(stack[at], return_index=True)
        found[of] = module[at[first]]
    return found


def _sums(number: I64, values: I64) -> I64:
    total = np.zeros(int(number.max(initial=-1)) + 1, np.int64)
    np.add.at(total, number, values)
    return total
