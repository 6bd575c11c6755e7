"""What a kernel is called with, as words and as a name of types, and what it gives back."""

from __future__ import annotations

from ctypes import c_size_t
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.tracer.traces import UNJITTED
from tracer.jit import kernel
from tracer.kernels.arguments import DATA_AT, SHAPE_AT, STRIDES_AT, flat, text

ROWS = np.dtype([("first", np.uint16), ("second", np.int64)])


class Pair(NamedTuple):
    first: Any
    second: Any


def variants() -> list[tuple[Any, ...]]:
    """Arguments of which no two have the same types for a kernel."""
    values = np.zeros(8, np.int64)
    constant = np.zeros(8, np.int64)
    constant.flags.writeable = False
    return [
        (values,),
        (constant,),
        (values[::2],),
        (values.view(np.uint64),),
        (np.zeros((2, 4), np.int64),),
        (np.zeros((2, 4), np.int64).T,),
        (np.zeros(3, ROWS),),
        (np.zeros(3, np.dtype([("first", np.uint16), ("other", np.int64)])),),
        (1,),
        (1 << 63,),
        (True,),
        (np.uint8(1),),
        (1.5,),
        ((1, 2),),
        ((1, 2, 3),),
        (Pair(1, 2),),
        (1, 2),
    ]


def test_arguments_of_other_types_have_other_keys_and_other_names() -> None:
    assert len({flat(each)[0] for each in variants()}) == len(variants())
    assert len({text(each) for each in variants()}) == len(variants())


def test_arguments_of_the_same_types_have_the_same_key_and_name() -> None:
    for one, other in zip(variants(), variants(), strict=True):
        assert (flat(one)[0], text(one)) == (flat(other)[0], text(other))


def test_an_array_has_its_items_shape_and_strides_where_numpy_says() -> None:
    values = np.zeros((2, 4), np.int32)

    def word(at: int) -> int:
        return c_size_t.from_address(at).value

    assert word(id(values) + DATA_AT) == values.ctypes.data
    sizes, steps = word(id(values) + SHAPE_AT), word(id(values) + STRIDES_AT)
    assert [word(sizes), word(sizes + 8), word(steps), word(steps + 8)] == [2, 4, 16, 4]


def test_what_no_kernel_takes_is_refused() -> None:
    with pytest.raises(TypeError, match="not a str"):
        flat(("text",))


@pytest.mark.parametrize("value", [1 << 64, -(1 << 63) - 1])
def test_an_integer_that_no_word_holds_is_refused(value: int) -> None:
    with pytest.raises(OverflowError, match=f"integers of 64 bits, not {value}"):
        flat((value,))


def test_a_span_of_time_has_a_unit_and_is_refused() -> None:
    with pytest.raises(TypeError, match="not a timedelta64"):
        flat((np.timedelta64(1, "s"),))


@pytest.mark.parametrize("kind", [np.memmap, np.recarray, np.ma.MaskedArray])
def test_an_array_of_another_class_is_refused(kind: type[Any]) -> None:
    with pytest.raises(TypeError, match=f"not a {kind.__name__}"):
        flat((np.zeros(2, ROWS).view(kind),))


@kernel
def _share(value: Any) -> Any:
    return value * 0.5


@kernel
def _total(values: Any) -> Any:
    total = np.int64(0)
    for place in range(len(values)):
        total += values[place]
    return total


def test_arrays_that_lie_anyhow_in_memory_are_read_as_they_lie() -> None:
    unaligned = np.frombuffer(bytearray(41), np.int64, 5, 1)
    unaligned[:] = range(5)
    for values in (unaligned, unaligned[::-1], unaligned[::2], np.broadcast_to(np.int64(3), 4), unaligned[:0]):
        assert _total(values) == sum(values.tolist())


@pytest.mark.skipif(UNJITTED, reason="plain Python gives anything")
def test_a_kernel_that_gives_no_integer_is_refused() -> None:
    with pytest.raises(TypeError, match="a kernel gives integers and booleans, not float64"):
        _share(3)


@kernel
def _several(values: Any, more: Any, whether: Any) -> Any:
    return values[1, 2], np.uint64(more), not whether


@kernel
def _record(rows: Any, pair: Pair, share: Any) -> Any:
    pair.second[0] = rows[1]["second"] + pair.first
    return np.int64(share * 4)


def test_a_kernel_gives_numbers_as_they_are() -> None:
    values = -np.arange(12, dtype=np.int64).reshape(3, 4)
    assert _several(values, 2**64 - 1 if UNJITTED else np.uint64(2**64 - 1), False) == (-6, 2**64 - 1, True)
    assert _several(values[:, ::-1], np.uint64(3), True) == (-5, 3, False)


def test_a_kernel_takes_records_tuples_and_shares() -> None:
    rows = np.zeros(2, ROWS)
    rows["second"] = -5
    target = np.zeros(1, np.int64)
    assert _record(rows, Pair(2, target), 0.75) == 3
    assert target[0] == -3


@pytest.mark.skipif(UNJITTED, reason="plain Python knows names")
def test_a_kernel_takes_no_arguments_by_name() -> None:
    with pytest.raises(TypeError, match="takes no arguments by name"):
        _record(rows=None, pair=Pair(1, 2), share=None)
