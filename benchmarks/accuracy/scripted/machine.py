"""Who and what there is: images with addresses, processes, threads."""

from __future__ import annotations

import math
import random
import zlib
from dataclasses import dataclass, field
from typing import Final

from benchmarks.accuracy.scripted.conditions import Conditions
from benchmarks.accuracy.scripted.names import driver_name, program_name
from tracer.events.thread import WaitReason

_SYSTEM_ID: Final = 4
_KERNEL_BASE: Final = {8: 0xFFFFF80000000000, 4: 0x80400000}
_USER_BASE: Final = {8: 0x7FF700000000, 4: 0x00400000}
_USER_MODULES_AT: Final = {8: 0x7FFB40000000, 4: 0x76000000}
_PROCESS_OBJECTS: Final = {8: 0xFFFFE00000000000, 4: 0x85000000}
_FOLDERS: Final = (
    "\\SystemRoot\\system32\\drivers\\",
    "\\SystemRoot\\System32\\DRIVERS\\",
    "\\Windows\\System32\\drivers\\",
)
_WINDOWS: Final = (
    *("hal.dll", "fltmgr.sys", "ntfs.sys", "ndis.sys", "netio.sys", "tcpip.sys", "afd.sys", "storport.sys"),
    *("usbxhci.sys", "dxgkrnl.sys", "win32kfull.sys", "srv2.sys", "http.sys", "volsnap.sys", "ksecdd.sys"),
)
_USER_MODULES: Final = ("ntdll.dll", "kernelbase.dll", "kernel32.dll", "ws2_32.dll", "mswsock.dll")
_ID_STEP: Final = 4

_CALLS: Final[dict[str, tuple[str, ...]]] = {
    "socket": ("ntdll.dll", "kernelbase.dll", "mswsock.dll", "ws2_32.dll"),
    "connect": ("ntdll.dll", "mswsock.dll", "ws2_32.dll"),
    "send": ("ntdll.dll", "mswsock.dll", "ws2_32.dll"),
    "receive": ("ntdll.dll", "mswsock.dll", "ws2_32.dll"),
    "close": ("ntdll.dll", "mswsock.dll", "ws2_32.dll"),
    "wait": ("ntdll.dll", "kernelbase.dll"),
    "dequeue": ("ntdll.dll", "kernelbase.dll"),
    "post": ("ntdll.dll", "kernelbase.dll"),
    "read": ("ntdll.dll", "kernelbase.dll"),
    "read with routine": ("ntdll.dll", "kernelbase.dll"),
    "control": ("ntdll.dll", "kernelbase.dll", "kernel32.dll"),
}
"""Modules through which a program's calls go, innermost first."""

_API: Final = {
    ("kernelbase.dll", "read"): "ReadFile",
    ("kernelbase.dll", "read with routine"): "ReadFileEx",
    ("ws2_32.dll", "send"): "WSASend",
    ("ws2_32.dll", "receive"): "WSARecv",
}
"""What Windows calls functions that are named by what a program calls them for."""
_BEFORE: Final = 0x20
"""Bytes from a function's begin to what stacks show of it, unless another is there."""
NEVER: Final = (math.inf, math.inf)
Stack = tuple[int, ...]
"""Addresses, innermost first."""


@dataclass(frozen=True, slots=True)
class Image:
    """A mapped module."""

    name: str
    path: str
    base: int
    size: int

    def frame(self, rng: random.Random) -> int:
        """A return address somewhere in its code."""
        return self.base + 0x1000 + rng.randrange(self.size - 0x2000)


@dataclass(slots=True, eq=False)
class Process:
    """``started`` and ``ended``: nanoseconds; outside the trace where they are -1."""

    id: int
    name: str
    key: int
    session: int
    image: Image | None
    started: int = -1
    ended: int = -1


@dataclass(slots=True, eq=False)
class Thread:
    """``home``: its CPU, when it has one to itself or moves to another only now and then.

    ``spins``: it holds its CPU whenever nobody else needs it, and never waits. ``wait``: what it waits for between its
    events. ``held_off``: from one moment to another others have its CPU, and it stays ready. ``suspended``: from one
    moment to another it is. ``user``: the user-mode part of its stack where nothing else is said.
    """

    id: int
    process: Process
    home: int
    priority: int
    wait: WaitReason
    waits_in_user_mode: bool
    pinned: bool = False
    spins: bool = False
    started: int = -1
    ended: int = -1
    held_off: tuple[float, float] = NEVER
    suspended: tuple[float, float] = NEVER
    user: Stack = ()


@dataclass(slots=True)
class Machine:
    """Images, processes and threads of one trace.

    ``loads``, ``unloads``: when drivers come and go that are not there all the time, in nanoseconds.
    """

    rng: random.Random
    conditions: Conditions
    kernel: Image = field(init=False)
    drivers: dict[str, Image] = field(init=False)
    third_party: list[Image] = field(init=False)
    processes: list[Process] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)
    system: Process = field(init=False)
    user_modules: dict[str, Image] = field(default_factory=dict)
    loads: dict[Image, float] = field(default_factory=dict)
    unloads: dict[Image, float] = field(default_factory=dict)
    _mapped: list[Image] = field(default_factory=list)
    _named: set[tuple[str, int, str]] = field(default_factory=set)
    _base: int = 0
    _next_id: int = 400

    def __post_init__(self) -> None:
        self._base = _KERNEL_BASE[self.conditions.pointer_size] + self.rng.randrange(0x100) * 0x10000
        pae = self.conditions.pointer_size == 4 and self.rng.random() < 0.5
        self.kernel = self._map("ntkrnlpa.exe" if pae else "ntoskrnl.exe", "\\SystemRoot\\system32\\", 0x900000)
        self.drivers = {name: self._map(name, self.rng.choice(_FOLDERS)) for name in _WINDOWS}
        at = _USER_MODULES_AT[self.conditions.pointer_size] + self.rng.randrange(0x100) * 0x10000
        for name in _USER_MODULES:
            size = self.rng.randrange(0x40, 0x200) * 0x1000
            self.user_modules[name] = Image(name, f"\\Windows\\System32\\{name}", at, size)
            at += (size + 0xFFFF & ~0xFFFF) + self.rng.randrange(4) * 0x10000
        names = {driver_name(self.rng).casefold(): None for _ in range(16)}
        self.third_party = [self._map(name, self.rng.choice(_FOLDERS)) for name in names]
        self.system = Process(_SYSTEM_ID, "System", self._object(), 0, None)
        self.processes.append(self.system)

    def driver(self) -> Image:
        """A third party's driver, another one each time."""
        return self.third_party.pop(self.rng.randrange(len(self.third_party)))

    def mapped_over(self, gone: Image) -> Image:
        """Another driver at the base of one that goes."""
        name = self.driver().name
        made = Image(name, self.rng.choice(_FOLDERS) + name, gone.base, gone.size)
        self._mapped.append(made)
        return made

    def mapped(self) -> list[Image]:
        """All modules of the kernel, those already handed out too."""
        return self._mapped

    def images_of(self, process: Process) -> list[Image]:
        """Modules that are mapped in a process alone."""
        return [] if process.image is None else [process.image, *self.user_modules.values()]

    def process(self, started: int = -1, *, session: int | None = None) -> Process:
        """A process, already there or started during the trace."""
        name = program_name(self.rng)
        base = _USER_BASE[self.conditions.pointer_size] + self.rng.randrange(0x200) * 0x10000
        image = Image(name, f"\\Device\\HarddiskVolume2\\apps\\{name}", base, 0x48000)
        chosen = self.rng.randrange(3) if session is None else session
        made = Process(self._id(), name, self._object(), chosen, image, started)
        self.processes.append(made)
        return made

    def thread(self, process: Process, started: int = -1) -> Thread:
        """A thread that waits between its events."""
        wait = self.rng.choice((WaitReason.USER_REQUEST, WaitReason.WR_QUEUE, WaitReason.DELAY_EXECUTION))
        if process is self.system:
            wait = self.rng.choice((WaitReason.EXECUTIVE, WaitReason.WR_QUEUE))
        home = self.rng.choice(self._shared_cpus())
        user = process is not self.system and wait is not WaitReason.EXECUTIVE
        made = Thread(self._id(), process, home, self.rng.randrange(8, 14), wait, user, started=started)
        made.user = self.user_call(process, "wait")
        self.threads.append(made)
        return made

    def spinner(self, process: Process, started: int = -1) -> Thread:
        """A thread that never waits, on a CPU of its own where there is more than one."""
        made = self.thread(process, started)
        made.spins = made.pinned = True
        others = [one for one in self._shared_cpus() if not self._taken(one)]
        made.home = self.rng.choice(others or self._shared_cpus())
        return made

    def function(self, name: str, image: Image | None = None) -> int:
        """A return address in a function of the kernel, or of another module: always the same one."""
        of = image or self.kernel
        offset = 0x1000 + zlib.crc32(f"{name} {of.base}".encode()) % (of.size - 0x2000)
        self._named.add((of.name, offset, _API.get((of.name, name), name)))
        return of.base + offset

    def names(self) -> tuple[tuple[str, int, str], ...]:
        """Module file, offset and name of all functions, as a map file has them.

        What lies between two of them is some other function, which no rule knows.
        """
        out: list[tuple[str, int, str]] = []
        last, end = "", 0
        for module, offset, name in sorted(self._named):
            end = end if module == last else 0
            if offset > end:
                out += [(module, max(end, offset - _BEFORE), name), (module, offset, f"Other{offset:X}")]
            last, end = module, offset
        return tuple(out)

    def functions(self, *names: str) -> Stack:
        """The same of several functions of the kernel."""
        return tuple(map(self.function, names))

    def user_call(self, process: Process, call: str) -> Stack:
        """User-mode frames below one of a program's calls (a key of the table of calls): always the same ones."""
        if process.image is None:
            return ()
        through = [self.function(call, self.user_modules[name]) for name in _CALLS[call]]
        own = [self.function(f"{call} {depth}", process.image) for depth in range(2)]
        start = [self.function("start", self.user_modules[name]) for name in ("kernel32.dll", "ntdll.dll")]
        return (*through, *own, *start)

    def worker(self) -> Thread:
        """A worker thread of the kernel."""
        return self.thread(self.system)

    def system_thread(self) -> Thread:
        """One worker thread of the kernel, always the same."""
        found = next((thread for thread in self.threads if thread.process is self.system), None)
        return found or self.worker()

    def cpu_for(self, thread: Thread) -> int:
        """Where a thread goes on after a pause: mostly where it was."""
        if thread.pinned or self.rng.random() < 0.9:
            return thread.home
        thread.home = self.rng.choice(self._shared_cpus())
        return thread.home

    def _taken(self, cpu: int) -> bool:
        return any(thread.spins and thread.home == cpu for thread in self.threads)

    def _shared_cpus(self) -> list[int]:
        free = [cpu for cpu in range(self.conditions.cpus) if not self._taken(cpu)]
        return free or list(range(self.conditions.cpus))

    def _id(self) -> int:
        self._next_id += _ID_STEP * self.rng.randrange(1, 9)
        return self._next_id

    def _object(self) -> int:
        return _PROCESS_OBJECTS[self.conditions.pointer_size] + self.rng.randrange(0x100000) * 0x40

    def _map(self, name: str, folder: str, size: int = 0) -> Image:
        size = size or self.rng.randrange(0x8, 0x200) * 0x1000
        made = Image(name, folder + name, self._base, size)
        self._base += (size + 0xFFFF & ~0xFFFF) + self.rng.randrange(0x20) * 0x10000
        self._mapped.append(made)
        return made
