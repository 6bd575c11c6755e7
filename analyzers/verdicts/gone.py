"""Blocks of unloaded drivers: nobody is left to free them.

A driver that is unloaded has run its unload routine to the end before the image goes, so what it still has then is
leaked; unless others free such blocks on its behalf, which shows in frees of its blocks after it went. A rundown at the
end of a trace is no unload.

What a library allocated for it is as much left behind, where it is enough not to be the library's own book-keeping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from analyzers.findings import Verdict
from analyzers.formatting import counted
from analyzers.image_lives import ALWAYS, Module, Unload
from analyzers.loss_model import LossRate, without_sign
from analyzers.modules import KERNEL, FrameTable, Modules, is_library
from analyzers.policy import COURSE, TOGETHER
from analyzers.pool_tables import PoolSnapshot
from analyzers.trends.survivors import survivors
from analyzers.trends.trend import growths
from analyzers.verdicts.birth_pattern import BirthPattern, Span
from analyzers.verdicts.groups import Group, groups
from analyzers.verdicts.judgement import FrameComparison, Gone, Judgement
from tracer.arrays import I32, Mask, Rows, unique
from tracer.data_classes import dataclass

FramesOf = Callable[[I32], FrameTable]


@dataclass(frozen=True, slots=True, eq=False)
class GoneBlocks:
    """Which outstanding allocations are of a driver that is gone since: ``mask`` by row, ``unload`` by row too.

    ``unload``: index into ``unloads``, -1 for the others.
    """

    mask: Mask
    unload: I32
    unloads: tuple[tuple[Module, Unload], ...]


def blocks_of_gone(pool: PoolSnapshot, modules: Modules, apart: Mask, frames_of: FramesOf) -> GoneBlocks:
    """By the module in which each site allocates, or whose library does, and the time.

    ``apart``: rows that are explained already; ``frames_of``: the frames of many stacks.
    """
    outstanding = pool.outstanding
    clients = _clients(pool, frames_of) if modules.unloaded else {}
    unload = np.full(len(outstanding), -1, np.int32)
    unloads: list[tuple[Module, Unload]] = []
    for module in modules.unloaded:
        if KERNEL.match(module.name):
            continue
        free = ~apart & (unload < 0)
        rows = np.flatnonzero(np.isin(outstanding.site, _sites_of(pool, module)) & free)
        served = [row for row, each in clients.items() if each.is_same(module)]
        for_it = np.flatnonzero(np.isin(outstanding.site, served) & free)
        if len(for_it) >= COURSE.fewest:
            rows = unique(np.concatenate([rows, for_it]))
        times = np.array([each.at_ns for each in module.unloads], np.int64)
        which = np.searchsorted(times, outstanding.time_ns[rows] - TOGETHER.after_unload_ns)
        for number, each in enumerate(module.unloads):
            mine = rows[which == number]
            mine = mine[~_freed_by_others(pool, each)[outstanding.site[mine]]]
            if len(mine):
                unload[mine] = len(unloads)
                unloads.append((module, each))
    return GoneBlocks(unload >= 0, unload, tuple(unloads))


def judge_gone(pool: PoolSnapshot, gone: GoneBlocks, span: Span, reported: float, since_ns: int) -> list[Judgement]:
    """A judgement of each group of such blocks. ``reported``: share of events lost; their frees may be among these."""
    found = list(_groups(pool, gone, since_ns, span.counted_until))
    grown = growths([group.history for group, _, _ in found])
    judged = []
    for (group, module, unload), grows in zip(found, grown, strict=True):
        ages = span.end - pool.outstanding.time_ns[group.rows]
        lived = survivors(group.history.lifetimes, ages)
        rate, count = LossRate(reported), len(group.rows)
        explained = rate.explained(group.allocations, group.unmatched)
        excuse = _excuse(module, group, explained)
        if not excuse:
            explained = rate.possible(group.allocations, group.replaced)
        after = span.end - unload.at_ns
        how = Gone(
            module.name,
            unload,
            at_end=after < max(TOGETHER.unloaded_late * span.length, lived.usual_ns),
            one_lost=not reported and count <= without_sign(pool, group.allocations, count),
        )
        judged.append(
            Judgement(
                group,
                Verdict.UNKNOWN if excuse else Verdict.MISSING_FREE,
                replace(lived, count=count),
                BirthPattern.ENDED,
                grows,
                min(explained, count),
                excuse,
                comparison=None if group.driver == module.name else FrameComparison(None, 0, 0, module.name),
                gone=how,
            )
        )
    return judged


def _excuse(module: Module, group: Group, explained: float) -> str:
    """Why nothing is said of what it left; empty where it leaked. ``explained``: by lost events, at most.

    One that came within the trace had no blocks before, so a free of them without allocation shows an event that is
    damaged or missing: of this very block, as likely as not.
    """
    count = len(group.rows)
    if count <= explained:
        return f"{module.name} was unloaded, but lost events may explain up to {explained:,.0f} of them"
    if module.since_ns != ALWAYS and count <= group.unmatched:
        frees = counted(round(group.unmatched), "free of this tag fits", "frees of this tag fit")
        return f"{module.name} was unloaded, but {frees} no allocation, although it came within the trace"
    return ""


def _groups(
    pool: PoolSnapshot, gone: GoneBlocks, since_ns: int, until_ns: int | None
) -> Iterator[tuple[Group, Module, Unload]]:
    for number, (module, unload) in enumerate(gone.unloads):
        for group in groups(pool, gone.unload != number, since_ns, until_ns=until_ns):
            if not group.callers:
                yield group, module, unload


def _sites_of(pool: PoolSnapshot, module: Module) -> Rows:
    """Sites whose allocating frame is in the image, when it was there."""
    places = pool.sites.frame ^ np.uint64(module.mark_bits)
    inside = (places >= np.uint64(module.base)) & (places < np.uint64(module.end))
    return np.flatnonzero(inside)


def _clients(pool: PoolSnapshot, frames_of: FramesOf) -> dict[int, Module]:
    """By site at which one of Windows' libraries allocates: the image that calls it directly, where one does."""
    sites = pool.sites
    libraries = np.fromiter((is_library(driver) for driver in sites.driver), np.bool_, len(sites.driver))
    rows = np.flatnonzero(libraries & (sites.outstanding_count > 0) & (sites.stack >= 0))
    if not len(rows):
        return {}
    frames = frames_of(sites.stack[rows])
    named = np.array([*(is_library(module.name) for module in frames.modules), False])[frames.module]
    of = np.repeat(np.arange(len(rows)), np.diff(frames.bounds))
    entered = np.flatnonzero(named)
    first = np.full(len(rows), len(of), np.int64)
    np.minimum.at(first, of[entered], entered)
    beyond = np.flatnonzero(~named & (np.arange(len(of)) > first[of]))
    which, at = np.unique(of[beyond], return_index=True)
    module = frames.module[beyond[at]]
    known = module >= 0
    pairs = zip(rows[which[known]].tolist(), module[known].tolist(), strict=True)
    return {row: frames.modules[number] for row, number in pairs}


def _freed_by_others(pool: PoolSnapshot, unload: Unload) -> Mask:
    """By site: whether blocks of its tag and driver were freed after the unload, by whomever; by steps of time."""
    sites, history = pool.sites, pool.history
    step = unload.at_ns // history.step_ns + 1
    late = (sites.last_ns <= unload.at_ns) & (history.frees[:, step:].sum(axis=1) > 0)
    numbers: dict[str, int] = {}
    driver = np.array([numbers.setdefault(each, len(numbers)) for each in sites.driver], np.int64)
    key = (sites.tag_row.astype(np.int64) << 32) | driver
    return np.isin(key, key[late])
