"""Rounds of socket, connect, send and close whose requests are not retired, as tables.

They can be held in different ways: in a port before stage 2 of their completion, which keeps everything, or as user
APCs, of which only the IRPs are left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from analyzers.findings import WHYS, Why
from analyzers.holders.evidence import Seen
from analyzers.holders.held import Port
from analyzers.holders.holding import RULES, Holding
from analyzers.pool_tables import PoolSnapshot
from analyzers.requests.tables import Completion, RequestSnapshot, RequestTable, SocketTable
from analyzers.retention.attribution import Attribution, attribute
from analyzers.retention.graph import Retention, build
from tests.analyzers.numbered import Numbered
from tests.analyzers.retention.made import BUFFER, ENDPOINT, FILE, IRP, MDL, TCP, Row, block, pool_of, requests_of
from tests.analyzers.retention.made import sockets_of as made_sockets
from tracer.events.afd import CONNECT_WITH_ADDRESS, SEND
from tracer.events.irp import MajorFunction

ROUND_NS = 1_000_000
ROUND_BYTES = 2 * 0x1F0 + 0x22 + 0x40 + 0x180 + 0x260 + 0x280
"""Two IRPs, a system buffer, a descriptor list, a file object, an AFD and a TCP endpoint."""
_HEADER = 0x30


MODULES = {0xFFFFF80000001000: "afd.sys", 0xFFFFF80000002000: "contosoflt.sys"}


@dataclass(frozen=True)
class Loop:
    """``whys``: what holds each request; ``finished``: stage 2 of its completion has run.

    ``seen_queues``: the trace has kernel queue events.
    """

    pool: PoolSnapshot
    requests: RequestTable
    sockets: SocketTable
    whys: Sequence[Why]
    finished: bool = False
    seen_queues: bool = True

    def holding(self) -> Holding:
        why = np.array([WHYS.index(each) for each in self.whys], np.uint8)
        port = np.array([each is Why.PORT for each in self.whys], np.int32)
        rule = np.full(len(why), len(RULES) - 1, np.uint8)
        ports = (Port(1, 4, np.flatnonzero(port).astype(np.int32), *_NOTHING, (8,), (), drained=False, grows=True),)
        return Holding(self._seen(), why, rule, port, ports)

    def _seen(self) -> Seen:
        names = {field.name for field in fields(Seen)} - {"snapshot"}
        blank: dict[str, Any] = dict.fromkeys(names, np.zeros(len(self.requests), np.bool_))
        told = {
            "passed": self.requests.completion_routine != 0,
            "finished": np.full(len(self.requests), self.finished),
            "completed": self.requests.completed_ns >= 0,
        }
        parts: dict[str, Any] = dict.fromkeys((field.name for field in fields(RequestSnapshot)), None)
        snapshot = RequestSnapshot(
            **{**parts, "requests": self.requests, "sockets": self.sockets, "seen_queues": self.seen_queues}
        )
        return Seen(snapshot=snapshot, **{**blank, **told})

    def attribution(self) -> Attribution:
        holding = self.holding()
        return attribute(
            self.pool.outstanding, self.pool.sites, self.pool.tags, self.requests, self.sockets,
            ~holding.is_held_by(Why.LIST), holding.bare(),
        )  # fmt: skip

    def retention(self) -> Retention:
        return build(self.pool, self.holding(), self.attribution(), Numbered(), lambda at: MODULES.get(at, ""))

    def held_by(self, why: Why, which: slice = slice(None), **columns: Any) -> Loop:
        """The same, some requests held by something else; ``columns``: of all requests."""
        whys = list(self.whys)
        whys[which] = [why] * len(whys[which])
        count = len(self.requests)
        changed = {name: np.full(count, value, getattr(self.requests, name).dtype) for name, value in columns.items()}
        return replace(self, whys=whys, requests=replace(self.requests, **changed))


_NOTHING = (np.zeros(0, np.int32), np.zeros(0, np.int64))


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
        [Why.PORT] * len(requests),
    )


def _request_blocks(irp: int, at: int, site: int, size: int, thread: int) -> Iterator[Row]:
    yield block(irp, 0x1F0, at, IRP, thread)
    yield block(irp + 0x1000, size, at + 1_000, site, thread)


def _request(irp: int, at: int, operation: int, thread: int) -> dict[str, int]:
    return {
        "irp": irp, "thread": thread, "issued_ns": at, "completed_ns": at + 15_000, "operation": operation,
        "operation_start_ns": at + 1_000, "major": MajorFunction.DEVICE_CONTROL, "completion": Completion.ELSEWHERE,
        "routine": 0xFFFFF80000001000,
    }  # fmt: skip
