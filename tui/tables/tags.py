"""The table of pool tags, with PoolMon's columns and the peak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from analyzers.counter_snapshot import before
from analyzers.factorize import rows_of
from analyzers.formatting import number, size
from analyzers.pool_tables import TagTable
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from tracer.arrays import I64, Mask, Numbers
from tracer.data_classes import dataclass
from tui.incompleteness import missing_words
from tui.tables.columns import (
    ChangeColumn,
    Column,
    DrawnColumn,
    Heading,
    LabelColumn,
    NumberColumn,
    TableModel,
    labels_of,
)
from tui.tables.functions import of_tags
from tui.tables.rates import Per, TagRates, tag_keys
from tui.tables.sparkline import CELLS, outstanding_course, sparkline
from tui.tables.words import NONPAGED_WORD, PAGED_WORD, held_by_process

_COUNTED = ("allocations", "frees")
"""What is counted from the mark on; the rest is what there is at a moment."""
_MOVING = ("allocations", "frees", "outstanding_count", "outstanding_bytes")
"""What a row that has changed has changed in."""


@dataclass(frozen=True, slots=True, eq=False)
class SnapshotPair:
    """Two moments between which changes are shown. ``of_mark``: the first is a mark, and counts are since it.

    ``last``: the moment of the refresh before, by which rows are marked as changed; ``then`` where there is no mark.
    """

    then: Snapshot
    now: Snapshot
    of_mark: bool = False
    last: Snapshot | None = None

    @property
    def name(self) -> str:
        """Of what the changes are since, in a column's title."""
        return "since mark" if self.of_mark else "since last"

    def changed(self, tags: TagTable) -> Mask:
        """By tag: whether any number of it is another than at the last refresh."""
        if self.of_mark and self.last is None:
            return np.zeros(len(tags.tag), np.bool_)
        moments = self if self.last is None else SnapshotPair(self.last, self.now)
        return np.asarray(np.logical_or.reduce([moments.change(tags, column) != 0 for column in _MOVING]))

    def change(self, tags: TagTable, column: str) -> I64:
        """By tag: how a column's number changed; what was not there counted as 0."""
        values = [np.append(getattr(moment.pool.tags, column), 0) for moment in (self.now, self.then)]
        now, then = (_rows_in(moment.pool.tags, tags) for moment in (self.now, self.then))
        return np.asarray(values[0][now] - values[1][then])


def tag_table(
    snapshot: Snapshot,
    since: SnapshotPair | None = None,
    *,
    with_course: bool = False,
    rates: TagRates | None = None,
    per: Per = Per.SECOND,
) -> TableModel:
    """One row per (tag, paged), in the snapshot's order; a process's name finds the tags it holds.

    ``since``: with changes. ``with_course``: with how the outstanding bytes came to be. ``rates``: with how fast they
    grow ``per`` second or minute.
    """
    tags = snapshot.pool.tags

    def changing(heading: Heading, drop: int, column: str, show: Callable[[int], str]) -> list[Column]:
        """A number and, where there is an earlier moment, its change."""
        now: I64 = getattr(tags, column)
        if since is None or (since.of_mark and heading.key in _COUNTED):
            return [NumberColumn(heading, now, show)]
        what = "Change" if heading.key == "bytes" else heading.title
        change = _number(f"{heading.key}-change", f"{what} {since.name}", "", drop)
        return [
            NumberColumn(replace(heading, change=change.key), now, show),
            ChangeColumn(change, since.change(tags, column), show),
        ]

    kind = Heading("type", "Type", "", 5, drop=6 if since is None else 2)  # changes push the driver out first
    older = "Extra" if missing_words(snapshot) else "Older"
    columns: tuple[Column, ...] = (
        labels_of(Heading("tag", "Tag", "t", 4), [tag_text(int(tag)) for tag in tags.tag]),
        LabelColumn(kind, tags.paged.astype(np.int64), (NONPAGED_WORD, PAGED_WORD)),
        *changing(_number("allocations", "Allocs", "a", 7), 11, "allocations", number),
        *changing(_number("frees", "Frees", "f", 8), 12, "frees", number),
        NumberColumn(
            _number("older", older, "", 9), unmatched_frees(tags), lambda frees: number(frees) if frees else ""
        ),
        *changing(_number("outstanding", "Outst", "d", 1), 6, "outstanding_count", number),
        *changing(_number("bytes", "Bytes", "b", 0), 2, "outstanding_bytes", size),
        *_baseline_columns(snapshot),
        *([] if rates is None else [_rate_column(tags, rates, per)]),
        NumberColumn(
            _number("each", "Per alloc", "m", 10), per_allocation(tags.outstanding_bytes, tags.outstanding_count), size
        ),
        NumberColumn(_number("peak", "Peak", "", 15), tags.peak_bytes, size),
        *([_course_column(snapshot)] if with_course else []),
        labels_of(Heading("driver", "Driver", "", 8, drop=3), tags.driver),
        labels_of(Heading("description", "Description", "", 12, drop=14), tags.description),
    )
    changed = None if since is None else since.changed(tags)
    return TableModel(columns, len(tags.tag), _held_by(snapshot), "process", changed, by_function=of_tags(snapshot))


def _rate_column(tags: TagTable, rates: TagRates, per: Per) -> Column:
    heading = replace(_number("rate", per.heading, "R", 4), exported=f"bytes_per_{per.value}")
    return ChangeColumn(heading, rates.of(tags, per), size)


def _baseline_columns(snapshot: Snapshot) -> list[Column]:
    """What was there before; and how it has grown, where the bytes are all there is and not what the events show."""
    was = before(snapshot)
    if was is None:
        return []
    shown: list[Column] = [NumberColumn(_number("before", "Before", "", 7), was.bytes, size)]
    if snapshot.counted:
        title = "Change since mark" if snapshot.baseline_ns else "Since start"
        shown.append(
            ChangeColumn(_number("growth", title, "w", 1), snapshot.pool.tags.outstanding_bytes - was.bytes, size)
        )
    return shown


def _course_column(snapshot: Snapshot) -> Column:
    def draw(row: int) -> str:
        return sparkline(outstanding_course(snapshot.pool, row))

    return DrawnColumn(Heading("course", "Since start", "", CELLS, drop=13), len(snapshot.pool.tags.tag), draw, CELLS)


def _rows_in(other: TagTable, tags: TagTable) -> I64:
    """By tag: its row in another table, -1 for none."""
    return rows_of(tag_keys(other), tag_keys(tags))


def unmatched_frees(tags: TagTable) -> I64:
    """By tag: frees of blocks from before the trace, or the mark; where frees were lost, so many fewer."""
    return np.maximum(tags.frees - (tags.allocations - tags.outstanding_count), 0)


def per_allocation(total: Numbers, count: Numbers) -> Numbers:
    """Mean bytes of an outstanding allocation, rounded down; 0 for none."""
    return total // np.maximum(count, 1)


def _number(key: str, title: str, sort_key: str, drop: int) -> Heading:
    return Heading(key, title, sort_key, drop=drop, right=True, most_first=True)


def _held_by(snapshot: Snapshot) -> Callable[[str], Mask]:
    """Which tags hold outstanding allocations of a process of that name."""
    outstanding, rows = snapshot.pool.outstanding, snapshot.pool.sites.tag_row

    def find(needle: str) -> Mask:
        mask = np.zeros(len(snapshot.pool.tags.tag), np.bool_)
        mask[rows[outstanding.site[held_by_process(snapshot, needle)]]] = True
        return mask

    return find
