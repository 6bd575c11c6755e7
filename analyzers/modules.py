"""Images in memory: addresses → module and offset, and the module that asked for an allocation.

Kernel images are known by process 0 (the rundown lists them there); user images by their process. An
image stays known after it is unloaded, for the stacks before; where another one was loaded over it
since, the time of the event tells which of them it was (:mod:`analyzers.image_lives`).

A *place* is an address with the mark of its image in bits 52 to 62, which are alike in every address: so that a number
tells the code where two images lay at one address in turn. Everywhere else a place is the address.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.fields import merged
from analyzers.image_lives import (
    ALWAYS,
    MARK_SHIFT,
    MARKS,
    NEVER,
    Change,
    ImageLives,
    Module,
    ModuleMap,
    Unload,
    module_of,
)
from tracer.arrays import I32, I64, U64, Mask, unique
from tracer.columns import EventTable
from tracer.data_classes import dataclass
from tracer.jit import kernel
from tracer.search import last_at_most
from tracer.stacks.table import StackArrays, StackTable

KERNEL: Final = re.compile(
    r"^(ntoskrnl|ntkrnl\w*|ntkrp\w*|hal|halacpi|halmacpi|halaacpi|halapic|halmps|halsp)\.(exe|dll)\Z",
    re.IGNORECASE | re.ASCII,
)
"""The kernel image by its names on single- and multiprocessor, PAE and plain systems, and the HAL's by its.

In ASCII: else ſ is an s of another case, and a driver called ``ntoſkrnl.exe`` would go for the kernel.
"""
KERNEL_FILE: Final = re.compile(r"^(ntoskrnl|ntkrnl\w*|ntkrp\w*)\.exe\Z", re.IGNORECASE | re.ASCII)
"""The kernel image alone."""
KERNEL_NAME: Final = "nt"
"""What the kernel image is called as a driver."""
_KERNEL_SPACE: Final = {4: 0x8000_0000, 8: 0x8000_0000_0000_0000}
_LOWEST_32: Final = np.uint64(_KERNEL_SPACE[4])
_LOWEST_64: Final = np.uint64(_KERNEL_SPACE[8])
_KERNEL_PROCESSES: Final = {0, 4}
"""Processes that images of the kernel are listed under."""
_TOP: Final = 1 << 63


_INBOX: Final = frozenset(
    (
        f" {KERNEL_NAME} fltmgr.sys afd.sys tcpip.sys netio.sys ndis.sys tdx.sys http.sys npfs.sys msfs.sys "
        "mup.sys rdbss.sys mrxsmb.sys mrxsmb20.sys srv2.sys srvnet.sys ntfs.sys refs.sys fastfat.sys exfat.sys "
        "fvevol.sys volsnap.sys volmgr.sys partmgr.sys disk.sys classpnp.sys storport.sys stornvme.sys "
        "storahci.sys fileinfo.sys wof.sys luafv.sys cldflt.sys bindflt.sys wcifs.sys ksecdd.sys usbport.sys "
        "usbhub3.sys usbxhci.sys hidclass.sys acpi.sys bowser.sys cdfs.sys cdrom.sys cng.sys csc.sys dfsc.sys "
        "dxgkrnl.sys dxgmms1.sys dxgmms2.sys filecrypt.sys fwpkclnt.sys hdaudbus.sys intelppm.sys iorate.sys "
        "ksthunk.sys mountmgr.sys mpsdrv.sys mrxdav.sys mrxsmb10.sys mslldp.sys ndisuio.sys netbt.sys "
        "nsiproxy.sys nwifi.sys pacer.sys pci.sys peauth.sys rdpdr.sys rdyboost.sys rspndr.sys spaceport.sys "
        "srv.sys storqosflt.sys tcpipreg.sys tm.sys udfs.sys usbccgp.sys usbhub.sys usbstor.sys vmbus.sys "
        "volume.sys wanarp.sys wdf01000.sys wdfilter.sys wfplwfs.sys win32k.sys win32kbase.sys win32kfull.sys"
    ).split(" ")
)
"""Drivers that come with Windows and stand in a request's way; the empty name is that of an unknown one."""


_LIBRARIES: Final = frozenset(
    f"{name}.sys"
    for name in (
        "netio",
        "fwpkclnt",
        "ndis",
        "tdi",
        "fltmgr",
        "wdf01000",
        "wdfldr",
        "ks",
        "portcls",
        "ksecdd",
        "cng",
        "storport",
        "scsiport",
        "classpnp",
        "hidparse",
        "hidclass",
        "usbd",
        "wmilib",
        "videoprt",
        "dxgkrnl",
        "watchdog",
        "rdbss",
        "clfs",
        "msrpc",
        "wpprecorder",
    )
)
"""Those of Windows' drivers that export functions to others, and allocate for who calls them: export drivers, class and
port drivers and frameworks (Windows driver documentation, "Creating Export Drivers", and the pages of each)."""


def is_inbox(driver: str) -> bool:
    """Whether a module is known to be Windows' own; an unknown one is taken for that, as nobody is named then."""
    return driver.lower() in _INBOX


def is_library(driver: str) -> bool:
    """Whether one of Windows' own drivers allocates for others that call it."""
    return driver.lower() in _LIBRARIES


@dataclass(frozen=True, slots=True, eq=False)
class FrameTable:
    """The frames of several stacks, one stack after another: those of stack ``i`` from ``bounds[i]`` to the next.

    ``place``: uint64. ``module``: int32 index into ``modules``, -1 where no image of the kernel's space fits.
    """

    place: U64
    bounds: I64
    module: I32
    modules: tuple[Module, ...]


class Modules:
    """All images seen so far."""

    def __init__(self) -> None:
        self._found: dict[int, ImageLives] = {}
        self.changes: list[Change] = []
        """What lay elsewhere than before, in the order in which it became known."""

    def feed(self, table: EventTable) -> None:
        """Take one batch's image events."""
        bases = merged(table, "base", dtype=np.uint64).tolist()
        sizes = merged(table, "size", "size32", dtype=np.uint64).tolist()
        processes = merged(table, "process", dtype=np.uint32).tolist()
        stamps = merged(table, "time_date_stamp", dtype=np.uint32).tolist()
        names = table.blob("file_name")
        columns = (table.time, table.raw_time, table.cpu, table.offset)
        times = zip(*(column.tolist() for column in columns), strict=True)
        events = zip(table.event.tolist(), bases, sizes, processes, stamps, times, strict=True)
        for row, (event, base, size, process, stamp, at) in enumerate(events):
            if base >= _KERNEL_SPACE[8] or (base >= _KERNEL_SPACE[4] and process in _KERNEL_PROCESSES):
                process = 0  # noqa: PLW2901 - whatever process the event names
            path = names.utf16(row)
            image = module_of(base, size, re.split(r"[\\/]", path)[-1], path, process, stamp)
            lives = self._found.setdefault(process, ImageLives(process))
            self.changes += lives.feed(event, image, Unload(*at))

    def of_process(self, process: int, at_ns: int = NEVER) -> ModuleMap:
        """Images of one process at a time, the last ones by default; 0 is the kernel."""
        lives = self._found.get(process)
        return _NOTHING if lives is None else lives.at(at_ns)

    def find(self, place: int, process: int = 0, at_ns: int = NEVER) -> Module | None:
        """The image that a place, or an address at a time, lies in: the kernel's images first, then those of a process.

        By default the newest of several.
        """
        address, mark = taken_apart(place)
        for space in (0, process) if process else (0,):
            if (lives := self._found.get(space)) is not None:
                if mark and (marked := lives.by_mark(mark)) is not None and marked.base <= address < marked.end:
                    return marked
                if (found := lives.at(at_ns).find(address)) is not None:
                    return found
        return None

    @property
    def files(self) -> frozenset[tuple[str, str]]:
        """File name and path of every image."""
        every = (image for lives in self._found.values() for image in lives.images)
        return frozenset((image.name, image.path) for image in every)

    @property
    def builds(self) -> dict[str, frozenset[tuple[int, int]]]:
        """By name of a kernel image, in small letters: size and time stamp (0: not told) of each that was loaded."""
        found: dict[str, set[tuple[int, int]]] = {}
        for image in () if 0 not in self._found else self._found[0].images:
            found.setdefault(image.name.lower(), set()).add((image.size, image.time_date_stamp))
        return {name: frozenset(builds) for name, builds in found.items()}

    @property
    def every(self) -> list[Module]:
        """All of all address spaces, each space's in the order of their coming."""
        return [image for process in sorted(self._found) for image in self._found[process].images]

    @property
    def unloaded(self) -> list[Module]:
        """Drivers that were unloaded once or more."""
        kernel_space = self._found.get(0)
        return [] if kernel_space is None else kernel_space.unloaded

    def frames(self, addresses: U64, bounds: I64, at_ns: I64) -> FrameTable:
        """What lay at the frames of several stacks; ``at_ns``: int64, by stack."""
        module = np.full(len(addresses), -1, np.int32)
        place, known = addresses.copy(), list[Module]()
        lengths = np.diff(bounds)
        for time_ns, which in self._by_turn(at_ns):
            images = self.of_process(0, time_ns)
            rows = np.flatnonzero(np.repeat(which, lengths))
            found = images.rows(addresses[rows])
            module[rows] = np.where(found >= 0, found + len(known), -1)
            known += images.modules
        marks = np.array([each.mark_bits for each in known], np.uint64)
        if marks.any():
            hit = np.flatnonzero(module >= 0)
            place[hit] ^= marks[module[hit]]
        return FrameTable(place, bounds, module, tuple(known))

    def _by_turn(self, at_ns: I64) -> list[tuple[int, Mask]]:
        """A time and which of the given ones are like it: the same images lay at the same places."""
        kernel_space = self._found.get(0)
        turns = np.zeros(0, np.int64) if kernel_space is None else kernel_space.turns
        turn = np.searchsorted(turns, at_ns, side="right")
        distinct = unique(turn).tolist() or [0]
        return [(int(turns[each - 1]) if each else ALWAYS, turn == each) for each in distinct]

    def allocating(self, stacks: StackTable, ids: I32, at_ns: I64 | None = None) -> tuple[tuple[str, ...], U64]:
        """Driver that asked for the allocation, by stack id, and the place in it. ``at_ns``: time of each stack.

        It is the first frame outside the kernel image. Where all frames are the kernel's, the driver is ``nt`` and the
        frame the second one, as the first is in the pool's own code. The driver is empty where there is no stack or no
        image fits, the frame 0 where there is no stack. A frame of kernel space in no known image is some driver's
        whose image event is missing: not the kernel's, where that is known, and not that of whoever called it. The
        innermost frame is never a driver's: it is in the pool's code.
        """
        drivers, frames = np.full(len(ids), "", np.object_), np.zeros(len(ids), np.uint64)
        times = np.full(len(ids), NEVER) if at_ns is None else at_ns
        for time_ns, which in self._by_turn(times):
            drivers[which], frames[which] = _allocating(self.of_process(0, time_ns), stacks, ids[which])
        return tuple(drivers.tolist()), frames


_NOTHING: Final = ModuleMap.of(())


def taken_apart(place: int) -> tuple[int, int]:
    """A marked address without its mark, and the mark of its image: 0 for none."""
    mark = place >> MARK_SHIFT & MARKS
    if place & _TOP:
        mark ^= MARKS
    return place ^ mark << MARK_SHIFT, mark


def _allocating(images: ModuleMap, stacks: StackTable, ids: I32) -> tuple[npt.NDArray[np.object_], U64]:
    own = np.array([KERNEL.match(module.name) is not None for module in images.modules], np.bool_)
    whole = any(KERNEL_FILE.match(module.name) for module in images.modules)
    names = [KERNEL_NAME if mine else m.name for m, mine in zip(images.modules, own, strict=True)]
    rows, frames = np.empty(len(ids), np.int32), np.empty(len(ids), np.uint64)
    first_module(
        stacks.canonical(ids), stacks.arrays, images.bounds, images.owners, own, whole, rows, frames
    )  # fmt: skip
    marks = np.array([module.mark_bits for module in images.modules], np.uint64)
    if marks.any():
        frames[rows >= 0] ^= marks[rows[rows >= 0]]
    return np.array([*names, ""], np.object_)[rows], frames


@kernel
def first_module(
    ids: I32,
    stacks: StackArrays,
    bounds: U64,
    owners: I32,
    own: Mask,
    whole: bool,
    rows: I32,
    found: U64,
) -> None:
    """By stack: row of the first image outside the kernel, else of a kernel image, else -1; and the frame in it.

    ``whole``: the kernel image is known, so that a frame of kernel space in no image is an unknown driver's: -1; but
    for the innermost one, which is in the pool's own code.
    """
    starts, lengths, frames = stacks.starts, stacks.lengths, stacks.frames
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
