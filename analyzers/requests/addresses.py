"""Socket addresses as single numbers, so that kernels compare and copy integers: from bytes in events, and to text.

The family stands in the upper byte, the port in the lower two, the address between them: an IPv4 address itself, of an
IPv6 address the number under which it is kept. 0 is no address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

import numpy as np

from tracer.arrays import I64, U8, U16, Rows
from tracer.columns import BlobColumn

PORT_MASK: Final = 0xFFFF
_PORT_BITS: Final = 16
_FAMILY_SHIFT: Final = 56
_IP_MASK: Final = (1 << (_FAMILY_SHIFT - _PORT_BITS)) - 1
_AF_INET: Final = 2
_AF_INET6: Final = 23
"""Address families as Winsock numbers them (``winsock2.h``)."""
_IPV4_BYTES: Final = 4
_IPV6_BYTES: Final = 16
_IPV4_MASK: Final = 0xFFFFFFFF
_SOCKADDR_IN: Final = 8
_SOCKADDR_IN6: Final = 24
_IPV6_AT: Final = 8
"""Bytes of a SOCKADDR_IN and a SOCKADDR_IN6 that say something here, and where an IPv6 address lies (``ws2def.h``,
``ws2ipdef.h``)."""


class Addresses:
    """All IPv6 addresses that were seen, by number."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def sockaddrs(self, column: BlobColumn) -> I64:
        """A column of SOCKADDRs; 0 for those of another family or cut short."""
        result = np.zeros(len(column), np.int64)
        rows = np.flatnonzero(column.length >= _SOCKADDR_IN)
        head = _words(column.data, column.start[rows], ">u8")
        port = (head >> 32) & PORT_MASK
        family = ((head >> 56) & 0xFF) | ((head >> 40) & 0xFF00)  # the one number that is not in network order
        short = family == _AF_INET
        result[rows[short]] = _packed(_AF_INET, head[short] & _IPV4_MASK, port[short])
        long = (family == _AF_INET6) & (column.length[rows] >= _SOCKADDR_IN6)
        if long.any():
            numbers = self._numbered(column, rows[long], _IPV6_AT)
            result[rows[long]] = _packed(_AF_INET6, numbers, port[long])
        return result

    def plain(self, column: BlobColumn, ports: U16) -> I64:
        """A column of bare IP addresses with that of their ports; 0 where there is none."""
        result = np.zeros(len(column), np.int64)
        port = ports.astype(np.int64)
        rows = np.flatnonzero(column.length == _IPV4_BYTES)
        result[rows] = _packed(_AF_INET, _words(column.data, column.start[rows], ">u4"), port[rows])
        rows = np.flatnonzero(column.length == _IPV6_BYTES)
        if len(rows):
            result[rows] = _packed(_AF_INET6, self._numbered(column, rows, 0), port[rows])
        return result

    def _numbered(self, column: BlobColumn, rows: Rows, at: int) -> I64:
        """The numbers of the IPv6 addresses that begin ``at`` bytes into each row."""
        data = column.data[(column.start[rows] + at)[:, np.newaxis] + np.arange(_IPV6_BYTES)]
        distinct, place = np.unique(data.view(f"S{_IPV6_BYTES}").ravel(), return_inverse=True)
        given = [self._numbers.setdefault(key, len(self._numbers)) for key in distinct.tolist()]
        return np.array(given, np.int64)[place]

    def texts(self, addresses: I64) -> tuple[str, ...]:
        """``127.0.0.1:7000`` or ``[::1]:7000``; empty for none."""
        known = [ipaddress.IPv6Address(key.ljust(16, b"\0")) for key in self._numbers]
        distinct, place = np.unique(addresses, return_inverse=True)
        texts = [_text(address, known) for address in distinct.tolist()]  # most sockets share the server's
        return tuple([texts[at] for at in place.tolist()])


def _text(address: int, known: Sequence[ipaddress.IPv6Address]) -> str:
    family, number, port = address >> _FAMILY_SHIFT, (address >> _PORT_BITS) & _IP_MASK, address & PORT_MASK
    if family == _AF_INET:
        return f"{ipaddress.IPv4Address(number)}:{port}"
    return f"[{known[number]}]:{port}" if family == _AF_INET6 else ""


def _packed(family: int, number: I64, port: I64) -> I64:
    return (family << _FAMILY_SHIFT) | (number << _PORT_BITS) | port


def _words(data: U8, start: I64, dtype: str) -> I64:
    """The numbers that begin at any bytes."""
    width = np.dtype(dtype).itemsize
    if len(data) < width:
        return np.zeros(0, np.int64)
    return np.ndarray(len(data) - width + 1, dtype, data, strides=(1,))[start].astype(np.int64)
