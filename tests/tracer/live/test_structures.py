"""Structures have the sizes and offsets that mingw-w64's compiler gives Windows' own declarations."""

from __future__ import annotations

import ctypes as ct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracer.etl.headers import EVENT_HEADER, LOGFILE_HEADER
from tracer.live import structures as s

LAYOUTS = Path(__file__).parents[3] / "../shared/facts/x64-layouts.txt"
_WITHOUT_A_LAYOUT = {"EVENT_FILTER_HEADER": 24, "TOKEN_PRIVILEGES": 16}
"""Structures that the list does not have, with the size that Microsoft's pages on them add up to."""

WINDOWS_NAMES: dict[str, type[ct.Structure]] = {
    "GUID": s.Guid,
    "WNODE_HEADER": s.WnodeHeader,
    "EVENT_TRACE_PROPERTIES": s.EventTraceProperties,
    "SYSTEMTIME": s.SystemTime,
    "TIME_ZONE_INFORMATION": s.TimeZoneInformation,
    "TRACE_LOGFILE_HEADER": s.TraceLogfileHeader,
    "EVENT_TRACE_HEADER": s.EventTraceHeader,
    "EVENT_TRACE": s.EventTrace,
    "EVENT_TRACE_LOGFILE": s.EventTraceLogfile,
    "EVENT_DESCRIPTOR": s.EventDescriptor,
    "EVENT_HEADER": s.EventHeader,
    "ETW_BUFFER_CONTEXT": s.EtwBufferContext,
    "EVENT_HEADER_EXTENDED_DATA_ITEM": s.ExtendedDataItem,
    "EVENT_RECORD": s.EventRecord,
    "EVENT_FILTER_DESCRIPTOR": s.EventFilterDescriptor,
    "ENABLE_TRACE_PARAMETERS": s.EnableTraceParameters,
    "EVENT_FILTER_HEADER": s.EventFilterHeader,
    "CLASSIC_EVENT_ID": s.ClassicEventId,
    "TOKEN_PRIVILEGES": s.TokenPrivileges,
}


def listed() -> Iterator[tuple[str, str, int, int]]:
    """(Structure, member or empty, offset, size) of each line."""
    for line in LAYOUTS.read_text(encoding="ascii").splitlines():
        if line.startswith("#"):
            continue
        name, *numbers = line.split("|")
        structure, _, member = name.partition(".")
        offset, size = (int(numbers[0]), int(numbers[1])) if member else (0, int(numbers[0]))
        yield structure, member, offset, size


@pytest.fixture(scope="module")
def lines() -> list[tuple[str, str, int, int]]:
    if not LAYOUTS.is_file():
        pytest.skip("the list of compiled layouts is not on this machine (../shared/facts)")
    return list(listed())


def test_every_structure_in_use_has_the_compiled_size(lines: list[tuple[str, str, int, int]]) -> None:
    sizes = {structure: size for structure, member, _, size in lines if not member} | _WITHOUT_A_LAYOUT
    assert {name: ct.sizeof(kind) for name, kind in WINDOWS_NAMES.items()} == {
        name: sizes[name] for name in WINDOWS_NAMES
    }


def test_every_listed_member_has_its_offset_and_size(lines: list[tuple[str, str, int, int]]) -> None:
    expected, found = {}, {}
    for structure, member, offset, size in lines:
        kind = WINDOWS_NAMES.get(structure)
        if kind is not None and member:
            field = getattr(kind, member)
            expected[f"{structure}.{member}"] = (offset, size)
            found[f"{structure}.{member}"] = (field.offset, field.size)
    assert len(expected) > 100
    assert found == expected


def test_the_header_in_memory_is_the_one_on_disk() -> None:
    fields = dict(EVENT_HEADER.fields or {})
    on_disk = {name: int(fields[name][1]) for name in ("size", "flags", "thread", "process", "time", "provider", "id")}
    names = {"size": "Size", "flags": "Flags", "thread": "ThreadId", "process": "ProcessId", "time": "TimeStamp"}
    names |= {"provider": "ProviderId", "id": "EventDescriptor"}
    assert {name: getattr(s.EventHeader, names[name]).offset for name in on_disk} == on_disk
    assert ct.sizeof(s.EventHeader) == EVENT_HEADER.itemsize


def test_the_log_file_header_is_the_one_on_disk() -> None:
    assert ct.sizeof(s.TraceLogfileHeader) == LOGFILE_HEADER[8].itemsize
    fields = dict(LOGFILE_HEADER[8].fields or {})
    assert s.TraceLogfileHeader.PerfFreq.offset == fields["perf_freq"][1]


def test_names_stand_behind_the_properties_where_the_offsets_say() -> None:
    made = s.NamedProperties.empty()
    made.logger_name[:3] = [0x50, 0xE9, 0]
    raw = bytes(made)
    at = made.properties.LoggerNameOffset
    assert s.text_of(raw[at : at + 64]) == "P\xe9" == made.name
    assert made.properties.Wnode.BufferSize == len(raw)
    assert made.properties.LogFileNameOffset == at + 2048


@pytest.mark.parametrize("text", ["", "Poolscope kernel 1-2", "dépôt 🙂"])
def test_text_goes_to_windows_and_back(text: str) -> None:
    assert s.text_of(bytes(s.wide(text))) == text


def test_half_a_surrogate_pair_in_a_file_name_stays_as_it_is() -> None:
    assert bytes(s.wide("a\ud800")) == b"a\0\x00\xd8\0\0"
