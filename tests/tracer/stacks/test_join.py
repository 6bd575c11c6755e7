"""Which event a stack is given to."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from tests.tracer.traces import Everything, kernel_payload, read, write
from tracer.columns import UNKNOWN_ID, Who
from tracer.etl.headers import HeaderType

pytestmark = pytest.mark.unjitted

START = 1_000_000
KERNEL, USER = 0xFFFF_8000_0000_0000, 0x7FF6_0000_0000


def event(time: int, cpu: int = 0, *, tag: int = 1, thread: int | None = None) -> Record:
    header = HeaderType.PERFINFO64 if thread is None else HeaderType.SYSTEM64
    payload = kernel_payload(0x0E20, 8, {"tag": tag})
    return Record(header, time, payload, cpu=cpu, thread=thread or 0, process=4, hook=0x0E20, version=2)


def stack(event_time: int, logged: int, frame: int, *, cpu: int = 0, thread: int = 8) -> Record:
    values = {"event_time": event_time, "process": 4, "thread": thread, "frames": [frame, frame + 8]}
    payload = kernel_payload(0x1820, 8, values)
    return Record(HeaderType.PERFINFO64, logged, payload, cpu=cpu, hook=0x1820, version=2)


def joined(folder: Path, records: list[Record], *, window_bytes: int = 4 << 20, cpus: int = 4) -> Everything:
    path = folder / "t.etl"
    options = TraceOptions(buffer_size=512, processors=cpus, session="s", log_file="f", flush_ns=0)
    write(path, sorted(records, key=lambda record: record.time), options)
    return read(path, ["pool"], window_bytes=window_bytes)


def frames(found: Everything, column: str) -> list[int]:
    """First frame by event, 0 where it has no stack."""
    stacks = [found.stacks.frames(int(stack)).tolist() for stack in found.tables["pool"][column]]
    return [stack[0] if stack else 0 for stack in stacks]


def test_a_stack_right_behind_its_event_is_given_to_it_and_names_its_thread(tmp_path: Path) -> None:
    found = joined(tmp_path, [event(START), stack(START, START + 1, KERNEL, thread=77)])
    assert frames(found, "stack") == [KERNEL]
    pool = found.tables["pool"]
    assert (pool["thread"].tolist(), pool["process"].tolist(), pool["who"].tolist()) == ([77], [4], [Who.STACK])


def test_kernel_and_user_part_stand_side_by_side(tmp_path: Path) -> None:
    records = [event(START), stack(START, START + 1, KERNEL), stack(START, START + 2, USER)]
    found = joined(tmp_path, records)
    assert (frames(found, "stack"), frames(found, "user_stack")) == ([KERNEL], [USER])


def test_equal_times_on_several_cpus_are_told_apart_by_cpu(tmp_path: Path) -> None:
    records = [event(START, cpu, tag=cpu) for cpu in range(4)]
    records += [stack(START, START + 1, KERNEL + 64 * cpu, cpu=cpu, thread=cpu) for cpu in range(4)]
    found = joined(tmp_path, records)
    assert found.tables["pool"]["field tag"].tolist() == [0, 1, 2, 3]
    assert frames(found, "stack") == [KERNEL + 64 * cpu for cpu in range(4)]
    assert found.tables["pool"]["thread"].tolist() == [0, 1, 2, 3]


def test_an_interrupt_between_event_and_stack_keeps_both_apart(tmp_path: Path) -> None:
    inner = START + 5
    records = [
        event(START, tag=1),
        event(inner, tag=2),
        stack(inner, inner + 1, KERNEL + 64),
        stack(START, inner + 2, KERNEL),
    ]
    assert frames(joined(tmp_path, records), "stack") == [KERNEL, KERNEL + 64]


def test_two_events_of_one_time_on_one_cpu_get_the_stack_that_follows_each(tmp_path: Path) -> None:
    records = [event(START, tag=1), stack(START, START, KERNEL), event(START, tag=2), stack(START, START, KERNEL + 64)]
    found = joined(tmp_path, records)
    assert found.tables["pool"]["field tag"].tolist() == [1, 2]
    assert frames(found, "stack") == [KERNEL, KERNEL + 64]


@pytest.mark.parametrize("between", [0, 40])
def test_a_stack_goes_to_the_latest_of_its_time_wherever_buffers_end(between: int, tmp_path: Path) -> None:
    records = [event(START, 1, tag=9), event(START, tag=1, thread=8), event(START, tag=2)]
    records += [event(START + 1 + i, tag=3) for i in range(between)]
    records.append(stack(START, START + 90, KERNEL))
    found = joined(tmp_path, records)
    has = dict(zip(found.tables["pool"]["field tag"].tolist(), frames(found, "stack"), strict=True))
    assert {tag: frame for tag, frame in has.items() if frame} == {2: KERNEL}


def test_a_user_part_on_another_cpu_is_found_by_time_and_thread(tmp_path: Path) -> None:
    records = [event(START, 0, tag=1, thread=8), event(START, 1, tag=2, thread=9), event(START + 50, 2, tag=3)]
    records.append(stack(START, START + 90, USER, cpu=2, thread=9))
    found = joined(tmp_path, records)
    assert frames(found, "user_stack") == [0, USER, 0]


def test_a_stack_of_another_thread_is_never_given_to_an_event_of_another_cpu(tmp_path: Path) -> None:
    records = [event(START, 0, thread=8), stack(START, START + 90, USER, cpu=2, thread=9)]
    found = joined(tmp_path, records)
    assert frames(found, "user_stack") == [0]
    assert [late.raw_time for late in found.late] == [START]


@pytest.mark.parametrize("window_bytes", [1, 700, 2_000])
def test_every_kernel_stack_finds_its_event_across_the_borders_of_windows(window_bytes: int, tmp_path: Path) -> None:
    records, want = [], []
    for i in range(400):
        time, cpu = START + 100 * i, i % 4
        records += [event(time, cpu), stack(time, time + 7, KERNEL + 16 * i, cpu=cpu)]
        want.append(KERNEL + 16 * i)
    found = joined(tmp_path, records, window_bytes=window_bytes)
    assert found.batches > 3
    assert found.late == []
    assert frames(found, "stack") == want


@pytest.mark.parametrize("window_bytes", [1, 700, 4 << 20])
def test_a_user_part_in_a_later_window_comes_late_and_once(window_bytes: int, tmp_path: Path) -> None:
    records = [event(START + 100 * i, i % 4, tag=i, thread=10 + i) for i in range(300)]
    records += [stack(START + 100 * i, START + 100 * i + 20_000, USER + 16 * i, thread=10 + i) for i in range(100)]
    found = joined(tmp_path, records, window_bytes=window_bytes)
    have = {
        int(time): frame
        for time, frame in zip(found.tables["pool"]["raw_time"], frames(found, "user_stack"), strict=True)
        if frame
    }
    assert all(late.is_user for late in found.late)
    late = {late.raw_time: int(found.stacks.frames(late.stack)[0]) for late in found.late}
    assert len(late) == len(found.late)
    assert not set(late) & set(have)
    assert late | have == {START + 100 * i: USER + 16 * i for i in range(100)}
    assert bool(late) == (window_bytes < 4 << 20)


def test_frames_of_32_bit_records_are_read(tmp_path: Path) -> None:
    values = {"event_time": START, "process": 4, "thread": 8, "frames": [0x8123_4567, 0x7000_0000]}
    record = Record(HeaderType.PERFINFO32, START + 1, kernel_payload(0x1820, 4, values), hook=0x1820, version=2)
    pool = Record(HeaderType.PERFINFO32, START, kernel_payload(0x0E20, 4, {"tag": 1}), hook=0x0E20, version=2)
    found = joined(tmp_path, [pool, record])
    assert found.stacks.frames(int(found.tables["pool"]["stack"][0])).tolist() == [0x8123_4567, 0x7000_0000]


def test_a_stack_whose_event_is_not_in_the_file_is_late(tmp_path: Path) -> None:
    found = joined(tmp_path, [event(START), stack(START - 5, START + 1, KERNEL)])
    assert [late.raw_time for late in found.late] == [START - 5]
    assert found.tables["pool"]["thread"].tolist() == [UNKNOWN_ID]


def test_thousands_of_events_and_stacks_of_one_time_are_joined_without_end(tmp_path: Path) -> None:
    records = [event(START, 0, tag=i) for i in range(700)]
    records += [stack(START, START + 1, KERNEL + 16 * i) for i in range(700)]
    found = joined(tmp_path, records, cpus=1)
    assert sum(frame > 0 for frame in frames(found, "stack")) + len(found.late) == 700
