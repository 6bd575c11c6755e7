"""Events as tables: a batch gives some rows of each. What the columns mean stands in ``docs/exports.md``."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from enum import IntEnum
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
from tracer.events import network
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


class Reread:
    """Makes rows of the batches of a second reading."""

    def __init__(self, names: TraceNames, reading: SecondReading) -> None:
        self._names = names
        self._reading = reading
        self._stacks = np.zeros(0, np.int32)

    def pool(self, batch: Batch) -> dict[str, ExportTable]:
        """``allocations`` and ``frees``, their stacks to be :meth:`resolved`; an allocation that failed is neither."""
        table = self._reading.pool(batch)
        if table is None:
            return {}
        self._stacks = unique(np.concatenate([self._stacks, table.stack, table.user_stack]))
        is_free = np.isin(table.event, (FREE, FREE_SESSION))
        got_memory = table.array("entry") != 0
        return {
            "allocations": pool_events("allocations", table, np.flatnonzero(~is_free & got_memory), self._names),
            "frees": pool_events("frees", table, np.flatnonzero(is_free), self._names),
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
        return {} if table is None else {"context_switches": context_switches(table, self._names)}

    def tcp(self, batch: Batch) -> dict[str, ExportTable]:
        """``tcp``."""
        table = batch.tables.get("tcp")
        return {} if table is None else {"tcp": tcp(table, self._names)}


def pool_events(name: str, table: EventTable, rows: Rows, names: TraceNames) -> ExportTable:
    """Allocations or frees, in time order; ``driver`` is empty, and stack ids are as read."""
    kind, raw_tag = (table.array(name)[rows].astype(np.uint32, copy=False) for name in ("type", "tag"))
    raw_tags, tag = coded(raw_tag)
    stack, user_stack = table.stack[rows], table.user_stack[rows]
    return ExportTable(
        name,
        (
            addresses("address", table.array("entry")[rows], zero_is_none=False),
            integers("bytes", table.array("bytes")[rows]),
            times("time_ns", table.time[rows]),
            texts("tag", [tag_text(each) for each in raw_tags.tolist()], tag),
            texts("tag_hex", [tag_hex(each) for each in raw_tags.tolist()], tag),
            flags("paged", (kind & np.uint32(PAGED)) != 0),
            integers("pool_type", kind),
            *_process(names, table.process[rows], table.time[rows]),
            ids("thread_id", table.thread[rows]),
            texts("known_by", [each.name.lower() for each in Who], table.who[rows]),
            texts("driver", [""], np.zeros(len(rows), np.int32)),
            integers("stack_id", stack, stack < 0),
            integers("user_stack_id", user_stack, user_stack < 0),
            integers("cpu", table.cpu[rows]),
            integers("offset", table.offset[rows]),
        ),
    )


def context_switches(table: EventTable, names: TraceNames) -> ExportTable:
    """Which thread came after which on a CPU, and why the old one went."""
    new, old = (table.array(name).astype(np.uint32) for name in ("new_thread", "old_thread"))
    in_user_mode = table.array("old_wait_mode_flags").astype(np.uint8) & WAIT_MODE_USER
    return ExportTable(
        "context_switches",
        (
            times("time_ns", table.time),
            integers("cpu", table.cpu),
            ids("new_thread_id", new),
            ids("new_process_id", names.threads.process_of(new, table.time)),
            ids("old_thread_id", old),
            ids("old_process_id", names.threads.process_of(old, table.time)),
            integers("new_priority", table.array("new_priority")),
            integers("old_priority", table.array("old_priority")),
            _named("old_wait_reason", WaitReason, table.array("old_wait_reason")),
            texts("old_wait_mode", ("kernel", "user"), in_user_mode),
            _named("old_state", ThreadState, table.array("old_state")),
            integers("offset", table.offset),
        ),
    )


def tcp(table: EventTable, names: TraceNames) -> ExportTable:
    """What TCP did, by the process that owns the connection."""
    opcode = table.event & 0xFF
    v4 = np.where(opcode >= network.SEND + network.IPV6, opcode - network.IPV6, opcode)
    words = [_TCP.get(each, "") for each in range(256)]
    has_ends = v4 != network.FAIL
    return ExportTable(
        "tcp",
        (
            times("time_ns", table.time),
            texts("event", words, v4),
            *_process(names, table.array("process"), table.time),
            integers("bytes", table.array("size"), ~has_ends),
            _ip("local_address", table.blob("source")),
            integers("local_port", table.array("source_port"), ~has_ends),
            _ip("remote_address", table.blob("destination")),
            integers("remote_port", table.array("destination_port"), ~has_ends),
            integers("cpu", table.cpu),
            integers("offset", table.offset),
        ),
    )


def _process(names: TraceNames, pids: npt.NDArray[np.generic], at_ns: npt.NDArray[np.int64]) -> tuple[TableColumn, ...]:
    process = pids.astype(np.uint32)
    lives, life = lives_at(names, process, at_ns)
    return ids("process_id", process), texts("process", [each.name for each in lives], life)


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
    fields = {field.name: field for layout in LAYOUTS if layout.kind == kind for field in layout.fields}
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
