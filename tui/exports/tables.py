"""What a snapshot knows as named tables of columns: for files and databases.

Columns are called as in the documents of ``--json``. Times are nanoseconds since the trace's start, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analyzers.findings import WHYS
from analyzers.loss_bounds import OPEN, Total
from analyzers.pooltag import tag_hex, tag_text
from analyzers.processes import BEFORE, lives_at
from analyzers.requests.tables import RequestSnapshot
from analyzers.snapshot import Snapshot
from tracer.arrays import I32, Mask, unique
from tracer.columns import UNKNOWN_ID, Who
from tracer.data_classes import dataclass
from tui.findings.headline import headline
from tui.json_documents.writing import address as address_text
from tui.safe_text import valid_unicode

Cell = str | int | float | bool | None


class ColumnType(StrEnum):
    """What the values of a column are."""

    INTEGER = "integer"  # int64
    ADDRESS = "address"  # uint64, above 2⁶³ in the kernel
    FLAG = "flag"  # bool
    REAL = "real"  # float64
    TEXT = "text"  # int32 codes of ``words``


@dataclass(frozen=True, slots=True, eq=False)
class TableColumn:
    """``values``: of the type's dtype. ``missing``: bool by row, which have none; ``None`` where all have one."""

    name: str
    type: ColumnType
    values: npt.NDArray[Any]
    missing: Mask | None = None
    words: tuple[str, ...] = ()

    def cells(self, rows: slice) -> list[Cell]:
        """Some rows' values as Python has them; an address as hexadecimal text, what is missing as ``None``."""
        values = self.values[rows].tolist()
        match self.type:
            case ColumnType.TEXT:
                cells: list[Cell] = [self.words[code] for code in values]
            case ColumnType.ADDRESS:
                cells = [address_text(value) for value in values]
            case _:
                cells = values
        if self.missing is None:
            return cells
        gone = self.missing[rows].tolist()
        return [None if is_gone else cell for cell, is_gone in zip(cells, gone, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class ExportTable:
    """Columns of one length."""

    name: str
    columns: tuple[TableColumn, ...]

    def __len__(self) -> int:
        return len(self.columns[0].values)

    def only(self, names: Collection[str]) -> ExportTable:
        """The columns of these names."""
        return ExportTable(self.name, tuple(column for column in self.columns if column.name in names))

    def rows(self, at_once: int = 8192) -> Iterator[tuple[Cell, ...]]:
        """All rows, made some at a time."""
        for start in range(0, len(self), at_once):
            part = slice(start, start + at_once)
            yield from zip(*(column.cells(part) for column in self.columns), strict=True)


def integers(name: str, values: npt.ArrayLike, missing: Mask | None = None) -> TableColumn:
    """A column of whole numbers."""
    return TableColumn(name, ColumnType.INTEGER, np.asarray(values).astype(np.int64), missing)


def times(name: str, values: npt.ArrayLike) -> TableColumn:
    """Times; negative ones are of what was not seen."""
    column = np.asarray(values, np.int64)
    return integers(name, column, column < 0)


def ids(name: str, values: npt.ArrayLike) -> TableColumn:
    """Ids of processes and threads."""
    column = np.asarray(values, np.int64)
    return integers(name, column, column == UNKNOWN_ID)


def addresses(name: str, values: npt.ArrayLike, *, zero_is_none: bool = True) -> TableColumn:
    """Addresses of the kernel; 0 is that of nothing."""
    column = np.asarray(values, np.uint64)
    return TableColumn(name, ColumnType.ADDRESS, column, column == 0 if zero_is_none else None)


def flags(name: str, values: npt.ArrayLike) -> TableColumn:
    """Yes or no."""
    return TableColumn(name, ColumnType.FLAG, np.asarray(values, np.bool_))


def reals(name: str, values: npt.ArrayLike) -> TableColumn:
    """Numbers that are not whole."""
    column = np.asarray(values, np.float64)
    return TableColumn(name, ColumnType.REAL, column, ~np.isfinite(column))


def texts(name: str, words: Sequence[str], codes: npt.NDArray[np.integer] | None = None) -> TableColumn:
    """Texts, by row or by code of each row; an empty one is none."""
    of_row = np.arange(len(words)) if codes is None else codes
    valid = tuple(map(valid_unicode, words))
    empty = np.array([not word for word in valid], np.bool_)
    return TableColumn(name, ColumnType.TEXT, of_row.astype(np.int32), empty[of_row] if valid else None, valid)


def outstanding(snapshot: Snapshot) -> ExportTable:
    """Every allocation that is still there, oldest first."""
    pool = snapshot.pool
    out, sites = pool.outstanding, pool.sites
    tag_row = sites.tag_row[out.site]
    lives, life = lives_at(snapshot.names, out.process, out.time_ns)
    rank = np.zeros(len(out), np.int64)
    for finding in reversed(snapshot.diagnosis.findings):
        rank[finding.rows] = finding.rank
    return ExportTable(
        "outstanding",
        (
            addresses("address", out.address, zero_is_none=False),
            integers("bytes", out.size),
            times("time_ns", out.time_ns),
            *_tag_columns(snapshot, tag_row),
            integers("pool_type", out.type),
            ids("process_id", out.process),
            texts("process", [each.name for each in lives], life),
            ids("thread_id", out.thread),
            texts("known_by", [each.name.lower() for each in Who], out.who),
            _by_row("driver", sites.driver, out.site),
            integers("stack_id", sites.stack[out.site], sites.stack[out.site] < 0),
            integers("user_stack_id", out.user_stack, out.user_stack < 0),
            integers("finding", rank, rank == 0),
            flags("uncertain", out.time_ns < snapshot.uncertain_until_ns),
            integers("cpu", out.cpu),
            integers("offset", out.offset),
        ),
    )


def sites(snapshot: Snapshot) -> ExportTable:
    """Every place that allocates: a tag and a kernel stack."""
    table = snapshot.pool.sites
    return ExportTable(
        "sites",
        (
            *_tag_columns(snapshot, table.tag_row),
            texts("driver", table.driver),
            integers("stack_id", table.stack, table.stack < 0),
            addresses("frame", table.frame),
            integers("allocations", table.allocations),
            integers("frees", table.frees),
            integers("outstanding_count", table.outstanding_count),
            integers("outstanding_bytes", table.outstanding_bytes),
            times("first_ns", table.first_ns),
            times("last_ns", table.last_ns),
        ),
    )


def tags(snapshot: Snapshot) -> ExportTable:
    """Every tag of paged and of nonpaged pool."""
    table = snapshot.pool.tags
    return ExportTable(
        "tags",
        (
            *_tag_columns(snapshot, np.arange(len(table.tag))),
            texts("driver", table.driver),
            texts("description", table.description),
            integers("allocations", table.allocations),
            integers("frees", table.frees),
            integers("outstanding_count", table.outstanding_count),
            integers("outstanding_bytes", table.outstanding_bytes),
            *_intervals(snapshot),
            integers("peak_bytes", table.peak_bytes),
        ),
    )


def _intervals(snapshot: Snapshot) -> Iterator[TableColumn]:
    """By tag: where the outstanding allocations and bytes of the whole trace lie; nothing where none is missing."""
    bounds, tags = snapshot.bounds(), len(snapshot.pool.tags.tag)
    for total in (Total.OUTSTANDING_COUNT, Total.OUTSTANDING_BYTES):
        ends = (("low", None if bounds is None else bounds.low), ("high", None if bounds is None else bounds.high))
        for end, table in ends:
            values = np.full(tags, OPEN) if table is None or table.shape[1] <= tags else table[total, :tags]
            yield integers(f"{total.name.lower()}_{end}", values, values == OPEN)


def stacks(snapshot: Snapshot) -> ExportTable:
    """Every kernel stack that allocated, its frames in one text, innermost first."""
    found = stack_ids(snapshot)
    every = [snapshot.names.frames(stack) for stack in found.tolist()]
    return ExportTable(
        "stacks",
        (
            integers("stack_id", found),
            integers("depth", [len(frames) for frames in every]),
            texts("frames", [" < ".join(map(str, frames)) for frames in every]),
        ),
    )


def frames(snapshot: Snapshot) -> ExportTable:
    """The frames of those stacks, innermost first; ``depth`` is 0 for the innermost."""
    found = stack_ids(snapshot).tolist()
    every = [(stack, depth, frame) for stack in found for depth, frame in enumerate(snapshot.names.frames(stack))]
    known = [bool(frame.module) for _, _, frame in every]
    symbols = [frame.symbol for _, _, frame in every]
    nameless = np.array([each is None for each in symbols], np.bool_)
    files = ["" if each is None else each.file for each in symbols]
    lines = [0 if each is None else each.line for each in symbols]
    return ExportTable(
        "frames",
        (
            integers("stack_id", [stack for stack, _, _ in every]),
            integers("depth", [depth for _, depth, _ in every]),
            addresses("address", [frame.address for _, _, frame in every], zero_is_none=False),
            texts("module", [frame.module for _, _, frame in every]),
            integers("offset", [frame.offset for _, _, frame in every], ~np.array(known, np.bool_)),
            texts("symbol", [frame.function for _, _, frame in every]),
            integers("displacement", [0 if each is None else each.displacement for each in symbols], nameless),
            texts("named_by", [str(frame.source) if frame.symbol else "" for _, _, frame in every]),
            texts("source", files),
            integers("line", lines, np.array(lines, np.int64) == 0),
        ),
    )


def stack_ids(snapshot: Snapshot) -> I32:
    """Ids of the kernel stacks that allocated, ascending."""
    distinct = unique(snapshot.pool.sites.stack)
    return distinct[distinct >= 0].astype(np.int32)


def findings(snapshot: Snapshot) -> ExportTable:
    """Every accusation, the best first."""
    told = snapshot.diagnosis.findings
    low = [each.bytes_per_hour_interval[0] for each in told]
    high = [each.bytes_per_hour_interval[1] for each in told]
    return ExportTable(
        "findings",
        (
            integers("rank", [each.rank for each in told]),
            texts("verdict", [str(each.verdict) for each in told]),
            texts("says", [headline(each, snapshot.diagnosis) for each in told]),
            reals("confidence", [each.confidence for each in told]),
            texts("accused", [str(each.accused) for each in told]),
            texts("tag", [tag_text(each.tag) for each in told]),
            flags("paged", [each.paged for each in told]),
            integers("count", [each.count for each in told]),
            integers("bytes", [each.bytes for each in told]),
            integers("retained_bytes", [each.retained_bytes for each in told]),
            reals("bytes_per_hour", [each.bytes_per_hour for each in told]),
            reals("bytes_per_hour_low", low),
            reals("bytes_per_hour_high", high),
            ids("process_id", [UNKNOWN_ID if each.process_id is None else each.process_id for each in told]),
            texts("process", [each.process for each in told]),
            ids("thread_id", [UNKNOWN_ID if each.thread_id is None else each.thread_id for each in told]),
            texts("driver", [each.driver for each in told]),
            integers("stack_id", [each.stack for each in told], np.array([each.stack < 0 for each in told], np.bool_)),
            texts("advice", [each.advice for each in told]),
        ),
    )


def held_requests(snapshot: Snapshot) -> ExportTable:
    """Every request that is not retired, and what holds it: inferred, not observed."""
    held = snapshot.diagnosis.held_requests
    return ExportTable(
        "held_requests",
        (
            addresses("irp", held.irp, zero_is_none=False),
            texts("why", [str(why) for why in WHYS], held.why),
            ids("thread_id", held.thread_id),
            ids("process_id", held.process_id),
            texts("process", held.processes, held.process),
            times("issued_ns", held.issued_ns),
            times("completed_ns", held.completed_ns),
            times("age_ns", held.age_ns),
            addresses("endpoint", held.endpoint),
            integers("port", held.port, held.port == 0),
            texts("driver", held.drivers, held.driver),
            integers("retained_bytes", held.retained_bytes),
            texts("rule", held.rules, held.rule),
            flags("uncertain", held.issued_ns < snapshot.uncertain_until_ns),
        ),
    )


def irps(snapshot: Snapshot) -> ExportTable:
    """Every IRP that is not retired, in flight ones too."""
    table = _requests(snapshot).requests
    return ExportTable(
        "irps",
        (
            addresses("irp", table.irp, zero_is_none=False),
            ids("thread_id", table.thread),
            ids("process_id", table.process),
            integers("major", table.major),
            addresses("file_object", table.file_object),
            addresses("routine", table.routine),
            addresses("completion_routine", table.completion_routine),
            times("issued_ns", table.issued_ns),
            times("returned_ns", table.returned_ns),
            times("completed_ns", table.completed_ns),
            ids("completed_thread_id", table.completed_thread),
            addresses("endpoint", table.endpoint),
            flags("uncertain", table.issued_ns < snapshot.uncertain_until_ns),
        ),
    )


def sockets(snapshot: Snapshot) -> ExportTable:
    """Every AFD endpoint that is not cleaned up."""
    table = _requests(snapshot).sockets
    return ExportTable(
        "sockets",
        (
            addresses("endpoint", table.endpoint, zero_is_none=False),
            ids("process_id", table.process),
            ids("thread_id", table.thread),
            times("created_ns", table.created_ns),
            times("closed_ns", table.closed_ns),
            integers("started", table.started),
            integers("finished", table.finished),
            integers("sent_bytes", table.sent_bytes),
            integers("received_bytes", table.received_bytes),
            addresses("tcb", table.tcb),
            addresses("file_object", table.file_object),
            texts("local", table.local),
            texts("remote", table.remote),
        ),
    )


def processes(snapshot: Snapshot) -> ExportTable:
    """Every use of a process id that the trace tells of."""
    known = sorted({pid for pid, _ in snapshot.names.process_names()})
    lives = [life for pid in known for life in snapshot.names.lives(pid)]
    started = np.array([each.started_ns for each in lives], np.int64)
    ended = [-1 if each.ended_ns is None else each.ended_ns for each in lives]
    return ExportTable(
        "processes",
        (
            ids("process_id", [each.id for each in lives]),
            texts("process", [each.name for each in lives]),
            ids("parent_id", [each.parent for each in lives]),
            integers("started_ns", started, started == BEFORE),
            times("ended_ns", ended),
        ),
    )


def _requests(snapshot: Snapshot) -> RequestSnapshot:
    """Raises ValueError for a snapshot that was taken without a diagnosis."""
    if snapshot.context is None:
        raise ValueError("requests are known once a diagnosis was made")
    return snapshot.context.requests


def _tag_columns(snapshot: Snapshot, rows: npt.NDArray[np.integer]) -> tuple[TableColumn, ...]:
    tags_of = snapshot.pool.tags
    every = tags_of.tag.tolist()
    return (
        texts("tag", [tag_text(tag) for tag in every], rows),
        texts("tag_hex", [tag_hex(tag) for tag in every], rows),
        flags("paged", tags_of.paged[rows]),
    )


def _by_row(name: str, of_site: Sequence[str], site: npt.NDArray[np.integer]) -> TableColumn:
    """The text of each row's site; few of a site's texts are distinct."""
    distinct = {text: code for code, text in enumerate(dict.fromkeys(of_site))}
    code = np.array([distinct[text] for text in of_site], np.int32)
    return texts(name, list(distinct), code[site])


TABLES: Final[Mapping[str, Callable[[Snapshot], ExportTable]]] = {
    made.__name__: made
    for made in (
        outstanding, sites, tags, stacks, frames, findings, held_requests, irps, sockets, processes,
    )
}  # fmt: skip
"""Every table by name: a new one is a function and its name here."""
