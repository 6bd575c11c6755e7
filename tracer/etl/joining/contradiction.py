"""What two files tell of the same processors at the same time: different events, then they are not of one machine.

Boot times and clocks of copies of one virtual machine are the same, and so are those of traces that a program made.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import numpy as np

from tracer.arrays import I64, U16, U64, Mask, Structured
from tracer.errors import InputError
from tracer.etl.file import EtlFile
from tracer.etl.joining.recording import Recording
from tracer.etl.joining.twice import MOST_APART_NS, signature

_SAMPLE_BYTES: Final = 4 << 20
"""Buffers that are looked at in each file."""
_FEWEST: Final = 20
"""Pool events of the same processors and moments, in the file that has fewer, from which on a comparison tells."""
_FEWEST_SHARED: Final = 0.1
"""Two sessions that record the same events lose a few of them, not nine of ten."""


class Shared(Enum):
    """What two files have of the same processors and moments."""

    NOTHING = 0  # no pool events, or too few to tell
    SAME = 1
    DIFFERENT = 2


def shared(one: Recording, other: Recording) -> Shared:
    """Whether pool events that both have of the same processors and moments are the same events."""
    begin, end = max(one.first, other.first), min(one.last, other.last)
    if begin >= end:
        return Shared.NOTHING
    try:
        a, b = (_sample(each, begin, end) for each in (one, other))
    except InputError:
        return Shared.NOTHING
    a, b = _common(a, b)
    fewer, more = (a, b) if len(a[0]) <= len(b[0]) else (b, a)
    if len(fewer[0]) < _FEWEST:
        return Shared.NOTHING
    apart = one.head.clock.raw(MOST_APART_NS)
    return Shared.DIFFERENT if np.mean(_has_twin(fewer, more, apart)) < _FEWEST_SHARED else Shared.SAME


_Sample = tuple[I64, U16, U64]
"""Raw time, processor and signature of pool events."""


def _sample(of: Recording, begin: int, end: int) -> _Sample:
    """Pool events of the first buffers that begin within a stretch of time."""
    with EtlFile.open(of.path, threads=1) as file:
        rows = of.buffers
        inside = np.flatnonzero((rows["first_time"] <= end) & (_ends(rows, of.last) >= begin))
        inside = inside[np.argsort(rows["first_time"][inside], kind="stable")]
        inside = inside[np.cumsum(rows["stride"][inside], dtype=np.int64) <= _SAMPLE_BYTES]
        tables = [batch.tables["pool"] for batch in file.sample(rows[inside], {"pool"}) if "pool" in batch.tables]
    empty = np.zeros(0, np.int64)
    time = np.concatenate([empty, *(table.raw_time for table in tables)])
    cpu = np.concatenate([empty.astype(np.uint16), *(table.cpu for table in tables)])
    name = np.concatenate([empty.astype(np.uint64), *(signature(table) for table in tables)])
    kept = (time >= begin) & (time <= end)
    return time[kept], cpu[kept], name[kept]


def _ends(rows: Structured, last: int) -> I64:
    """By buffer: when the next buffer of its processor begins."""
    out = np.full(len(rows), last, np.int64)
    order = np.lexsort((rows["first_time"], rows["cpu"]))
    same = rows["cpu"][order][1:] == rows["cpu"][order][:-1]
    out[order[:-1][same]] = rows["first_time"][order[1:][same]]
    return out


def _common(a: _Sample, b: _Sample) -> tuple[_Sample, _Sample]:
    """Of both what lies, processor by processor, where both have events."""
    kept_a, kept_b = np.zeros(len(a[0]), np.bool_), np.zeros(len(b[0]), np.bool_)
    for cpu in np.intersect1d(a[1], b[1]).tolist():
        mine, theirs = a[1] == cpu, b[1] == cpu
        begin = max(a[0][mine].min(), b[0][theirs].min())
        end = min(a[0][mine].max(), b[0][theirs].max())
        kept_a |= mine & (a[0] >= begin) & (a[0] <= end)
        kept_b |= theirs & (b[0] >= begin) & (b[0] <= end)
    return (a[0][kept_a], a[1][kept_a], a[2][kept_a]), (b[0][kept_b], b[1][kept_b], b[2][kept_b])


def _has_twin(fewer: _Sample, more: _Sample, apart: int) -> Mask:
    """By event of ``fewer``: whether ``more`` has the same within so many ticks."""
    order = np.lexsort((more[0], more[2]))
    names, times = more[2][order], more[0][order]
    key = np.zeros(len(names), [("name", "<u8"), ("time", "<i8")])
    key["name"], key["time"] = names, times
    wanted = np.zeros(len(fewer[0]), key.dtype)
    wanted["name"], wanted["time"] = fewer[2], fewer[0] - apart
    at = np.minimum(np.searchsorted(key, wanted), len(names) - 1)
    return np.asarray((names[at] == fewer[2]) & (np.abs(times[at] - fewer[0]) <= apart))
