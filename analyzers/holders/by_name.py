"""What function names tell of unretired requests: how others of their kind were released, and what issued them.

It is asked only where the trace does not log kernel queues, or to bear out what is known otherwise. Nothing here is
known without names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.holders.irp_blocks import IrpBlocks, is_irp
from analyzers.holders.release_stacks import (
    AS_USER_APC,
    FROM_PORT,
    NOTHING_RELEASED,
    STAGE_TWO,
    Released,
    released,
)
from analyzers.modules import KERNEL
from analyzers.plumbing import Named, plain_name
from analyzers.policy import BY_NAME
from analyzers.pool_tables import Frame, Names, PoolSnapshot
from analyzers.requests.tables import CALL_NS, RequestSnapshot
from tracer.arrays import I32, I64, Mask
from tracer.data_classes import dataclass
from tracer.symbols.symbol import Source

WITH_ROUTINE: Final = frozenset({"ReadFileEx", "WriteFileEx"})
"""They always have a completion routine called, as a user APC (learn.microsoft.com, "ReadFileEx function",
"WriteFileEx function"); of WSASend, WSARecv and ReadDirectoryChangesW it depends on an argument."""
THREADED: Final = frozenset({"IoBuildDeviceIoControlRequest", "IoBuildSynchronousFsdRequest"})
"""A driver makes IRPs with these that the I/O manager frees when they are completed, and the driver must not
("IoBuildDeviceControlNoFree rule (wdm)")."""
_BASE: Final = frozenset({"kernel32.dll", "kernelbase.dll"})
_NOT_SHOWN, _TAKES_NONE, _TAKES = range(3)
"""What the frames of a call show: no function of these modules, no such function, or one."""


def functions(frames: Iterable[Frame]) -> list[Named]:
    """The functions on a stack, innermost first, inlined ones too; empty where the name is only the nearest export."""
    out: list[Named] = []
    for frame in frames:
        known = frame.functions if frame.source is not Source.EXPORTS else ()
        out += [(frame.module, plain_name(each)) for each in known or ("",)]
    return out


@dataclass(frozen=True, slots=True, eq=False)
class ByName:
    """By request: int64, how many others of its kind and program were released so; bool, what issued it.

    ``as_user_apc``: by their user APC; ``from_port``: by who took them out of a port, or closed it; ``at_once``: by
    stage 2 of their completion. ``with_routine``: a function issued it that takes a completion routine.
    """

    as_user_apc: I64
    from_port: I64
    at_once: I64
    with_routine: Mask
    released: Released = NOTHING_RELEASED

    @property
    def like_user_apcs(self) -> Mask:
        """By request: whether others of its kind were released as user APCs, and none from a port."""
        return np.asarray((self.as_user_apc >= BY_NAME.fewest) & (self.from_port == 0))

    @property
    def like_in_ports(self) -> Mask:
        """By request: whether others of its kind were released from a port, and none as a user APC."""
        return np.asarray((self.from_port >= BY_NAME.fewest) & (self.as_user_apc == 0) & ~self.with_routine)


def nothing_by_name(count: int) -> ByName:
    """What is known of so many requests without names."""
    none = np.zeros(count, np.int64)
    return ByName(none, none, none, np.zeros(count, np.bool_))


def by_name(pool: PoolSnapshot, snapshot: RequestSnapshot, blocks: IrpBlocks, names: Names | None) -> ByName:
    """Look at the stacks whose names decide; ``names``: ``None`` where there are none."""
    requests = snapshot.requests
    if names is None:
        return nothing_by_name(len(requests))
    found = released(snapshot.releases, lambda stack: functions(names.frames(stack)))
    as_user_apc, from_port, at_once = (
        found.of_kind(requests.kind, requests.process, ways) for ways in (AS_USER_APC, FROM_PORT, STAGE_TWO)
    )
    return ByName(
        as_user_apc,
        from_port,
        at_once,
        with_routine=_with_routine(pool, snapshot, blocks, names),
        released=found,
    )


def stacks_that_decide(pool: PoolSnapshot, snapshot: RequestSnapshot) -> tuple[I32, list[tuple[int, int]]]:
    """Ids of stacks whose names are asked for: kernel stacks of frees, and user stacks of IRPs with a process."""
    table = snapshot.releases
    stacks, place = np.unique(table.stack, return_inverse=True)
    most = np.argsort(-np.bincount(place, weights=table.count, minlength=len(stacks)), kind="stable")
    rows = np.flatnonzero(is_irp(pool)[pool.outstanding.site])
    callers, count = np.unique(_callers(pool, rows), axis=0, return_counts=True)
    first = callers[np.argsort(-count, kind="stable")[: BY_NAME.most_stacks]]
    users = [(stack, process) for stack, process in first.tolist() if stack >= 0]
    return stacks[most[: BY_NAME.most_stacks]].astype(np.int32), users


def _callers(pool: PoolSnapshot, rows: npt.NDArray[np.integer]) -> I64:
    """By allocation, int64 (rows, 2): the stack that shows the program's frames, -1 for none, and the process.

    A session logs them apart, or behind the kernel's.
    """
    out = pool.outstanding
    whole = pool.sites.stack[out.site[rows]]
    stack = np.where(out.user_stack[rows] >= 0, out.user_stack[rows], whole)
    return np.stack((stack.astype(np.int64), out.process[rows].astype(np.int64)), axis=1)


def _with_routine(pool: PoolSnapshot, snapshot: RequestSnapshot, blocks: IrpBlocks, names: Names) -> Mask:
    """By request: whether a function issued it that takes a completion routine.

    Told by the program's frames where its IRP was allocated, unless that was made for an earlier request. What is
    true of all requests of a thread and kind that show it is true of the others.
    """
    requests = snapshot.requests
    rows = np.flatnonzero(blocks.held & (requests.issued_ns - blocks.made_ns <= CALL_NS))
    pairs, place = np.unique(_callers(pool, blocks.block[rows]), axis=0, return_inverse=True)
    by_pair = np.zeros(len(pairs), np.int64)
    for at, (stack, process) in enumerate(pairs[: BY_NAME.most_pairs].tolist()):
        by_pair[at] = _takes_routine(functions(names.frames(stack, process))) if stack >= 0 else _NOT_SHOWN
    shown = np.full(len(requests), _NOT_SHOWN, np.int64)
    shown[rows] = by_pair[place.reshape(-1)]
    keys = np.stack((requests.thread.astype(np.int64), requests.kind.astype(np.int64)), axis=1)
    groups, group = np.unique(keys, axis=0, return_inverse=True)
    group = group.reshape(-1)
    takes, not_so = (np.bincount(group[shown == each], minlength=len(groups)) for each in (_TAKES, _TAKES_NONE))
    alike = (takes >= BY_NAME.fewest) & (not_so == 0)
    return np.asarray((shown == _TAKES) | alike[group])


def _takes_routine(called: list[Named]) -> int:
    of_program = [(module.lower(), function) for module, function in called if function and not KERNEL.match(module)]
    if any(module in _BASE and function in WITH_ROUTINE for module, function in of_program):
        return _TAKES
    return _TAKES_NONE if any(module in _BASE for module, _ in of_program) else _NOT_SHOWN


def made_by_threaded_call(stack: int, names: Names) -> str:
    """The function of the kernel by which a driver made an IRP that the I/O manager frees; empty for none."""
    found = functions(names.frames(stack))
    return next((function for _, function in found if function in THREADED), "")
