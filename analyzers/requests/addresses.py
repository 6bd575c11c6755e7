"""Socket addresses: from the bytes in events to rows, and from rows to text."""

from __future__ import annotations

import ipaddress
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.requests.rows import ADDRESS, Rows
from tracer.columns import BlobColumn, EventTable
from tracer.jit import Int, inlined, kernel

AF_INET: Final = 2
AF_INET6: Final = 23
"""Address families as Winsock numbers them (``winsock2.h``)."""
_IPV4_BYTES: Final = 4
_IPV6_BYTES: Final = 16
_SOCKADDR_IN: Final = 8
_SOCKADDR_IN6: Final = 24
"""Bytes of a SOCKADDR_IN and a SOCKADDR_IN6 that say something here (``ws2def.h``, ``ws2ipdef.h``)."""


@inlined
def _network_order(data: npt.NDArray[np.uint8], at: Int, width: Int) -> np.uint64:
    value = np.uint64(0)
    for k in range(width):
        value = (value << np.uint64(8)) | np.uint64(data[at + k])
    return value


@kernel
def _read_sockaddrs(
    data: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], length: npt.NDArray[np.int64], out: Rows
) -> None:
    """SOCKADDRs; those of another family, or cut short, leave their row as it is."""
    for i in range(start.shape[0]):
        at, size = start[i], length[i]
        if size < _SOCKADDR_IN:
            continue
        family = np.int64(data[at]) | (np.int64(data[at + 1]) << 8)
        if family == AF_INET:
            out[i]["high"] = 0
            out[i]["low"] = _network_order(data, at + 4, _IPV4_BYTES)
        elif family == AF_INET6 and size >= _SOCKADDR_IN6:
            out[i]["high"] = _network_order(data, at + 8, 8)
            out[i]["low"] = _network_order(data, at + 16, 8)
        else:
            continue
        out[i]["family"] = family
        out[i]["port"] = np.int64(_network_order(data, at + 2, 2))


@kernel
def _read_plain(
    data: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], length: npt.NDArray[np.int64],
    ports: npt.NDArray[np.uint16], out: Rows,
) -> None:  # fmt: skip
    """Bare IP addresses with their ports; a row without one is left as it is."""
    for i in range(start.shape[0]):
        at, size = start[i], length[i]
        if size == _IPV4_BYTES:
            out[i]["family"] = AF_INET
            out[i]["high"] = 0
            out[i]["low"] = _network_order(data, at, _IPV4_BYTES)
        elif size == _IPV6_BYTES:
            out[i]["family"] = AF_INET6
            out[i]["high"] = _network_order(data, at, 8)
            out[i]["low"] = _network_order(data, at + 8, 8)
        else:
            continue
        out[i]["port"] = ports[i]


def sockaddrs(table: EventTable, name: str, out: Rows) -> None:
    """Read a column of SOCKADDRs into ``out`` (:data:`~analyzers.requests.rows.ADDRESS`), where there is one."""
    column = table.fields.get(name)
    if isinstance(column, BlobColumn):
        _read_sockaddrs(column.data, column.start, column.length, out)


def plain(table: EventTable, name: str, port: str, out: Rows) -> None:
    """Read a column of bare IP addresses and that of their ports into ``out``, where there are such."""
    column, ports = table.fields.get(name), table.fields.get(port)
    if isinstance(column, BlobColumn) and ports is not None and not isinstance(ports, BlobColumn):
        _read_plain(column.data, column.start, column.length, ports.astype(np.uint16, copy=False), out)


def no_addresses(rows: int) -> Rows:
    """Rows that say nothing."""
    return np.zeros(rows, ADDRESS)


@inlined
def same_address(one: np.void, other: np.void) -> bool:
    """Whether two known addresses are the same, with their ports."""
    return (  # type: ignore[no-any-return]  # a kernel's boolean
        one["family"] == other["family"]
        and one["port"] == other["port"]
        and one["low"] == other["low"]
        and one["high"] == other["high"]
    )


@inlined
def copy_address(to: np.void, given: np.void) -> None:
    """Write one address into another row."""
    to["family"] = given["family"]
    to["port"] = given["port"]
    to["high"] = given["high"]
    to["low"] = given["low"]


@inlined
def clear_address(row: np.void) -> None:
    """Make an address row say nothing."""
    row["family"] = 0
    row["port"] = 0
    row["high"] = 0
    row["low"] = 0


def text(row: np.void) -> str:
    """``127.0.0.1:7000`` or ``[::1]:7000``; empty for none."""
    if row["family"] == AF_INET:
        return f"{ipaddress.IPv4Address(int(row['low']))}:{int(row['port'])}"
    if row["family"] == AF_INET6:
        return f"[{ipaddress.IPv6Address((int(row['high']) << 64) | int(row['low']))}]:{int(row['port'])}"
    return ""
