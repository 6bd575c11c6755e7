"""Event tables brought into the one form of events that the kernel takes, in time order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt

from analyzers.requests.addresses import Addresses
from analyzers.requests.events import (
    ACCEPT,
    ACCEPTS,
    BINDS,
    CALL,
    CLEANS,
    CLEANUP,
    CLOSE,
    CLOSES,
    COMPLETE,
    CONNECT,
    CONNECTS,
    CREATE,
    CREATES,
    DOES_MORE,
    EXIT,
    INSERT,
    IS_THERE,
    OPERATE,
    RECEIVES,
    RETURN,
    ROUTINE,
    SENDS,
    TAKE,
)
from tracer.arrays import I64, U8, U16, Mask, Structured
from tracer.columns import BlobColumn, EventTable
from tracer.events import afd, irp, network, tcpip
from tracer.events.afd import EnterExit
from tracer.events.irp import MajorFunction
from tracer.events.thread import END, QUEUE_INSERT

Fields: TypeAlias = "dict[str, npt.NDArray[Any] | int]"
Part: TypeAlias = "tuple[I64, Fields]"
"""Events of one table: their order, and the fields that they have."""
_Number = TypeVar("_Number", bound=np.generic)

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

_CACHED: Final = 1 << 11
"""Rows of events that fit into a processor's second-level cache, a quarter of a MiB."""
_FAILED: Final = 0x80000000
"""Bit of an NTSTATUS that says warning or error."""
_LAST: Final = 1037
"""Highest id of an operation that a program asks for."""
_DOES: Final = np.full(_LAST + 2, IS_THERE, np.uint8)
_DOES[_FIRST_ID : _LAST + 1] = DOES_MORE
_DOES[afd.CREATE], _DOES[afd.CLOSE], _DOES[afd.CLEANUP] = CREATES, CLOSES, CLEANS
_DOES[[afd.SEND, 1005, 1007, 1011, 1013]] = SENDS
_DOES[[afd.RECEIVE, 1006, 1009, 1012, 1015]] = RECEIVES
_DOES[afd.BIND_WITH_ADDRESS] = BINDS
_DOES[afd.CONNECT : 1021 + 1] = CONNECTS
_DOES[afd.ACCEPT : 1027 + 1] = ACCEPTS
"""By id; AfdConnect to AfdConnectExWithAddress, AfdAccept to AfdAcceptExWithAddress."""

_KINDS: Final = {irp.CALL: CALL, irp.RETURN: RETURN, irp.COMPLETE: COMPLETE, irp.COMPLETION_ROUTINE: ROUTINE}
_NO_KIND: Final = 255
_KIND_OF: Final = np.full(0x10000, _NO_KIND, np.uint8)
for _event, _kind in _KINDS.items():
    _KIND_OF[_event] = _kind
_PURPOSE: Final = np.zeros(0x100, np.uint8)
_PURPOSE[[MajorFunction.CREATE, MajorFunction.CLEANUP, MajorFunction.CLOSE]] = CREATE, CLEANUP, CLOSE

_TCP_ACCEPT: Final = 1017
"""TcpAcceptListenerComplete."""
_TCP_CONNECTED: Final = (_TCP_ACCEPT, tcpip.CONNECT_COMPLETE, 1002, 1031)
"""The same, TcpRequestConnect, TcpConnectTcbProceeding and TcpConnectTcbComplete."""


def events_of(parts: Sequence[Part], room: Structured) -> tuple[Structured, I64]:
    """All parts as one array (:data:`~analyzers.requests.events.EVENT`), and the places in it in time order.

    The array is the first part of ``room``, which is as long as they are together or longer.
    """
    start = 0
    for order, fields in parts:
        _fill(room[start : start + len(order)], fields)
        start += len(order)
    return room[:start], np.argsort(np.concatenate([order for order, _ in parts]), kind="stable")


def _fill(rows: Structured, fields: Fields) -> None:
    """All fields of a few rows before those of the next: so the rows stay in the processor's cache."""
    for first in range(0, len(rows), _CACHED):
        here = slice(first, first + _CACHED)
        mine = rows[here]
        for name, column in fields.items():
            mine[name] = column if isinstance(column, int) else column[here]


def _numbers(table: EventTable, name: str, dtype: type[_Number]) -> npt.NDArray[_Number]:
    """A column, or zeros where no event of the table has that field."""
    column = table.fields.get(name)
    if column is None or isinstance(column, BlobColumn):
        return np.zeros(len(table), dtype)
    return cast("npt.NDArray[_Number]", column.astype(dtype, copy=False))


def _larger(table: EventTable, names: tuple[str, str], dtype: type[_Number]) -> npt.NDArray[_Number]:
    """Of two columns of which an event has one at most, that one."""
    one, other = names
    if other not in table.fields:
        return _numbers(table, one, dtype)
    return cast("npt.NDArray[_Number]", np.maximum(_numbers(table, one, dtype), _numbers(table, other, dtype)))


def _blob(table: EventTable, name: str) -> BlobColumn:
    """A column of byte strings, empty ones where no event of the table has that field."""
    column = table.fields.get(name)
    return column if isinstance(column, BlobColumn) else BlobColumn.empty(len(table))


def _common(table: EventTable, *names: str) -> dict[str, npt.NDArray[Any]]:
    return {name: getattr(table, name) for name in names}


def requests(table: EventTable) -> Part:
    """Of a table of kind ``irp``."""
    major = np.minimum(_numbers(table, "major", np.uint32), 255)
    fields: Fields = {
        "kind": _KIND_OF[table.event],
        "object": _numbers(table, "irp", np.uint64),
        "id": _numbers(table, "id", np.uint32),
        "file": _numbers(table, "file_object", np.uint64),
        "routine": _numbers(table, "routine", np.uint64),
        "major": major,
        "purpose": _PURPOSE[major],
        **_common(table, "time", "cpu", "thread", "process", "who", "offset"),
    }
    return _chosen(np.asarray(fields["kind"] != _NO_KIND), table.order, fields)


def _operation(table: EventTable) -> tuple[U16, U8]:
    """What events of kind ``afd`` are, and their step, those of Vista as in later systems; 0 for those that are not."""
    step = np.minimum(_numbers(table, "enter_exit", np.uint32), 255).astype(np.uint8)
    old = table.event < _FIRST_ID
    if not old.any():
        return table.event, step
    known = np.where(old, table.event, 0)
    return np.where(old, _AS_EVENT[known], table.event), np.where(old, _AS_STEP[known], step)


def _remote(table: EventTable, addresses: Addresses) -> I64:
    """The address in each event of kind ``afd``; those of Vista have it bare."""
    remote = addresses.sockaddrs(_blob(table, "address"))
    if "ip" not in table.fields:
        return remote
    return np.where(remote != 0, remote, addresses.plain(_blob(table, "ip"), _numbers(table, "port", np.uint16)))


def operations(table: EventTable, addresses: Addresses) -> list[Part]:
    """Of a table of kind ``afd``; where a creation has failed, the socket's end follows at once."""
    endpoint = _numbers(table, "endpoint", np.uint64)
    event, step = _operation(table)
    does = _DOES[np.minimum(event, _LAST + 1)]
    good = _larger(table, ("status", "error"), np.uint32) < _FAILED
    done = step == _COMPLETED
    fields = {
        "kind": OPERATE,
        "object": endpoint,
        "operation": event,
        "does": does,
        "step": step,
        "good": good,
        "length": _numbers(table, "buffer_length", np.uint32) * (good & done),
        "remote": _remote(table, addresses),
        "accept": _numbers(table, "accept_endpoint", np.uint64),
        "process_object": _numbers(table, "process_object", np.uint64),
        "process_field": _larger(table, ("process_id", "user_mode_pid"), np.uint64),
        **_common(table, "time", "cpu", "thread", "process", "who", "offset"),
    }
    parts = [_chosen((endpoint != 0) & (event != 0), table.order, fields)]
    failed = (does == CREATES) & done & ~good
    if failed.any():
        parts.append(_chosen(failed & (endpoint != 0), table.order, {**fields, "does": CLEANS}))
    return parts


def _chosen(wanted: Mask, order: I64, fields: Mapping[str, npt.NDArray[Any] | int]) -> Part:
    if wanted.all():
        return order, dict(fields)
    rows = np.flatnonzero(wanted)
    return order[rows], {
        name: column if isinstance(column, int) else np.take(column, rows) for name, column in fields.items()
    }


def queued(table: EventTable) -> list[Part]:
    """Of a table of kind ``queue``; a removal takes any number of entries at once, which are pointers in its bytes."""
    inserted = np.flatnonzero(table.event == QUEUE_INSERT)
    thread = _numbers(table, "thread", np.uint32)
    fields: Fields = {
        "kind": INSERT,
        "object": _numbers(table, "entry", np.uint64)[inserted],
        "thread": thread[inserted],
        "cpu": table.cpu[inserted],
        "time": table.time[inserted],
        "offset": table.offset[inserted],
    }
    parts: list[Part] = [(table.order[inserted], dict(fields))]
    entries = table.fields.get("entries")
    if isinstance(entries, BlobColumn):
        count = _numbers(table, "count", np.int64)
        wide = entries.length >= 8 * count
        for width, rows in ((8, np.flatnonzero(wide)), (4, np.flatnonzero(~wide))):
            rows = rows[table.event[rows] != QUEUE_INSERT]  # noqa: PLW2901 - narrowed
            each = np.minimum(count[rows], entries.length[rows] // width)
            row = np.repeat(rows, each)
            place = np.arange(len(row)) - np.repeat(np.cumsum(each) - each, each)
            starts = entries.start[row] + place * width
            pointers = entries.data[starts[:, np.newaxis] + np.arange(width)].view(f"<u{width}").ravel()
            taken: Fields = {"kind": TAKE, "object": pointers, "thread": thread[row], "time": table.time[row]}
            parts.append((table.order[row], taken))
    return parts


def exits(table: EventTable) -> Part:
    """Of a table of kind ``thread``: only the ends."""
    ended = np.flatnonzero(table.event == END)
    thread = _numbers(table, "thread", np.uint32)[ended]
    return table.order[ended], {"kind": EXIT, "thread": thread, "time": table.time[ended]}


def classic_connections(table: EventTable, addresses: Addresses) -> Part:
    """Of a table of kind ``tcp``."""
    # The IPv6 form of an event differs in one bit, which none of the opcodes asked for has.
    opcode = table.event & ~np.uint16(network.TCP | network.IPV6)
    rows = np.flatnonzero((opcode == network.CONNECT) | (opcode == network.ACCEPT))

    def end(ip: str, port: str) -> I64:
        return addresses.plain(_blob(table, ip).take(rows), _numbers(table, port, np.uint16)[rows])

    fields: Fields = {
        "kind": np.where(opcode[rows] == network.ACCEPT, ACCEPT, CONNECT),
        "process": _numbers(table, "process", np.uint32)[rows],
        "tcb": 0,
        "local": end("source", "source_port"),
        "remote": end("destination", "destination_port"),
    }
    return _chosen(np.asarray(fields["remote"] != 0), table.order[rows], fields)


def connections(table: EventTable, addresses: Addresses) -> Part:
    """Of a table of kind ``tcpip``."""
    rows = np.flatnonzero(np.isin(table.event, _TCP_CONNECTED))
    fields = {
        "kind": np.where(table.event[rows] == _TCP_ACCEPT, ACCEPT, CONNECT),
        "process": _numbers(table, "process", np.uint32)[rows],
        "tcb": _numbers(table, "tcb", np.uint64)[rows],
        "local": addresses.sockaddrs(_blob(table, "local_address").take(rows)),
        "remote": addresses.sockaddrs(_blob(table, "remote_address").take(rows)),
    }
    return _chosen(np.asarray(fields["remote"] != 0), table.order[rows], fields)
