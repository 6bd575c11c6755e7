"""Real traces whose headers and numbers mislead: what they hold, and that nothing of them is lost."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from analyzers.analysis import TraceNames
from tests.conftest import SAMPLES
from tracer.etl.file import EtlFile

MORE: Final = SAMPLES / "more"
PACKED: Final = "randomascii-slow-ppt.etl"
ONE_CPU: Final = {"newfile-win11-26100.etl", "no-per-processor-buffering.etl"}
"""Their processors shared their buffers."""


@cache
def expected() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((MORE / "expected.json").read_text())
    return loaded


def names() -> list[str]:
    return sorted(expected()) if MORE.is_dir() else ["no samples"]


def unpacked(name: str, request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue("samples")
    return request.getfixturevalue("slow_ppt") if name == PACKED else folder / "more" / name


@pytest.mark.parametrize("name", names())
def test_every_number_is_as_measured_and_nothing_is_lost(name: str, request: pytest.FixtureRequest) -> None:
    path, want = unpacked(name, request), expected()[name]
    with EtlFile.open(path) as trace:
        trace.scan()
        info, census, loss = trace.info, trace.census, trace.loss
        assert trace.damage == ()
    found = {
        "bytes": info.bytes,
        "buffers": info.buffers,
        "compressed_buffers": info.compressed_buffers,
        "records_total": census.total,
        "records_by_header": census.by_header,
        "kernel_events": {f"{hook:04X}": count for hook, count in census.kernel_events.items()},
        "providers": {str(guid): count for guid, count in census.providers.items()},
        "build": info.os_build,
        "pointer_size": info.pointer_size,
        "processors": info.processors,
        "events_lost": loss.events_lost,
    }
    assert {key: found[key] for key in found if key in want} == {key: want[key] for key in found if key in want}
    assert (loss.buffers_lost, loss.gaps, info.continues) == (0, (), False)
    assert info.machine_pointer == (4 if name == "sequence-skipped-vista.etl" else 8)
    assert (info.processors_seen == 1) == (name in ONE_CPU)


@pytest.mark.parametrize("name", names())
def test_no_name_of_a_process_is_garbled_or_missing(name: str, request: pytest.FixtureRequest) -> None:
    with EtlFile.open(unpacked(name, request)) as trace:
        told = TraceNames(trace.stacks)
        ids: set[int] = set()
        for batch in trace.batches({"process", "image"}):
            told.feed(batch)
            if "process" in batch.tables:
                ids |= set(batch.tables["process"].array("process").tolist())
    called = {told.process(pid) for pid in ids}
    assert all(text.isascii() and text.isprintable() and text for text in called)
    if name == PACKED:
        assert {"OUTLOOK.EXE", "SearchProtocolHost.exe", "xperf.exe", "Idle"} <= called
    if name == "sequence-skipped-vista.etl":
        assert called == {"Idle", "System", "smss.exe", "notepad.exe"}
