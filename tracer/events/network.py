"""TCP and UDP traffic as the kernel logger tells it.

Sources: the kernel's MOF classes and Microsoft's documents, which put ``sequence`` before ``connection`` in
version 2; System Informer and PerfView put them the other way round. It cannot be told from real traces: both are
0 in all of their 1,052 records, whose sizes fit the layouts here exactly. ``connection`` is no key.

TCP events name the remote end ``destination`` whichever way the data goes; UDP events name the packet's own.
``process`` is the owner, while the record's header tells who happened to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tracer.events.layout import KernelId, Layout, layout

TCP: Final = 0x0600
UDP: Final = 0x0800
IPV6: Final = 0x10
"""Added to the type of an IPv4 event, gives that of the same event on IPv6."""

SEND: Final = 0x0A
RECEIVE: Final = 0x0B
CONNECT: Final = 0x0C
DISCONNECT: Final = 0x0D
RETRANSMIT: Final = 0x0E
ACCEPT: Final = 0x0F
RECONNECT: Final = 0x10
FAIL: Final = 0x11
COPY: Final = 0x12

_PLAIN = (RECEIVE, DISCONNECT, RETRANSMIT, RECONNECT, COPY)
_ANY = (SEND, RECEIVE, CONNECT, DISCONNECT, RETRANSMIT, ACCEPT, RECONNECT)
_PORTS = "be2 destination_port; be2 source_port"
_END = "u4 sequence; ptr connection"
_HANDSHAKE = (
    "u2 mss; u2 sack; u2 timestamps; u2 window_scaling; "
    "u4 receive_window; i2 receive_window_scale; i2 send_window_scale"
)


def _layout(kind: str, name: str, types: tuple[int, ...], version: int, text: str) -> Layout:
    group = TCP if kind == "tcp" else UDP
    return layout(kind, name, tuple(KernelId(group | opcode) for opcode in types), version, text)


def _ends(ip: str) -> str:
    return f"{ip} destination; {ip} source; {_PORTS}"


def _old() -> Iterator[Layout]:
    """Versions 0 and 1: IPv4 only, every event alike."""
    for kind, types in (("tcp", _ANY), ("udp", (SEND, RECEIVE))):
        yield _layout(kind, kind, types, 0, f"{_ends('ip4')}; u4 size; u4 process")
        yield _layout(kind, kind, types, 1, f"u4 process; u4 size; {_ends('ip4')}; ptr connection; u4 sequence")


def _current(ip: str, added: int) -> Iterator[Layout]:
    """Version 2 for one address family, ``added`` being what it adds to the type."""
    head = f"u4 process; u4 size; {_ends(ip)}"
    plain, send, handshake = (
        tuple(opcode + added for opcode in types) for types in (_PLAIN, (SEND,), (CONNECT, ACCEPT))
    )
    yield _layout("tcp", "tcp", plain, 2, f"{head}; {_END}")
    yield _layout("tcp", "tcp send", send, 2, f"{head}; u4 start_time; u4 end_time; {_END}")
    yield _layout("tcp", "tcp connection", handshake, 2, f"{head}; {_HANDSHAKE}; {_END}")
    yield _layout("udp", "udp", (SEND + added, RECEIVE + added), 2, f"{head}; {_END}")


LAYOUTS: Final[tuple[Layout, ...]] = (
    *_old(),
    *_current("ip4", 0),
    *_current("ip6", IPV6),
    _layout("tcp", "tcp failure", (FAIL,), 2, "u2 protocol; u2 failure_code"),
    _layout("udp", "udp failure", (FAIL,), 2, "u2 protocol; u2 failure_code"),
)
"""``start_time`` and ``end_time`` count 100 ms since boot."""
