"""Which outstanding allocation belongs to which request or socket, and by which rule.

Rules of pointers rest on events alone. The others are inferred from thread and time, and hold for a whole kind of
allocations or for none of it (:mod:`analyzers.retention.site_rules`).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

from analyzers.address_lookup import blocks_of
from analyzers.policy import BELONGING
from analyzers.pool_tables import Outstanding, SiteTable, TagTable
from analyzers.requests.tables import CALL_NS, RequestTable, SocketTable
from analyzers.retention.intervals import call_spans, life_spans
from analyzers.retention.site_rules import Maker, SiteRule, Tally, lifted, makers
from tracer.arrays import I32, I64, U8, U32, Mask, Rows
from tracer.data_classes import dataclass


class Rule(IntEnum):
    """Why an allocation belongs to a request or socket."""

    NONE = 0
    HOLDS_IRP = 1
    HOLDS_ENDPOINT = 2
    HOLDS_CONNECTION = 3
    HOLDS_FILE_OBJECT = 4
    SAME_OPERATION = 5
    SAME_SOCKET = 6
    SAME_FILE_OBJECT = 7

    @property
    def key(self) -> str:
        """Its name on an edge of the retention graph."""
        return self.name.lower().replace("_", "-")


WORDS: Final = {
    Rule.NONE: "belongs to no request or socket that is known",
    Rule.HOLDS_IRP: "the block holds the request's IRP (IRP)",
    Rule.HOLDS_ENDPOINT: "the block holds the socket's AFD endpoint",
    Rule.HOLDS_CONNECTION: "the block holds the control block of the socket's TCP connection",
    Rule.HOLDS_FILE_OBJECT: "the block holds the file object that the request refers to",
    Rule.SAME_OPERATION: "made by the request's thread inside its call, and of a kind that goes with the request",
    Rule.SAME_SOCKET: "made by the socket's thread in its life, by the socket drivers, and of a kind that goes with it",
    Rule.SAME_FILE_OBJECT: "made between the file object's opening and its requests, and of a kind that goes with it",
}
INFERRED: Final = frozenset({Rule.SAME_OPERATION, Rule.SAME_SOCKET, Rule.SAME_FILE_OBJECT})
"""Rules that no event says directly."""


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """One row per outstanding allocation: int32 ``request``, ``socket``, uint8 ``rule`` (:class:`Rule`).

    ``request`` and ``socket`` are rows of their tables, -1 for none; an allocation has one of them or neither. What
    hangs on a file object of no known socket has the first request that refers to it. ``kinds``: why the inferred
    rules hold.
    """

    request: I32
    socket: I32
    rule: U8
    kinds: tuple[SiteRule, ...]


def attribute(
    outstanding: Outstanding,
    sites: SiteTable,
    tags: TagTable,
    requests: RequestTable,
    sockets: SocketTable,
    held: Mask,
    bare: Mask,
) -> Attribution:
    """Attribute every outstanding allocation.

    ``held``: by request, whether it is in flight or something holds it; ``bare``: whether its IRP is all that is
    left of it.
    """
    work = _Work(outstanding, sites, tags, requests, sockets)
    if len(outstanding) and (len(requests) or len(sockets)):
        work.by_pointer()
        work.by_kind(held, bare)
    return work.result()


@dataclass(frozen=True, slots=True, eq=False)
class _Owners:
    """Sockets, and after them the file objects of requests that no socket is known for."""

    thread: U32
    created_ns: I64
    file_ns: I64
    closed_ns: I64
    first_request: I32


class _Work:
    """The columns while they are filled in; a rule that comes first keeps what it claimed."""

    def __init__(
        self, outstanding: Outstanding, sites: SiteTable, tags: TagTable, requests: RequestTable, sockets: SocketTable
    ) -> None:
        self._out, self._sites, self._tags = outstanding, sites, tags
        self._requests, self._sockets = requests, sockets
        self._request = np.full(len(outstanding), -1, np.int32)
        self._socket = np.full(len(outstanding), -1, np.int32)
        self._rule = np.zeros(len(outstanding), np.uint8)
        self._kinds: list[SiteRule] = []

    def result(self) -> Attribution:
        """What was found."""
        return Attribution(self._request, self._socket, self._rule, tuple(self._kinds))

    def by_pointer(self) -> None:
        """Blocks that hold an address which an event names."""
        requests, sockets = self._requests, self._sockets
        every, none = np.arange(len(requests), dtype=np.int32), np.full(len(requests), -1, np.int32)
        each, no_request = np.arange(len(sockets), dtype=np.int32), np.full(len(sockets), -1, np.int32)
        self._irps = blocks_of(self._out, requests.irp, requests.issued_ns)
        self._files = blocks_of(self._out, requests.file_object, requests.issued_ns)
        self._socket_files = blocks_of(self._out, sockets.file_object, sockets.last_ns)
        endpoints = blocks_of(self._out, sockets.endpoint, sockets.last_ns)
        connections = blocks_of(self._out, sockets.tcb, sockets.last_ns)
        self._claim(self._irps, every, none, Rule.HOLDS_IRP)
        self._claim(endpoints, no_request, each, Rule.HOLDS_ENDPOINT)
        self._claim(connections, no_request, each, Rule.HOLDS_CONNECTION)
        self._claim(self._socket_files, no_request, each, Rule.HOLDS_FILE_OBJECT)
        of_socket = requests.socket >= 0
        self._claim(self._files, np.where(of_socket, none, every), requests.socket, Rule.HOLDS_FILE_OBJECT)

    def by_kind(self, held: Mask, bare: Mask) -> None:
        """Allocations of the same thread and time, kind by kind."""
        free = self._rule == Rule.NONE
        calls = call_spans(self._out, self._requests, self._sockets, self._irps)
        in_call = calls.spans.owners(self._out, free)
        in_call[np.append(bare, np.False_)[in_call]] = -1
        owners = self._owners()
        lives = life_spans(owners.thread, owners.created_ns, owners.file_ns, owners.closed_ns)
        in_life = lives.owners(self._out, free)
        if len(self._requests):
            socket = self._requests.socket[in_call]
            in_life = np.where((in_call >= 0) & (socket >= 0), socket, in_life).astype(np.int32)
        maker = makers(self._sites, self._tags)[self._out.site]
        self._part_of_owner(owners, in_life, maker)
        self._part_of_request(in_call, maker, calls.fresh, held)

    def _owners(self) -> _Owners:
        requests, sockets = self._requests, self._sockets
        lone = np.flatnonzero((requests.socket < 0) & (self._files >= 0))
        block, first, row = np.unique(self._files[lone], return_index=True, return_inverse=True)
        last = np.zeros(len(block), np.int64)
        np.maximum.at(last, row, requests.issued_ns[lone])
        opened, file = self._out.time_ns, self._socket_files
        nobody = np.full(len(sockets), -1, np.int32)
        return _Owners(
            np.concatenate([sockets.thread, self._out.thread[block]]),
            np.concatenate([sockets.created_ns, opened[block]]),
            np.concatenate([np.where(file >= 0, opened[file], -1), opened[block]]),
            np.concatenate([sockets.closed_ns, last + CALL_NS]),
            np.concatenate([nobody, lone[first].astype(np.int32)]),
        )

    def _part_of_owner(self, owners: _Owners, in_life: I32, maker: U8) -> None:
        """Objects that the socket drivers hang on an endpoint, and a file object that no request has named."""
        opening = (maker == Maker.IO_MANAGER) & (owners.file_ns[in_life] < 0) if len(owners.thread) else maker < 0
        if opening.any():
            opening &= self._out.time_ns <= owners.created_ns[in_life]
        rows = np.flatnonzero((in_life >= 0) & ((maker == Maker.SOCKET_DRIVER) | opening))
        tally = Tally.of(self._out.site[rows], in_life[rows], len(self._sites.tag_row))
        every = np.ones(len(owners.thread), np.bool_)
        peers = tally.peers(every, np.unique(owners.thread, return_inverse=True)[1])
        fits = tally.regular() & tally.covers(self._unclaimed()) & (tally.owners >= BELONGING.on_its_way * peers)
        chosen = rows[fits[self._out.site[rows]]]
        owner = in_life[chosen]
        is_socket = owner < len(self._sockets)
        none = np.int32(-1)
        socket = np.where(is_socket, owner, none).astype(np.int32)
        rule = np.where(is_socket, Rule.SAME_SOCKET, Rule.SAME_FILE_OBJECT).astype(np.uint8)
        self._note(fits, tally, Rule.SAME_SOCKET, "sockets of the same thread", tally.owners, peers)
        self._claim(chosen, owners.first_request[owner], socket, rule)

    def _part_of_request(self, in_call: I32, maker: U8, fresh: Mask, held: Mask) -> None:
        """System buffers, descriptor lists and whatever else is made for one request."""
        requests, sites = self._requests, len(self._sites.tag_row)
        called = (in_call >= 0) & (self._rule == Rule.NONE)
        if len(requests):
            called &= (maker != Maker.IO_MANAGER) | (self._out.time_ns <= requests.issued_ns[in_call])
        rows = np.flatnonzero(called)
        tally = Tally.of(self._out.site[rows], in_call[rows], sites)
        own = np.zeros(sites, np.uint8)
        own[self._out.site[rows]] = maker[rows]
        having, peers = tally.having(held), tally.peers(held, _operation(requests))
        stands_alone = (own == Maker.IO_MANAGER) & (tally.having(fresh) > 0)
        usual = (own == Maker.SOCKET_DRIVER) & (having >= BELONGING.on_its_way * peers)
        known = (own == Maker.IO_MANAGER) | usual | lifted(self._sites, having / np.maximum(peers, 1))
        fits = tally.regular() & known & (tally.covers(self._unclaimed()) | stands_alone)
        chosen = rows[fits[self._out.site[rows]]]
        owner = in_call[chosen]
        self._note(fits, tally, Rule.SAME_OPERATION, "held requests of the operation", having, peers)
        self._claim(chosen, owner, np.full(len(owner), -1, np.int32), Rule.SAME_OPERATION)

    def _unclaimed(self) -> I64:
        """By site: outstanding allocations that no rule has claimed."""
        site = self._out.site[self._rule == Rule.NONE]
        return np.bincount(site, minlength=len(self._sites.tag_row)).astype(np.int64)

    def _note(self, fits: Mask, tally: Tally, rule: Rule, noun: str, owners: I64, among: I64) -> None:
        left = self._unclaimed() - tally.inside
        for site in np.flatnonzero(fits).tolist():
            numbers = (tally.inside, owners, among, tally.each, left, self._sites.frees)
            self._kinds.append(SiteRule(site, rule, noun, *(int(column[site]) for column in numbers)))

    def _claim(self, blocks: Rows, request: I32, socket: I32, rule: Rule | U8) -> None:
        """Give blocks that nobody has to requests or sockets; the first of several for one block counts."""
        rows = np.flatnonzero(blocks >= 0)
        rows = rows[self._rule[blocks[rows]] == Rule.NONE][::-1]
        at = blocks[rows]
        self._request[at], self._socket[at] = request[rows], socket[rows]
        self._rule[at] = rule[rows] if isinstance(rule, np.ndarray) else rule


def _operation(requests: RequestTable) -> I64:
    """By request: a number that is the same for requests of one operation to one driver."""
    _, routine = np.unique(requests.routine, return_inverse=True)
    key = (routine.astype(np.int64) << 24) | (requests.operation.astype(np.int64) << 8) | requests.major
    _, number = np.unique(key, return_inverse=True)
    result: I64 = number.astype(np.int64)
    return result
