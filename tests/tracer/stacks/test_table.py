"""Interned stacks: equal ids for equal stacks, whatever grows or collides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracer.traces import examples
from tracer.jit import kernel
from tracer.stacks.table import STACKS_FULL, StackTable, intern
from tracer.words import words_of

pytestmark = pytest.mark.unjitted


@kernel
def interned(words, at, count, pointer, table):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    return intern(words, at, count, pointer, table)


def add(table: StackTable, frames: list[int], pointer: int = 8) -> int:
    """Id of a stack, through the kernel, growing the table as its callers do."""
    words8 = np.zeros(len(frames) + 2, np.uint64)
    words8.view(np.uint64 if pointer == 8 else np.uint32)[2 : 2 + len(frames)] = frames
    while True:
        stack = interned(words_of(words8), 2 * pointer, len(frames), pointer, table.arrays)
        if stack != STACKS_FULL:
            return int(stack)
        table.reserve()


FRAMES = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 0xFFFF_8000_0000_0000, 2**64 - 1])


@given(stacks=st.lists(st.lists(FRAMES, min_size=1, max_size=9), max_size=40))
@settings(max_examples=examples(150))
def test_ids_are_equal_exactly_where_stacks_are(stacks: list[list[int]]) -> None:
    table = StackTable()
    ids = [add(table, frames) for frames in stacks]
    first: dict[tuple[int, ...], int] = {}
    for frames, stack in zip(stacks, ids, strict=True):
        assert first.setdefault(tuple(frames), stack) == stack
        assert table.frames(stack).tolist() == frames
    assert len(set(ids)) == len(first) == len(table)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 16, 31, 32, 33, 40])
def test_stacks_that_differ_in_one_frame_have_two_ids_wherever_it_is(count: int) -> None:
    table = StackTable()
    frames = list(range(1, count + 1))
    known = add(table, frames)
    for place in range(count):
        other = [*frames[:place], 1_000, *frames[place + 1 :]]
        assert add(table, frames) == known
        assert table.frames(add(table, other)).tolist() == other


def test_the_table_grows_and_keeps_what_it_had() -> None:
    table = StackTable()
    count = 10_000
    ids = [add(table, [i, i + 1, 7]) for i in range(count)]
    assert ids == list(range(count))
    assert [add(table, [i, i + 1, 7]) for i in range(count)] == ids
    assert table.frames(count - 1).tolist() == [count - 1, count, 7]


def test_room_for_frames_grows_too() -> None:
    table = StackTable()
    stacks = [[i] * 8_000 for i in range(40)]
    ids = [add(table, frames) for frames in stacks]
    assert [table.frames(stack).tolist() for stack in ids] == stacks


def test_stacks_of_32_bit_frames_equal_those_of_64_bit_frames() -> None:
    table = StackTable()
    frames = [0x8000_1000, 0x8000_2000, 0x7FFF_0000]
    assert add(table, frames, pointer=4) == add(table, frames, pointer=8)
    assert table.frames(0).tolist() == frames


def test_stacks_that_the_memo_takes_for_alike_are_told_apart() -> None:
    table = StackTable()
    middle = [[9, i, 5, 6, 7, 8, 3, 1] for i in range(200)]  # the memo looks at frames 0, 2, 4 and the last
    ids = [add(table, frames) for frames in middle]
    assert len(set(ids)) == 200
    assert [add(table, frames) for frames in reversed(middle)] == ids[::-1]


def test_an_empty_table_has_no_frames_for_any_id() -> None:
    table = StackTable()
    assert table.frames(-1).tolist() == []
    assert table.canonical(np.array([-1], np.int32)).tolist() == [-1]
