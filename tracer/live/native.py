"""Memory by address, for compiled code that Windows calls: loads, stores, copies, and an order among them.

Importing this module imports numba (0.3 s); nothing here runs un-jitted, since plain Python has no pointers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from tracer.jit import kernel

_Numba: TypeAlias = Any
"""Something of numba's or LLVM's, neither of which says its types."""
_memcpy: Callable[..., _Numba] = cgutils.raw_memcpy
_intrinsic: Callable[..., _Numba] = intrinsic
_BYTE_POINTER = ir.IntType(8).as_pointer()
_Signature = tuple[_Numba, Callable[..., _Numba]]


def _loader(name: str, kind: _Numba) -> _Numba:
    """An intrinsic that reads a number of this type, wherever it stands."""
    width = ir.IntType(kind.bitwidth)

    def load(_context: _Numba, _address: _Numba) -> _Signature:
        def generate(_context: _Numba, builder: _Numba, _signature: _Numba, arguments: _Numba) -> _Numba:
            pointer = builder.inttoptr(arguments[0], width.as_pointer())
            return builder.load(pointer, align=1)

        return kind(types.int64), generate

    load.__name__ = load.__qualname__ = name
    return intrinsic(load)


def _storer(name: str, kind: _Numba) -> _Numba:
    """An intrinsic that writes a number of this type, wherever it goes."""
    width = ir.IntType(kind.bitwidth)

    def store(_context: _Numba, _address: _Numba, _value: _Numba) -> _Signature:
        def generate(context: _Numba, builder: _Numba, _signature: _Numba, arguments: _Numba) -> _Numba:
            pointer = builder.inttoptr(arguments[0], width.as_pointer())
            builder.store(arguments[1], pointer, align=1)
            return context.get_dummy_value()

        return types.void(types.int64, kind), generate

    store.__name__ = store.__qualname__ = name
    return intrinsic(store)


load1: Callable[[int], int] = _loader("load1", types.uint8)
load2: Callable[[int], int] = _loader("load2", types.uint16)
load8: Callable[[int], int] = _loader("load8", types.int64)
store2: Callable[[int, int], None] = _storer("store2", types.uint16)
store4: Callable[[int, int], None] = _storer("store4", types.uint32)
store8: Callable[[int, int], None] = _storer("store8", types.int64)


def _copy(_context: _Numba, _target: _Numba, _source: _Numba, _count: _Numba) -> _Signature:
    """Memcpy."""

    def generate(context: _Numba, builder: _Numba, _signature: _Numba, arguments: _Numba) -> _Numba:
        to, begin = (builder.inttoptr(address, _BYTE_POINTER) for address in arguments[:2])
        _memcpy(builder, to, begin, arguments[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


def _publish(_context: _Numba) -> _Signature:
    """What was stored before is seen by whoever sees what is stored after (and the same for loads)."""

    def generate(context: _Numba, builder: _Numba, _signature: _Numba, _arguments: _Numba) -> _Numba:
        builder.fence("acq_rel")
        return context.get_dummy_value()

    return types.void(), generate


copy: Callable[[int, int, int], None] = _intrinsic(_copy)
publish: Callable[[], None] = _intrinsic(_publish)


@kernel
def fence() -> None:
    """The same order, for who reads or writes memory from Python: ARM64 would not keep it by itself."""
    publish()
