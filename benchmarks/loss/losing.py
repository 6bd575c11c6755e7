"""Ways in which a session loses events; each marks records of a simulated trace as lost."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from enum import Enum
from typing import Final

from benchmarks.accuracy.spoilings import Spoiling
from fixtures.etl.records import Record
from tracer.events.pool import ALLOC, FREE, FREE_SESSION

_POOL: Final = ALLOC >> 8
_STACK: Final = 0x18
_FREES: Final = frozenset({FREE, FREE_SESSION})
_IN_A_ROW: Final = 30
_IN_A_BURST: Final = 250
"""Records of one CPU: about what a buffer of 16 KiB holds."""
SHARES: Final = (0.0001, 0.001, 0.01, 0.05, 0.2, 0.5)
"""From one event in ten thousand to every second one."""


def _with_stack(records: list[Record], exposed: Callable[[Record], bool], share: float, rng: random.Random) -> set[int]:
    """One by one, each with the stacks that were logged right after it."""
    lost = set[int]()
    follows = False
    for at, record in enumerate(records):
        follows = follows and record.hook >> 8 == _STACK
        if not follows:
            follows = exposed(record) and rng.random() < share
        if follows:
            lost.add(at)
    return lost


def _frees(records: list[Record], share: float, rng: random.Random) -> set[int]:
    return _with_stack(records, lambda record: record.hook in _FREES, share, rng)


def _pool(records: list[Record], share: float, rng: random.Random) -> set[int]:
    return _with_stack(records, lambda record: record.hook >> 8 == _POOL, share, rng)


def _runs(records: list[Record], share: float, rng: random.Random) -> set[int]:
    starts = (at for at in range(len(records)) if rng.random() < share / _IN_A_ROW)
    return {at for start in starts for at in range(start, start + _IN_A_ROW)}


def _bursts(records: list[Record], share: float, rng: random.Random) -> set[int]:
    """Records of one CPU in a row."""
    by_cpu: dict[int, list[int]] = {}
    for at, record in enumerate(records):
        by_cpu.setdefault(record.cpu, []).append(at)
    lost = set[int]()
    for mine in by_cpu.values():
        for start in (at for at in range(len(mine)) if rng.random() < share / _IN_A_BURST):
            lost.update(mine[start : start + _IN_A_BURST])
    return lost


def _none(_records: list[Record], _share: float, _rng: random.Random) -> set[int]:
    return set()


class Way(Enum):
    """What is lost, how the session tells it, and which records these are."""

    FREES = "frees, one by one, untold", Spoiling.SILENT_LOSS, _frees
    FREES_TOLD = "frees, one by one, counted", Spoiling.LOST_EVENTS, _frees
    POOL = "pool events, one by one, untold", Spoiling.SILENT_LOSS, _pool
    POOL_TOLD = "pool events, one by one, counted", Spoiling.LOST_EVENTS, _pool
    RUNS = "30 records in a row, untold", Spoiling.SILENT_LOSS, _runs
    RUNS_TOLD = "30 records in a row, counted", Spoiling.LOST_EVENTS, _runs
    BURSTS = "250 records of one CPU, untold", Spoiling.SILENT_LOSS, _bursts
    BURSTS_TOLD = "250 records of one CPU, counted", Spoiling.LOST_EVENTS, _bursts
    BUFFERS = "one to three buffers", Spoiling.LOST_BUFFERS, _none

    def __init__(
        self, words: str, spoiling: Spoiling, lost: Callable[[list[Record], float, random.Random], set[int]]
    ) -> None:
        self.words = words
        self.spoiling = spoiling
        self._lost = lost

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares of events that it is tried with; whole buffers are as many as the trace's seed draws."""
        return (0.0,) if self is Way.BUFFERS else SHARES

    def lose(self, share: float, seed: int) -> Callable[[list[Record]], list[Record]]:
        """Marks so large a share of what it takes as lost. The last record, which closes the session, is kept."""

        def marked(records: list[Record]) -> list[Record]:
            lost = self._lost(records, share, random.Random(f"{self.name} {share} {seed}"))
            lost.discard(len(records) - 1)
            return [
                dataclasses.replace(record, lost=True) if at in lost else record for at, record in enumerate(records)
            ]

        return marked
