"""A machine that plays Windows for the commands that capture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.simulate import Simulation
from tests.tracer.live.counted import Kernel, Tag
from tests.tracer.live.delivery import BEGIN, Delivery, split
from tests.tracer.live.fake_api import FakeApi
from tests.tui.made_windows import MadeWindows
from tracer.live.api import Control, Status
from tracer.live.counters import Query
from tracer.live.structures import NamedProperties
from tracer.live.this_machine import ThisMachine

BEFORE = Kernel([Tag(b"AfdE", nonpaged=(1_000, 900, 12_800)), Tag(b"Irp ", nonpaged=(5, 1, 2_000))])


def api_of(simulation: Simulation, pauses: dict[int, Callable[[], bool]] | None = None) -> FakeApi:
    kernel, sockets = split(simulation.records)
    return FakeApi(Delivery([BEGIN, *kernel], pauses=pauses), Delivery(sockets), processors=simulation.settings.cpus)


def machine_with(monkeypatch: pytest.MonkeyPatch, api: FakeApi, query: Query = BEFORE.query) -> FakeApi:
    made = ThisMachine(api, MadeWindows(), query)
    monkeypatch.setattr("tracer.live.this_machine.this_machine", lambda: made)
    return api


class Interrupted:
    """Ctrl-C comes at the third look."""

    def __init__(self, *, noted: int) -> None:
        del noted
        self.looks = 0

    @property
    def asked(self) -> bool:
        self.looks += 1
        return self.looks > 3

    @asked.setter
    def asked(self, value: bool) -> None:
        assert not value
        self.looks = 0

    def __enter__(self) -> Interrupted:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Recorder(FakeApi):
    """Windows writes the file: a simulated trace, when the session is stopped."""

    def __init__(self, simulation: Simulation | None = None, **kind: Any) -> None:
        super().__init__(**kind)
        self.simulation = simulation
        self.files: dict[str, str] = {}
        self.taken_away = False

    def start_trace(self, name: str, properties: NamedProperties) -> tuple[int, int]:
        status, handle = super().start_trace(name, properties)
        if status == Status.SUCCESS:
            self.files[name] = self.sessions_by_name[name].file
        return status, handle

    def control_trace(self, name: str, properties: NamedProperties, code: Control) -> int:
        if self.taken_away and name in self.sessions_by_name:
            self.end(name)
        return super().control_trace(name, properties, code)

    def end(self, name: str) -> None:
        super().end(name)
        if self.simulation is not None and self.files.get(name):
            self.simulation.write(Path(self.files[name]))
