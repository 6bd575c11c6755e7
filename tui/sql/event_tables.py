"""Events as tables: a batch gives some rows of each. What the columns mean stands in ``docs/exports.md``."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Mapping
from enum import IntEnum
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.analysis import TraceNames
from analyzers.factorize import coded
from analyzers.pooltag import PAGED, tag_hex, tag_text
from analyzers.processes import lives_at
from analyzers.second_reading import SecondReading
from tracer.arrays import Rows, unique
from tracer.columns import BlobColumn, EventTable, Who
from tracer.events import network, self_described
from tracer.events.pool import FREE, FREE_SESSION
from tracer.events.registry import LAYOUTS
from tracer.events.thread import WAIT_MODE_USER, ThreadState, WaitReason
from tracer.trace import Batch
from tui.exports.tables import ExportTable, TableColumn, addresses, flags, ids, integers, texts, times

_TCP: Final = {
    network.SEND: "send",
    network.RECEIVE: "receive",
    network.CONNECT: "connect",
    network.DISCONNECT: "disconnect",
    network.RETRANSMIT: "retransmit",
    network.ACCEPT: "accept",
    network.RECONNECT: "reconnect",
    network.FAIL: "fail",
    network.COPY: "copy",
}

RESOLVED: Final = "resolved_stacks"
"""What :meth:`Reread.resolved` gives: no table that a question may name."""


STACKED: Final = frozenset({"allocations", "frees"})
"""Tables whose stacks are to be resolved."""
BY_STACK: Final = frozenset({"driver", "stack_id", "user_stack_id"})
"""Their columns that are known once every stack is."""
_BY_THREAD: Final = frozenset({"process_id", "process", "thread_id", "known_by"})
"""Their columns that the events of other kinds tell."""
Made = Mapping[str, Callable[[], TableColumn]]
"""What makes each column, in the order of the table."""


class Reread:
    """Makes rows of the batches of a second reading. ``wanted``: by table the columns that are asked for."""

    def __init__(self, names: TraceNames, reading: SecondReading, wanted: Mapping[str, Collection[str]]) -> None:
        self._names = names
        self._reading = reading
        self._wanted = wanted
        columns = frozenset().union(*(wanted[name] for name in STACKED & wanted.keys()))
        self.has_stacks = bool(columns & BY_STACK)
        """Whether rows of pool events have stacks, which are to be :meth:`resolved`."""
        self.has_threads = self.has_stacks or bool(columns & _BY_THREAD)
        """Whether pool events are to be told their threads: takes the events of :attr:`CpuTimeline.KINDS`."""
        self._stacks = np.zeros(0, np.int32)

    def pool(self, batch: Batch) -> dict[str, ExportTable]:
        """``allocations`` and ``frees``; an allocation that failed is neither."""
        table = self._reading.pool(batch) if self.has_threads else batch.tables.get("pool")
        if table is None:
            return {}
        if self.has_stacks:
            self._stacks = unique(np.concatenate([self._stacks, table.stack, table.user_stack]))
        is_free = np.isin(table.event, (FREE, FREE_SESSION))
        rows = {"allocations": ~is_free & (table.array("entry") != 0), "frees": is_free}
        return {
            name: pool_events(name, table, np.flatnonzero(rows[name]), self._names, self._wanted[name])
            for name in STACKED & self._wanted.keys()
        }

    def resolved(self) -> ExportTable:
        """By id in those rows the stack's own id, and who called the pool: known once every batch has been read."""
        names, found = self._names, self._stacks[self._stacks >= 0]
        stack = names.stacks.canonical(found)
        drivers = names.modules.allocating(names.stacks.source, names.stacks.base(stack), names.stacks.since(stack))[0]
        return ExportTable(
            RESOLVED, (integers("as_read", found), integers("stack_id", stack, stack < 0), texts("driver", drivers))
        )

    def context_switches(self, batch: Batch) -> dict[str, ExportTable]:
        """``context_switches``."""
        table = batch.tables.get("context_switch")
        if table is None:
            return {}
        return {"context_switches": context_switches(table, self._names, self._wanted["context_switches"])}

    def tcp(self, batch: Batch) -> dict[str, ExportTable]:
        """``tcp``."""
        table = batch.tables.get("tcp")
        return {} if table is None else {"tcp": tcp(table, self._names, self._wanted["tcp"])}


def pool_events(
    name: str, table: EventTable, rows: Rows, names: TraceNames, wanted: Collection[str] | None = None
) -> ExportTable:
    """Allocations or frees, in time order; ``driver`` is empty, and stack ids are as read."""

    @cache
    def tags() -> tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]:
        return coded(table.array("tag")[rows].astype(np.uint32, copy=False))

    def kind() -> npt.NDArray[np.uint32]:
        return table.array("type")[rows].astype(np.uint32, copy=False)

    def stacks(name: str, ids: npt.NDArray[np.int32]) -> TableColumn:
        return integers(name, ids[rows], ids[rows] < 0)

    return _made(
        name,
        {
            "address": lambda: addresses("address", table.array("entry")[rows], zero_is_none=False),
            "bytes": lambda: integers("bytes", table.array("bytes")[rows]),
            "time_ns": lambda: times("time_ns", table.time[rows]),
            "tag": lambda: texts("tag", [tag_text(each) for each in tags()[0].tolist()], tags()[1]),
            "tag_hex": lambda: texts("tag_hex", [tag_hex(each) for each in tags()[0].tolist()], tags()[1]),
            "paged": lambda: flags("paged", (kind() & np.uint32(PAGED)) != 0),
            "pool_type": lambda: integers("pool_type", kind()),
            "process_id": lambda: ids("process_id", table.process[rows]),
            "process": lambda: _process(names, table.process[rows], table.time[rows]),
            "thread_id": lambda: ids("thread_id", table.thread[rows]),
            "known_by": lambda: texts("known_by", [each.name.lower() for each in Who], table.who[rows]),
            "driver": lambda: texts("driver", [""], np.zeros(len(rows), np.int32)),
            "stack_id": lambda: stacks("stack_id", table.stack),
            "user_stack_id": lambda: stacks("user_stack_id", table.user_stack),
            "cpu": lambda: integers("cpu", table.cpu[rows]),
            "offset": lambda: integers("offset", table.offset[rows]),
        },
        wanted,
    )


def context_switches(table: EventTable, names: TraceNames, wanted: Collection[str] | None = None) -> ExportTable:
    """Which thread came after which on a CPU, and why the old one went."""
    new, old = (table.array(name).astype(np.uint32) for name in ("new_thread", "old_thread"))
    return _made(
        "context_switches",
        {
            "time_ns": lambda: times("time_ns", table.time),
            "cpu": lambda: integers("cpu", table.cpu),
            "new_thread_id": lambda: ids("new_thread_id", new),
            "new_process_id": lambda: ids("new_process_id", names.threads.process_of(new, table.time)),
            "old_thread_id": lambda: ids("old_thread_id", old),
            "old_process_id": lambda: ids("old_process_id", names.threads.process_of(old, table.time)),
            "new_priority": lambda: integers("new_priority", table.array("new_priority")),
            "old_priority": lambda: integers("old_priority", table.array("old_priority")),
            "old_wait_reason": lambda: _named("old_wait_reason", WaitReason, table.array("old_wait_reason")),
            "old_wait_mode": lambda: texts("old_wait_mode", ("kernel", "user"), _is_user_mode(table)),
            "old_state": lambda: _named("old_state", ThreadState, table.array("old_state")),
            "offset": lambda: integers("offset", table.offset),
        },
        wanted,
    )


def _is_user_mode(table: EventTable) -> npt.NDArray[np.uint8]:
    return table.array("old_wait_mode_flags").astype(np.uint8) & np.uint8(WAIT_MODE_USER)


def tcp(table: EventTable, names: TraceNames, wanted: Collection[str] | None = None) -> ExportTable:
    """What TCP did, by the process that owns the connection."""
    opcode = table.event & 0xFF
    v4 = np.where(opcode >= network.SEND + network.IPV6, opcode - network.IPV6, opcode)
    words = [_TCP.get(each, "") for each in range(256)]
    has_ends = v4 != network.FAIL
    process = table.array("process").astype(np.uint32)
    return _made(
        "tcp",
        {
            "time_ns": lambda: times("time_ns", table.time),
            "event": lambda: texts("event", words, v4),
            "process_id": lambda: ids("process_id", process),
            "process": lambda: _process(names, process, table.time),
            "bytes": lambda: integers("bytes", table.array("size"), ~has_ends),
            "local_address": lambda: _ip("local_address", table.blob("source")),
            "local_port": lambda: integers("local_port", table.array("source_port"), ~has_ends),
            "remote_address": lambda: _ip("remote_address", table.blob("destination")),
            "remote_port": lambda: integers("remote_port", table.array("destination_port"), ~has_ends),
            "cpu": lambda: integers("cpu", table.cpu),
            "offset": lambda: integers("offset", table.offset),
        },
        wanted,
    )


def _made(name: str, columns: Made, wanted: Collection[str] | None) -> ExportTable:
    """The wanted columns, all where that is ``None``."""
    return ExportTable(name, tuple(make() for column, make in columns.items() if wanted is None or column in wanted))


def _process(names: TraceNames, pids: npt.NDArray[np.uint32], at_ns: npt.NDArray[np.int64]) -> TableColumn:
    lives, life = lives_at(names, pids, at_ns)
    return texts("process", [each.name for each in lives], life)


def _named(name: str, kind: type[IntEnum], values: npt.NDArray[np.generic]) -> TableColumn:
    """The words of a byte; a value without one as its number."""
    known = {int(each): each.name.lower() for each in kind}
    return texts(name, [known.get(value, str(value)) for value in range(256)], values.astype(np.uint8))


def _ip(name: str, ends: BlobColumn) -> TableColumn:
    words, codes = [""], np.zeros(len(ends), np.int32)
    for length in (4, 16):
        rows = np.flatnonzero(ends.length == length)
        if len(rows):
            raw = ends.data[ends.start[rows, None] + np.arange(length)]
            distinct, which = np.unique(raw, axis=0, return_inverse=True)
            codes[rows] = len(words) + which.ravel()
            words += [str(ipaddress.ip_address(each.tobytes())) for each in distinct]
    return texts(name, words, codes)


EVENT_TABLES: Final[Mapping[str, tuple[str, Callable[[Reread, Batch], dict[str, ExportTable]]]]] = {
    "allocations": ("pool", Reread.pool),
    "frees": ("pool", Reread.pool),
    "context_switches": ("context_switch", Reread.context_switches),
    "tcp": ("tcp", Reread.tcp),
}
"""By table: the kind of events, and what makes its rows of a batch."""


def no_events(kind: str) -> EventTable:
    """No event of a kind: what its table looks like."""
    fields = {
        field.name: field
        for layout in (*LAYOUTS, self_described.LAYOUT)
        if layout.kind == kind
        for field in layout.fields
    }
    none = np.zeros(0, np.int64)
    stacks, ids_ = none.astype(np.int32), none.astype(np.uint32)
    return EventTable(
        kind, none, none, none, none.astype(np.uint16), ids_, ids_, none.astype(np.uint8), none.astype(np.uint16),
        stacks, stacks, none,
        {name: BlobColumn.empty(0) if f.dtype is None else np.zeros(0, f.dtype) for name, f in fields.items()},
    )  # fmt: skip


def empty_tables(names: TraceNames) -> dict[str, ExportTable]:
    """Every table of this file without a row."""
    pool, rows = no_events("pool"), np.zeros(0, np.int64)
    return {
        "allocations": pool_events("allocations", pool, rows, names),
        "frees": pool_events("frees", pool, rows, names),
        "context_switches": context_switches(no_events("context_switch"), names),
        "tcp": tcp(no_events("tcp"), names),
    }
