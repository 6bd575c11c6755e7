"""Memory by address, for compiled code that Windows calls: loads, stores, copies, and an order among them.

Nothing here runs un-jitted, since plain Python has no pointers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from tracer.jit import intrinsic, kernel

_Numba: TypeAlias = Any
"""Something of numba's or LLVM's, neither of which says its types."""
_Signature = tuple[_Numba, Callable[..., _Numba]]


def _only_compiled(*_: int) -> int:
    """Stand for all of these where Python calls one.

    Raises RuntimeError.
    """
    raise RuntimeError("memory by address is for compiled code only")


def _loader(name: str) -> Callable[[int], int]:
    """An intrinsic that reads a number of numba's type of this name, wherever it stands."""

    @intrinsic(_only_compiled)
    def load(_context: _Numba, _address: _Numba) -> _Signature:
        from llvmlite import ir  # type: ignore[import-untyped]
        from numba import types

        kind = getattr(types, name)

        def generate(_context: _Numba, builder: _Numba, _signature: _Numba, arguments: _Numba) -> _Numba:
            pointer = builder.inttoptr(arguments[0], ir.IntType(kind.bitwidth).as_pointer())
            return builder.load(pointer, align=1)

        return kind(types.int64), generate

    return load


def _storer(name: str) -> Callable[[int, int], None]:
    """An intrinsic that writes a number of numba's type of this name, wherever it goes."""

    @intrinsic(_only_compiled)
    def store(_context: _Numba, _address: _Numba, _value: _Numba) -> _Signature:
        from llvmlite import ir
        from numba import types

        kind = getattr(types, name)

        def generate(context: _Numba, builder: _Numba, _signature: _Numba, arguments: _Numba) -> _Numba:
            pointer = builder.inttoptr(arguments[0], ir.IntType(kind.bitwidth).as_pointer())
            builder.store(arguments[1], pointer, align=1)
            return context.get_dummy_value()

        return types.void(types.int64, kind), generate

    return cast("Callable[[int, int], None]", store)


load1 = _loader("uint8")
load2 = _loader("uint16")
load8 = _loader("int64")
store2 = _storer("uint16")
store4 = _storer("uint32")
store8 = _storer("int64")


@intrinsic(_only_compiled)
def copy(_context: _Numba, _target: _Numba, _source: _Numba, _count: _Numba) -> _Signature:
    """Memcpy."""
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils

    def generate(context: _Numba, builder: _Numba, _signature: _Numba, arguments: _Numba) -> _Numba:
        memcpy: Callable[..., None] = cgutils.raw_memcpy
        to, begin = (builder.inttoptr(address, ir.IntType(8).as_pointer()) for address in arguments[:2])
        memcpy(builder, to, begin, arguments[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic(_only_compiled)
def publish(_context: _Numba) -> _Signature:
    """What was stored before is seen by whoever sees what is stored after (and the same for loads)."""
    from numba import types

    def generate(context: _Numba, builder: _Numba, _signature: _Numba, _arguments: _Numba) -> _Numba:
        builder.fence("acq_rel")
        return context.get_dummy_value()

    return types.void(), generate


@kernel
def fence() -> None:
    """The same order, for who reads or writes memory from Python: ARM64 would not keep it by itself."""
    publish()
