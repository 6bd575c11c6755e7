"""The simulated pool behind a benchmark trace, window after window, in numpy.

Nothing here was recorded: sites, sizes, lifetimes and threads are drawn at random, in
proportions that load a reader the way a busy machine would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.blocks import Blocks, Slots
from benchmarks.sites import Sites
from tracer.arrays import I64, U16, U32, U64, Mask
from tracer.events.pool import ALLOC, FREE
from tracer.events.thread import CONTEXT_SWITCH

EVENTS_PER_SWITCH: Final = 16
STRAY_FREES: Final = 0.002
"""Share of frees whose allocation was before the trace."""
SHORT_LIFE: Final = 400
LONG_LIFE: Final = 40_000
LONG_SHARE: Final = 0.1
"""Lifetimes are exponential, counted in pool events of the whole machine: mostly about 1 ms, a tenth about 100 ms."""
MEAN_GAP: Final = 25
MIN_GAP: Final = 8
"""Ticks of 100 ns between two events of the machine: 400,000 pool events a second."""
EVENTS_PER_TIE: Final = 6
STACK_DELAY: Final = (10, 70)
"""A stack is logged this many ticks after its event, but before the next event of its CPU."""

STRAY_BASE: Final = 0xFFFF8A0000000000

_NEVER: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Simulated events sorted by CPU, then time. ``first[c]:first[c + 1]`` are those of CPU ``c``.

    ``thread`` runs on the CPU from this event on, ``previous`` ran before it; both are thread ids.
    ``site`` and ``address`` mean nothing where ``hook`` is a context switch.
    """

    first: I64
    time: I64
    stack_time: I64
    hook: U16
    address: U64
    site: I64
    thread: U32
    previous: U32


@dataclass(slots=True)
class Counts:
    """What a ledger must find in the events drawn so far."""

    allocations: int = 0
    allocated_bytes: int = 0
    matched: int = 0
    matched_bytes: int = 0
    unmatched: int = 0
    switches: int = 0


class Workload:
    """Draws window after window; ``counts`` says what has been drawn.

    ``per_window`` pool events are in a window, of which ``allocation_share`` allocate;
    ``leak`` is the share of allocations that are never freed.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        sites: Sites,
        threads: U32,
        *,
        cpus: int,
        start: int,
        per_window: int,
        allocation_share: float,
        leak: float,
    ) -> None:
        self.counts = Counts()
        self.now = start
        self._rng = rng
        self._sites = sites
        self._threads = threads
        self._per_window = per_window
        self._allocations = max(1, round(per_window * allocation_share))
        self._leak = leak
        self._position = 0
        self._slots = Slots()
        self._alive = Blocks.none()
        self._running = rng.choice(threads, cpus)

    def next_window(self) -> Window:
        """The next stretch of time."""
        began, made = self._allocate()
        self._position += self._per_window
        known = self._alive.plus(made)
        freed = known.where(known.due < self._position)
        self._alive = known.where((known.due >= self._position) & (known.due != _NEVER))
        self._slots.give_back(freed.address)
        self._count(made, freed)
        stray = self._unmatched(int(self._rng.binomial(len(freed), STRAY_FREES)))
        switches = self._switches((len(made) + len(freed)) // EVENTS_PER_SWITCH)
        return self._schedule(began, made, freed.plus(stray), switches)

    def _allocate(self) -> tuple[I64, Blocks]:
        rng, count = self._rng, self._allocations
        began = self._position + rng.integers(0, self._per_window, count)
        site = self._sites.draw(rng, count)
        mean = np.where(rng.random(count) < LONG_SHARE, LONG_LIFE, SHORT_LIFE)
        due = began + 1 + (rng.standard_exponential(count) * mean).astype(np.int64)
        due[rng.random(count) < self._leak] = _NEVER
        return began, Blocks(due, self._slots.take(self._sites.size_class[site]), site)

    def _unmatched(self, count: int) -> Blocks:
        address = (
            np.uint64(STRAY_BASE)
            + np.arange(self.counts.unmatched, self.counts.unmatched + count, dtype=np.uint64) * 64
        )
        self.counts.unmatched += count
        due = self._position - 1 - self._rng.integers(0, self._per_window, count)
        return Blocks(due, address, self._sites.draw(self._rng, count))

    def _switches(self, count: int) -> I64:
        self.counts.switches += count
        return self._position - 1 - self._rng.integers(0, self._per_window, count)

    def _count(self, made: Blocks, freed: Blocks) -> None:
        self.counts.allocations += len(made)
        self.counts.allocated_bytes += int(self._sites.size[made.site].sum())
        self.counts.matched += len(freed)
        self.counts.matched_bytes += int(self._sites.size[freed.site].sum())

    def _schedule(self, began: I64, made: Blocks, freed: Blocks, switches: I64) -> Window:
        """Give every event its time, its CPU and the thread that runs there."""
        none = np.zeros(len(switches), np.int64)
        position = np.concatenate((began, freed.due, switches))
        order = np.argsort(position, kind="stable")
        hook = np.repeat(np.array([ALLOC, FREE, CONTEXT_SWITCH], np.uint16), [len(made), len(freed), len(switches)])
        address = np.concatenate((made.address, freed.address, none.astype(np.uint64)))
        time, cpu = self._times(address[order]), self._cpus(len(order))
        by_cpu = np.argsort(cpu, kind="stable")
        rows = order[by_cpu]
        first = np.searchsorted(cpu[by_cpu], np.arange(len(self._running) + 1))
        thread, previous = self._run(hook[rows] == CONTEXT_SWITCH, first)
        return Window(
            first=first,
            time=time[by_cpu],
            stack_time=self._stack_times(time[by_cpu], first),
            hook=hook[rows],
            address=address[rows],
            site=np.concatenate((made.site, freed.site, none))[rows],
            thread=thread,
            previous=previous,
        )

    def _times(self, address: U64) -> I64:
        """Some neighbours share a time, as on real machines, but never a block's allocation and its free."""
        gap = self._rng.integers(MIN_GAP, 2 * MEAN_GAP - MIN_GAP, len(address))
        if len(self._running) > 1:
            equal = np.arange(1, len(address), EVENTS_PER_TIE)
            gap[equal[address[equal] != address[equal - 1]]] = 0
        time: I64 = self.now + np.cumsum(gap)
        self.now = int(time[-1]) + MIN_GAP
        return time

    def _cpus(self, count: int) -> I64:
        """A walk that never stays: consecutive events are on different CPUs."""
        cpus = len(self._running)
        if cpus == 1:
            return np.zeros(count, np.int64)
        walk: I64 = np.cumsum(self._rng.integers(1, cpus, count)) % cpus
        return walk

    def _stack_times(self, time: I64, first: I64) -> I64:
        following = np.append(time[1:], self.now)
        ends = first[1:] - 1
        following[ends[ends >= first[:-1]]] = self.now
        stack_time: I64 = np.minimum(time + self._rng.integers(*STACK_DELAY, len(time)), following - 1)
        return stack_time

    def _run(self, is_switch: Mask, first: I64) -> tuple[U32, U32]:
        thread = self._rng.choice(self._threads, len(is_switch))
        previous = np.empty_like(thread)
        for cpu in range(len(self._running)):
            rows = slice(int(first[cpu]), int(first[cpu + 1]))
            here = thread[rows]
            if not len(here):
                continue
            last = np.maximum.accumulate(np.where(is_switch[rows], np.arange(len(here)), -1))
            here = np.where(last >= 0, here[last], self._running[cpu]).astype(np.uint32)
            previous[rows] = np.concatenate((self._running[cpu : cpu + 1], here[:-1]))
            thread[rows] = here
            self._running[cpu] = here[-1]
        return thread, previous
