"""Frees that come before their allocation: what the ledger notes so that clocks that differ between CPUs are found.

A CPU whose clock is behind stamps its events too early. A block that is allocated on another CPU and soon freed on
that one then has a free without allocation, and after it an allocation that is never freed. One such pair says
nothing: memory from before the trace is freed, and its address is handed out again. :mod:`analyzers.clocks` judges
all of them together.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analyzers.hashing import fingerprint
from tracer.arrays import I32, I64, Structured
from tracer.jit import Int, inlined

REACH_NS: Final = 1_000_000_000
"""Clocks of one machine that differ by more than a second would be seen by everybody who uses it."""
CPUS: Final = 256
"""CPUs whose clocks are compared."""
NEVER: Final = int(np.iinfo(np.int64).max)
_FREED_ROWS: Final = 1 << 11
_REVERSED_ROWS: Final = 1 << 14
_PLACES: Final = 1 << 12
REPLACED: Final = -1
"""In place of a pair's slot: its allocation was never freed, and its address handed out again."""

FREED: Final = np.dtype([("address", "<u8"), ("time", "<i8"), ("tag", "<u4"), ("cpu", "<u4")])
"""A free without allocation, found again by its address; 24 bytes, so that all of them stay in a core's cache."""
REVERSED: Final = np.dtype([("time", "<i8"), ("early", "<i8"), ("slot", "<i4"), ("cpu", "<u2"), ("free_cpu", "<u2")])
"""An allocation of an address and tag that another CPU had freed ``early`` nanoseconds before, without allocation."""


class ReversedPairs(NamedTuple):
    """``freed``: the latest frees without allocation, by address. ``rows``: the latest pairs, a ring.

    ``key_index``: by slot, where its latest pair is in it.
    ``least`` (CPU of the allocation, CPU of the free): the shortest lifetime in nanoseconds, :data:`NEVER` for none.
    """

    freed: Structured
    rows: Structured
    key_index: I32
    least: I64


def no_pairs() -> ReversedPairs:
    """Room for pairs, and none of them."""
    return ReversedPairs(
        np.zeros(_FREED_ROWS, FREED), np.zeros(_REVERSED_ROWS, REVERSED), np.zeros(_PLACES, np.int32),
        np.full((CPUS, CPUS), NEVER),
    )  # fmt: skip


@inlined
def note_unmatched(pairs: ReversedPairs, address: np.uint64, time: np.int64, tag: np.uint32, cpu: np.uint16) -> None:
    """A free without allocation."""
    row = pairs.freed[np.int64(fingerprint(address)) & (pairs.freed.shape[0] - 1)]
    row["address"] = address
    row["time"] = time
    row["tag"] = tag
    row["cpu"] = cpu


@inlined
def note_allocated(
    pairs: ReversedPairs, count: Int, address: np.uint64, time: np.int64, tag: np.uint32, cpu: np.uint16, slot: Int
) -> Int:
    """An allocation; gives 1 where another CPU had freed its address shortly before, else 0."""
    row = pairs.freed[np.int64(fingerprint(address)) & (pairs.freed.shape[0] - 1)]
    if row["address"] != address:
        return 0
    row["address"] = 0
    early = time - row["time"]
    if row["cpu"] == cpu or row["tag"] != tag or early > REACH_NS or max(np.int64(cpu), np.int64(row["cpu"])) >= CPUS:
        return 0
    place = count & (pairs.rows.shape[0] - 1)
    pair = pairs.rows[place]
    pair["time"] = time
    pair["early"] = early
    pair["slot"] = slot
    pair["cpu"] = cpu
    pair["free_cpu"] = row["cpu"]
    pairs.key_index[slot & (pairs.key_index.shape[0] - 1)] = place
    return 1


@inlined
def note_replaced(pairs: ReversedPairs, time: np.int64, slot: Int) -> None:
    """An allocation, of that time, whose address is handed out again although no free was seen."""
    pair = pairs.rows[pairs.key_index[slot & (pairs.key_index.shape[0] - 1)]]
    if pair["slot"] == slot and pair["time"] == time:
        pair["slot"] = REPLACED


@inlined
def note_matched(pairs: ReversedPairs, cpu: np.uint16, free_cpu: np.uint16, lifetime: np.int64) -> None:
    """A free that was matched, on whatever CPU: a branch on that would be guessed wrong too often."""
    if max(cpu, free_cpu) < CPUS and lifetime < pairs.least[cpu, free_cpu]:
        pairs.least[cpu, free_cpu] = lifetime
