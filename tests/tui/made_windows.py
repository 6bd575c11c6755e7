"""A Windows machine that is made by hand: what it answers when a command asks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from tests.tracer.live.counted import Kernel, Tag
from tracer.etl.headers import LogFileMode
from tracer.live.api import Api, ClockReading, Machine
from tracer.live.structures import NamedProperties
from tracer.live.this_machine import ThisMachine

STARTED = 0x1DD1A2B3C4D5E6F
"""When the only process that runs (id 4712) was started."""


@dataclass
class MadeApi:
    """The few calls that looking at a machine takes."""

    build: int = 26100
    running: Sequence[tuple[str, int]] = (("EventLog-System", 0x8000100), ("NT Kernel Logger", 0x2000001))
    status: int = 0
    pointer_size: int = 8

    def machine(self) -> Machine:
        return Machine(self.build, 8, self.pointer_size, 10_000_000)

    def now(self) -> ClockReading:
        return ClockReading(1_000, 133_900_000_000_000_000)

    def process_started(self, process: int) -> int:
        return STARTED if process == 4712 else 0

    def sessions(self) -> tuple[int, Sequence[NamedProperties]]:
        return self.status, [] if self.status else [_session(name, mode) for name, mode in self.running]


def _session(name: str, mode: int) -> NamedProperties:
    made = NamedProperties.empty()
    made.properties.LogFileMode = mode
    raw = name.encode("utf-16-le", "surrogatepass")
    for at in range(len(raw) // 2):
        made.logger_name[at] = int.from_bytes(raw[2 * at : 2 * at + 2], "little")
    return made


@dataclass
class MadeWindows:
    """A machine on which all is well, unless a part is changed."""

    api: MadeApi = field(default_factory=MadeApi)
    is_elevated: bool | None = True
    executive_disabled: bool | None = False
    bits: int = 64
    container: bool | None = False
    kernel: Kernel = field(default_factory=lambda: Kernel([Tag(b"AfdE", nonpaged=(10, 4, 960))]))

    def elevated(self) -> bool | None:
        return self.is_elevated

    def paging_executive_disabled(self) -> bool | None:
        return self.executive_disabled

    def in_container(self) -> bool | None:
        return self.container

    def machine_bits(self) -> int:
        return self.bits

    def machine(self) -> ThisMachine:
        return ThisMachine(cast("Api", self.api), self, self.kernel.query)


def loggers(count: int) -> list[tuple[str, int]]:
    """As many system loggers of other programs."""
    return [(f"Logger {number}", int(LogFileMode.SYSTEM_LOGGER)) for number in range(count)]


def installed(monkeypatch: pytest.MonkeyPatch, made: MadeWindows) -> None:
    """Commands meet this machine instead of the one they run on."""
    monkeypatch.setattr("tracer.live.this_machine.this_machine", made.machine)
    consumer(monkeypatch, "0.2.0")


def consumer(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """pywintrace is there in a version; empty for missing."""
    monkeypatch.setattr("tracer.live.machine._version", {"pywintrace": version}.__getitem__)
