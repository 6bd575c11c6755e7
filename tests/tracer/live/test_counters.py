"""The pool's counters, from bytes as Windows lays them out."""

from __future__ import annotations

import struct
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracer.live.counted import TOO_SHORT, Kernel, Tag, refusing, tags_answer
from tracer.errors import MachineError
from tracer.live.counters import (
    big_pool,
    big_pool_layout,
    pool_counters,
    pool_tag_layout,
    windows_query,
)

AFDE = int.from_bytes(b"AfdE", "little")


def test_layouts_are_those_of_both_pointer_sizes() -> None:
    assert (pool_tag_layout(8).itemsize, pool_tag_layout(4).itemsize) == (40, 28)
    assert (big_pool_layout(8).itemsize, big_pool_layout(4).itemsize) == (24, 12)
    fields = pool_tag_layout(8).fields
    assert fields is not None
    assert [fields[name][1] for name in ("paged_bytes", "nonpaged_allocations", "nonpaged_bytes")] == [16, 24, 32]


def test_each_tag_gives_a_row_for_each_kind_of_pool_that_it_uses() -> None:
    kernel = Kernel([Tag(b"AfdE", nonpaged=(10, 4, 960)), Tag(b"CM25", (1, 0, 64), (7, 2, 4096)), Tag(b"None")])
    counters = pool_counters(kernel.query)
    rows = zip(
        counters.tag, counters.paged, counters.allocations, counters.frees, counters.count, counters.bytes, strict=True
    )
    cm25 = int.from_bytes(b"CM25", "little")
    assert [tuple(map(int, row)) for row in rows] == [
        (AFDE, 0, 10, 4, 6, 960),
        (cm25, 0, 1, 0, 1, 64),
        (cm25, 1, 7, 2, 5, 4096),
    ]


def test_counters_that_ran_over_still_give_what_is_there() -> None:
    counters = pool_counters(Kernel([Tag(b"AfdE", nonpaged=(3, 2**32 - 2, 500))]).query)
    assert counters.count.tolist() == [5]


def test_a_protected_tag_and_its_plain_twin_are_one() -> None:
    twin = (AFDE | 0x80000000).to_bytes(4, "little")
    counters = pool_counters(Kernel([Tag(b"Zz  ", (1, 0, 8)), Tag(b"AfdE", (4, 1, 30)), Tag(twin, (2, 0, 20))]).query)
    assert counters.tag.tolist() == [int.from_bytes(b"Zz  ", "little"), AFDE]
    assert counters.count.tolist() == [1, 5]
    assert counters.bytes.tolist() == [8, 50]


def test_the_buffer_grows_until_the_answer_fits() -> None:
    kernel = Kernel([Tag(struct.pack("<I", number), (1, 0, 16)) for number in range(20_000)])
    assert len(pool_counters(kernel.query)) == 20_000
    rooms = [room for _, room in kernel.asked]
    assert rooms == sorted(rooms)
    assert len(rooms) == 2


def test_an_answer_that_never_fits_is_an_error_and_no_endless_loop() -> None:
    rooms: list[int] = []

    def greedy(kind: int, room: int) -> tuple[int, bytes, int]:
        rooms.append(room)
        return TOO_SHORT, b"", 0

    with pytest.raises(MachineError) as refused:
        pool_counters(greedy)
    assert "does not fit" in refused.value.why
    assert len(rooms) < 20


def test_a_refusal_names_its_status() -> None:
    with pytest.raises(MachineError) as refused:
        pool_counters(refusing(0xC0000022))
    assert refused.value.code == "no-pool-counters"
    assert "0xC0000022" in refused.value.why
    assert "elevated" in refused.value.next


def test_large_allocations_have_their_kind_in_the_lowest_bit() -> None:
    big = big_pool(Kernel(big=[(0xFFFF800000001001, 8192, b"AfdB"), (0xFFFF800000004000, 5000, b"CM31")]).query)
    assert [hex(int(address)) for address in big.address] == ["0xffff800000001000", "0xffff800000004000"]
    assert big.paged is not None
    assert big.paged.tolist() == [False, True]
    assert big.size.tolist() == [8192, 5000]
    assert (len(big), big.hidden) == (2, False)


def test_where_addresses_are_hidden_the_kind_of_large_allocations_is_not_known() -> None:
    """Windows 11 24H2 gives 0 for each to who has not turned on the right to debug."""
    big = big_pool(Kernel(big=[(0, 8192, b"AfdB"), (0, 5000, b"CM31")]).query)
    assert big.paged is None
    assert big.hidden
    assert big.size.tolist() == [8192, 5000]


def test_one_address_that_is_told_means_that_none_is_hidden() -> None:
    big = big_pool(Kernel(big=[(0xFFFF800000001001, 8192, b"AfdB")]).query)
    assert not big.hidden
    assert not big_pool(Kernel(big=[]).query).hidden


@given(st.binary(max_size=300))
def test_no_answer_of_any_bytes_is_read_past_its_end(data: bytes) -> None:
    def query(kind: int, room: int) -> tuple[int, bytes, int]:
        return 0, data, len(data)

    assert len(pool_counters(query)) <= 2 * (len(data) // 40)
    assert len(big_pool(query)) <= len(data) // 24


def test_rows_are_found_by_tag_and_kind() -> None:
    counters = pool_counters(Kernel([Tag(b"AfdE", (3, 1, 40)), Tag(b"CM25", paged=(9, 2, 70))]).query)
    rows = counters.rows_of(
        np.array([int.from_bytes(b"CM25", "little"), AFDE, AFDE], np.uint32), np.array([True, True, False])
    )
    assert rows.tolist() == [1, -1, 0]
    assert counters.taken("bytes", rows).tolist() == [70, 0, 40]


def test_a_count_larger_than_the_answer_is_not_believed() -> None:
    data = struct.pack("<I4x", 1_000_000) + tags_answer([Tag(b"AfdE", (1, 0, 16))])[8:]

    def query(kind: int, room: int) -> tuple[int, bytes, int]:
        return 0, data, len(data)

    assert len(pool_counters(query)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there it can be asked")
def test_elsewhere_there_is_nobody_to_ask() -> None:
    with pytest.raises(MachineError) as refused:
        windows_query()
    assert refused.value.code == "not-windows"
    assert "--replay" in refused.value.next
