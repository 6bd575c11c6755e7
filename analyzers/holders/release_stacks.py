"""How IRPs were released, by the functions on the stack of the free; nothing where these have no names.

Stage 2 is ``IopCompleteRequest``; its caller tells who ran it: ``KiDeliverApc`` (a special kernel APC),
``IopfCompleteRequest`` or a driver (the completing thread was the issuing one), ``IopSynchronousServiceTail`` (the
caller of a read, after its driver had returned), ``IoRemoveIoCompletion`` (who took it out of a port). An IRP that
waited as a user APC is freed by that APC's kernel routine, ``IopUserCompletion`` or ``IopUserRundown``, below
``KiDeliverApc``, or below ``KeRundownApcQueues`` when its thread exits. Sources: ReactOS ``ntoskrnl/io/iomgr/irp.c``
and ``iocomp.c``, ``ntoskrnl/ke/apc.c``, ``ntoskrnl/ps/kill.c``; listings and crash stacks of later kernels, published
in several places, have the same names.

Functions may be missing: compilers inline them, and a call that is a function's last step leaves no frame of it (the
user APC's routine does nothing but free the IRP). So what is asked is which decisive function comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import Final

import numpy as np

from analyzers.modules import KERNEL_FILE
from analyzers.plumbing import Named, is_irp_release
from analyzers.policy import BY_NAME
from analyzers.requests.releases import NO_KIND, ReleaseTable
from tracer.arrays import I32, I64, U32
from tracer.data_classes import dataclass

Functions = Callable[[int], Sequence[Named]]
"""The functions on a kernel stack, innermost first, inlined ones too; a function is empty where it has no name."""


class Release(IntEnum):
    """What an IRP was released by."""

    UNKNOWN = 0
    SPECIAL_APC = 1  # stage 2, as a special kernel APC of the issuing thread
    DIRECT = 2  # stage 2, by the issuing thread as it completed the request itself
    DEFERRED = 3  # stage 2, by the caller after the driver had returned
    PORT = 4  # who took it out of a completion port
    PORT_CLOSED = 5  # the close of its port
    USER_APC = 6  # its user APC, as that was delivered
    EXIT = 7  # its user APC, run down as its thread ended
    DRIVER = 8  # a driver's own code


STAGE_TWO: Final = (Release.SPECIAL_APC, Release.DIRECT, Release.DEFERRED)
"""Released as soon as the request was finished: neither a completion routine nor a port had it."""
FROM_PORT: Final = (Release.PORT, Release.PORT_CLOSED)
AS_USER_APC: Final = (Release.USER_APC, Release.EXIT)

_STAGE_TWO: Final = frozenset({"IopCompleteRequest"})
_USER_ROUTINES: Final = frozenset({"IopUserRundown", "IopUserCompletion"})
_PORTS: Final = {
    "IoRemoveIoCompletion": Release.PORT,
    "NtRemoveIoCompletion": Release.PORT,
    "NtRemoveIoCompletionEx": Release.PORT,
    "NtWaitForWorkViaWorkerFactory": Release.PORT,
    "IopCloseIoCompletion": Release.PORT_CLOSED,
    "IopDeleteIoCompletion": Release.PORT_CLOSED,
    "IopDeleteIoCompletionInternal": Release.PORT_CLOSED,
}
_EXITS: Final = frozenset({"KeRundownApcQueues", "KiRundownApcQueues", "PspExitThread"})
_DELIVERY: Final = frozenset({"KiDeliverApc", "KiInitiateUserApc", "KiContinueEx", "NtContinueEx", "NtContinue"})
_CALLS_STAGE_TWO: Final = {
    **_PORTS,
    **dict.fromkeys(("IopfCompleteRequest", "IofCompleteRequest", "IovCompleteRequest"), Release.DIRECT),
    "IopSynchronousServiceTail": Release.DEFERRED,
    **dict.fromkeys(
        ("KiDeliverApc", "KiApcInterrupt", "KiCheckForKernelApcDelivery", "KiSwapThread", "KiCommitThreadWait"),
        Release.SPECIAL_APC,
    ),
}
"""The function that ran stage 2; without ``KiDeliverApc``, where the kernel calls that."""


def release_by(frames: Iterable[Named]) -> Release:
    """What released an IRP, by the functions on the stack of its free, innermost first."""
    finished = user_routine = unnamed = False
    for module, function in frames:
        if not module:
            return Release.UNKNOWN
        if not KERNEL_FILE.match(module):
            return Release.UNKNOWN if user_routine or unnamed else Release.DIRECT if finished else Release.DRIVER
        if function in _STAGE_TWO:
            finished = True
        elif function in _USER_ROUTINES:
            user_routine = True
        elif finished:
            if function in _CALLS_STAGE_TWO:
                return _CALLS_STAGE_TWO[function]
        elif function in _EXITS:
            return Release.EXIT if not unnamed else Release.UNKNOWN
        elif function in _DELIVERY:
            return Release.USER_APC if not unnamed else Release.UNKNOWN
        elif function in _PORTS:
            return _PORTS[function]
        else:
            unnamed |= not user_routine and not is_irp_release(function)
    return Release.UNKNOWN


@dataclass(frozen=True, slots=True, eq=False)
class Released:
    """How often IRPs were released by what, by kind of request and process: one row each.

    ``kind``: :attr:`~analyzers.requests.releases.ReleaseTable.kind`. ``count``: int64 (rows, members of
    :class:`Release`).
    """

    kind: I32
    process: U32
    count: I64

    def of_kind(self, kind: I32, process: U32, ways: Sequence[Release]) -> I64:
        """By request, of a kind and a process: how many others of both were released in one of these ways."""
        keys = _keys(self.kind, self.process)
        order = np.argsort(keys, kind="stable")
        if not len(keys):
            return np.zeros(len(kind), np.int64)
        asked = _keys(kind, process)
        at = order[np.minimum(np.searchsorted(keys[order], asked), len(keys) - 1)]
        return np.where((keys[at] == asked) & (kind != NO_KIND), self.count[at][:, list(ways)].sum(axis=1), 0)

    def of_process(self, process: int, ways: Sequence[Release]) -> int:
        """How many IRPs of a process were released in one of these ways."""
        return int(self.count[self.process == np.uint32(process)][:, list(ways)].sum())


NOTHING_RELEASED: Final = Released(np.zeros(0, np.int32), np.zeros(0, np.uint32), np.zeros((0, len(Release)), np.int64))


def released(table: ReleaseTable, functions: Functions) -> Released:
    """What the stacks of all frees tell; empty where no function on them has a name."""
    stacks, place = np.unique(table.stack, return_inverse=True)
    if not len(stacks):
        return NOTHING_RELEASED
    by_count = np.argsort(-np.bincount(place, weights=table.count), kind="stable")[: BY_NAME.most_stacks]
    ways = np.zeros(len(stacks), np.uint8)
    for at in by_count.tolist():
        ways[at] = release_by(functions(int(stacks[at])))
    if not ways.any():
        return NOTHING_RELEASED
    keys, row = np.unique(_keys(table.kind, table.process), return_inverse=True)
    count = np.zeros((len(keys), len(Release)), np.int64)
    np.add.at(count, (row, ways[place]), table.count)
    return Released((keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.uint32), count)


def _keys(kind: I32, process: U32) -> I64:
    return kind.astype(np.int64) << 32 | process.astype(np.int64)
