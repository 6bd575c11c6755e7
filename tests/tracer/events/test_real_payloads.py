"""The layouts against every record of the real traces that they claim to know."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.tracer.events.real_records import Record, records
from tests.tracer.events.reference import Decoded, read
from tracer.events import process, registry, stack, thread
from tracer.events.layout import KernelId, ProviderId

TRACES = (
    "kernel-logger-win10.etl",
    "merged-win8-x64-compressed.etl",
    "merged-server2022-compressed.etl",
    "classic-32bit-vista.etl",
    "user-session-32-cpus.etl",
)


@cache
def decoded(path: Path) -> tuple[tuple[Record, Decoded], ...]:
    found = ((record, registry.layout_for(record.event, record.version)) for record in records(path))
    return tuple(
        (record, read(item, record.pointer_size, record.payload)) for record, item in found if item is not None
    )


@pytest.mark.parametrize("name", TRACES)
def test_every_payload_is_consumed_exactly(samples: Path, name: str) -> None:
    wrong = Counter(str(record.event) for record, result in decoded(samples / name) if result.left or result.short)
    assert not wrong


@pytest.mark.parametrize("name", TRACES)
def test_only_the_thread_name_is_ever_absent(samples: Path, name: str) -> None:
    for record, result in decoded(samples / name):
        found = registry.layout_for(record.event, record.version)
        assert found is not None
        absent = [field.name for field in found.fields if field.name not in result.values]
        # A stack or key definition without a single frame leaves its frames out as well.
        assert absent in ([], ["name"], ["frames"])
        assert absent != ["name"] or found.kind == "thread"


def test_known_kernel_events_are_all_decoded(samples: Path) -> None:
    kinds = Counter[str]()
    for name in TRACES:
        for record, _ in decoded(samples / name):
            found = registry.layout_for(record.event, record.version)
            assert found is not None
            kinds[found.kind] += 1
    assert kinds["stack_key"] == 2061 + 7046
    assert kinds["image_version"] == 705
    assert {"process", "thread", "image", "tcp", "udp", "stack", "stack_definition", "group_mask"} <= set(kinds)


def test_processes_are_read_with_their_names_and_owners(samples: Path) -> None:
    values = [
        result.values
        for record, result in decoded(samples / "kernel-logger-win10.etl")
        if record.event == KernelId(process.RUNDOWN_START)
    ]
    system = next(item for item in values if item["image_name"] == b"wininit.exe")
    assert system["process"] == 504
    assert isinstance(system["sid"], bytes)
    assert system["sid"].hex() == "010100000000000512000000"  # S-1-5-18, local system


def test_a_defunct_process_has_an_exit_time_within_a_day_of_the_trace(samples: Path) -> None:
    trace_start = 132_273_838_270_000_000  # 2020-02-28 as a FILETIME
    times = [
        result.values["exit_time"]
        for record, result in decoded(samples / "kernel-logger-win10.etl")
        if record.event == KernelId(process.DEFUNCT)
    ]
    assert len(times) == 5
    for time in times:
        assert isinstance(time, int)
        assert abs(time - trace_start) < 24 * 3600 * 10_000_000


def test_thread_names_are_there_where_windows_writes_them(samples: Path) -> None:
    names = {
        result.values.get("name")
        for record, result in decoded(samples / "merged-server2022-compressed.etl")
        if record.event == KernelId(thread.RUNDOWN_START)
    }
    assert None not in names
    assert any(names)
    older = decoded(samples / "merged-win8-x64-compressed.etl")
    assert all("name" not in result.values for record, result in older if record.event == KernelId(thread.START))


def test_stack_frames_are_canonical_addresses(samples: Path) -> None:
    for record, result in decoded(samples / "merged-win8-x64-compressed.etl"):
        if record.event in (KernelId(stack.STACK), KernelId(stack.KEY_DELETE)):
            frames = result.values.get("frames", ())
            assert isinstance(frames, tuple)
            assert len(frames) <= 192
            assert all(frame >> 47 in (0, 0x1FFFF) for frame in frames)


def test_image_events_with_a_full_header_are_read_as_the_kernels_own(samples: Path) -> None:
    images = [
        record for record, _ in decoded(samples / "classic-32bit-vista.etl") if isinstance(record.event, ProviderId)
    ]
    assert len(images) == 26
    assert all(record.pointer_size == 4 for record in images)
