"""Images in memory: addresses → module and offset, and the module that asked for an allocation.

Kernel images are known by process 0 (the rundown lists them there); user images by their process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.columns import EventTable
from tracer.events.image import UNLOAD
from tracer.jit import kernel
from tracer.stacks.table import StackTable

KERNEL: Final = re.compile(r"^(ntoskrnl|ntkrnl\w*|ntkrp\w*|hal|halmacpi|halacpi)\.(exe|dll)$", re.IGNORECASE)
"""The kernel image by its names on single- and multiprocessor, PAE and plain systems, and the HAL."""
KERNEL_NAME: Final = "nt"
"""What the kernel image is called as a driver."""
_KERNEL_SPACE: Final = {4: 0x8000_0000, 8: 0x8000_0000_0000_0000}
_PAGE: Final = 0x1000


@dataclass(frozen=True, slots=True)
class Module:
    """One image: ``name`` without its path, ``path`` as the trace has it."""

    base: int
    size: int
    name: str
    path: str
    process: int


@dataclass(slots=True)
class Modules:
    """All images seen so far."""

    _found: dict[tuple[int, int], Module] = field(default_factory=dict)
    _sorted: dict[int, tuple[npt.NDArray[np.uint64], list[Module]]] = field(default_factory=dict)

    def feed(self, table: EventTable) -> None:
        """Take one batch's image events; an unload leaves the image known for the stacks before it."""
        bases, sizes, names = table.array("base"), table.array("size"), table.blob("file_name")
        processes = table.fields.get("process")
        small = table.fields.get("size32")
        for row in range(len(table)):
            process = int(processes[row]) if isinstance(processes, np.ndarray) else 0
            size = int(sizes[row]) or (int(small[row]) if isinstance(small, np.ndarray) else 0)
            self._add(int(bases[row]), size, process, names.utf16(row), loaded=int(table.event[row]) != UNLOAD)

    def _add(self, base: int, size: int, process: int, path: str, *, loaded: bool) -> None:
        if base >= _KERNEL_SPACE[4] and (base >= _KERNEL_SPACE[8] or process in {0, 4}):
            process = 0
        if loaded or (process, base) not in self._found:
            name = re.split(r"[\\/]", path)[-1]
            self._found[process, base] = Module(base, max(size, _PAGE), name, path, process)
            self._sorted.pop(process, None)

    def of_process(self, process: int) -> tuple[npt.NDArray[np.uint64], list[Module]]:
        """Bases (uint64, ascending) and images of one process; 0 is the kernel."""
        if process not in self._sorted:
            images = sorted((m for (owner, _), m in self._found.items() if owner == process), key=lambda m: m.base)
            self._sorted[process] = np.array([m.base for m in images], np.uint64), images
        return self._sorted[process]

    def find(self, address: int, process: int = 0) -> Module | None:
        """The image an address lies in: the kernel's images first, then those of ``process``."""
        for owner in dict.fromkeys((0, process)):
            bases, images = self.of_process(owner)
            at = int(np.searchsorted(bases, np.uint64(address), side="right")) - 1
            if at >= 0 and address < images[at].base + images[at].size:
                return images[at]
        return None

    def allocating(self, stacks: StackTable, ids: npt.NDArray[np.int32]) -> tuple[str, ...]:
        """Driver that asked for the allocation, by stack id: the first frame's module outside the kernel image.

        ``nt`` where all known frames are the kernel's; empty where there is no stack or no image fits.
        """
        bases, images = self.of_process(0)
        if not len(ids) or not images:
            return ("",) * len(ids)
        ends = np.array([m.base + m.size for m in images], np.uint64)
        own = np.array([KERNEL.match(m.name) is not None for m in images])
        rows = np.empty(len(ids), np.int64)
        resolved = stacks.canonical(ids)
        first_module(resolved, stacks.starts, stacks.lengths, stacks.frame_pool, bases, ends, own, rows)
        names = [KERNEL_NAME if kernel_image else m.name for m, kernel_image in zip(images, own, strict=True)]
        return tuple(names[row] if row >= 0 else "" for row in rows.tolist())


@kernel
def first_module(
    ids: npt.NDArray[np.int32],
    starts: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int32],
    frames: npt.NDArray[np.uint64],
    bases: npt.NDArray[np.uint64],
    ends: npt.NDArray[np.uint64],
    own: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
) -> None:
    """By stack: row of the first image outside the kernel, else of a kernel image, else -1."""
    for i in range(ids.shape[0]):
        rows[i] = -1
        stack = ids[i]
        if stack < 0:
            continue
        for k in range(lengths[stack]):
            address = frames[starts[stack] + k]
            at = np.searchsorted(bases, address, side="right") - 1
            if at < 0 or address >= ends[at]:
                continue
            if not own[at]:
                rows[i] = at
                break
            if rows[i] < 0:
                rows[i] = at
