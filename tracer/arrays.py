"""Names for numpy arrays by what they hold: one declaration for all rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import numpy as np

if TYPE_CHECKING:  # its NDArray is what stands here; importing it takes 0.6 ms
    import numpy.typing as npt

_Shape: TypeAlias = tuple[Any, ...]

I8: TypeAlias = np.ndarray[_Shape, np.dtype[np.int8]]
I16: TypeAlias = np.ndarray[_Shape, np.dtype[np.int16]]
I32: TypeAlias = np.ndarray[_Shape, np.dtype[np.int32]]
I64: TypeAlias = np.ndarray[_Shape, np.dtype[np.int64]]
U8: TypeAlias = np.ndarray[_Shape, np.dtype[np.uint8]]
U16: TypeAlias = np.ndarray[_Shape, np.dtype[np.uint16]]
U32: TypeAlias = np.ndarray[_Shape, np.dtype[np.uint32]]
U64: TypeAlias = np.ndarray[_Shape, np.dtype[np.uint64]]
F64: TypeAlias = np.ndarray[_Shape, np.dtype[np.float64]]
Mask: TypeAlias = np.ndarray[_Shape, np.dtype[np.bool_]]
Structured: TypeAlias = np.ndarray[_Shape, np.dtype[np.void]]
"""Rows of a structured type; its user says which."""
Rows: TypeAlias = np.ndarray[_Shape, np.dtype[np.integer[Any]]]
"""Numbers of rows of a table."""
Numbers: TypeAlias = np.ndarray[_Shape, np.dtype[np.integer[Any]]]
"""Whole numbers of any width."""


Element = TypeVar("Element", bound=np.generic)

_MANY: Final = 1 << 16


def unique(values: npt.NDArray[Element]) -> npt.NDArray[Element]:
    """The different values, in order, as ``np.unique`` gives them, whose first call imports ``numpy.ma`` (8 ms)."""
    if len(values) > _MANY:  # its table of values is faster than sorting
        return np.unique(values)
    ordered = np.sort(values, axis=None)
    is_first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    return ordered[is_first]


def is_among(values: npt.NDArray[Element], few: npt.ArrayLike) -> Mask:
    """Which values are among a few, as ``np.isin`` says; that may import ``numpy.ma`` too, and sorts all of them."""
    known = unique(np.asarray(few, values.dtype))
    if not len(known):
        return np.zeros(len(values), np.bool_)
    return np.asarray(known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values)
