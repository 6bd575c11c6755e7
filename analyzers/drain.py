"""A drain: frees are traced up to the end, and allocations do not count any more.

What was allocated before has the drain's time to be freed: a late free comes, a leak stays. What ``record --drain``
wrote says when its drain began (:mod:`tracer.events.drain`). Where a trace has no allocations from some moment on (a
filter left them out, another tool recorded it), the events themselves show it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np

from analyzers.formatting import counted, duration
from analyzers.policy import COURSE, DRAIN, LIFETIMES, PARTS
from analyzers.pool_tables import PoolSnapshot
from tracer.arrays import I64, Mask
from tracer.columns import EventTable
from tracer.data_classes import dataclass
from tracer.events import pool as pool_events
from tracer.trace import Batch, Loss

KIND: Final = "drain"
_ALL_THE_TIME: Final = frozenset({"pool", "context_switch"})
"""Kinds of events that every CPU has."""


class By(StrEnum):
    """How a drain is known."""

    RECORDED = "recorded"
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class Drain:
    """From ``from_ns`` to ``to_ns`` frees count and allocations do not.

    ``frees``: of any memory, in the whole steps of the history from ``step`` on, the first that begins in the drain.
    """

    from_ns: int
    to_ns: int
    frees: int
    by: By
    step: int

    @property
    def length_ns(self) -> int:
        """How long it went on."""
        return self.to_ns - self.from_ns

    @property
    def begins(self) -> str:
        """What happened when it began, in words."""
        return "the drain began" if self.by is By.RECORDED else "allocations were no longer traced"


class DrainWatch:
    """What batches tell of a drain: its mark, and which CPUs go on after the last allocation."""

    def __init__(self) -> None:
        self._marked: tuple[int, int] | None = None
        self._last_allocation = -1
        self._made = np.zeros(0, np.int64)
        self._last = np.zeros(0, np.int64)

    def feed(self, batch: Batch) -> None:
        """Take one batch."""
        if KIND in batch.tables and len(marks := batch.tables[KIND]):
            to_ns = int(marks.time[-1])
            self._marked = max(to_ns - int(marks.array("lasted_ns")[-1]), 0), to_ns
        for kind in _ALL_THE_TIME & batch.tables.keys():
            if len(batch.tables[kind]):
                self._watch(batch.tables[kind])

    def _watch(self, events: EventTable) -> None:
        cpus = max(int(events.cpu.max()) + 1, len(self._last))
        self._last = np.pad(self._last, (0, cpus - len(self._last)))
        self._made = np.pad(self._made, (0, cpus - len(self._made)))
        last = np.zeros(cpus, np.int64)
        last[events.cpu] = events.time  # the last one of each CPU is what stays
        np.maximum(self._last, last, out=self._last)
        if events.kind != "pool":
            return
        made = (events.event == pool_events.ALLOC) | (events.event == pool_events.ALLOC_SESSION)
        if made.any():
            self._made += np.bincount(events.cpu[made], minlength=cpus)
            self._last_allocation = int(events.time[made][-1])

    def drain(self, pool: PoolSnapshot, loss: Loss, at_ns: int, *, is_file: bool = True) -> Drain | None:
        """The drain at the end of what was read up to ``at_ns``; ``None`` where there is none.

        ``is_file``: false for a live capture, which leaves out no allocations but those of tags nobody asked for.
        """
        if self._marked is not None:
            from_ns, to_ns = self._marked
            if self._last_allocation > to_ns or not len(pool.sites.first_ns) or from_ns <= pool.sites.first_ns.min():
                return None  # something else follows, or nothing comes before
            return _drain(pool, from_ns, to_ns, By.RECORDED)
        last_ns = self._last_allocation
        if not is_file or last_ns <= 0 or not self._all_go_on() or _is_broken(loss, last_ns):
            return None
        return _drain(pool, last_ns, at_ns, By.SEEN) if allocations_left_out(pool, last_ns) else None

    def _all_go_on(self) -> bool:
        """Whether no CPU that allocated its part has its last event with the last allocations: its end may be cut."""
        usual = self._made >= PARTS.most * self._made.sum() / max(np.count_nonzero(self._made), 1)
        return bool(np.all(self._last[usual] > self._last_allocation))


def _is_broken(loss: Loss, since_ns: int) -> bool:
    """Whether buffers of the time since may be missing."""
    return loss.complete_from_ns > since_ns or any(gap.to_ns >= since_ns for gap in loss.gaps)


def allocations_left_out(pool: PoolSnapshot, last_ns: int) -> bool:
    """Whether allocations were left out since the last one: frees go on, and allocations of many tags were due."""
    history = pool.history
    used, first = history.used, last_ns // history.step_ns + 1
    tail = used - first
    if tail < DRAIN.fewest_steps:
        return False
    frees = _frees(pool)[first:used]
    if frees.sum() < DRAIN.fewest_frees or np.count_nonzero(frees) < DRAIN.fewest_steps:
        return False
    made = np.zeros((len(pool.tags.tag), first), np.int64)
    np.add.at(made, pool.sites.tag_row, history.allocations[:, :first])
    if not made.any():  # all of them failed
        return False
    began = int((made.sum(axis=0) > 0).argmax())
    if tail <= DRAIN.pause * _longest_pause(made[:, began:].sum(axis=0) > 0):
        return False
    lately = made[:, -max(first // COURSE.apart, 1) :].sum(axis=1) > 0
    expected = made.sum(axis=1) / (first - began) * tail
    due: Mask = lately & (expected >= DRAIN.fewest_due)
    return int(np.count_nonzero(due)) >= DRAIN.fewest_tags


def _longest_pause(busy: Mask) -> int:
    """The longest run of steps without an allocation; the first one has one."""
    steps = np.flatnonzero(busy)
    return int(np.diff(steps, append=len(busy)).max()) - 1


def _frees(pool: PoolSnapshot) -> I64:
    """Frees by step: of what was seen allocated, and of what was not."""
    history = pool.history
    return np.asarray(history.frees.sum(axis=0, dtype=np.int64) + history.unmatched.sum(axis=0, dtype=np.int64))


def _drain(pool: PoolSnapshot, from_ns: int, to_ns: int, by: By) -> Drain:
    step = -(-from_ns // pool.history.step_ns)
    return Drain(from_ns, to_ns, int(_frees(pool)[step:].sum()), by, step)


def freed_words(pool: PoolSnapshot, drain: Drain, tag_row: int) -> str:
    """How many blocks of a tag from before a drain were freed in it, and how soon; empty for none."""
    history = pool.history
    rows, steps = np.flatnonzero(pool.sites.tag_row == tag_row), slice(drain.step, history.used)
    freed, made, stay = (
        table[rows, steps].sum(axis=0, dtype=np.int64)
        for table in (history.frees, history.allocations, history.survivors)
    )
    count = int((freed - made + stay).sum())
    if count <= 0:
        return ""
    says = f", while {counted(count, 'other of the tag was', 'others of the tag were')} freed since"
    if count < LIFETIMES.fewest_freed or made.any():
        return says
    soon = int(np.searchsorted(np.cumsum(freed), LIFETIMES.usual * count)) + 1
    within = min((drain.step + soon) * history.step_ns - drain.from_ns, drain.length_ns)
    return f"{says}, 95 % of them within {duration(within)}"


def was_freed_late(made: I64, freed: I64, drained: int) -> bool:
    """Whether a group grew until the drain, and most of it was freed then.

    ``made``, ``freed``: int64 by step up to the drain's beginning. ``drained``: from before it, and freed in it.
    """
    level = np.cumsum(made - freed)
    if not len(level):
        return False
    there, before = int(level[-1]), int(level[len(level) // 2 - 1]) if len(level) > 1 else 0
    return drained >= PARTS.most * there and there - before >= max(COURSE.fewest, DRAIN.grown * there)


def late_words(there: int, drained: int, drain: Drain) -> str:
    """Why a group that grew until the drain is no leak."""
    blocks = counted(there, "block that was", "blocks that were")
    return f"late frees: {min(drained, there):,} of the {blocks} there when {drain.begins} were freed in the drain"
