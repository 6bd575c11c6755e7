"""The table of processes, with their threads below them, that hold outstanding allocations or have requests held."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np

from analyzers.factorize import coded_pairs, sums
from analyzers.formatting import number, size
from analyzers.processes import Process, ProcessLife, lives_at
from analyzers.snapshot import Snapshot
from tracer.arrays import I64, Mask, unique
from tracer.columns import Who
from tracer.data_classes import dataclass
from tui.tables.columns import Column, Heading, LabelColumn, NumberColumn, TableModel
from tui.tables.tree import Branches, TreeColumn
from tui.tables.words import life_label, named_process, share, thread_label

_OBSERVED, _INFERRED, _BOTH, _UNKNOWN, _NOTHING = "observed", "inferred", "partly inferred", "not known", ""
_KNOWN = (_OBSERVED, _INFERRED, _BOTH, _UNKNOWN, _NOTHING)


@dataclass(frozen=True, slots=True, eq=False)
class Holders:
    """One row per thread that holds anything or has requests held, by process and thread.

    ``process``: place among the ``lives``; ``thread``: id. ``count``, ``bytes``: outstanding. ``inferred``,
    ``unknown``: allocations whose thread is inferred, or not known. ``requests``: those of its requests that are held.
    int64.
    """

    lives: Sequence[Process]
    process: I64
    thread: I64
    count: I64
    bytes: I64
    inferred: I64
    unknown: I64
    requests: I64

    @classmethod
    def of(cls, snapshot: Snapshot) -> Holders:
        """The threads of a snapshot."""
        outstanding = snapshot.pool.outstanding
        waiting = snapshot.diagnosis.held_requests
        ids = np.concatenate((outstanding.process, waiting.process_id.astype(np.uint32)))
        lives, process = lives_at(snapshot.names, ids, np.concatenate((outstanding.time_ns, waiting.issued_ns)))
        own, of_own = coded_pairs(process[len(outstanding) :], waiting.thread_id)
        held, row_of = coded_pairs(process[: len(outstanding)], outstanding.thread)
        every = unique(np.concatenate([held, own]))
        row = np.searchsorted(every, held)[row_of]
        requests = np.zeros(len(every), np.int64)
        requests[np.searchsorted(every, own)] = np.bincount(of_own, minlength=len(own))
        return cls(
            lives,
            (every >> np.uint64(32)).astype(np.int64),
            (every & np.uint64(0xFFFF_FFFF)).astype(np.int64),
            np.bincount(row, minlength=len(every)).astype(np.int64),
            sums(row, outstanding.size, len(every)),
            np.bincount(row[outstanding.who == Who.CONTEXT_SWITCH], minlength=len(every)).astype(np.int64),
            np.bincount(row[outstanding.who == Who.UNKNOWN], minlength=len(every)).astype(np.int64),
            requests,
        )

    def __len__(self) -> int:
        return len(self.process)


@dataclass(frozen=True, slots=True, eq=False)
class HolderRows:
    """Rows of the table: ``first`` and ``last`` (exclusive) of the holders that each stands for.

    A thread's row (``is_thread``) stands for one of them, a process's for all of its threads.
    """

    holders: Holders
    first: I64
    last: I64
    is_thread: Mask
    branches: Branches

    def total(self, values: I64) -> I64:
        """A column's sums."""
        before = np.concatenate(([0], np.cumsum(values)))
        result: I64 = before[self.last] - before[self.first]
        return result

    def who(self, row: int) -> tuple[ProcessLife, int | None]:
        """Process, and thread if it is a thread's row."""
        return _who(self.holders, self.first, self.is_thread, row)


def holder_rows(holders: Holders, folds: Mapping[Hashable, bool]) -> HolderRows:
    """A row per process and, where one is open, its threads. A process that is alone is open where nobody closed it."""
    starts = np.flatnonzero(np.diff(holders.process, prepend=-1))
    ends = np.append(starts[1:], len(holders))[: len(starts)]
    is_open = np.array(
        [folds.get((holders.lives[holders.process[at]].life, None), len(starts) == 1) for at in starts.tolist()],
        np.bool_,
    )
    threads = np.where(is_open, ends - starts, 0)
    at = np.arange(len(starts)) + np.concatenate(([0], np.cumsum(threads)))[:-1].astype(np.int64)
    length = len(starts) + int(threads.sum())
    is_thread = np.ones(length, np.bool_)
    is_thread[at] = False
    below = np.flatnonzero(np.repeat(is_open, ends - starts))
    first, last, parent = np.empty(length, np.int64), np.empty(length, np.int64), np.full(length, -1, np.int64)
    first[at], last[at] = starts, ends
    first[is_thread], last[is_thread], parent[is_thread] = below, below + 1, np.repeat(at, threads)
    can_open, opened = ~is_thread, np.zeros(length, np.bool_)
    opened[at] = is_open
    branches = Branches(
        parent, is_thread.astype(np.int64), can_open, opened, lambda row: _who(holders, first, is_thread, row)
    )
    return HolderRows(holders, first, last, is_thread, branches)


def holder_table(snapshot: Snapshot, rows: HolderRows) -> TableModel:
    """One row per process and thread."""
    holders = rows.holders
    held, whole = rows.total(holders.bytes), max(int(holders.bytes.sum()), 1)
    columns: tuple[Column, ...] = (
        NumberColumn(_number("bytes", "Bytes", "b", 0), held, size),
        NumberColumn(_number("share", "Share", "", 4), held * 1000 // whole, share),
        NumberColumn(_number("outstanding", "Outst", "d", 2), rows.total(holders.count), number),
        NumberColumn(_number("held", "Held", "a", 3), rows.total(holders.requests), number),
        LabelColumn(Heading("known", "Known", "w", 13, drop=5), _known(rows), _KNOWN),
        TreeColumn(
            Heading("who", "Process / thread", "", 24, drop=1), rows.branches, lambda row: _name(snapshot, rows, row)
        ),
    )
    return TableModel(columns, len(rows.first), _named(rows), "process", arrange=rows.branches.arrange)


def _who(holders: Holders, first: I64, is_thread: Mask, row: int) -> tuple[ProcessLife, int | None]:
    at = int(first[row])
    return holders.lives[holders.process[at]].life, int(holders.thread[at]) if is_thread[row] else None


def _name(snapshot: Snapshot, rows: HolderRows, row: int) -> str:
    process, thread = rows.who(row)
    return life_label(snapshot.names, process) if thread is None else f"thread {thread_label(thread)}"


def _known(rows: HolderRows) -> I64:
    """Place in the words for how threads are known."""
    holders = rows.holders
    count, inferred, unknown = rows.total(holders.count), rows.total(holders.inferred), rows.total(holders.unknown)
    cases = (count == 0, unknown == count, (inferred == 0) & (unknown == 0), inferred == count)
    return np.select(cases, (4, 3, 0, 1), 2).astype(np.int64)


def _named(rows: HolderRows) -> Callable[[str], Mask]:
    """A process's name finds its threads too, and a thread its process."""

    def find(needle: str) -> Mask:
        holders = rows.holders
        names = [named_process(life.name, life.id).casefold() for life in holders.lives]
        found = np.array([needle in name for name in names], np.bool_)[holders.process]
        found |= np.array([needle in f"thread {int(thread)}" for thread in holders.thread], np.bool_)
        return np.asarray(rows.total(found.astype(np.int64)) > 0)

    return find


def _number(key: str, title: str, sort_key: str, drop: int) -> Heading:
    return Heading(key, title, sort_key, drop=drop, right=True, most_first=True)
