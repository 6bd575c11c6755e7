"""Lookaside lists of IRPs: per CPU and shared, for three sizes; an IRP goes home to where it was made.

Sources: ReactOS, ntoskrnl/io/iomgr/irp.c (IoAllocateIrp, IoFreeIrp; the float of each CPU). That the list is that of
the CPU on which the IRP was allocated is seen in published analyses of current kernels.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from benchmarks.accuracy.scripted.conditions import Conditions

HEADER_BYTES: Final = {8: 0xD0, 4: 0x70}
LOCATION_BYTES: Final = {8: 0x48, 4: 0x24}
"""An IRP is a header and its stack locations."""


@dataclass(slots=True, eq=False)
class ScriptedIrp:
    """``record``: of its allocation, -1 where it is from before the trace. ``rests``: it may go back to a list.

    ``lent``: it came off a list for an asynchronous request. ``from_before``: it was there when the trace began.
    """

    size: int
    locations: int
    home: int
    rests: bool
    from_before: bool = False
    lent: bool = False
    address: int = 0
    record: int = -1


@dataclass(slots=True)
class Lists:
    """All lists of the machine."""

    conditions: Conditions
    rng: random.Random
    _own: dict[tuple[int, int], list[ScriptedIrp]] = field(default_factory=dict)
    _shared: dict[int, list[ScriptedIrp]] = field(default_factory=lambda: defaultdict(list))
    _float: dict[int, int] = field(default_factory=dict)

    def take(self, cpu: int, locations: int, *, quota: bool) -> ScriptedIrp:
        """An IRP off a list, or a new one without address, to be allocated.

        A size that no list has, and an asynchronous request (``quota``) of a CPU that has lent all it may, are
        allocated exactly and never rest.
        """
        of = next((size for size in self.conditions.locations if size >= locations), 0)
        if not of or (quota and self._float.setdefault(cpu, self.conditions.lent) <= 0):
            return ScriptedIrp(self.bytes_of(locations), locations, cpu, rests=False)
        own = self._list(cpu, of)
        if not own and not self._shared[of]:
            return ScriptedIrp(self.bytes_of(of), of, cpu, rests=True)
        irp = (own or self._shared[of]).pop()
        irp.home, irp.lent = cpu, quota
        if quota:
            self._float[cpu] -= 1
        return irp

    def put(self, irp: ScriptedIrp) -> bool:
        """Whether a list keeps it; else it is to be freed."""
        if irp.lent:
            self._float[irp.home] += 1
            irp.lent = False
        if not irp.rests:
            return False
        for rests in (self._list(irp.home, irp.locations), self._shared[irp.locations]):
            if len(rests) < self.conditions.list_depth:
                rests.append(irp)
                return True
        return False

    def bytes_of(self, locations: int) -> int:
        """Of an IRP with so many stack locations."""
        size = self.conditions.pointer_size
        return HEADER_BYTES[size] + LOCATION_BYTES[size] * locations

    def _list(self, cpu: int, locations: int) -> list[ScriptedIrp]:
        key = (cpu, locations)
        if key not in self._own:
            there = int(self.conditions.list_depth * self.conditions.list_filled)
            before = (
                ScriptedIrp(self.bytes_of(locations), locations, cpu, rests=True, from_before=True)
                for _ in range(there)
            )
            self._own[key] = list(before)
        return self._own[key]
