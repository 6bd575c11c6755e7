"""The table of allocation sites: where (by which call stack) a tag is allocated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from analyzers.pooltag import tag_text
from analyzers.quantities import moment, number, size
from analyzers.snapshot import Frame, Snapshot
from tui.tables.columns import Column, Heading, Mask, NumberColumn, Rows, labels_of
from tui.tables.model import TableModel
from tui.tables.tags import per_allocation
from tui.tables.words import pool_word, process_label

NO_STACK_TEXT: Final = "(no stack in the trace)"
_FURTHER_OUT: Final = 2
"""The pool's own routine, the routine that makes such objects, and then who asked for one."""


def site_rows(snapshot: Snapshot, tag_row: int) -> Rows:
    """The sites of one tag, as rows of the snapshot's site table."""
    return np.flatnonzero(snapshot.pool.sites.tag_row == tag_row).astype(np.int64)


def site_table(snapshot: Snapshot, rows: Rows, *, with_tag: bool = False) -> TableModel:
    """One row for each of the given sites; a process's name finds the sites that it allocated at."""
    sites = snapshot.pool.sites
    frames = [snapshot.names.frames(int(stack)) for stack in sites.stack[rows]]
    count, total = sites.outstanding_count[rows], sites.outstanding_bytes[rows]
    columns: tuple[Column, ...] = (
        *(_tag_columns(snapshot, rows) if with_tag else ()),
        NumberColumn(_number("allocations", "Allocs", "a", 5), sites.allocations[rows], number),
        NumberColumn(_number("frees", "Frees", "f", 6), sites.frees[rows], number),
        NumberColumn(_number("outstanding", "Outst", "d", 1), count, number),
        NumberColumn(_number("bytes", "Bytes", "b", 0), total, size),
        NumberColumn(_number("each", "Per alloc", "m", 9), per_allocation(total, count), size),
        NumberColumn(_number("first", "First", "t", 11), sites.first_ns[rows], moment),
        NumberColumn(_number("last", "Last", "l", 10), sites.last_ns[rows], moment),
        labels_of(Heading("driver", "Driver", "", 8, drop=3), [sites.driver[int(row)] for row in rows]),
        labels_of(Heading("caller", "Allocated at", "", 28, drop=2), [caller(stack) for stack in frames]),
    )
    return TableModel(columns, len(rows), _allocated_by(snapshot, rows))


def caller(frames: Sequence[Frame]) -> str:
    """``caller > allocating frame``, the caller being the first frame outside the allocating module.

    In a stack of one module that is a frame further out: the innermost ones are the same for
    everything that is allocated by one routine.
    """
    if not frames:
        return NO_STACK_TEXT
    inner = frames[0]
    outer = next(
        (frame for frame in frames if frame.module != inner.module), frames[min(_FURTHER_OUT, len(frames) - 1)]
    )
    return str(inner) if outer is inner else f"{outer} > {inner}"


def _number(key: str, title: str, sort_key: str, drop: int) -> Heading:
    return Heading(key, title, sort_key, drop=drop, right=True, most_first=True)


def _tag_columns(snapshot: Snapshot, rows: Rows) -> tuple[Column, ...]:
    tags = snapshot.pool.tags
    tag_rows = [int(row) for row in snapshot.pool.sites.tag_row[rows]]
    return (
        labels_of(Heading("tag", "Tag", "", 4), [tag_text(int(tags.tag[row])) for row in tag_rows]),
        labels_of(Heading("type", "Type", "", 5, drop=4), [pool_word(paged=bool(tags.paged[row])) for row in tag_rows]),
    )


def _allocated_by(snapshot: Snapshot, rows: Rows) -> Callable[[str], Mask]:
    outstanding = snapshot.pool.outstanding
    pids = np.unique(outstanding.process)
    names = {int(pid): process_label(snapshot, int(pid)).casefold() for pid in pids}

    def find(needle: str) -> Mask:
        found = np.array([pid for pid in pids if needle in names[int(pid)]], outstanding.process.dtype)
        at = np.unique(outstanding.site[np.isin(outstanding.process, found)])
        return np.isin(rows, at)

    return find
