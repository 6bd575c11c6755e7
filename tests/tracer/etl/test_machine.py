"""What the records tell of the machine, where the header is another program's or says less."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from tests.tracer.traces import buffer_offsets, read, write
from tracer.etl.headers import HeaderType, LogFileMode
from tracer.trace import TraceInfo

SIZE = 1_024


def info(folder: Path, headers: list[HeaderType], *, cpus: int = 1, **options: object) -> TraceInfo:
    path = folder / "m.etl"
    given = [
        Record(kind, 1_000_000 + i, bytes(24), cpu=i % cpus, hook=0x0E20, version=2) for i, kind in enumerate(headers)
    ]
    write(path, given, TraceOptions(buffer_size=SIZE, processors=cpus, group_masks=(), **options))  # type: ignore[arg-type]
    return read(path).info


@pytest.mark.parametrize(
    ("tool", "headers", "machine"),
    [
        (4, [HeaderType.PERFINFO64], 8),
        (8, [HeaderType.PERFINFO32], 4),
        (4, [HeaderType.SYSTEM64], 8),
        (4, [HeaderType.COMPACT64], 8),
        (8, [HeaderType.SYSTEM64, HeaderType.EVENT32, HeaderType.EVENT32], 8),
        (4, [HeaderType.SYSTEM64, HeaderType.SYSTEM64, HeaderType.SYSTEM32], 8),
        (4, [HeaderType.EVENT32], 4),
        (8, [HeaderType.EVENT32], 8),
        (4, [HeaderType.EVENT32, HeaderType.EVENT64], 8),
        (4, [HeaderType.FULL64], 8),
        (8, [], 8),
    ],
)
def test_the_machines_bits_come_from_its_records_and_the_tools_from_the_header(
    tool: int, headers: list[HeaderType], machine: int, tmp_path: Path
) -> None:
    found = info(tmp_path, headers, pointer_size=tool)
    assert (found.pointer_size, found.machine_pointer) == (tool, machine)


def test_processors_seen_are_those_that_wrote(tmp_path: Path) -> None:
    assert info(tmp_path, [HeaderType.PERFINFO64] * 12, cpus=6).processors_seen == 6
    path = tmp_path / "m.etl"
    data = bytearray(path.read_bytes())
    at = buffer_offsets(bytes(data))[0] + 72 + 32 + 0x0C
    data[at : at + 4] = (2).to_bytes(4, "little")
    path.write_bytes(data)
    found = read(path).info
    assert (found.processors, found.processors_seen) == (2, 6)


def test_where_processors_share_their_buffers_the_header_says_one(tmp_path: Path) -> None:
    found = info(tmp_path, [HeaderType.PERFINFO64], mode=LogFileMode.NO_PER_PROCESSOR_BUFFERING)
    assert (found.processors, found.processors_seen) == (1, 1)
