"""Eight bytes at a time, at any position: what a kernel needs to copy and to read packed fields fast.

Numba has no unaligned access of its own; these two compile to one load and one store. Un-jitted they
are plain Python. Byte order is little-endian, as in every trace and on every machine Windows and Poolscope
run on.
"""

# ruff: noqa: ANN401, ARG001 - what numba passes to a code generator is its own and has no types

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.arrays import U8
from tracer.jit import intrinsic


def _load64(source: U8, at: int) -> np.uint64:
    return np.uint64(int.from_bytes(source[at : at + 8].tobytes(), "little"))


def _store64(target: U8, at: int, value: np.uint64) -> None:
    target[at : at + 8] = np.frombuffer(int(value).to_bytes(8, "little"), np.uint8)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    """Pointer to the u64 that begins at byte ``at`` of an array of bytes."""
    from llvmlite import ir  # type: ignore[import-untyped]

    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), ir.IntType(64).as_pointer())


def _leading_zeros(word: np.uint64) -> int:
    return 64 - int(word).bit_length()


@intrinsic(_load64)
def load64(typing: Any, source: Any, at: Any) -> Any:
    """The u64 at byte ``at`` of ``source`` (uint8, contiguous); the caller keeps 8 bytes in bounds."""
    from numba import types

    signature = types.uint64(source, types.int64)

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        array, position = arguments
        pointer = _pointer(context, builder, source, array, position)
        return builder.load(pointer, align=1)

    return signature, generate


@intrinsic(_store64)
def store64(typing: Any, target: Any, at: Any, value: Any) -> Any:
    """Write the u64 ``value`` at byte ``at`` of ``target``, on the same terms as :func:`load64`."""
    from numba import types

    signature = types.void(target, types.int64, types.uint64)

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        array, position, word = arguments
        builder.store(word, _pointer(context, builder, target, array, position), align=1)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(_leading_zeros)
def leading_zeros(typing: Any, word: Any) -> Any:
    """How many of a u64's bits, highest first, are zero before the first one; 64 of a zero."""
    from llvmlite import ir
    from numba import types

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate
