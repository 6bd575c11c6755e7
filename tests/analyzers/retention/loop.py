"""Rounds of socket, connect, send and close whose completions wait for their thread, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyzers.requests.tables import Completion, RequestTable, SocketTable
from analyzers.retention.attribution import Attribution, attribute
from analyzers.retention.graph import Retention, build
from analyzers.snapshot import PoolSnapshot
from tests.analyzers.retention.made import BUFFER, ENDPOINT, FILE, IRP, MDL, TCP, Row, block, pool_of, requests_of
from tests.analyzers.retention.made import sockets_of as made_sockets
from tracer.events.afd import CONNECT_WITH_ADDRESS, SEND
from tracer.events.irp import MajorFunction

ROUND_NS = 1_000_000
ROUND_BYTES = 2 * 0x1F0 + 0x22 + 0x40 + 0x180 + 0x260 + 0x280
"""Two packets, a system buffer, a descriptor list, a file object, an AFD and a TCP endpoint."""
_HEADER = 0x30


@dataclass(frozen=True)
class Loop:
    pool: PoolSnapshot
    requests: RequestTable
    sockets: SocketTable
    pending: npt.NDArray[np.int32]

    def attribution(self) -> Attribution:
        return attribute(
            self.pool.outstanding, self.pool.sites, self.pool.tags, self.requests, self.sockets, self.pending
        )

    def retention(self) -> Retention:
        return build(
            self.pool, self.requests, self.sockets, self.pending, self.attribution(), "process {}".format,
            lambda _: "afd.sys",
        )  # fmt: skip


def loop(
    rounds: int, *, more: tuple[Row, ...] = (), closed: bool = True, socket_events: bool = True, send_thread: int = 8
) -> Loop:
    """``send_thread``: issues the sends; the rest is done by thread 8 of process 4."""
    blocks: list[Row] = list(more)
    requests: list[Row] = []
    sockets: list[Row] = []
    for number in range(rounds):
        at, base = ROUND_NS * (number + 1), 0x1000_0000 + number * 0x10000
        file, endpoint = base + _HEADER, base + 0x1000
        blocks += [block(base, 0x180, at, FILE), block(endpoint, 0x260, at + 1_000, ENDPOINT)]
        blocks += list(_request_blocks(base + 0x2000, at + 20_000, BUFFER, 0x22, 8))
        blocks.append(block(base + 0x4000, 0x280, at + 23_500, TCP))
        blocks += list(_request_blocks(base + 0x6000, at + 60_000, MDL, 0x40, send_thread))
        common = {"file_object": file, "socket": number if socket_events else -1, "process": 4}
        requests.append(_request(base + 0x2000, at + 22_000, CONNECT_WITH_ADDRESS, 8) | common)
        requests.append(_request(base + 0x6000, at + 62_000, SEND, send_thread) | common)
        sockets.append(
            {
                "endpoint": endpoint,
                "file_object": file,
                "thread": 8,
                "process": 4,
                "created_ns": at + 2_000,
                "last_ns": at + 90_000,
                "closed_ns": at + 90_000 if closed else -1,
                "remote": "127.0.0.1:7000",
            }
        )
    return Loop(
        pool_of(*blocks),
        requests_of(*requests),
        made_sockets(*(sockets if socket_events else [])),
        np.arange(len(requests), dtype=np.int32),
    )


def _request_blocks(packet: int, at: int, site: int, size: int, thread: int) -> Iterator[Row]:
    yield block(packet, 0x1F0, at, IRP, thread)
    yield block(packet + 0x1000, size, at + 1_000, site, thread)


def _request(packet: int, at: int, operation: int, thread: int) -> dict[str, int]:
    return {
        "irp": packet, "thread": thread, "issued_ns": at, "completed_ns": at + 15_000, "operation": operation,
        "operation_start_ns": at + 1_000, "major": MajorFunction.DEVICE_CONTROL, "completion": Completion.ELSEWHERE,
        "routine": 0xFFFFF80000001000,
    }  # fmt: skip
