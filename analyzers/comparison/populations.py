"""The outstanding allocations of one trace, grouped by what is compared, with what a test needs of each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.comparison.lifetimes import NEVER_FREED, Lifetimes, tag_key
from analyzers.drain import Drain
from analyzers.findings import Accused, Finding
from analyzers.pool_tables import Frame
from analyzers.processes import lives_at
from analyzers.snapshot import Snapshot
from tracer.arrays import F64, I64, U64, Mask, unique
from tracer.data_classes import dataclass

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
    ``kept_bytes``: of these. ``watched``: part of the trace's time in which such could be born. ``mortal``: how many of
    these will be freed all the same, on average: the trace is too short to tell them apart.
    """

    count: int
    bytes: int
    kept: I64
    kept_bytes: int
    watched: float = 1.0
    mortal: float = 0.0

    @property
    def survivors(self) -> int:
        """How many have outlived their kind."""
        return int(self.kept.sum())


NO_GROUP: Final = Group(0, 0, np.zeros(SLICES, np.int64), 0)


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """One trace. ``duration_ns``: of its load, up to a drain. ``allocations``: of all pool in that time.

    ``complete``: nothing was lost or damaged. ``sure``: by verdict and accused, the confidence of its finding.
    ``has_pool``: there are pool events; ``has_stacks``: some of them have a call stack, or there are none.
    ``unnamed``: images that other traces have other builds of, and functions of which have no name:
    their call sites go by the image.
    ``stacks``: by call site, the ids of its call stacks.
    """

    path: str
    duration_ns: int
    allocations: int
    complete: bool
    groups: Mapping[By, Mapping[Key, Group]]
    sure: Mapping[Key, float]
    has_pool: bool = True
    has_stacks: bool = True
    unnamed: frozenset[str] = frozenset()
    stacks: Mapping[Key, tuple[int, ...]] = field(default_factory=dict)


def population(
    snapshot: Snapshot, lifetimes: Mapping[Key, Lifetimes], other_builds: frozenset[str] = frozenset()
) -> Population:
    """The groups of a trace; ``lifetimes``: by tag, of all traces; ``other_builds``: images that differ in another."""
    pool, out = snapshot.pool, snapshot.pool.outstanding
    duration = max(snapshot.at_ns, 1)
    drain = None if snapshot.coverage is None else snapshot.coverage.drain
    loaded = duration if drain is None else max(drain.from_ns, 1)
    tag_keys = [tag_key(snapshot, row) for row in range(len(pool.tags.tag))]
    lived = [lifetimes.get(key, NEVER_FREED) for key in tag_keys]
    births = np.array([min(duration - min(each.longest, duration // 2), loaded) for each in lived], np.int64)
    tag_row = pool.sites.tag_row[out.site]
    watched = births[tag_row]
    kept = out.time_ns < watched
    at = np.clip(out.time_ns * SLICES // np.maximum(watched, 1), 0, SLICES - 1)
    ages = (duration - births).tolist()
    mortal = np.array([each.still_there(age, duration) for each, age in zip(lived, ages, strict=True)])
    mortal /= np.maximum(np.bincount(tag_row[kept], minlength=len(mortal)), 1)
    rows = _Rows(out.size, kept, at, watched / loaded, np.minimum(mortal, 1.0)[tag_row])
    lives, life = lives_at(snapshot.names, out.process, out.time_ns)
    site_keys, unnamed = _site_keys(snapshot, tag_keys, other_builds)
    columns: dict[By, tuple[list[Key], npt.NDArray[np.integer]]] = {
        By.TAG: (tag_keys, tag_row),
        By.DRIVER: _drivers(snapshot),
        By.SITE: (site_keys, out.site),
        By.PROCESS: ([(each.name,) for each in lives], life),
    }
    grouped = {by: _grouped(keys, code, rows) for by, (keys, code) in columns.items()}
    told = snapshot.diagnosis.findings
    grouped[By.VERDICT] = _by_verdict(told, rows)
    loss = snapshot.loss
    return Population(
        snapshot.info.path,
        loaded,
        _allocations(snapshot, drain),
        not (loss.is_lossy or snapshot.damage),
        grouped,
        {verdict_key(each): each.confidence for each in reversed(told)},
        pool.totals.events > 0,
        not len(pool.sites.stack) or bool((pool.sites.stack >= 0).any()),
        unnamed,
        _stacks_of(site_keys, pool.sites.stack.tolist()),
    )


def _allocations(snapshot: Snapshot, drain: Drain | None) -> int:
    """How many were made before the drain, in whole steps of the history."""
    if drain is None:
        return snapshot.pool.totals.allocations
    return int(snapshot.pool.history.allocations[:, : drain.step].sum(dtype=np.int64))


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


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """By outstanding allocation: what :class:`Group` has the sums of. ``at``: the slice in which it was made."""

    size: U64
    kept: Mask
    at: I64
    watched: F64
    mortal: F64


def _grouped(keys: list[Key], code: npt.NDArray[np.integer], rows: _Rows) -> dict[Key, Group]:
    """Sums by key; several codes may have one."""
    number = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    group = np.array([number[key] for key in keys], np.int64)[code] if len(keys) else np.zeros(0, np.int64)
    sizes, kept, many = rows.size.astype(np.int64), rows.kept, len(number)
    count = np.bincount(group, minlength=many)
    held, held_kept = np.zeros(many, np.int64), np.zeros(many, np.int64)
    np.add.at(held, group, sizes)
    np.add.at(held_kept, group[kept], sizes[kept])
    births = np.zeros((many, SLICES), np.int64)
    np.add.at(births, (group[kept], rows.at[kept]), 1)
    watched = np.bincount(group, rows.watched, many) / np.maximum(count, 1)
    mortal = np.bincount(group[kept], rows.mortal[kept], many)
    return {
        key: Group(int(count[n]), int(held[n]), births[n], int(held_kept[n]), float(watched[n]), float(mortal[n]))
        for key, n in number.items()
        if count[n]
    }


def _by_verdict(told: tuple[Finding, ...], rows: _Rows) -> dict[Key, Group]:
    found: dict[Key, Group] = {}
    for finding in told:
        kept = finding.rows[rows.kept[finding.rows]]
        births = np.bincount(rows.at[kept], minlength=SLICES)
        kept_bytes = int(rows.size[kept].sum(dtype=np.uint64))
        watched = float(rows.watched[finding.rows].mean()) if len(finding.rows) else 1.0
        mine = Group(finding.count, finding.bytes, births, kept_bytes, watched)
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

    stacks = {stack: tuple(map(name, snapshot.names.frames(stack))) for stack in unique(sites.stack).tolist()}
    rows = zip(sites.tag_row.tolist(), sites.stack.tolist(), strict=True)
    return [(*tag_keys[tag], *stacks[stack]) for tag, stack in rows], frozenset(unnamed)
