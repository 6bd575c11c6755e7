"""A Windows for trials: its kernel logs a leak by user APCs, holds it while the traffic does, and then lets it go."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from analyzers.tags import TagNames
from fixtures.etl.records import Record
from fixtures.held_requests import Held, Holder
from fixtures.settings import Settings
from fixtures.simulate import Simulation, simulate
from tests.tracer.live.counted import Kernel, Tag
from tests.tracer.live.delivery import BEGIN, Delivery, split
from tests.tracer.live.fake_api import STARTED
from tests.tui.capturing import Recorder
from tests.tui.made_windows import MadeWindows
from tracer.events import afd, pool
from tracer.live.api import Enable
from tracer.live.structures import EnableTraceParameters, NamedProperties
from tracer.live.this_machine import ThisMachine
from tui.capture.recording import Time
from tui.doctor.attempting import IRP_TAG
from tui.doctor.examining import examine
from tui.doctor.trial import Trial, run_trial

SCALE = 0.04
"""Of a trial's second."""
LOOK = 0.1
"""Seconds of a trial that may pass between two looks at the clock."""


class Pace:
    """A clock on which a trial takes little time; it never outruns whoever looks at it, as on a busy machine."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._looks = 0

    def clock(self) -> float:
        self._looks += 1
        return min((time.monotonic() - self._began) / SCALE, self._looks * LOOK)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds * SCALE)


def fast() -> Time:
    pace = Pace()
    return Time(pace.clock, pace.sleep)


@dataclass
class MadeTraffic:
    """Says when something is held; the kernel that is played looks at it."""

    count: int
    rounds: int = 0
    held: dict[Holder, Held] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    holds: Holder | None = None
    phase: str = "before"
    interrupt_at: Holder | None = None
    ended: bool = False

    def sockets(self) -> None:
        self.rounds += 1

    def hold(self, holder: Holder) -> None:
        if holder is self.interrupt_at:
            raise KeyboardInterrupt
        self.let_go()
        self.holds, self.phase = holder, "held"

    def let_go(self) -> None:
        if self.holds is not None:
            self.held[self.holds] = Held(self.holds, self.count, self.count)
        self.holds, self.phase = None, "released"

    def end(self) -> None:
        self.let_go()
        self.ended = True


@cache
def leak() -> Simulation:
    """A loop whose IRPs are held by user APCs."""
    return simulate("winsock-loop", 7, Settings(iterations=24))


def held_irps(records: list[Record]) -> list[Record]:
    """The allocations of IRPs that are never freed."""
    kept: dict[bytes, Record] = {}
    for record in sorted(records, key=lambda each: each.time):
        entry = record.payload[16:24]
        if record.hook == pool.ALLOC and int.from_bytes(record.payload[4:8], "little") == IRP_TAG:
            kept[entry] = record
        elif record.hook == pool.FREE:
            kept.pop(entry, None)
    return list(kept.values())


class TrialApi(Recorder):
    """Plays the leak once for each capture; a recording's file holds it too. The leaking process is this one."""

    def __init__(self, traffic: MadeTraffic, **kind: Any) -> None:
        super().__init__(leak(), **kind)
        kernel, sockets = split(leak().records)
        ordered, irps = sorted(kernel, key=lambda record: record.time), held_irps(kernel)
        last = ordered[-1].time
        frees = [replace(each, hook=pool.FREE, time=last + number) for number, each in enumerate(irps, start=1)]
        first = ordered.index(irps[0]) + 1
        waits = {
            first: lambda: traffic.phase == "before",
            len(ordered) + 1: lambda: traffic.phase != "released",
        }
        self.kernel, self.sockets = Delivery([BEGIN, *ordered, *frees], pauses=waits), Delivery(sockets)
        self.traffic, self.process = traffic, irps[0].process
        self.running[self.process] = STARTED

    def start_trace(self, name: str, properties: NamedProperties) -> tuple[int, int]:
        self.traffic.phase = "before"
        return super().start_trace(name, properties)

    def enable_trace(
        self, handle: int, provider: uuid.UUID, code: Enable, level: int, any_keyword: int,
        parameters: EnableTraceParameters | None,
    ) -> int:  # fmt: skip
        if provider == afd.PROVIDER and (status := self.refuse.get("EnableTraceEx2 afd")):
            return status
        return super().enable_trace(handle, provider, code, level, any_keyword, parameters)

    def own_process(self) -> int:
        return self.process


def traffic_of_the_leak() -> MadeTraffic:
    return MadeTraffic(len(held_irps(split(leak().records)[0])))


def machine_of(api: TrialApi) -> ThisMachine:
    return ThisMachine(api, MadeWindows(), Kernel([Tag(b"AfdE", nonpaged=(10, 4, 960))]).query)


def tried(machine: ThisMachine, traffic: MadeTraffic) -> Trial:
    return run_trial(machine, examine(machine, TagNames(())), traffic, None, lambda _: None, fast())
