"""Every number of the real traces, and their stacks."""

from __future__ import annotations

import json
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import SAMPLES
from tests.tracer.traces import buffer_offsets, read, unresolved
from tracer.arrays import U64, Structured
from tracer.etl.file import WINDOW_BYTES, EtlFile
from tracer.etl.order import Order
from tracer.etl.tables import event_tables
from tracer.etl.xpress import decompress
from tracer.trace import filetime_text

TINY, SMALL, WHOLE = 1, 1 << 16, 64 << 20
KEYED = "merged-win8-x64-compressed.etl"
KERNEL_HEADERS, PERFINFO = {1, 2, 3, 4, 0x10, 0x11}, {0x10, 0x11}
STACK_HOOKS = {0x1820, 0x1825, 0x1826}


@cache
def expected() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SAMPLES / "expected.json").read_text())
    return loaded


def names() -> list[str]:
    return sorted(expected()) if SAMPLES.is_dir() else ["no samples"]


@pytest.mark.parametrize("window_bytes", [TINY, SMALL, WINDOW_BYTES])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", names())
def test_every_number_of_a_real_trace_is_as_measured(samples: Path, name: str, threads: int, window_bytes: int) -> None:
    want = expected()[name]
    with EtlFile.open(samples / name, window_bytes=window_bytes, threads=threads) as trace:
        trace.scan()
        info, census, loss, count = trace.info, trace.census, trace.loss, trace.bytes
        assert trace.damage == ()
    found = {
        "sha256": want["sha256"],
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
        "buffers_lost": loss.buffers_lost,
        "qpc_frequency": info.clock_frequency,
        "session": info.session,
        "start": (filetime_text(info.start) or "")[:19].replace("T", " "),
    }
    assert found == want
    assert count.headers + count.records + count.padding + count.skipped == want["bytes"]
    assert count.skipped == 0
    assert count.headers == 72 * want["buffers"]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", names())
def test_decoding_a_real_trace_finds_no_damage_and_counts_the_same(samples: Path, name: str, threads: int) -> None:
    found = read(samples / name, threads=threads, window_bytes=SMALL)
    assert found.census.total == expected()[name]["records_total"]
    assert found.damage == ()
    for table in found.tables.values():
        assert np.all(np.diff(table["time"]) >= 0)
        assert np.all(np.diff(table["order"]) > 0)


def test_every_stack_of_a_window_that_covers_the_file_finds_its_event(samples: Path) -> None:
    found = read(samples / KEYED, window_bytes=WHOLE)
    assert found.batches == 1
    assert found.late == []
    assert unresolved(found.stacks) == 0
    assert len(found.stacks) > 0


@pytest.mark.parametrize("window_bytes", [TINY, SMALL, WINDOW_BYTES])
def test_in_small_windows_only_user_stacks_are_late_and_their_event_came_before(
    samples: Path, window_bytes: int
) -> None:
    found = read(samples / KEYED, window_bytes=window_bytes)
    times = event_times(samples / KEYED)
    assert found.batches > 1
    assert all(late.is_user and late.raw_time in times for late in found.late)
    assert unresolved(found.stacks) == 0


@pytest.mark.parametrize("window_bytes", [TINY, SMALL, WINDOW_BYTES, WHOLE])
def test_every_stack_that_was_logged_is_joined_once_or_is_late(
    samples: Path, window_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined = 0

    def counted(events: Structured, kept: U64, order: Order, *rest: Any) -> Any:
        nonlocal joined
        handed_on = events[order.by_time]
        joined += int(np.count_nonzero(handed_on["stack"] >= 0) + np.count_nonzero(handed_on["user_stack"] >= 0))
        return event_tables(events, kept, order, *rest)

    monkeypatch.setattr("tracer.etl.reading.event_tables", counted)
    found = read(samples / KEYED, window_bytes=window_bytes)
    raws = all_records(samples / KEYED)
    logged = len(stack_times(raws)) + sum(extended_stacks(raw) for raw in raws)
    assert len(stack_times(raws)) == 252 + 2061 + 7046
    assert joined + len(found.late) == logged


def test_every_stack_names_the_time_of_an_event(samples: Path) -> None:
    assert set(stack_times(all_records(samples / KEYED))) <= event_times(samples / KEYED)


@cache
def all_records(path: Path) -> list[bytes]:
    """Every record's bytes, by a walk of its own."""
    data = path.read_bytes()
    found = []
    for at in buffer_offsets(data):
        stride, saved = struct.unpack_from("<II", data, at)
        used, flag = struct.unpack_from("<IH", data, at + 0x30)
        body = data[at + 72 : at + stride]
        body = decompressed(body, saved - 72) if flag & 0x40 else body[: max(saved, used) - 72]
        position = 0
        while position + 8 <= len(body) and body[position + 3] == 0xC0:
            first, second = struct.unpack_from("<HxxH", body, position)
            size = second if body[position + 2] in KERNEL_HEADERS else first
            found.append(body[position : position + size])
            position += (size + 7) & ~7
    return found


def decompressed(body: bytes, size: int) -> bytes:
    out = np.zeros(size, np.uint8)
    decompress(np.frombuffer(body, np.uint8), out, np.array([[0, len(body), 0, size]]), np.zeros((1, 2), np.int64))
    return out.tobytes()


def stack_times(raws: list[bytes]) -> list[int]:
    """The times that stack records say their events have."""
    kernel = [raw for raw in raws if raw[2] in KERNEL_HEADERS and raw[7] << 8 | raw[6] in STACK_HOOKS]
    return [struct.unpack_from("<q", raw, 16 if raw[2] in PERFINFO else 32)[0] for raw in kernel]


def extended_stacks(raw: bytes) -> int:
    """How many stacks an event has among its extended items."""
    if raw[2] not in {0x12, 0x13} or not raw[4] & 1:
        return 0
    found, at, more = 0, 80, 1
    while more:
        size, kind, more = struct.unpack_from("<HHH", raw, at)
        found += kind in {5, 6, 0x11, 0x12}
        at += size
    return found


@cache
def event_times(path: Path) -> set[int]:
    return {struct.unpack_from("<q", raw, 8 if raw[2] in PERFINFO else 16)[0] for raw in all_records(path)}
