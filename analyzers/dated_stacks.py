"""Call stacks by their time: the same addresses are another stack once other images lie there.

The source interns stacks by addresses alone. Where an image was unloaded or replaced, stacks that come later through
its addresses get ids of their own here, from :data:`FIRST` on; all others keep the source's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from analyzers.image_lives import ALWAYS, Change
from analyzers.modules import Modules
from tracer.arrays import I32, I64, U32, U64, Mask, unique
from tracer.columns import NO_STACK, EventTable
from tracer.stacks.table import StackTable
from tracer.trace import LateStacks

FIRST: Final = 1 << 30
"""The first id that is not the source's; no trace has as many stacks."""
_UNSEEN, _ELSEWHERE, _THROUGH = 0, 1, 2
"""Whether a stack of the source goes through addresses of which any change is known."""


class DatedStacks:
    """All stacks of a source, those of other images under other ids."""

    def __init__(self, source: StackTable, modules: Modules) -> None:
        self.source = source
        self._modules = modules
        self._numbers: dict[tuple[int, int], int] = {}
        self._base = np.zeros(0, np.int32)
        self._since = np.zeros(0, np.int64)
        self._touch = np.zeros(0, np.uint8)
        self._changes = 0

    def dated(self, table: EventTable) -> EventTable:
        """The events, their stacks by what lay there at their time. The images of the batch must be known."""
        if not self._modules.changes:
            return table
        stack = self._later(table.stack, table.raw_time, table.process)
        user_stack = self._later(table.user_stack, table.raw_time, table.process)
        if stack is table.stack and user_stack is table.user_stack:
            return table
        return replace(table, stack=stack, user_stack=user_stack)

    def dated_late(self, late: LateStacks) -> LateStacks:
        """Stacks that come after their batch, by what lay there at their time."""
        if not self._modules.changes:
            return late
        stack = self._later(late.stack, late.raw_time, late.process)
        return late if stack is late.stack else late._replace(stack=stack)

    def base(self, stacks: I32) -> I32:
        """The source's ids of the same frames."""
        if not len(self._base):
            return stacks
        return np.where(stacks >= FIRST, self._base[np.maximum(stacks - FIRST, 0)], stacks)

    def since(self, stacks: I32) -> I64:
        """The time (ns) since which the images lie as in each stack; those that never changed since always."""
        if not len(self._base):
            return np.full(len(stacks), ALWAYS)
        return np.where(stacks >= FIRST, self._since[np.maximum(stacks - FIRST, 0)], ALWAYS)

    def canonical(self, stacks: I32) -> I32:
        """As :meth:`~tracer.stacks.table.StackTable.canonical`."""
        if not len(self._base):
            return self.source.canonical(stacks)
        later = np.flatnonzero(stacks >= FIRST)
        found = self.source.canonical(np.where(stacks >= FIRST, NO_STACK, stacks))
        for row, number in zip(later.tolist(), (stacks[later] - FIRST).tolist(), strict=True):
            frames = int(self.source.canonical(self._base[number : number + 1])[0])
            is_other = frames >= 0 and bool(self._changes_of(frames))  # a key's frames may come after its events
            found[row] = self._number(frames, int(self._since[number])) if is_other else frames
        return found

    def frames(self, stack: int) -> U64:
        """The frames of one stack, innermost first; empty for -1 and for a key whose frames never came."""
        return self.source.frames(int(self._base[stack - FIRST]) if stack >= FIRST else stack)

    def all_frames(self, stacks: I32) -> tuple[U64, I64]:
        """:meth:`frames` of many ids one after another, and where each begins (int64), with the end as one more."""
        return self.source.all_frames(self.base(stacks))

    def _number(self, stack: int, since_ns: int) -> int:
        key = stack, since_ns
        if key not in self._numbers:
            self._numbers[key] = FIRST + len(self._numbers)
            self._base = np.append(self._base, np.int32(stack))
            self._since = np.append(self._since, since_ns)
        return self._numbers[key]

    def _later(self, stacks: I32, raw_time: I64, process: U32) -> I32:
        changes = self._modules.changes
        first = min(change.since_raw for change in changes)
        rows = np.flatnonzero((stacks >= 0) & (raw_time >= first))
        if not len(rows):
            return stacks
        rows = rows[self._through(stacks[rows])]
        if not len(rows):
            return stacks
        since = np.full(len(rows), ALWAYS)
        distinct, which = np.unique(stacks[rows], return_inverse=True)
        times, owners = raw_time[rows], process[rows]
        for number, stack in enumerate(distinct.tolist()):
            mine = np.flatnonzero(which == number)
            for change in self._changes_of(stack):
                then = (times[mine] >= change.since_raw) & (times[mine] < change.until_raw)
                if change.process:
                    then &= owners[mine] == change.process
                since[mine[then]] = np.maximum(since[mine[then]], change.since_ns)
        moved = np.flatnonzero(since > ALWAYS)
        if not len(moved):
            return stacks
        found = stacks.copy()
        pairs, of = np.unique(np.stack([stacks[rows[moved]], since[moved]]), axis=1, return_inverse=True)
        numbers = [self._number(int(stack), int(at)) for stack, at in pairs.T.tolist()]
        found[rows[moved]] = np.array(numbers, np.int32)[of.ravel()]
        return found

    def _through(self, stacks: I32) -> Mask:
        """Which stacks go through addresses that changed; keys whose frames have not come may."""
        if len(self._touch) < len(self.source):
            grown = np.zeros(2 * len(self.source), np.uint8)
            grown[: len(self._touch)] = self._touch
            self._touch = grown
        changes = self._modules.changes
        if self._changes < len(changes):
            self._touch[self._touch == _ELSEWHERE] = _UNSEEN
            self._changes = len(changes)
        unseen = unique(stacks[self._touch[stacks] == _UNSEEN])
        if len(unseen):
            addresses, bounds = self.source.all_frames(unseen)
            inside = np.zeros(len(addresses), np.bool_)
            for low, high in {(change.low, change.high) for change in changes}:
                inside |= (addresses >= np.uint64(low)) & (addresses < np.uint64(high))
            hits = np.concatenate(([0], np.cumsum(inside)))
            known = np.diff(bounds) > 0
            through = (hits[bounds[1:]] > hits[bounds[:-1]]) | ~known
            self._touch[unseen] = np.where(through, np.where(known, _THROUGH, _UNSEEN), _ELSEWHERE)
            if not known.all():
                return np.asarray((self._touch[stacks] == _THROUGH) | (self._touch[stacks] == _UNSEEN))
        return np.asarray(self._touch[stacks] == _THROUGH)

    def _changes_of(self, stack: int) -> list[Change]:
        """Those of its addresses; of a key whose frames have not come, all of the kernel's."""
        frames = self.source.frames(stack)
        return [
            change
            for change in self._modules.changes
            if (not len(frames) and not change.process)
            or np.any((frames >= np.uint64(change.low)) & (frames < np.uint64(change.high)))
        ]
