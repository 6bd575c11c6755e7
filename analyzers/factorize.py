"""Few distinct values in many rows: each value once, and its number for each row; and rows found by their keys."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.arrays import I64, U64, Numbers, unique
from tracer.hashing import GOLDEN

_MARKED: Final = 1 << 22
"""Values below are counted by marking them in a table of this length: ids of processes and threads are small."""
_DENSE: Final = 16
"""Pairs of a group and an id that there may be for each row, up to which counting all is faster than sorting."""


def coded(values: Numbers) -> tuple[Numbers, Numbers]:
    """Distinct values in ascending order, and by row the index of its value among them.

    As ``np.unique`` with its inverse gives it, ten times as fast for a million small numbers. The largest may be large:
    the id that stands for an unknown one is.
    """
    if not len(values) or int(values.min()) < 0:
        return _sorted(values)
    most = values.max()
    small = values if int(most) < _MARKED else np.where(values == most, 0, values)
    end = int(small.max()) + 1
    if end > _MARKED:
        return _sorted(values)
    place = np.zeros(end + 1, np.int32)
    at = (small if small is values else np.where(values == most, end, values)).astype(np.intp, copy=False)
    place[at] = 1
    found = np.flatnonzero(place)
    place[found] = np.arange(len(found), dtype=np.int32)
    distinct = found.astype(values.dtype)
    distinct[found == end] = most
    return distinct, place[at]


def _sorted(values: Numbers) -> tuple[Numbers, Numbers]:
    distinct = unique(values)
    return distinct, np.searchsorted(distinct, values).astype(np.int64)


def coded_pairs(first: Numbers, second: Numbers) -> tuple[U64, Numbers]:
    """Distinct pairs of numbers below 2^32, in ascending order, and by row the index of its pair among them.

    A pair has its first number in the upper and its second in the lower half.
    """
    upper, upper_code = coded(first)
    lower, lower_code = coded(second)
    pair, code = coded(upper_code.astype(np.int64) * len(lower) + lower_code)
    if not len(pair):
        return np.zeros(0, np.uint64), code
    uppers, lowers = upper[pair // len(lower)], lower[pair % len(lower)]
    return (uppers.astype(np.uint64) << np.uint64(32)) | lowers.astype(np.uint64), code


def most_often(group: I64, ids: Numbers) -> tuple[I64, I64]:
    """By group, each with a row at least: the id that it has most often, the least of several; and how often.

    Ids have up to 32 bits.
    """
    groups, of = coded(group)
    values, code = coded(ids)
    if 0 < len(groups) * len(values) <= _DENSE * len(ids):
        counts = np.bincount(of * np.int64(len(values)) + code, minlength=len(groups) * len(values))
        table = counts.reshape(len(groups), len(values))
        best = table.argmax(axis=1)
        return values[best].astype(np.int64), table[np.arange(len(groups)), best]
    pairs, code = coded_pairs(group, ids)
    keys, counts = pairs.astype(np.int64), np.bincount(code)
    of = keys >> 32
    first = np.flatnonzero(np.diff(of, prepend=-1))
    at = np.lexsort((keys, -counts, of))[first]
    return keys[at] & 0xFFFFFFFF, counts[at]


def unpaired(pairs: U64) -> list[tuple[int, int]]:
    """The two numbers of each pair of :func:`coded_pairs`."""
    return [divmod(pair, 1 << 32) for pair in pairs.tolist()]


def sums(codes: npt.NDArray[np.integer], values: npt.NDArray[np.integer], length: int) -> I64:
    """int64 (length): the exact sum of the values of each code."""
    total = np.zeros(length, np.int64)
    np.add.at(total, codes, values.astype(np.int64))
    return total


def dated_keys(addresses: U64, times: I64) -> U64:
    """uint64: address and time as one key, because addresses are used again.

    Times are spread over all bits, so that no two things meet by their sums.
    """
    return addresses + times.astype(np.uint64) * GOLDEN


def rows_of(known: Numbers, keys: Numbers) -> I64:
    """int64 by key: its row among the known keys, -1 for none."""
    if not len(known):
        return np.full(len(keys), -1, np.int64)
    order = np.argsort(known, kind="stable")
    at = order[np.minimum(np.searchsorted(known, keys, sorter=order), len(known) - 1)]
    return np.where(known[at] == keys, at, -1).astype(np.int64)
