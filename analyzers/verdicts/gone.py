"""Blocks of drivers that are gone: nobody is left to free them, however few they are and however short the trace is.

A driver that is unloaded has run its unload routine to the end before the image goes, so what it still has then is
leaked; unless others free such blocks on its behalf, which shows in frees of its blocks after it went. A rundown at the
end of a trace is no unload.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.findings import Verdict
from analyzers.image_lives import Module, Unload
from analyzers.lost import LossRate
from analyzers.modules import KERNEL, Modules
from analyzers.pool_tables import PoolSnapshot
from analyzers.trends.trend import growths
from analyzers.verdicts.course import Course, Span
from analyzers.verdicts.groups import Group, groups
from analyzers.verdicts.judgement import Gone, Judgement
from analyzers.verdicts.survivors import survivors

Mask = npt.NDArray[np.bool_]

_SHORT: Final = 0.005
"""Share of the trace after an unload that is too short to see others free what it left."""


@dataclass(frozen=True, slots=True, eq=False)
class GoneBlocks:
    """Which outstanding allocations are of a driver that is gone since: ``mask`` by row, ``unload`` by row too.

    ``unload``: index into ``unloads``, -1 for the others.
    """

    mask: Mask
    unload: npt.NDArray[np.int32]
    unloads: tuple[tuple[Module, Unload], ...]


def blocks_of_gone(pool: PoolSnapshot, modules: Modules, apart: Mask) -> GoneBlocks:
    """By the module in which each site allocates, and the time; ``apart``: rows that are explained already."""
    outstanding = pool.outstanding
    unload = np.full(len(outstanding), -1, np.int32)
    unloads: list[tuple[Module, Unload]] = []
    for module in modules.unloaded:
        its = _sites_of(pool, module)
        if not len(its) or KERNEL.match(module.name):
            continue
        rows = np.flatnonzero(np.isin(outstanding.site, its) & ~apart & (unload < 0))
        times = np.array([each.at_ns for each in module.unloads], np.int64)
        which = np.searchsorted(times, outstanding.time_ns[rows])
        for number, each in enumerate(module.unloads):
            mine = rows[which == number]
            mine = mine[~_freed_by_others(pool, each)[outstanding.site[mine]]]
            if len(mine):
                unload[mine] = len(unloads)
                unloads.append((module, each))
    return GoneBlocks(unload >= 0, unload, tuple(unloads))


def judge_gone(pool: PoolSnapshot, gone: GoneBlocks, span: Span, told: float, since_ns: int) -> list[Judgement]:
    """A judgement of each group of such blocks. ``told``: share of events lost; their frees may be among these."""
    found = list(_groups(pool, gone, since_ns))
    grown = growths([group.history for group, _, _ in found])
    judged = []
    for (group, module, unload), grows in zip(found, grown, strict=True):
        ages = span.end - pool.outstanding.time_ns[group.rows]
        lived = survivors(group.history.lifetimes, ages)
        explained = LossRate(told).explained(group.allocations, group.strays)
        count = len(group.rows)
        is_told = count > explained
        after = span.end - unload.at_ns
        how = Gone(module.name, unload, at_end=after < max(_SHORT * span.length, lived.usual_ns))
        judged.append(
            Judgement(
                group,
                Verdict.MISSING_FREE if is_told else Verdict.UNKNOWN,
                replace(lived, count=count),
                Course.ENDED,
                grows,
                min(explained, count),
                ""
                if is_told
                else f"{module.name} was unloaded, and lost events explain up to {explained:,.0f} of them",
                gone=how,
            )
        )
    return judged


def _groups(pool: PoolSnapshot, gone: GoneBlocks, since_ns: int) -> Iterator[tuple[Group, Module, Unload]]:
    for number, (module, unload) in enumerate(gone.unloads):
        for group in groups(pool, gone.unload != number, since_ns):
            if not group.callers:
                yield group, module, unload


def _sites_of(pool: PoolSnapshot, module: Module) -> npt.NDArray[np.intp]:
    """Sites whose allocating frame is in the image, when it was there."""
    places = pool.sites.frame ^ np.uint64(module.mark_bits)
    inside = (places >= np.uint64(module.base)) & (places < np.uint64(module.end))
    return np.flatnonzero(inside)


def _freed_by_others(pool: PoolSnapshot, unload: Unload) -> Mask:
    """By site: whether blocks of its tag and driver were freed after the unload, by whomever; by steps of time."""
    sites, history = pool.sites, pool.history
    step = unload.at_ns // history.step_ns + 1
    late = (sites.last_ns <= unload.at_ns) & (history.frees[:, step:].sum(axis=1) > 0)
    numbers: dict[str, int] = {}
    driver = np.array([numbers.setdefault(each, len(numbers)) for each in sites.driver], np.int64)
    key = (sites.tag_row.astype(np.int64) << 32) | driver
    return np.isin(key, key[late])
