"""The outstanding allocations of one trace, grouped by what is compared, with what a test needs of each group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.findings import Accused, Finding
from analyzers.pooltag import tag_text
from analyzers.processes import lives_at
from analyzers.snapshot import Snapshot
from analyzers.trends.bins import EDGES
from tracer.arrays import I64, U64, Mask, unique
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
    ``kept_bytes``: of these.
    """

    count: int
    bytes: int
    kept: I64
    kept_bytes: int

    @property
    def survivors(self) -> int:
        """How many have outlived their kind."""
        return int(self.kept.sum())


NO_GROUP: Final = Group(0, 0, np.zeros(SLICES, np.int64), 0)


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """One trace. ``watched_ns``: the time in which survivors could be born; ``allocations``: of all pool, its load.

    ``complete``: nothing was lost. ``sure``: by verdict and accused, the confidence of its finding.
    """

    path: str
    duration_ns: int
    watched_ns: int
    allocations: int
    complete: bool
    groups: Mapping[By, Mapping[Key, Group]]
    sure: Mapping[Key, float]


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


def longest_lifetimes(traces: Iterator[Snapshot] | list[Snapshot]) -> dict[Key, int]:
    """By tag, nanoseconds within which all that were freed in any of the traces had died: the same for all."""
    both: dict[Key, I64] = {}
    for snapshot in traces:
        for key, lived in lifetimes_of(snapshot).items():
            both[key] = both[key] + lived if key in both else lived
    return {key: _longest(lived) for key, lived in both.items()}


def _longest(lived: I64) -> int:
    bins = np.flatnonzero(lived)
    return int(EDGES[bins[-1] + 1]) if len(bins) else 0


def population(snapshot: Snapshot, lifetimes: Mapping[Key, int]) -> Population:
    """The groups of a trace; ``lifetimes``: see :func:`longest_lifetimes`."""
    pool, out = snapshot.pool, snapshot.pool.outstanding
    duration = max(snapshot.at_ns, 1)
    tag_keys = [tag_key(snapshot, row) for row in range(len(pool.tags.tag))]
    usual = np.array([min(lifetimes.get(key, 0), duration // 2) for key in tag_keys], np.int64)
    tag_row = pool.sites.tag_row[out.site]
    watched = duration - usual[tag_row]
    kept = out.time_ns < watched
    at = np.clip(out.time_ns * SLICES // np.maximum(watched, 1), 0, SLICES - 1)
    lives, life = lives_at(snapshot.names, out.process, out.time_ns)
    columns: dict[By, tuple[list[Key], npt.NDArray[np.integer]]] = {
        By.TAG: (tag_keys, tag_row),
        By.DRIVER: _drivers(snapshot),
        By.SITE: (_site_keys(snapshot, tag_keys), out.site),
        By.PROCESS: ([(each.name,) for each in lives], life),
    }
    grouped = {by: _grouped(keys, code, out.size, kept, at) for by, (keys, code) in columns.items()}
    told = snapshot.diagnosis.findings
    grouped[By.VERDICT] = _by_verdict(told, out.size, kept, at)
    loss = snapshot.loss
    return Population(
        snapshot.info.path,
        duration,
        int(np.median(watched)) if len(watched) else duration,
        pool.totals.allocations,
        not (loss.events_lost or loss.buffers_lost or loss.gaps or loss.inferred),
        grouped,
        {_verdict_key(each): each.confidence for each in reversed(told)},
    )


def _drivers(snapshot: Snapshot) -> tuple[list[Key], npt.NDArray[np.integer]]:
    """Who allocated, by its stack; of what a finding is about, the driver that it accuses."""
    told = [each for each in snapshot.diagnosis.findings if each.accused is Accused.DRIVER and each.driver]
    keys: list[Key] = [(name,) for name in snapshot.pool.sites.driver]
    code = snapshot.pool.outstanding.site.astype(np.int64)
    for finding in reversed(told):
        code[finding.rows] = len(keys)
        keys.append((finding.driver,))
    return keys, code


def _grouped(keys: list[Key], code: npt.NDArray[np.integer], size: U64, kept: Mask, at: I64) -> dict[Key, Group]:
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
    return {
        key: Group(int(count[n]), int(held[n]), births[n], int(held_kept[n])) for key, n in number.items() if count[n]
    }


def _by_verdict(told: tuple[Finding, ...], size: U64, kept: Mask, at: I64) -> dict[Key, Group]:
    found: dict[Key, Group] = {}
    for finding in told:
        rows = finding.rows
        births = np.bincount(at[rows[kept[rows]]], minlength=SLICES)
        mine = Group(finding.count, finding.bytes, births, int(size[rows[kept[rows]]].sum(dtype=np.uint64)))
        found.setdefault(_verdict_key(finding), mine)
    return found


def _verdict_key(finding: Finding) -> Key:
    culprit = finding.process if finding.accused is Accused.PROCESS else finding.driver
    return (str(finding.verdict), culprit or finding.process or finding.driver)


def _site_keys(snapshot: Snapshot, tag_keys: list[Key]) -> list[Key]:
    """A tag and the frames of a stack: functions where they have names, so that two builds compare, else offsets."""
    sites = snapshot.pool.sites
    stacks: dict[int, Key] = {}
    for stack in unique(sites.stack).tolist():
        stacks[stack] = tuple(frame.name for frame in snapshot.names.frames(stack))
    rows = zip(sites.tag_row.tolist(), sites.stack.tolist(), strict=True)
    return [(*tag_keys[tag], *stacks[stack]) for tag, stack in rows]
