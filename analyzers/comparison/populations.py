"""The outstanding allocations of one trace, grouped by what is compared, with what a test needs of each group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.findings import Accused, Finding
from analyzers.pool_tables import Frame
from analyzers.pooltag import tag_text
from analyzers.processes import lives_at
from analyzers.snapshot import Snapshot
from analyzers.trends.bins import EDGES
from tracer.arrays import I64, U64, Mask

SLICES: Final = 32
"""Equal parts of the time in which survivors were made: how evenly they came tells bursts from chance."""
Key = tuple[str, ...]


class By(StrEnum):
    """What is compared."""

    TAG = "tag"
    DRIVER = "driver"
    SITE = "site"
    PROCESS = "process"
    VERDICT = "verdict"


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What is outstanding of one tag, driver, call site, process or verdict.

    ``count``, ``bytes``: of all. ``kept``: int64 (SLICES), those that have outlived their kind, by when they were made;
    ``kept_bytes``: of these. ``is_short``: the trace is too short to see that some of these have outlived their kind.
    """

    count: int
    bytes: int
    kept: I64
    kept_bytes: int
    is_short: bool = False

    @property
    def survivors(self) -> int:
        """How many have outlived their kind."""
        return int(self.kept.sum())


NO_GROUP: Final = Group(0, 0, np.zeros(SLICES, np.int64), 0)


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """One trace. ``watched_ns``: the time in which survivors could be born; ``allocations``: of all pool, its load.

    ``complete``: nothing was lost or damaged. ``sure``: by verdict and accused, the confidence of its finding.
    ``has_pool``: there are pool events; ``has_stacks``: some of them have a call stack, or there are none.
    ``unnamed``: images that other traces have other builds of, and functions of which have no name:
    their call sites go by the image.
    ``stacks``: by call site, the ids of its call stacks.
    """

    path: str
    duration_ns: int
    watched_ns: int
    allocations: int
    complete: bool
    groups: Mapping[By, Mapping[Key, Group]]
    sure: Mapping[Key, float]
    has_pool: bool = True
    has_stacks: bool = True
    unnamed: frozenset[str] = frozenset()
    stacks: Mapping[Key, tuple[int, ...]] = field(default_factory=dict)


def tag_key(snapshot: Snapshot, row: int) -> Key:
    """A tag of paged or nonpaged pool."""
    tags = snapshot.pool.tags
    return (tag_text(int(tags.tag[row])), "paged" if tags.paged[row] else "nonpaged")


def lifetimes_of(snapshot: Snapshot) -> dict[Key, I64]:
    """By tag: how long those lived that were freed, as in :class:`~analyzers.trends.history.SiteHistory`."""
    pool = snapshot.pool
    found = np.zeros((len(pool.tags.tag), pool.history.lifetimes.shape[1]), np.int64)
    np.add.at(found, pool.sites.tag_row, pool.history.lifetimes)
    return {tag_key(snapshot, row): found[row] for row in range(len(found))}


def longest_lifetimes(traces: Iterable[Snapshot]) -> dict[Key, int]:
    """By tag, nanoseconds within which all that were freed in any of the traces had died: the same for all."""
    both: dict[Key, I64] = {}
    for snapshot in traces:
        for key, lived in lifetimes_of(snapshot).items():
            both[key] = both[key] + lived if key in both else lived
    return {key: _longest(lived) for key, lived in both.items()}


def _longest(lived: I64) -> int:
    bins = np.flatnonzero(lived)
    return int(EDGES[bins[-1] + 1]) if len(bins) else 0


def rebuilt(traces: Sequence[Snapshot]) -> frozenset[str]:
    """Kernel images, in small letters, of which not all traces that have them had the same build."""
    seen: dict[str, list[frozenset[tuple[int, int]]]] = {}
    for snapshot in traces:
        for name, builds in snapshot.names.builds().items():
            seen.setdefault(name, []).append(builds)
    return frozenset(name for name, (first, *others) in seen.items() if not all(_alike(first, each) for each in others))


def _alike(some: frozenset[tuple[int, int]], others: frozenset[tuple[int, int]]) -> bool:
    """Whether any is in both: of one size, and where both have a time stamp, of one."""
    return any(one[0] == other[0] and (one[1] == other[1] or not one[1] * other[1]) for one in some for other in others)


def population(
    snapshot: Snapshot, lifetimes: Mapping[Key, int], other_builds: frozenset[str] = frozenset()
) -> Population:
    """The groups of a trace; ``lifetimes``: see :func:`longest_lifetimes`, ``other_builds``: :func:`rebuilt`."""
    pool, out = snapshot.pool, snapshot.pool.outstanding
    duration = max(snapshot.at_ns, 1)
    tag_keys = [tag_key(snapshot, row) for row in range(len(pool.tags.tag))]
    lived = np.array([lifetimes.get(key, 0) for key in tag_keys], np.int64)
    usual = np.minimum(lived, duration // 2)
    tag_row = pool.sites.tag_row[out.site]
    watched = duration - usual[tag_row]
    kept = out.time_ns < watched
    at = np.clip(out.time_ns * SLICES // np.maximum(watched, 1), 0, SLICES - 1)
    short = kept & (lived > usual)[tag_row]
    lives, life = lives_at(snapshot.names, out.process, out.time_ns)
    site_keys, unnamed = _site_keys(snapshot, tag_keys, other_builds)
    columns: dict[By, tuple[list[Key], npt.NDArray[np.integer]]] = {
        By.TAG: (tag_keys, tag_row),
        By.DRIVER: _drivers(snapshot),
        By.SITE: (site_keys, out.site),
        By.PROCESS: ([(each.name,) for each in lives], life),
    }
    grouped = {by: _grouped(keys, code, out.size, kept, at, short) for by, (keys, code) in columns.items()}
    told = snapshot.diagnosis.findings
    grouped[By.VERDICT] = _by_verdict(told, out.size, kept, at)
    loss = snapshot.loss
    return Population(
        snapshot.info.path,
        duration,
        int(np.median(watched)) if len(watched) else duration,
        pool.totals.allocations,
        not (loss.events_lost or loss.buffers_lost or loss.gaps or loss.inferred or snapshot.damage),
        grouped,
        {verdict_key(each): each.confidence for each in reversed(told)},
        pool.totals.events > 0,
        not len(pool.sites.stack) or bool((pool.sites.stack >= 0).any()),
        unnamed,
        _stacks_of(site_keys, pool.sites.stack.tolist()),
    )


def _stacks_of(keys: Sequence[Key], stacks: Sequence[int]) -> dict[Key, tuple[int, ...]]:
    found: dict[Key, list[int]] = {}
    for key, stack in zip(keys, stacks, strict=True):
        found.setdefault(key, []).append(stack)
    return {key: tuple(each) for key, each in found.items()}


def _drivers(snapshot: Snapshot) -> tuple[list[Key], npt.NDArray[np.integer]]:
    """Who allocated, by its stack; of what a finding is about, the driver that it accuses."""
    told = [each for each in snapshot.diagnosis.findings if each.accused is Accused.DRIVER and each.driver]
    keys: list[Key] = [(name,) for name in snapshot.pool.sites.driver]
    code = snapshot.pool.outstanding.site.astype(np.int64)
    for finding in reversed(told):
        code[finding.rows] = len(keys)
        keys.append((finding.driver,))
    return keys, code


def _grouped(
    keys: list[Key], code: npt.NDArray[np.integer], size: U64, kept: Mask, at: I64, short: Mask
) -> dict[Key, Group]:
    """Sums by key; several codes may have one."""
    number = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    group = np.array([number[key] for key in keys], np.int64)[code] if len(keys) else np.zeros(0, np.int64)
    sizes = size.astype(np.int64)
    count = np.bincount(group, minlength=len(number))
    held, held_kept = np.zeros(len(number), np.int64), np.zeros(len(number), np.int64)
    np.add.at(held, group, sizes)
    np.add.at(held_kept, group[kept], sizes[kept])
    births = np.zeros((len(number), SLICES), np.int64)
    np.add.at(births, (group[kept], at[kept]), 1)
    is_short = np.bincount(group[short], minlength=len(number)) > 0
    return {
        key: Group(int(count[n]), int(held[n]), births[n], int(held_kept[n]), bool(is_short[n]))
        for key, n in number.items()
        if count[n]
    }


def _by_verdict(told: tuple[Finding, ...], size: U64, kept: Mask, at: I64) -> dict[Key, Group]:
    found: dict[Key, Group] = {}
    for finding in told:
        rows = finding.rows
        births = np.bincount(at[rows[kept[rows]]], minlength=SLICES)
        mine = Group(finding.count, finding.bytes, births, int(size[rows[kept[rows]]].sum(dtype=np.uint64)))
        found.setdefault(verdict_key(finding), mine)
    return found


def verdict_key(finding: Finding) -> Key:
    """A verdict and whom it accuses."""
    culprit = finding.process if finding.accused is Accused.PROCESS else finding.driver
    return (str(finding.verdict), culprit or finding.process or finding.driver)


def _site_keys(
    snapshot: Snapshot, tag_keys: list[Key], other_builds: frozenset[str]
) -> tuple[list[Key], frozenset[str]]:
    """By site its tag and the frames of its stack: functions where they have names, so that two builds compare.

    Else offsets; of images with other builds the image alone. And which images these are.
    """
    sites, unnamed = snapshot.pool.sites, set[str]()

    def name(frame: Frame) -> str:
        if frame.symbol is not None or frame.module.lower() not in other_builds:
            return frame.name
        unnamed.add(frame.module)
        return frame.module

    stacks = {stack: tuple(map(name, snapshot.names.frames(stack))) for stack in np.unique(sites.stack).tolist()}
    rows = zip(sites.tag_row.tolist(), sites.stack.tolist(), strict=True)
    return [(*tag_keys[tag], *stacks[stack]) for tag, stack in rows], frozenset(unnamed)
