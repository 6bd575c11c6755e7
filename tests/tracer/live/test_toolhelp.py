"""What Windows' lists of processes, threads and images become, whatever it refuses."""

from __future__ import annotations

import ctypes as ct
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.tracer.live.counted import refusing
from tracer.live import libraries
from tracer.live.api import ClockReading, RunningImage, RunningProcess, Snapshot
from tracer.live.counters import Query, windows_query
from tracer.live.toolhelp import (
    IMAGES_SECONDS,
    MODULE_LAYOUT,
    MODULES,
    ModuleEntry,
    ProcessEntry,
    ThreadEntry,
    take_snapshot,
)

NOW = ClockReading(1_000, 2_000)
INVALID = ct.c_void_p(-1).value
DENIED, BAD_LENGTH = 5, 24
KERNEL = 0xFFFFF80000000000


class Function:
    """A function of a library, which takes argument types."""

    def __init__(self, does: Callable[..., Any]) -> None:
        self._does = does

    def __call__(self, *given: Any) -> Any:
        return self._does(*given)


class Kernel32:
    """Tool Help of a machine. ``images``: by process; one that is missing may not be asked.

    ``starting``: processes that answer 24 the first time.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, processes: list[tuple[int, int, str]], threads: list[tuple[int, int]],
        images: dict[int, list[tuple[int, int, str]]], starting: set[int] | None = None,
    ) -> None:  # fmt: skip
        self._lists: dict[int, list[dict[str, Any]]] = {}
        self._rows = {
            0x2: [{"process": a, "parent": b, "name": _units(c, 260)} for a, b, c in processes],
            0x4: [{"thread": a, "process": b} for a, b in threads],
        }
        self._images = images
        self._starting = starting or set()
        self._error = 0
        self.closed: list[int] = []
        monkeypatch.setattr(libraries, "last_error", lambda: self._error)
        self.CreateToolhelp32Snapshot = Function(self._create)
        self.CloseHandle = Function(self.closed.append)
        for walk in ("Process32{}W", "Thread32{}", "Module32{}W"):
            for word in ("First", "Next"):
                setattr(self, walk.format(word), Function(self._next))

    @property
    def opened(self) -> int:
        return len(self._lists)

    def _create(self, what: int, process: int) -> int | None:
        if what & 0x8:
            assert process not in {0, 4}, "the kernel has no such images, and 0 means who asks"
            if process in self._starting:
                self._starting.remove(process)
                self._error = BAD_LENGTH
                return INVALID
            if process not in self._images:
                self._error = DENIED
                return INVALID
            rows = [{"base": a, "bytes": b, "path": _units(c, 260)} for a, b, c in self._images[process]]
        else:
            rows = list(self._rows[what])
        handle = 500 + len(self._lists)
        self._lists[handle] = rows
        return handle

    def _next(self, handle: int, out: Any) -> int:
        entry = out._obj
        assert entry.size == ct.sizeof(entry), "Windows refuses a structure that does not say its size"
        if not self._lists[handle]:
            return 0
        for name, value in self._lists[handle].pop(0).items():
            setattr(entry, name, value)
        return 1


def _units(text: str, room: int) -> Any:
    raw = text.encode("utf-16-le") + b"\0\0" + "rest of a longer name".encode("utf-16-le")
    return (ct.c_uint16 * room).from_buffer_copy(raw.ljust(2 * room, b"\0"))


def drivers(*rows: tuple[int, int, bytes]) -> Query:
    """A kernel whose modules these are."""
    data = np.zeros(len(rows), MODULE_LAYOUT)
    for at, (base, size, path) in enumerate(rows):
        data[at] = (0, 0, base, size, 0, at, at, 1, 0, path)

    def query(kind: int, _room: int) -> tuple[int, bytes, int]:
        assert kind == MODULES
        answer = len(rows).to_bytes(8, "little") + data.tobytes()
        return 0, answer, len(answer)

    return query


NTOSKRNL = (KERNEL, 0x1000000, rb"\SystemRoot\system32\ntoskrnl.exe")


def test_structures_have_the_sizes_of_windows_headers() -> None:
    assert [ct.sizeof(each) for each in (ProcessEntry, ThreadEntry, ModuleEntry)] == [568, 28, 1080]
    assert MODULE_LAYOUT.itemsize == 296


def test_everything_that_is_listed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel32 = Kernel32(
        monkeypatch,
        [(0, 0, "[System Process]"), (4, 0, "System"), (900, 4, "Dienst für γ.exe")],
        [(0, 0), (8, 4), (904, 900)],
        {900: [(0x7FF600000000, 0x9000, r"C:\Dienst für γ.exe")]},
        starting={900},
    )
    assert take_snapshot(kernel32, drivers(NTOSKRNL), NOW) == Snapshot(
        NOW,
        (
            RunningProcess(0, 0, "[System Process]"), RunningProcess(4, 0, "System"),
            RunningProcess(900, 4, "Dienst für γ.exe"),
        ),
        ((8, 4), (904, 900)),
        (
            RunningImage(KERNEL, 0x1000000, 0, r"\SystemRoot\system32\ntoskrnl.exe"),
            RunningImage(0x7FF600000000, 0x9000, 900, r"C:\Dienst für γ.exe"),
        ),
    )  # fmt: skip
    assert len(kernel32.closed) == kernel32.opened == 3


def test_a_process_that_may_not_be_asked_is_counted_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = take_snapshot(Kernel32(monkeypatch, [(500, 4, "csrss.exe")], [], {}), drivers(), NOW)
    assert (found.processes, found.images, found.closed) == ((RunningProcess(500, 4, "csrss.exe"),), (), 1)
    assert found.kinds == {"process"}


def test_a_driver_whose_address_is_hidden_is_counted_and_lies_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows 11 24H2 gives 0 to who has not turned on the right to debug."""
    kernel32 = Kernel32(monkeypatch, [], [], {})
    found = take_snapshot(kernel32, drivers((0, 0x1000000, NTOSKRNL[2]), (0, 0x9000, b"afd.sys")), NOW)
    assert (found.images, found.hidden) == ((), 2)


def test_a_kernel_that_does_not_tell_its_modules_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    found = take_snapshot(Kernel32(monkeypatch, [], [], {}), refusing(0xC0000022), NOW)
    assert (found.images, found.hidden, found.kinds) == ((), 0, frozenset())


def test_processes_are_asked_for_images_as_long_as_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.0, IMAGES_SECONDS + 0.1])
    processes = [(900, 4, "a.exe"), (904, 4, "b.exe")]
    images = {number: [(0x10000 * number, 0x9000, "c.dll")] for number, _, _ in processes}
    found = take_snapshot(Kernel32(monkeypatch, processes, [], images), drivers(), NOW, lambda: next(times))
    assert ([each.process for each in found.images], found.closed) == ([900], 1)


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows lists its processes")
def test_this_windows_lists_this_process_its_threads_and_its_images(monkeypatch: pytest.MonkeyPatch) -> None:
    load: Any = vars(ct)["WinDLL"]  # whatever stands in for one
    monkeypatch.setattr(libraries, "library", lambda name: load(name, use_last_error=True))
    found = take_snapshot(libraries.library("kernel32"), windows_query(), NOW)
    [own] = [each for each in found.processes if each.id == os.getpid()]
    assert own.name.lower() == "python.exe"
    assert (threading.get_native_id(), os.getpid()) in found.threads
    names = {each.path.rsplit("\\", 1)[-1].lower(): each for each in found.images if each.process == os.getpid()}
    assert {"python.exe", "kernel32.dll", "ntdll.dll"} <= set(names)
    assert all(each.base and each.size for each in found.images)
    handle: Any = libraries.library("kernel32")
    handle.GetModuleHandleW.restype = ct.c_void_p
    assert names["kernel32.dll"].base == handle.GetModuleHandleW("kernel32.dll")
    kernel = [each for each in found.images if each.process == 0]
    assert any("ntoskrnl" in each.path for each in kernel) or found.hidden
