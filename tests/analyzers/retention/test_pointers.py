"""An address that an event names is found in the block that holds it, and in no other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.address_lookup import NO_BLOCK, blocks_of
from tests.analyzers.retention.made import IRP, block, pool_of

pytestmark = pytest.mark.unjitted
TOP = 0xFFFF_FFFF_FFFF_FFFF


def found(pointers: list[int], used_ns: int, *blocks: tuple[int, int, int]) -> list[int]:
    out = pool_of(*(block(address, size, time, IRP) for address, size, time in blocks)).outstanding
    rows = blocks_of(out, np.array(pointers, np.uint64), np.full(len(pointers), used_ns, np.int64))
    return [int(row) for row in rows]


def test_first_and_last_byte_are_inside_and_the_next_is_not() -> None:
    assert found([0x1000, 0x10FF, 0x1100, 0xFFF], 5, (0x1000, 0x100, 1)) == [0, 0, NO_BLOCK, NO_BLOCK]


def test_a_block_that_is_younger_than_the_event_is_another_one() -> None:
    assert found([0x1000], 4, (0x1000, 0x100, 5)) == [NO_BLOCK]


def test_a_block_of_the_same_tick_as_the_event_counts() -> None:
    assert found([0x1000], 5, (0x1000, 0x100, 5)) == [0]


def test_no_pointer_and_no_block_give_nothing() -> None:
    assert found([0], 5, (0, 0x100, 1)) == [NO_BLOCK]
    assert found([0x1000], 5) == [NO_BLOCK]


def test_a_block_at_the_top_of_memory_and_one_of_a_senseless_size_do_no_harm() -> None:
    assert found([TOP, 0x2000, 0x3000], 5, (TOP - 15, 16, 1), (0x1000, TOP, 1), (0x3000, 8, 2)) == [0, 1, 2]


@given(st.lists(st.integers(1, 40), max_size=20), st.lists(st.integers(0, 900), max_size=30))
def test_every_pointer_is_found_as_a_plain_search_finds_it(gaps: list[int], pointers: list[int]) -> None:
    starts = [int(start) for start in np.cumsum(gaps)]
    blocks = [(start, max(1, gap // 2), 0) for start, gap in zip(starts, gaps, strict=True)]
    blocks = [(a, min(s, b - a), t) for (a, s, t), b in zip(blocks, [*starts[1:], 10_000], strict=False)]
    wanted = [
        next((row for row, (a, s, _) in enumerate(blocks) if pointer and a <= pointer < a + s), NO_BLOCK)
        for pointer in pointers
    ]
    assert found(pointers, 5, *blocks) == wanted
