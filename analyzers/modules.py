"""Images in memory: addresses → module and offset, and the module that asked for an allocation.

Kernel images are known by process 0 (the rundown lists them there); user images by their process. An
image stays known after it is unloaded, for the stacks before; where another one was loaded over it
since, the newer one counts.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.fields import merged
from tracer.columns import EventTable
from tracer.events.image import UNLOAD
from tracer.jit import kernel
from tracer.search import last_at_most
from tracer.stacks.table import StackTable

KERNEL: Final = re.compile(
    r"^(ntoskrnl|ntkrnl\w*|ntkrp\w*|hal|halacpi|halmacpi|halaacpi|halapic|halmps|halsp)\.(exe|dll)$", re.IGNORECASE
)
"""The kernel image by its names on single- and multiprocessor, PAE and plain systems, and the HAL's by its."""
KERNEL_FILE: Final = re.compile(r"^(ntoskrnl|ntkrnl\w*|ntkrp\w*)\.exe$", re.IGNORECASE)
"""The kernel image alone."""
KERNEL_NAME: Final = "nt"
"""What the kernel image is called as a driver."""
_KERNEL_SPACE: Final = {4: 0x8000_0000, 8: 0x8000_0000_0000_0000}
_LOWEST_32: Final = np.uint64(_KERNEL_SPACE[4])
_LOWEST_64: Final = np.uint64(_KERNEL_SPACE[8])
_KERNEL_PROCESSES: Final = {0, 4}
"""Processes that images of the kernel are listed under."""
_PAGE: Final = 0x1000
_LAST: Final = 0xFFFF_FFFF_FFFF_FFFF


_INBOX: Final = frozenset(
    (
        f" {KERNEL_NAME} fltmgr.sys afd.sys tcpip.sys netio.sys ndis.sys tdx.sys http.sys npfs.sys msfs.sys mup.sys "
        "rdbss.sys mrxsmb.sys mrxsmb20.sys srv2.sys srvnet.sys ntfs.sys refs.sys fastfat.sys exfat.sys fvevol.sys "
        "volsnap.sys volmgr.sys partmgr.sys disk.sys classpnp.sys storport.sys stornvme.sys storahci.sys fileinfo.sys "
        "wof.sys luafv.sys cldflt.sys bindflt.sys wcifs.sys ksecdd.sys usbport.sys usbhub3.sys usbxhci.sys hidclass.sys"
    ).split(" ")
)
"""Drivers that come with Windows and stand in a request's way; the empty name is that of an unknown one."""


def is_inbox(driver: str) -> bool:
    """Whether a module is known to be Windows' own; an unknown one is taken for that, as nobody is named then."""
    return driver.lower() in _INBOX


@dataclass(frozen=True, slots=True)
class Module:
    """One image: ``name`` without its path, ``path`` as the trace has it."""

    base: int
    size: int
    name: str
    path: str
    process: int


@dataclass(frozen=True, slots=True)
class ModuleMap:
    """The address space of one process by modules.

    ``bounds`` (uint64, ascending; ``edges`` are the same) begin stretches of memory; ``owners`` (int32, one less) are
    rows of ``modules``, -1 where a stretch is nobody's.
    """

    bounds: npt.NDArray[np.uint64]
    owners: npt.NDArray[np.int32]
    modules: tuple[Module, ...]
    edges: tuple[int, ...]

    @classmethod
    def of(cls, modules: tuple[Module, ...]) -> ModuleMap:
        """From images in the order of their loading."""
        bases = np.array([module.base for module in modules], np.uint64)
        ends = np.array([min(module.base + module.size, _LAST) for module in modules], np.uint64)
        bounds = np.unique(np.concatenate([bases, ends]))
        owners = np.full(max(len(bounds) - 1, 0), -1, np.int32)
        firsts, lasts = np.searchsorted(bounds, bases), np.searchsorted(bounds, ends)
        for row, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
            owners[first:last] = row
        return cls(bounds, owners, modules, tuple(bounds.tolist()))

    def find(self, address: int) -> Module | None:
        """The image an address lies in."""
        at = bisect_right(self.edges, address) - 1
        row = int(self.owners[at]) if 0 <= at < len(self.owners) else -1
        return self.modules[row] if row >= 0 else None


class Modules:
    """All images seen so far."""

    def __init__(self) -> None:
        self._found: dict[int, dict[int, Module]] = {}
        self._maps: dict[int, ModuleMap] = {}

    def feed(self, table: EventTable) -> None:
        """Take one batch's image events."""
        bases = merged(table, "base", dtype=np.uint64).tolist()
        sizes = merged(table, "size", "size32", dtype=np.uint64).tolist()
        processes = merged(table, "process", dtype=np.uint32).tolist()
        names = table.blob("file_name")
        events = zip(table.event.tolist(), bases, sizes, processes, strict=True)
        for row, (event, base, size, process) in enumerate(events):
            self._add(base, size, process, names.utf16(row), loaded=event != UNLOAD)

    def _add(self, base: int, size: int, process: int, path: str, *, loaded: bool) -> None:
        if base >= _KERNEL_SPACE[8] or (base >= _KERNEL_SPACE[4] and process in _KERNEL_PROCESSES):
            process = 0
        images = self._found.setdefault(process, {})
        if not loaded and base in images:
            return
        images.pop(base, None)  # so that it goes to the end: the newest
        images[base] = Module(base, max(size, _PAGE), re.split(r"[\\/]", path)[-1], path, process)
        self._maps.pop(process, None)

    def of_process(self, process: int) -> ModuleMap:
        """Images of one process; 0 is the kernel."""
        if process not in self._maps:
            self._maps[process] = ModuleMap.of(tuple(self._found.get(process, {}).values()))
        return self._maps[process]

    def find(self, address: int, process: int = 0) -> Module | None:
        """The image an address lies in: the kernel's images first, then those of ``process``."""
        found = self.of_process(0).find(address)
        return self.of_process(process).find(address) if found is None and process else found

    def allocating(
        self, stacks: StackTable, ids: npt.NDArray[np.int32]
    ) -> tuple[tuple[str, ...], npt.NDArray[np.uint64]]:
        """Driver that asked for the allocation, by stack id, and the address in it.

        It is the first frame outside the kernel image. Where all frames are the kernel's, the driver is ``nt`` and the
        frame the second one, as the first is in the pool's own code. The driver is empty where there is no stack or no
        image fits, the frame 0 where there is no stack. A frame of kernel space in no known image is some driver's
        whose image event is missing: not the kernel's, where that is known, and not that of whoever called it. The
        innermost frame is never a driver's: it is in the pool's code.
        """
        kernel_space = self.of_process(0)
        own = np.array([KERNEL.match(module.name) is not None for module in kernel_space.modules], np.bool_)
        whole = any(KERNEL_FILE.match(module.name) for module in kernel_space.modules)
        names = [KERNEL_NAME if mine else m.name for m, mine in zip(kernel_space.modules, own, strict=True)]
        rows, frames = np.empty(len(ids), np.int32), np.empty(len(ids), np.uint64)
        first_module(
            stacks.canonical(ids), stacks.starts, stacks.lengths, stacks.frame_pool,
            kernel_space.bounds, kernel_space.owners, own, whole, rows, frames,
        )  # fmt: skip
        return tuple(names[row] if row >= 0 else "" for row in rows.tolist()), frames


@kernel
def first_module(
    ids: npt.NDArray[np.int32],
    starts: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int32],
    frames: npt.NDArray[np.uint64],
    bounds: npt.NDArray[np.uint64],
    owners: npt.NDArray[np.int32],
    own: npt.NDArray[np.bool_],
    whole: bool,
    rows: npt.NDArray[np.int32],
    found: npt.NDArray[np.uint64],
) -> None:
    """By stack: row of the first image outside the kernel, else of a kernel image, else -1; and the frame in it.

    ``whole``: the kernel image is known, so that a frame of kernel space in no image is an unknown driver's: -1; but
    for the innermost one, which is in the pool's own code.
    """
    for i in range(ids.shape[0]):
        rows[i] = -1
        found[i] = 0
        stack = ids[i]
        if stack < 0 or lengths[stack] == 0:
            continue
        found[i] = frames[starts[stack] + min(np.int64(lengths[stack]) - 1, 1)]
        lowest = _LOWEST_64 if frames[starts[stack]] >= _LOWEST_64 else _LOWEST_32
        for k in range(lengths[stack]):
            at = last_at_most(bounds, frames[starts[stack] + k])
            if at < 0 or at >= owners.shape[0] or owners[at] < 0:
                if whole and k > 0 and frames[starts[stack] + k] >= lowest:
                    rows[i] = -1
                    found[i] = frames[starts[stack] + k]
                    break
                continue
            if not own[owners[at]]:
                rows[i] = owners[at]
                found[i] = frames[starts[stack] + k]
                break
            if rows[i] < 0:
                rows[i] = owners[at]
