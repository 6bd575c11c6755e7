"""Asking for memory before it is needed: what a kernel needs to look things up all over a large table.

A kernel that knows which places it will look at next tells the processor, and goes on with what has arrived.
Un-jitted it does nothing.
"""

# ruff: noqa: ANN401, ARG001 - what numba passes to a code generator is its own and has no types

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracer.jit import intrinsic

_READ, _KEEP, _DATA = 0, 3, 1


def _prefetch(table: npt.NDArray[np.generic], row: Any) -> None:
    """Nothing to do."""


@intrinsic(_prefetch)
def prefetch(typing: Any, table: Any, row: Any) -> Any:
    """Fetch the cache line in which ``table[row]`` begins; ``row`` (int64) may be any number."""
    from llvmlite import ir  # type: ignore[import-untyped]
    from numba import types

    signature = types.void(table, types.int64)

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        array, position = arguments
        data = context.make_array(table)(context, builder, array).data
        size = context.get_abi_sizeof(context.get_data_type(table.dtype))
        address = ir.IntType(8).as_pointer()
        at = builder.gep(builder.bitcast(data, address), [builder.mul(position, ir.Constant(position.type, size))])
        number = ir.IntType(32)
        fetch = builder.module.declare_intrinsic(
            "llvm.prefetch", (address,), ir.FunctionType(ir.VoidType(), [address, number, number, number])
        )
        builder.call(fetch, [at, number(_READ), number(_KEEP), number(_DATA)])
        return context.get_dummy_value()

    return signature, generate
