"""What stays with a program's request memory, and what was released: the evidence that explanations rest on."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Final

import numpy as np

from analyzers.findings import Explanation
from analyzers.holders.by_name import made_by_threaded_call
from analyzers.holders.release_stacks import AS_USER_APC, FROM_PORT
from analyzers.policy import BY_NAME, PARTS, TOGETHER
from analyzers.pool_tables import PoolSnapshot
from analyzers.tags.callers import BUFFERS, ENDPOINT, FILE, IRP, PORT_PACKET, SOCKETS
from analyzers.tags.objects import OBJECT_MEMORY, OPENED_BY_ANYBODY, object_words
from analyzers.verdicts.accusation import DiagnosisInputs
from analyzers.verdicts.explanations import Memory, Signs, Stays, explanations
from analyzers.verdicts.groups import Group, parts_of
from analyzers.verdicts.judgement import Judgement
from analyzers.verdicts.lookaside_irps import may_rest
from tracer.arrays import Rows, unique

_SYSTEM: Final = (0, 4)
"""Processes whose threads never return to user mode."""


def explained(
    head: Judgement, members: Iterable[Judgement], inputs: DiagnosisInputs, keep_irps: Container[int]
) -> tuple[Explanation, ...]:
    """The possible reasons why a program's (or a driver's) request memory stays; none for other memory.

    ``members``: all that stays with it, itself among them. ``keep_irps``: processes whose IRPs are accused.
    """
    memory = _memory(head.group)
    if memory is None:
        return ()
    pool, rows = inputs.pool, head.rows
    if memory is Memory.OF_DRIVER:
        return explanations(Signs(memory, len(head.rows), driver=head.group.driver, threaded=_threaded(inputs, rows)))
    if memory is Memory.HANDLES:
        tag = head.group.tag
        return explanations(Signs(memory, len(head.rows), kind=object_words(tag), anybody=tag in OPENED_BY_ANYBODY))
    tags = {each.group.tag for each in members}
    as_user_apcs, from_port = (
        inputs.released.of_process(head.group.process, ways) for ways in (AS_USER_APC, FROM_PORT)
    )
    return explanations(
        Signs(
            memory,
            count=len(rows),
            listed=may_rest(pool.outstanding, rows),
            files=_stays(pool, head, tags, (FILE, ENDPOINT)),
            buffers=_stays(pool, head, tags, sorted(BUFFERS)),
            calls_on=_calls_on(inputs, rows),
            delivered=as_user_apcs >= BY_NAME.fewest and not from_port,
            taken=from_port >= BY_NAME.fewest and not as_user_apcs,
            irps=head.group.process in keep_irps,
            stacks=inputs.coverage.stacks,
        )
    )


def _threaded(inputs: DiagnosisInputs, rows: Rows) -> str:
    """The function by which a driver made nearly all of these IRPs, where the I/O manager frees what it makes."""
    stacks = inputs.pool.sites.stack[inputs.pool.outstanding.site[rows]]
    distinct, place = np.unique(stacks, return_inverse=True)
    if not inputs.has_names or not len(distinct):
        return ""
    made_by = [made_by_threaded_call(stack, inputs.names) for stack in distinct[: BY_NAME.most_stacks].tolist()]
    usual = made_by[int(np.bincount(place).argmax())] if len(made_by) == len(distinct) else ""
    same = [at for at, each in enumerate(made_by) if each == usual]
    return usual if np.isin(place, same).mean() >= PARTS.most else ""


def _memory(group: Group) -> Memory | None:
    if group.tag == IRP:
        return Memory.IRPS if group.callers else Memory.OF_DRIVER
    if not group.callers:
        return None
    if group.tag == PORT_PACKET:
        return Memory.PORT_PACKETS
    if group.tag in OBJECT_MEMORY:
        return Memory.HANDLES
    return Memory.OBJECTS if group.tag == FILE or group.tag in SOCKETS else Memory.BUFFERS


def _stays(pool: PoolSnapshot, head: Judgement, kept: set[int], tags: Sequence[int]) -> Stays:
    if kept & set(tags):
        return Stays.KEPT
    return Stays.GONE if any(_came_and_went(pool, head, tag) for tag in tags) else Stays.UNKNOWN


def _came_and_went(pool: PoolSnapshot, head: Judgement, tag: int) -> bool:
    """Whether the process made one of the tag for each that stays, step by step of time, and they were freed."""
    parts, history = parts_of(pool), head.group.history
    its = parts.process == head.group.process
    its &= (pool.tags.tag == tag)[pool.sites.tag_row[parts.site]]
    mine = np.flatnonzero(its)
    made, freed = int(parts.allocations[mine].sum()), int(parts.frees[mine].sum())
    if not made or freed < TOGETHER.files_freed * made:
        return False
    first = history.start_ns // history.step_ns
    steps = parts.history.allocations[mine, first : first + len(history.survivors)].sum(axis=0, dtype=np.int64)
    apart = int(np.abs(steps - history.survivors).sum())
    return apart <= TOGETHER.files_alike * max(int(history.survivors.sum()), 1)


def _calls_on(inputs: DiagnosisInputs, rows: Rows) -> bool | None:
    """Whether their threads went on making calls from user mode; ``None`` where the trace does not show it."""
    outstanding = inputs.pool.outstanding
    if not inputs.coverage.stacks or np.isin(outstanding.process[rows], _SYSTEM).any():
        return None
    return True if len(rows) >= TOGETHER.calls_each * len(unique(outstanding.thread[rows])) else None
