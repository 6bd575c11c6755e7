import dataclasses
import itertools
import struct
from types import ModuleType

import numpy as np
import pytest

from tests.tracer.events.reference import Value, read
from tracer.events import afd, drain, image, irp, network, pool, process, registry, schemas, stack, tcpip, thread
from tracer.events.encode import encode
from tracer.events.layout import Code, Field, KernelId, Layout, ProviderId, hooks, layout


def columns(kind: str) -> dict[str, Field]:
    return {field.name: field for item in registry.LAYOUTS if item.kind == kind for field in item.fields}


def sample(field: Field, values: dict[str, Value], fields: tuple[Field, ...]) -> Value:
    if field.dtype is not None:
        holder = next((f for f in fields if f.length >= 0 and fields[f.length] is field), None)
        return 3 if holder is not None else 0x40 + len(values)
    if field.code is Code.PTRS:
        return (0x1000, 0x2000, 0x3000)
    if field.code is Code.SID:
        return bytes.fromhex("010100000000000512000000")
    sizes = {Code.IP4: 4, Code.IP6: 16, Code.GUID: 16, Code.BIN: 3}
    if field.code is Code.WSTR:
        return "nonpaged".encode("utf-16-le")
    return bytes(range(1, 1 + sizes.get(field.code, 5)))


@pytest.mark.parametrize("kind", sorted({item.kind for item in registry.LAYOUTS}))
def test_a_field_name_means_one_column_type_within_a_kind(kind: str) -> None:
    fields = [field for item in registry.LAYOUTS if item.kind == kind for field in item.fields]
    types = {(field.name, field.dtype, field.is_blob) for field in fields}
    assert len(types) == len({name for name, _, _ in types})


def test_no_event_has_two_layouts_for_one_version() -> None:
    versions = [(event_id, item.version) for item in registry.LAYOUTS for event_id in item.ids]
    assert len(versions) == len(set(versions))


def test_no_layout_uses_a_name_twice_or_has_fields_behind_one_that_takes_the_rest() -> None:
    for item in registry.LAYOUTS:
        assert len({field.name for field in item.fields}) == len(item.fields)
        for field in item.fields[:-1]:
            assert field.code is not Code.REST
            assert field.code is not Code.PTRS or field.length >= 0


@pytest.mark.parametrize("pointer_size", [4, 8])
def test_every_layout_reads_back_what_is_written_with_it(pointer_size: int) -> None:
    for item in registry.LAYOUTS:
        values: dict[str, Value] = {}
        for field in item.fields:
            values[field.name] = sample(field, values, item.fields)
        decoded = read(item, pointer_size, encode(item, pointer_size, values))
        assert decoded.values == values
        assert not decoded.left
        assert not decoded.short


@pytest.mark.parametrize("pointer_size", [4, 8])
def test_an_event_without_values_reads_back_as_zeros(pointer_size: int) -> None:
    for item in registry.LAYOUTS:
        decoded = read(item, pointer_size, encode(item, pointer_size, {}))
        assert not any(
            np.any(np.frombuffer(v, np.uint8)) if isinstance(v, bytes) else v for v in decoded.values.values()
        )


@pytest.mark.parametrize(
    ("hook", "version", "narrow", "wide"),
    [
        (pool.ALLOC, 2, 0x10, 0x18),
        (pool.FREE_SESSION, 2, 0x14, 0x1C),
        (thread.CONTEXT_SWITCH, 1, 16, 16),
        (thread.CONTEXT_SWITCH, 4, 24, 24),
        (thread.READY, 2, 8, 8),
        (stack.KEY_KERNEL, 2, 20, 24),
        (irp.CALL, 2, 24, 36),
        (irp.COMPLETE, 2, 12, 20),
        (network.TCP | network.ACCEPT, 2, 44, 48),
    ],
)
def test_sizes_are_those_of_the_documents(hook: int, version: int, narrow: int, wide: int) -> None:
    found = registry.layout_for(KernelId(hook), version)
    assert found is not None
    sizes = {4: narrow, 8: wide}
    for pointer_size, size in sizes.items():
        assert len(encode(found, pointer_size, {})) == size


def test_a_pool_allocation_is_written_as_documented() -> None:
    found = registry.layout_for(KernelId(pool.ALLOC), 2)
    assert found is not None
    payload = encode(found, 8, {"type": 512, "tag": 0x20707249, "bytes": 400, "entry": 0xFFFF9A8000001010})
    assert payload == struct.pack("<IIQQ", 512, 0x20707249, 400, 0xFFFF9A8000001010)


def test_a_session_allocation_without_its_session_is_no_damage() -> None:
    found = registry.layout_for(KernelId(pool.ALLOC_SESSION), 2)
    assert found is not None
    decoded = read(found, 8, bytes(24))
    assert not decoded.short
    assert "session" not in decoded.values


def test_thread_records_name_the_same_thread_in_every_version() -> None:
    first = [struct.pack("<II", 7, 5) if version == 0 else struct.pack("<II", 5, 7) for version in range(4)]
    for version, payload in enumerate(first):
        found = registry.layout_for(KernelId(thread.START), version)
        assert found is not None
        values = read(found, 8, payload).values
        assert (values["process"], values["thread"]) == (5, 7)


@pytest.mark.parametrize("pointer_size", [4, 8])
def test_a_sid_behind_zeroed_pointers_is_found_and_the_name_after_it(pointer_size: int) -> None:
    """Copies of events may have the pointers of TOKEN_USER zeroed; four zero bytes alone say that there is no SID."""
    found = registry.layout_for(KernelId(process.RUNDOWN_START), 3)
    assert found is not None
    sid = bytes.fromhex("010100000000000512000000")
    whole = encode(found, pointer_size, {"process": 4, "sid": sid, "image_name": b"System"})
    at = whole.index(sid) - 2 * pointer_size
    zeroed = whole[:at] + bytes(2 * pointer_size) + whole[at + 2 * pointer_size :]
    assert read(found, pointer_size, zeroed).values == read(found, pointer_size, whole).values
    without = read(found, pointer_size, encode(found, pointer_size, {"process": 4, "image_name": b"System"}))
    assert (without.values["sid"], without.values["image_name"]) == (b"", b"System")


def test_all_afd_events_are_there_and_start_alike_from_1000_on() -> None:
    assert len(afd.LAYOUTS) == len(afd.DESCRIPTORS) == 96
    head = ["enter_exit", "location", "process_object", "endpoint"]
    socket_events = [item for item in afd.LAYOUTS if 1000 <= item.ids[0].event < 4000]  # type: ignore[union-attr]
    assert len(socket_events) == 34
    for item in socket_events:
        assert [field.name for field in item.fields[:4]] == head


def test_an_afd_create_has_the_descriptor_of_the_documents() -> None:
    create = afd.DESCRIPTORS[afd.CREATE]
    assert (create.level, create.opcode, create.keyword) == (4, 0x0A, afd.Keyword.SOURCE_WINSOCK)
    assert afd.DESCRIPTORS[afd.CLOSE].opcode == 0x0F


def test_tcpip_versions_add_to_the_version_before() -> None:
    connection_rundown = ProviderId(tcpip.PROVIDER, 1300)
    found = registry.layouts_for(connection_rundown)
    assert [item.version for item in found] == [0, 1, 2, 3]
    for older, newer in itertools.pairwise(found):
        assert newer.fields[: len(older.fields)] == older.fields
        assert len(newer.fields) == len(older.fields) + 1


def test_addresses_are_blobs_of_either_family_and_ports_are_turned_round() -> None:
    for added, size in ((0, 4), (network.IPV6, 16)):
        found = registry.layout_for(KernelId(network.UDP | network.SEND + added), 2)
        assert found is not None
        payload = encode(found, 8, {"destination": b"\x7f" * size, "destination_port": 53})
        values = read(found, 8, payload).values
        assert values["destination"] == b"\x7f" * size
        assert values["destination_port"] == 53
        assert payload[8 + 2 * size : 10 + 2 * size] == b"\x00\x35"


@pytest.mark.parametrize(
    "kind", ["pool", "stack", "thread", "context_switch", "process", "image", "irp", "afd", "tcpip"]
)
def test_the_kinds_that_analyses_stand_on_have_their_columns(kind: str) -> None:
    expected = {
        "pool": {"type", "tag", "bytes", "entry", "session"},
        "stack": {"event_time", "process", "thread", "frames"},
        "thread": {"process", "thread", "name"},
        "context_switch": {"new_thread", "old_thread", "old_wait_reason", "old_wait_mode_flags", "old_state"},
        "process": {"process", "parent", "key", "image_name", "command_line"},
        "image": {"base", "size", "process", "file_name"},
        "irp": {"major", "minor", "routine", "file_object", "irp", "id"},
        "afd": {"enter_exit", "location", "process_object", "endpoint", "status", "address"},
        "tcpip": {"tcb", "endpoint", "process", "local_address", "remote_address", "new_state"},
    }
    assert expected[kind] <= set(columns(kind))


def test_a_new_event_is_one_module_and_one_line_in_the_registry() -> None:
    module = ModuleType("tracer.events.example")
    module.LAYOUTS = (layout("example", "example", hooks("7F01"), 3, "u4 number"),)  # type: ignore[attr-defined]
    layouts = registry.by_id(registry.collect((pool, module)))
    assert registry.select(layouts[KernelId(0x7F01)], 9) is module.LAYOUTS[0]
    assert layouts[KernelId(pool.ALLOC)] == pool.LAYOUTS[:1]


@pytest.mark.parametrize(("version", "expected"), [(0, 2), (1, 2), (2, 2), (3, 3), (9, 3)])
def test_the_layout_is_that_of_the_highest_version_not_above_the_events(version: int, expected: int) -> None:
    layouts = tuple(layout("k", "n", hooks("7F01"), number, "u4 x") for number in (2, 3))
    found = registry.select(layouts, version)
    assert found is not None
    assert found.version == expected


def test_an_unknown_event_has_no_layout_and_no_name() -> None:
    unknown = KernelId(0x7FFF)
    assert registry.layouts_for(unknown) == ()
    assert registry.layout_for(unknown, 2) is None
    assert registry.event_name(unknown) is None


def test_providers_are_those_of_manifests_image_identities_schemas_and_poolscope_s_own() -> None:
    providers = {afd.PROVIDER, tcpip.PROVIDER, image.IMAGE_ID, schemas.PROVIDER, drain.PROVIDER}
    assert registry.providers() == providers


def test_layouts_can_be_hashed_so_that_packers_are_kept() -> None:
    found: Layout = process.LAYOUTS[0]
    assert hash(found) == hash(dataclasses.replace(found))
