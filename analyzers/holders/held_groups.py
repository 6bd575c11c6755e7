"""Held requests by what holds them: one thread's APCs, one port, one driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from analyzers.findings import Accused, Why
from analyzers.holders.held import HeldGroup, Port
from analyzers.holders.holding import Holding
from analyzers.holders.registry import HOLDERS
from analyzers.policy import PARTS
from analyzers.processes import IDLE_PROCESS
from analyzers.requests.tables import NEVER, RequestTable
from analyzers.trends.arrivals import came_at_once, held_keep_coming
from tracer.arrays import I32, I64, U32, unique
from tracer.columns import UNKNOWN_ID

_NOBODY: Final = (IDLE_PROCESS, UNKNOWN_ID)
"""The idle process (and thread) asks for nothing: an interrupt came while it ran."""


def held_groups(holding: Holding, module_of: Callable[[int], str]) -> list[HeldGroup]:
    """All groups, largest first."""
    found = [_group(holding, Why.PORT, port.requests, port.queued_ns, port=port) for port in holding.ports]
    for why, holder in HOLDERS.items():
        if holder.accuses is Accused.PROCESS:
            found += _by_thread(holding, why)
        elif holder.accuses is Accused.DRIVER:
            found += _by_driver(holding, why, module_of)
    return sorted(found, key=lambda group: (-len(group), group.thread or 0, group.driver))


def _by_thread(holding: Holding, why: Why) -> Iterator[HeldGroup]:
    requests = holding.evidence.requests
    rows = np.flatnonzero(holding.is_held_by(why))
    keys = (requests.process[rows].astype(np.int64) << 32) | requests.thread[rows]
    for key in unique(keys).tolist():
        mine = rows[keys == key].astype(np.int32)
        yield _group(holding, why, mine, _since_ns(requests, mine))


def _by_driver(holding: Holding, why: Why, module_of: Callable[[int], str]) -> Iterator[HeldGroup]:
    requests = holding.evidence.requests
    rows = np.flatnonzero(holding.is_held_by(why))
    routines, number = np.unique(holding.keeper()[rows], return_inverse=True)
    modules = np.array([module_of(routine) for routine in routines.tolist()], np.object_)
    names = modules[number] if len(rows) else modules
    for name in sorted(set(names.tolist())):
        mine = rows[names == name].astype(np.int32)
        yield _group(holding, why, mine, _since_ns(requests, mine), driver=name)


def _since_ns(requests: RequestTable, rows: I32) -> I64:
    """By row: when it was completed, else issued."""
    completed = requests.completed_ns[rows]
    return np.where(completed == NEVER, requests.issued_ns[rows], completed)


def _group(
    holding: Holding, why: Why, rows: I32, times: I64, *, port: Port | None = None, driver: str = ""
) -> HeldGroup:
    machine, requests = holding.evidence.machine, holding.evidence.requests
    span = machine.start_ns, machine.at_ns, machine.drained_ns
    at_once = came_at_once(requests.issued_ns[rows], machine.start_ns, machine.at_ns - machine.drained_ns)
    steady = port.grows if port is not None else held_keep_coming(times, *span) and not at_once
    return HeldGroup(
        seen=holding.evidence,
        why=why,
        rows=rows,
        process=_standing_out(requests.process[rows]) if port is None else _known(port.process),
        thread=_standing_out(requests.thread[rows]),
        port=port,
        driver=driver,
        times_ns=times,
        steady=steady,
        at_once=at_once,
    )


def _known(process: int) -> int | None:
    return None if process in _NOBODY else process


def _standing_out(ids: U32) -> int | None:
    if not len(ids):
        return None
    values, counts = np.unique(ids, return_counts=True)
    best = int(counts.argmax())
    known = values[best] not in _NOBODY and counts[best] >= PARTS.stands_out * len(ids)
    return int(values[best]) if known else None
