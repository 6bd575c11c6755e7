"""The table of pool tags, with PoolMon's columns and the peak."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analyzers.pooltag import tag_text
from analyzers.quantities import number, size
from analyzers.snapshot import Snapshot
from tui.tables.columns import Column, Heading, LabelColumn, Mask, NumberColumn, Numbers, labels_of
from tui.tables.model import TableModel
from tui.tables.words import NONPAGED_WORD, PAGED_WORD, process_label


def tag_table(snapshot: Snapshot) -> TableModel:
    """One row per (tag, paged), in the snapshot's order; a process's name finds the tags it holds."""
    tags = snapshot.pool.tags
    columns: tuple[Column, ...] = (
        labels_of(Heading("tag", "Tag", "t", 4), [tag_text(int(tag)) for tag in tags.tag]),
        LabelColumn(Heading("type", "Type", "", 5, drop=6), tags.paged.astype(np.int64), (NONPAGED_WORD, PAGED_WORD)),
        NumberColumn(_number("allocations", "Allocs", "a", 7), tags.allocations, number),
        NumberColumn(_number("frees", "Frees", "f", 8), tags.frees, number),
        NumberColumn(_number("outstanding", "Outst", "d", 1), tags.outstanding_count, number),
        NumberColumn(_number("bytes", "Bytes", "b", 0), tags.outstanding_bytes, size),
        NumberColumn(
            _number("each", "Per alloc", "m", 12), per_allocation(tags.outstanding_bytes, tags.outstanding_count), size
        ),
        NumberColumn(_number("peak", "Peak", "x", 10), tags.peak_bytes, size),
        labels_of(Heading("driver", "Driver", "", 8, drop=3), tags.driver),
        labels_of(Heading("description", "Description", "", 12, drop=5), tags.description),
    )
    return TableModel(columns, len(tags.tag), _held_by(snapshot))


def per_allocation(total: Numbers, count: Numbers) -> Numbers:
    """Mean bytes of an outstanding allocation, rounded down; 0 for none."""
    return total // np.maximum(count, 1)


def _number(key: str, title: str, sort_key: str, drop: int) -> Heading:
    return Heading(key, title, sort_key, drop=drop, right=True, most_first=True)


def _held_by(snapshot: Snapshot) -> Callable[[str], Mask]:
    """Which tags hold outstanding allocations of a process of that name."""
    outstanding, rows = snapshot.pool.outstanding, snapshot.pool.sites.tag_row
    pids = np.unique(outstanding.process)
    names = {int(pid): process_label(snapshot, int(pid)).casefold() for pid in pids}

    def find(needle: str) -> Mask:
        found = np.array([pid for pid in pids if needle in names[int(pid)]], outstanding.process.dtype)
        held = rows[outstanding.site[np.isin(outstanding.process, found)]]
        mask = np.zeros(len(snapshot.pool.tags.tag), np.bool_)
        mask[held] = True
        return mask

    return find
