"""The columns of events that requests and sockets are made of, in the form that the kernels take."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from analyzers.requests import addresses
from analyzers.requests.rows import I64, U8, U16, U32, U64, Rows
from tracer.columns import BlobColumn, EventTable
from tracer.events import afd, network, tcpip
from tracer.events.afd import EnterExit
from tracer.events.thread import END

_Number = TypeVar("_Number", bound=np.generic)


class Irps(NamedTuple):
    """Driver events."""

    order: I64
    time: I64
    cpu: U16
    thread: U32
    process: U32
    who: U8
    event: U16
    offset: I64
    major: U32
    routine: U64
    file: U64
    irp: U64
    id: U32


class Operations(NamedTuple):
    """Socket driver events; those of Vista under the ids that came after them, ``step`` as in ``enter_exit``."""

    order: I64
    time: I64
    cpu: U16
    thread: U32
    process: U32
    event: U16
    step: U8
    offset: I64
    endpoint: U64
    process_object: U64
    process_field: U64
    status: U32
    length: U32
    accept: U64
    address: Rows


class Queues(NamedTuple):
    """Kernel queue events; a removal has taken that many entries, which are pointers in ``data``."""

    order: I64
    cpu: U16
    event: U16
    entry: U64
    taken: U32
    data: U8
    start: I64
    length: I64


class Connections(NamedTuple):
    """TCP's word on a connection that begins: ``accepted`` 1 where the other end asked for it."""

    order: I64
    accepted: U8
    process: U32
    tcb: U64
    local: Rows
    remote: Rows


class Exits(NamedTuple):
    """Threads that ended."""

    order: I64
    thread: U32


class Pool(NamedTuple):
    """Allocations and frees."""

    order: I64
    time: I64
    cpu: U16
    event: U16
    tag: U32
    entry: U64


class Switches(NamedTuple):
    """Context switches."""

    order: I64
    cpu: U16
    new: U32


_STARTED, _COMPLETED, _OTHER = EnterExit.STARTED, EnterExit.COMPLETED, EnterExit.AFD_ACTION
_VISTA: Final = {
    1: (afd.CREATE, _COMPLETED),
    2: (afd.BIND_WITH_ADDRESS, _COMPLETED),
    3: (afd.BIND_WITH_ADDRESS, _COMPLETED),
    4: (afd.CONNECT_WITH_ADDRESS, _STARTED),
    5: (afd.CONNECT_WITH_ADDRESS, _STARTED),
    6: (afd.CONNECT_WITH_ADDRESS, _COMPLETED),
    9: (afd.SEND, _COMPLETED),
    11: (afd.RECEIVE, _COMPLETED),
    13: (afd.CLOSE, _COMPLETED),
    14: (afd.CLEANUP, _COMPLETED),
    18: (afd.SEND, _STARTED),
    19: (afd.RECEIVE, _STARTED),
    23: (afd.RECEIVE, _COMPLETED),
    24: (afd.SEND, _COMPLETED),
    29: (afd.OPTION, _COMPLETED),
}
"""What the ids of Vista say in those of later systems, where that is one to one."""
_FIRST_ID: Final = 1000
_AS_EVENT: Final = np.zeros(_FIRST_ID, np.uint16)
_AS_STEP: Final = np.full(_FIRST_ID, _OTHER, np.uint8)
for _id, (_event, _step) in _VISTA.items():
    _AS_EVENT[_id], _AS_STEP[_id] = _event, _step

_CONNECT: Final = frozenset({tcpip.CONNECT_COMPLETE, 1002, 1031})
"""TcpRequestConnect, TcpConnectTcbProceeding and TcpConnectTcbComplete."""
_ACCEPT: Final = 1017
"""TcpAcceptListenerComplete."""
_NO_BYTES: Final = np.zeros(0, np.uint8)


def _numbers(table: EventTable, name: str, dtype: type[_Number]) -> npt.NDArray[_Number]:
    """A column, or zeros where no event of the table has that field."""
    column = table.fields.get(name)
    if column is None or isinstance(column, BlobColumn):
        return np.zeros(len(table), dtype)
    return cast("npt.NDArray[_Number]", column.astype(dtype, copy=False))


def irps(table: EventTable) -> Irps:
    """Of a table of kind ``irp``."""
    return Irps(
        table.order, table.time, table.cpu, table.thread, table.process, table.who, table.event, table.offset,
        _numbers(table, "major", np.uint32), _numbers(table, "routine", np.uint64),
        _numbers(table, "file_object", np.uint64), _numbers(table, "irp", np.uint64), _numbers(table, "id", np.uint32),
    )  # fmt: skip


def operations(table: EventTable) -> Operations:
    """Of a table of kind ``afd``."""
    found = addresses.no_addresses(len(table))
    addresses.plain(table, "ip", "port", found)
    addresses.sockaddrs(table, "address", found)
    old = table.event < _FIRST_ID
    known = np.where(old, table.event, 0)
    step = np.minimum(_numbers(table, "enter_exit", np.uint32), 255).astype(np.uint8)
    return Operations(
        table.order, table.time, table.cpu, table.thread, table.process,
        np.where(old, _AS_EVENT[known], table.event), np.where(old, _AS_STEP[known], step), table.offset,
        _numbers(table, "endpoint", np.uint64), _numbers(table, "process_object", np.uint64),
        np.maximum(_numbers(table, "process_id", np.uint64), _numbers(table, "user_mode_pid", np.uint64)),
        np.maximum(_numbers(table, "status", np.uint32), _numbers(table, "error", np.uint32)),
        _numbers(table, "buffer_length", np.uint32), _numbers(table, "accept_endpoint", np.uint64), found,
    )  # fmt: skip


def queues(table: EventTable) -> Queues:
    """Of a table of kind ``queue``."""
    entries = table.fields.get("entries")
    if not isinstance(entries, BlobColumn):
        entries = BlobColumn(_NO_BYTES, np.zeros(len(table), np.int64), np.zeros(len(table), np.int64))
    return Queues(
        table.order, table.cpu, table.event,
        _numbers(table, "entry", np.uint64), _numbers(table, "count", np.uint32),
        entries.data, entries.start, entries.length,
    )  # fmt: skip


def connections(classic: EventTable | None, manifest: EventTable | None) -> Connections:
    """Of tables of the kinds ``tcp`` and ``tcpip``, together in time order."""
    parts = [part for part in (_classic(classic), _manifest(manifest)) if part is not None]
    if not parts:
        none = addresses.no_addresses(0)
        return Connections(np.zeros(0, np.int64), _NO_BYTES, np.zeros(0, np.uint32), np.zeros(0, np.uint64), none, none)
    order = np.argsort(np.concatenate([part.order for part in parts]), kind="stable")
    return Connections._make(np.concatenate(columns)[order] for columns in zip(*parts, strict=True))


def _classic(table: EventTable | None) -> Connections | None:
    if table is None:
        return None
    # The IPv6 form of an event differs in one bit, which none of the opcodes asked for has.
    opcode = table.event & ~np.uint16(network.TCP | network.IPV6)
    wanted = np.flatnonzero((opcode == network.CONNECT) | (opcode == network.ACCEPT))
    local, remote = addresses.no_addresses(len(table)), addresses.no_addresses(len(table))
    addresses.plain(table, "source", "source_port", local)
    addresses.plain(table, "destination", "destination_port", remote)
    accepted = (opcode == network.ACCEPT).astype(np.uint8)
    columns = (table.order, accepted, _numbers(table, "process", np.uint32), np.zeros(len(table), np.uint64))
    return Connections._make(column[wanted] for column in (*columns, local, remote))


def _manifest(table: EventTable | None) -> Connections | None:
    if table is None:
        return None
    wanted = np.flatnonzero(np.isin(table.event, [*_CONNECT, _ACCEPT]))
    local, remote = addresses.no_addresses(len(table)), addresses.no_addresses(len(table))
    addresses.sockaddrs(table, "local_address", local)
    addresses.sockaddrs(table, "remote_address", remote)
    accepted = (table.event == _ACCEPT).astype(np.uint8)
    tcb = _numbers(table, "tcb", np.uint64)
    columns = (table.order, accepted, _numbers(table, "process", np.uint32), tcb)
    return Connections._make(column[wanted] for column in (*columns, local, remote))


def exits(table: EventTable) -> Exits:
    """Of a table of kind ``thread``: only the ends."""
    ended = np.flatnonzero(table.event == END)
    return Exits(table.order[ended], _numbers(table, "thread", np.uint32)[ended])


def pool(table: EventTable) -> Pool:
    """Of a table of kind ``pool``."""
    return Pool(
        table.order, table.time, table.cpu, table.event,
        _numbers(table, "tag", np.uint32), _numbers(table, "entry", np.uint64),
    )  # fmt: skip


def switches(table: EventTable) -> Switches:
    """Of a table of kind ``context_switch``."""
    return Switches(table.order, table.cpu, _numbers(table, "new_thread", np.uint32))


def empty(like: str) -> EventTable:
    """A table without events, for kinds that a batch does not have."""
    none, ids, shorts = np.zeros(0, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.uint16)
    stacks = np.zeros(0, np.int32)
    return EventTable(like, none, none, none, shorts, ids, ids, _NO_BYTES, shorts, stacks, stacks, none, {})
