"""What a kernel is called with, as machine words and as a name of their types.

A call passes one row of 64-bit words: for an array the address of the object, in which the compiled code finds where
the items are, shape and strides; for each number one word; for a tuple what is in it. The compiler
(:mod:`tracer.kernels.compiler`) reads the row in the same order.

Where an array's object has what is numpy's binary interface, the same since version 1.7: PyArrayObject_fields in
ndarraytypes.h, after what every object of Python begins with.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any, Final, TypeAlias

import numpy as np

Key: TypeAlias = tuple[object, ...]
"""Equal for arguments of equal types, quickly made and compared; it holds for one process."""

DATA_AT: Final = object.__basicsize__
"""Where in an array's object the address of its items is; that of its shape and that of its strides come later."""
SHAPE_AT: Final = DATA_AT + 16
STRIDES_AT: Final = DATA_AT + 24

_CONTIGUOUS: Final = 0x1
_SAME_TO_NUMBA: Final = 0x501
"""The flags of an array that make another type of it: C-contiguous, aligned, writeable."""
_FORTRAN: Final = 0x2


def flat(arguments: tuple[Any, ...]) -> tuple[Key, list[int]]:
    """Key and words of a call's arguments.

    Raises TypeError for what no kernel takes, OverflowError for an integer that is too large.
    """
    key: list[object] = []
    words: list[int] = []
    for each in arguments:
        _add(each, key, words)
    return tuple(key), words


def _add(value: Any, key: list[object], words: list[int]) -> None:  # noqa: ANN401 - an argument of a kernel
    kind = type(value)
    if kind is np.ndarray:
        flags = value.flags.num
        key += (value.dtype, value.ndim, flags & (_SAME_TO_NUMBA if flags & _CONTIGUOUS else _SAME_TO_NUMBA | _FORTRAN))
        words.append(id(value))
    elif kind is int:
        if not -(1 << 63) <= value < 1 << 64:
            raise OverflowError(f"a kernel takes integers of 64 bits, not {value}")
        key.append(int if value < 1 << 63 else np.uint64)
        words.append(value)
    elif kind is bool:
        key.append(bool)
        words.append(value)
    elif isinstance(value, tuple):
        key += (kind, len(value))
        for each in value:
            _add(each, key, words)
    elif isinstance(value, np.integer | np.bool_) and kind is not np.timedelta64:  # which has a unit, too
        key.append(kind)
        words.append(int(value))
    elif isinstance(value, float):
        key.append(float)
        words.append(int.from_bytes(ctypes.c_double(value), sys.byteorder))
    else:
        raise TypeError(f"a kernel takes arrays, numbers and tuples of them, not a {kind.__name__}")


def text(arguments: tuple[Any, ...]) -> str:
    """The types of a call's arguments in words that mean the same in every process."""
    return ", ".join(_text(each) for each in arguments)


_fields_text: Final = functools.cache(repr)
"""Of a structured type; the same few are in most calls."""


def _text(value: Any) -> str:  # noqa: ANN401 - an argument of a kernel
    if isinstance(value, np.ndarray):
        ((*_, flags),) = (flat((value,))[0],)
        dtype = _fields_text(value.dtype) if value.dtype.fields else value.dtype.str
        return f"{dtype}[{value.ndim}:{flags:x}]"
    if isinstance(value, tuple):
        name = f"{type(value).__module__}.{type(value).__qualname__}{getattr(value, '_fields', '')}"
        return f"{name}({text(value)})"
    ((kind,), _) = flat((value,))
    return getattr(kind, "__name__", str(kind))
