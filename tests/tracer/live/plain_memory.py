"""The callback's loads and stores in plain Python, so that the callback itself can be run un-jitted."""

from __future__ import annotations

import ctypes as ct
from collections.abc import Callable
from typing import Any

from tracer.live import callback

Kept = list[Any]


def _load(kind: Any) -> Callable[[int], int]:
    return lambda address: int(kind.from_address(int(address)).value)


def _store(kind: Any) -> Callable[[int, int], None]:
    def store(address: int, value: int) -> None:
        kind.from_address(int(address)).value = int(value)

    return store


def _copy(target: int, source: int, count: int) -> None:
    ct.memmove(int(target), int(source), int(count))


PLAIN: dict[str, Callable[..., object]] = {
    "load1": _load(ct.c_uint8),
    "load2": _load(ct.c_uint16),
    "load8": _load(ct.c_int64),
    "store2": _store(ct.c_uint16),
    "store4": _store(ct.c_uint32),
    "store8": _store(ct.c_int64),
    "copy": _copy,
    "publish": lambda: None,
}


def plain_callback() -> Any:
    """The callback as a C function that calls plain Python; keep it as long as it may be called."""
    return ct.CFUNCTYPE(None, ct.c_int64)(callback._take)
