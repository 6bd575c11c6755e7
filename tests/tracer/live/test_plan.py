"""What a capture asks of Windows, decided from numbers."""

from __future__ import annotations

import struct
import uuid

import pytest

from tracer.errors import UsageError
from tracer.live.enabling import (
    IO,
    MEMORY,
    PROCESS,
    SCHEDULER,
    PoolTagFilter,
    group_mask,
    socket_providers,
    stack_events,
    system_providers,
)
from tracer.live.names import Owner, owner_of, session_name
from tracer.live.plan import CapturePlan, Way, buffers_for, way_for


@pytest.mark.parametrize(
    ("build", "way"),
    [
        (26100, Way.SYSTEM_PROVIDERS),
        (20348, Way.SYSTEM_PROVIDERS),
        (19045, Way.PRIVATE_SYSTEM_LOGGER),
        (9600, Way.PRIVATE_SYSTEM_LOGGER),
    ],
)
def test_the_newest_way_that_a_build_offers_is_taken(build: int, way: Way) -> None:
    assert way_for(build) is way


@pytest.mark.parametrize("rate", [1, 20_000, 200_000, 5_000_000])
@pytest.mark.parametrize("processors", [1, 8, 128])
def test_buffers_hold_two_seconds_within_bounds(rate: int, processors: int) -> None:
    buffers = buffers_for(rate, processors)
    assert 64 <= buffers.kilobytes <= 1024
    assert 4 * processors <= buffers.least <= buffers.most
    in_all = buffers.kilobytes * buffers.most
    assert in_all >= min(rate * 200 * 2 >> 10, 400 << 10)
    assert in_all <= max(512 << 10, 8 * processors * buffers.kilobytes)


def test_a_plan_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="no pool tag"):
        CapturePlan(tags=(b"Afd",))
    with pytest.raises(UsageError, match="not positive"):
        CapturePlan(seconds=0)
    with pytest.raises(UsageError, match="not positive"):
        CapturePlan(most_bytes=-1)


def test_the_session_filters_by_up_to_two_tags_each_with_and_without_its_bit() -> None:
    tags = (b"AfdE", b"AfdB", b"Irp ")
    assert CapturePlan(tags=tags[:2]).filtered_by_session
    assert not CapturePlan(tags=tags).filtered_by_session
    assert not CapturePlan().filtered_by_session


def test_the_group_mask_has_the_pool_group_in_its_second_word() -> None:
    everything = struct.unpack("<8I", group_mask(CapturePlan()))
    assert everything == (0x10007, 0x40 | 0x4 | 0x200 | 0x10 | 0x1000000, 0, 0, 0, 0, 0, 0)
    least = struct.unpack("<8I", group_mask(CapturePlan(context_switches=False, requests=False)))
    assert least == (0x10007, 0x40, 0, 0, 0, 0, 0, 0)


def test_system_providers_have_the_keywords_of_the_kinds_that_are_wanted() -> None:
    assert {p.guid: p.keywords for p in system_providers(CapturePlan())} == {
        PROCESS: 0x1801, MEMORY: 0x8, SCHEDULER: 0x206, IO: 0x280,
    }  # fmt: skip
    least = CapturePlan(context_switches=False, requests=False)
    assert {p.guid: p.keywords for p in system_providers(least)} == {PROCESS: 0x1801, MEMORY: 0x8, IO: 0x200}
    assert len(socket_providers(CapturePlan())) == 2
    assert socket_providers(CapturePlan(sockets=False)) == ()


def test_stacks_are_asked_for_by_class_and_type() -> None:
    raw = stack_events()
    pool = uuid.UUID("0268a8b6-74fd-4302-9dd0-6e8f1795c0cf").bytes_le
    found = [(raw[at : at + 16], raw[at + 16]) for at in range(0, len(raw), 24)]
    assert [opcode for guid, opcode in found if guid == pool] == [0x20, 0x21, 0x22, 0x23]
    assert [opcode for guid, opcode in found if guid != pool] == [0x32, 0x34]


def test_the_filter_points_to_its_tags() -> None:
    made = PoolTagFilter((b"AfdE", b"Irp "))
    descriptor, header = made._descriptor, bytes(made._filter)
    assert made.parameters.FilterDescCount == 1
    assert (descriptor.Type, descriptor.Size) == (0x80000000, 40)
    assert struct.unpack_from("<H", header)[0] == 1
    assert header[24:] == b"AfdEAfd\xc5Irp Irp\xa0"


def test_a_session_of_ours_tells_its_owner_and_no_other_does() -> None:
    name = session_name("kernel", Owner(1234, 0x1DD1A2B3C4D5E6F))
    assert owner_of(name) == Owner(1234, 0x1DD1A2B3C4D5E6F)
    for other in ("NT Kernel Logger", "Poolscope", "Poolscope kernel", f"{name} x", f"x{name}", "Poolscope other 1-2"):
        assert owner_of(other) is None
