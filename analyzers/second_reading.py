"""Pool events of a second reading, with all that the first has told of them.

A first reading meets an event before what names it: the first switch on its CPU, the process of its thread, a call
stack that is logged later. Once all is known, each event gets what the ledger's own rows got in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analyzers.analysis import Analysis
from analyzers.scheduling import CpuTimeline
from tracer.arrays import Mask, Rows
from tracer.columns import NO_STACK, UNKNOWN_ID, EventTable, Who
from tracer.trace import NO_LATE_STACKS, Batch, LateStacks


class SecondReading:
    """Give it every batch of the same source again, from the first one on."""

    def __init__(self, analysis: Analysis, late: Sequence[LateStacks]) -> None:
        """``late``: those of all batches of the first reading."""
        self._names = analysis.names
        self._whole = analysis.timeline
        self._timeline = CpuTimeline(analysis.names.threads)
        joined = [np.concatenate(parts) for parts in zip(NO_LATE_STACKS, *late, strict=True)]
        order = np.argsort(joined[0], kind="stable")
        self._late = LateStacks._make(column[order] for column in joined)

    def pool(self, batch: Batch) -> EventTable | None:
        """The pool events of a batch, ``None`` where there are none.

        Their stack ids are not canonical yet: the frames of a stack key may come in a later batch.
        """
        self._timeline.stamp(batch)
        table = batch.tables.get("pool")
        if table is None:
            return None
        table = self._with_late_stacks(table)
        table = self._names.stacks.dated(table)
        self._whole.settle(table.thread, table.process, table.who, table.cpu, table.time)
        return table

    def _with_late_stacks(self, table: EventTable) -> EventTable:
        """By the rule of :mod:`analyzers.ledger.late_stacks`: of the event's time and thread, or CPU."""
        late = self._late
        rows = np.flatnonzero(np.isin(table.raw_time, late.raw_time)) if len(late.raw_time) else np.zeros(0, np.int64)
        if not len(rows):
            return table
        stack, user_stack = table.stack.copy(), table.user_stack.copy()
        first = np.searchsorted(late.raw_time, table.raw_time[rows])
        count = np.searchsorted(late.raw_time, table.raw_time[rows], side="right") - first
        for turn in range(int(count.max())):
            mine = rows[count > turn]
            which = (first + turn)[count > turn]
            same = _is_of(table, mine, late, which)
            for column, is_user in ((stack, False), (user_stack, True)):
                taken = same & (late.is_user[which] == is_user) & (column[mine] == NO_STACK)
                at, of = mine[taken], which[taken]
                column[at] = late.stack[of]
                table.thread[at], table.process[at], table.who[at] = late.thread[of], late.process[of], Who.STACK
        return replace(table, stack=stack, user_stack=user_stack)


def _is_of(table: EventTable, rows: Rows, late: LateStacks, which: Rows) -> Mask:
    thread = table.thread[rows]
    on_cpu = (thread == UNKNOWN_ID) & (table.cpu[rows] == late.cpu[which])
    return np.asarray((thread == late.thread[which]) | on_cpu)
