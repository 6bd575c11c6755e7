"""Processes, threads and images of this machine: the Tool Help library, and the kernel's own list of its modules.

Sources: Microsoft's pages of CreateToolhelp32Snapshot and of its structures (tlhelp32.h); RTL_PROCESS_MODULES
(NtQuerySystemInformation, class 11) as System Informer's ``ntldr.h`` has it. 64-bit Python only, as live capture is.
"""

from __future__ import annotations

import ctypes as ct
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final

import numpy as np

from tracer.errors import MachineError
from tracer.live import libraries
from tracer.live.api import ClockReading, RunningImage, RunningProcess, Snapshot, Status
from tracer.live.counters import Query, asked

MODULES: Final = 11
"""SystemModuleInformation."""
_PROCESSES: Final = 0x2
_THREADS: Final = 0x4
_IMAGES: Final = 0x8 | 0x10
"""TH32CS_SNAPPROCESS, TH32CS_SNAPTHREAD, TH32CS_SNAPMODULE with TH32CS_SNAPMODULE32."""
_INVALID: Final = ct.c_void_p(-1).value
_TRIES: Final = 3
"""Images of a process that starts are asked for again while Windows answers 24 (Microsoft's page says so)."""
_WITHOUT_IMAGES: Final = frozenset({0, 4})
"""Idle and System: the kernel's own, and 0 would mean this process."""
IMAGES_SECONDS: Final = 2.0
"""How long processes are asked for their images: those that come later stay without."""

MODULE_LAYOUT: Final = np.dtype(
    [("section", "<u8"), ("mapped", "<u8"), ("base", "<u8"), ("size", "<u4"), ("flags", "<u4"), ("load_order", "<u2"),
     ("init_order", "<u2"), ("load_count", "<u2"), ("name_at", "<u2"), ("path", "S256")]
)  # fmt: skip
"""RTL_PROCESS_MODULE_INFORMATION: 296 bytes; eight bytes with their count stand before the first."""


class ProcessEntry(ct.Structure):
    """PROCESSENTRY32W."""

    _fields_: ClassVar = [
        ("size", ct.c_uint32), ("usage", ct.c_uint32), ("process", ct.c_uint32), ("heap", ct.c_size_t),
        ("module", ct.c_uint32), ("threads", ct.c_uint32), ("parent", ct.c_uint32), ("priority", ct.c_int32),
        ("flags", ct.c_uint32), ("name", ct.c_uint16 * 260),
    ]  # fmt: skip


class ThreadEntry(ct.Structure):
    """THREADENTRY32."""

    _fields_: ClassVar = [
        ("size", ct.c_uint32), ("usage", ct.c_uint32), ("thread", ct.c_uint32), ("process", ct.c_uint32),
        ("priority", ct.c_int32), ("change", ct.c_int32), ("flags", ct.c_uint32),
    ]  # fmt: skip


class ModuleEntry(ct.Structure):
    """MODULEENTRY32W."""

    _fields_: ClassVar = [
        ("size", ct.c_uint32), ("module", ct.c_uint32), ("process", ct.c_uint32), ("usage", ct.c_uint32),
        ("usage_here", ct.c_uint32), ("base", ct.c_size_t), ("bytes", ct.c_uint32), ("handle", ct.c_size_t),
        ("name", ct.c_uint16 * 256), ("path", ct.c_uint16 * 260),
    ]  # fmt: skip


def take_snapshot(
    kernel32: Any,  # noqa: ANN401 - a library of ctypes
    query: Query,
    now: ClockReading,
    clock: Callable[[], float] = time.monotonic,
) -> Snapshot:
    """What runs. It raises nothing: what Windows refuses is empty.

    Half a second for some hundred processes, most of it for their images; no lock of Python's is held meanwhile.
    """
    processes = tuple(
        RunningProcess(each.process, each.parent, _text(each.name))
        for each in _entries(kernel32, _PROCESSES, 0, ProcessEntry, "Process32{}W")
    )
    threads = tuple(
        (each.thread, each.process)
        for each in _entries(kernel32, _THREADS, 0, ThreadEntry, "Thread32{}")
        if each.thread  # idle threads share the id 0
    )
    drivers, hidden = _drivers(query)
    images, closed = list(drivers), 0
    end = clock() + IMAGES_SECONDS
    for process in processes:
        if process.id in _WITHOUT_IMAGES:
            continue
        own = [] if clock() > end else list(_images(kernel32, process.id))
        images += own
        closed += not own
    return Snapshot(now, processes, threads, tuple(images), hidden, closed)


def _images(kernel32: Any, process: int) -> Iterator[RunningImage]:  # noqa: ANN401 - a library of ctypes
    for each in _entries(kernel32, _IMAGES, process, ModuleEntry, "Module32{}W"):
        yield RunningImage(each.base, each.bytes, process, _text(each.path))


def _entries(kernel32: Any, what: int, process: int, entry: type[Any], walk: str) -> Iterator[Any]:  # noqa: ANN401
    """Every entry of a Tool Help list, the same structure each time; none where Windows refuses it."""
    create, first, following = (
        kernel32.CreateToolhelp32Snapshot,
        *(getattr(kernel32, walk.format(word)) for word in ("First", "Next")),
    )
    create.argtypes, create.restype = [ct.c_uint32, ct.c_uint32], ct.c_void_p
    first.argtypes = following.argtypes = [ct.c_void_p, ct.c_void_p]
    kernel32.CloseHandle.argtypes = [ct.c_void_p]
    handle = create(what, process)
    for _ in range(_TRIES - 1):
        if handle != _INVALID or libraries.last_error() != Status.BAD_LENGTH:
            break
        handle = create(what, process)
    if handle == _INVALID:
        return
    try:
        found = entry(size=ct.sizeof(entry))
        more = first(handle, ct.byref(found))
        while more:
            yield found
            more = following(handle, ct.byref(found))
    finally:
        kernel32.CloseHandle(handle)


def _drivers(query: Query) -> tuple[list[RunningImage], int]:
    """The kernel's images, in the order of their loading, and how many of them have no address for this user.

    From Windows 11 24H2 on addresses are 0 for who has not turned on the right to debug.
    """
    try:
        data = asked(query, MODULES)
    except MachineError:
        return [], 0
    room = max(len(data) - 8, 0) // MODULE_LAYOUT.itemsize
    rows = np.frombuffer(data[8:], MODULE_LAYOUT, min(int.from_bytes(data[:4], "little"), room))
    located = rows[rows["base"] != 0]
    columns = zip(located["base"].tolist(), located["size"].tolist(), located["path"].tolist(), strict=True)
    images = [RunningImage(base, size, 0, path.partition(b"\0")[0].decode("cp1252", "replace"))
              for base, size, path in columns]  # fmt: skip
    return images, len(rows) - len(located)


def _text(units: Any) -> str:  # noqa: ANN401 - an array of ctypes
    """What stands before the end of a name, whatever its surrogates."""
    return bytes(units).decode("utf-16-le", "surrogatepass").partition("\0")[0]
