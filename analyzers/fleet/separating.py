"""Which version of a driver tells the machines that leak from those that do not.

For each version of each driver there are four numbers: machines with it and without it, and how many of either leak.
Fisher's exact test says how likely such numbers are where the version has nothing to do with it (Fisher 1922); the
chance is multiplied by the number of versions and leaks that are tested (Bonferroni 1936). How much more often machines
with the version leak comes with Newcombe's interval of a difference of two shares (Newcombe 1998, method 10), made of
Wilson's of each (Wilson 1927).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from analyzers.fleet.rows import DriverVersion, TraceRow
from analyzers.modules import KERNEL_FILE, KERNEL_NAME
from analyzers.policy import FLEET
from tracer.arrays import F64, I64, Mask
from tracer.data_classes import dataclass

_Z: Final = 1.959964
"""Of a 95 % interval."""
_AT_ONCE: Final = 512
"""Versions whose machines are counted together: bounds the memory."""


@dataclass(frozen=True, slots=True)
class Leak:
    """What is tested: the same leak may be at another offset in another version, so that the place is not part of it.

    ``traces``: rows of the traces in which it was found. ``driver``: the one that it names, empty for none.
    """

    driver: str
    traces: I64


@dataclass(frozen=True, slots=True)
class Separation:
    """``with_leak`` of ``machines_with`` leak, and ``without_leak`` of ``machines_without``.

    ``difference``: of the two shares, with its 95 % interval. ``chance``: that some version of the fleet would separate
    so well by chance. ``also``: versions that exactly the same traces have: nothing tells them from this one.
    """

    driver: str
    version: str
    with_leak: int
    machines_with: int
    without_leak: int
    machines_without: int
    difference: float
    interval: tuple[float, float]
    chance: float
    also: tuple[DriverVersion, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """By column of versions (int64 each), what :class:`Separation` says; ``columns``: rows of the drivers' list."""

    columns: I64
    with_leak: I64
    machines_with: I64
    without_leak: I64
    machines_without: I64


def separations(traces: Sequence[TraceRow], leaks: Sequence[Leak]) -> list[Separation | None]:
    """For each leak the version that separates best, ``None`` where none does; of its own driver, if one of it does.

    Looked at are traces that were judged and tell their drivers; where the leak names a driver that some machine has,
    those that have it. A machine of which several traces differ counts on both sides.
    """
    judged = np.array([each.judged and bool(each.drivers) for each in traces], np.bool_)
    versions = sorted(
        {driver for each, is_judged in zip(traces, judged, strict=True) if is_judged for driver in each.drivers}
    )
    number = {driver: column for column, driver in enumerate(versions)}
    has = np.zeros((len(traces), len(versions)), np.bool_)
    for row in np.flatnonzero(judged).tolist():
        has[row, [number[driver] for driver in traces[row].drivers]] = True
    codes = {name: code for code, name in enumerate(dict.fromkeys(each.machine for each in traces))}
    machine = np.array([codes[each.machine] for each in traces], np.int64)
    by_name: dict[str, list[int]] = {}
    for driver, column in number.items():
        by_name.setdefault(KERNEL_NAME if KERNEL_FILE.match(driver.name) else driver.name, []).append(column)
    counted = [_counted(each, judged, has, machine, by_name) for each in leaks]
    tests = sum(len(each.columns) for each in counted)
    return [
        _best(leak, counts, tests, has, versions, _population(by_name.get(leak.driver, []), judged, has), by_name)
        for leak, counts in zip(leaks, counted, strict=True)
    ]


def _population(own: Sequence[int], judged: Mask, has: Mask) -> Mask:
    """Which traces are looked at; ``own``: the columns of the leak's driver."""
    return judged & has[:, own].any(axis=1) if own else judged


def _counted(leak: Leak, judged: Mask, has: Mask, machine: I64, by_name: Mapping[str, list[int]]) -> _Counts:
    """The numbers of each version that some of these traces have and some not; alike ones count as one."""
    own = by_name.get(leak.driver, [])
    rows = np.flatnonzero(_population(own, judged, has))
    rows = rows[np.argsort(machine[rows], kind="stable")]
    empty = np.zeros(0, np.int64)
    if not len(rows):
        return _Counts(empty, empty, empty, empty, empty)
    first = np.flatnonzero(np.diff(machine[rows], prepend=-1))
    leaks = np.isin(rows, leak.traces)[:, None]
    order = np.array(sorted(range(has.shape[1]), key=lambda column: (column not in own, column)), np.int64)
    some = np.asarray(has[rows].any(axis=0) & ~has[rows].all(axis=0))
    columns = _distinct(has[rows], order[some[order]])
    found: list[list[I64]] = [[], [], [], []]
    for begin in range(0, len(columns), _AT_ONCE):
        part = has[np.ix_(rows, columns[begin : begin + _AT_ONCE])]
        for sums, each in zip(found, (part & leaks, part, ~part & leaks, ~part), strict=True):
            sums.append(np.logical_or.reduceat(each, first, axis=0).sum(axis=0))
    numbers = [np.concatenate([empty, *sums]).astype(np.int64) for sums in found]
    return _Counts(columns, *numbers)


def _distinct(has: Mask, columns: I64) -> I64:
    """The first of those that the same traces have."""
    packed = np.packbits(has, axis=0)
    seen: dict[bytes, int] = {}
    for column in columns.tolist():
        seen.setdefault(packed[:, column].tobytes(), column)
    return np.array(list(seen.values()), np.int64)


def _best(
    leak: Leak,
    counts: _Counts,
    tests: int,
    has: Mask,
    versions: Sequence[DriverVersion],
    looked_at: Mask,
    by_name: Mapping[str, list[int]],
) -> Separation | None:
    """The version of the leak's own driver that separates best, else of any; ``tests``: how many there are in all."""
    numbers = (counts.with_leak, counts.machines_with, counts.without_leak, counts.machines_without)
    difference, low, high = difference_of_shares(*numbers)
    own = set(by_name.get(leak.driver, []))
    chance = {
        at: min(1.0, fisher(*(int(column[at]) for column in numbers)) * tests)
        for at in np.flatnonzero(low >= FLEET.least).tolist()
    }
    sure = [at for at in chance if chance[at] < FLEET.chance]
    if not sure:
        return None
    best = max(sure, key=lambda at: (int(counts.columns[at]) in own, float(low[at])))
    column = int(counts.columns[best])
    alike = (has[looked_at] == has[looked_at][:, [column]]).all(axis=0)
    return Separation(
        driver=versions[column].name,
        version=versions[column].version,
        with_leak=int(counts.with_leak[best]),
        machines_with=int(counts.machines_with[best]),
        without_leak=int(counts.without_leak[best]),
        machines_without=int(counts.machines_without[best]),
        difference=float(difference[best]),
        interval=(float(low[best]), float(high[best])),
        chance=chance[best],
        also=tuple(versions[at] for at in np.flatnonzero(alike).tolist() if at != column),
    )


def difference_of_shares(part: I64, whole: I64, other_part: I64, other_whole: I64) -> tuple[F64, F64, F64]:
    """By how much the first share is larger, and Newcombe's 95 % interval of that; no whole is 0."""
    share, other = part / whole, other_part / other_whole
    low, high = wilson(share, whole)
    other_low, other_high = wilson(other, other_whole)
    difference = share - other
    below = np.sqrt((share - low) ** 2 + (other_high - other) ** 2)
    above = np.sqrt((high - share) ** 2 + (other - other_low) ** 2)
    return difference, difference - below, difference + above


def wilson(share: F64, whole: I64) -> tuple[F64, F64]:
    """Both ends of Wilson's 95 % interval of shares of so many."""
    middle = share + _Z * _Z / (2 * whole)
    half = _Z * np.sqrt(share * (1 - share) / whole + _Z * _Z / (4 * whole * whole))
    scale = 1 + _Z * _Z / whole
    return (middle - half) / scale, (middle + half) / scale


def fisher(part: int, whole: int, other_part: int, other_whole: int) -> float:
    """The chance of these numbers, or of less likely ones with the same sums, where both shares are one (two-sided)."""
    marked, total = part + other_part, whole + other_whole
    lowest, highest = max(0, marked - other_whole), min(marked, whole)
    ways = np.array([_log_ways(whole, k) + _log_ways(other_whole, marked - k) for k in range(lowest, highest + 1)])
    chances = np.exp(ways - _log_ways(total, marked))
    here = chances[part - lowest]
    return min(1.0, float(chances[chances <= here * (1 + 1e-7)].sum()))


def _log_ways(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
