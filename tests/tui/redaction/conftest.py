"""Traces with planted names, and commands that read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tui.reading.trace as reading
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from fixtures.demo import DEMO_TRACE
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.tui.redaction.planted import found_in, names_planted, planted_contents, planted_snapshot
from tui.cli import main

Run = Callable[..., str]


@pytest.fixture(scope="session")
def traces(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    path = tmp_path_factory.mktemp("erika.müller") / "geheim 1.etl"
    simulate("missing-free", 3, Settings(iterations=150)).write(path)
    return str(DEMO_TRACE), str(path)


@pytest.fixture(scope="session")
def snapshots(traces: tuple[str, str]) -> dict[str, Snapshot]:
    names = TagNames.load()
    with names_planted():
        return {path: planted_snapshot(reading.read_snapshot(Path(path), names, quiet=True)) for path in traces}


@pytest.fixture
def run(
    snapshots: dict[str, Snapshot], monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Iterator[Run]:
    contents = reading.read_contents

    def ran(*words: str) -> str:
        main([*words, "-q"])
        said = capsysbinary.readouterr()
        assert not any("--redact" in word for word in words) or found_in(said.err.decode()) == []
        return said.out.decode()

    def read_to_conclude(trace: Path, *_: Any, **__: Any) -> tuple[Snapshot, Callable[[], Snapshot]]:
        return snapshots[str(trace)], lambda: snapshots[str(trace)]

    monkeypatch.setattr(reading, "read_to_conclude", read_to_conclude)
    monkeypatch.setattr(reading, "read_contents", lambda *words, **rest: planted_contents(contents(*words, **rest)))
    with names_planted():
        yield ran
