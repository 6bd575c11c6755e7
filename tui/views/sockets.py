"""Sockets: endpoints that are not cleaned up, their requests and their memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from rich.text import Text

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.formatting import counted, exact_size, moment
from analyzers.requests.tables import NEVER, SocketTable
from analyzers.retention.attribution import INFERRED as INFERRED_RULES
from analyzers.retention.attribution import WORDS, Rule
from analyzers.selection.conclusions import of_processes
from analyzers.selection.query import Query
from tracer.arrays import I64, Mask
from tracer.columns import UNKNOWN_ID
from tracer.data_classes import dataclass
from tui.report.findings import INFERRED
from tui.report.recording import HOW_IN_SHORT
from tui.report.styles import HEADING, QUIET
from tui.tables.columns import TableModel
from tui.tables.sockets import Holdings, hexadecimal, holdings, socket_table
from tui.tables.words import process_label
from tui.views.facts import fact
from tui.views.headed_table import HeadedTable
from tui.views.listing import Listing, Location
from tui.views.scene import Scene

NO_SOCKET_EVENTS: Final = "\n\n".join(
    (
        "This trace holds no Winsock (AFD) events, so no socket is known and no request can be put down to one.",
        HOW_IN_SHORT,
    )
)
NO_SOCKETS: Final = "No socket is left: every endpoint that the trace tells of was cleaned up."
NONE_HERE: Final = "No socket belongs to this part of the trace."


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What a scene tells of sockets: ``rows`` are those that its scope selects."""

    scene: Scene
    context: DiagnosisContext
    sockets: SocketTable
    held: Holdings
    rows: I64


def make() -> HeadedTable:
    """The view."""
    return HeadedTable(listing, head, "bytes")


def head(scene: Scene) -> Text:
    """How many are closed and still there."""
    context = scene.snapshot.context
    closed = 0 if context is None else int((context.requests.sockets.closed_ns != NEVER).sum())
    sockets = 0 if context is None else len(context.requests.sockets)
    there = counted(sockets, "endpoint is", "endpoints are") if sockets else "No endpoint is"
    of_them = f", {closed:,} of them closed" if closed else ""
    inferred = " Inferred: Held, addresses with ~." if sockets else ""
    return Text(f"{there} not cleaned up{of_them}.{inferred}", QUIET)


def listing(scene: Scene) -> Listing:
    """One row per endpoint."""
    context = scene.snapshot.context
    if context is None or not len(context.requests.sockets):
        return Listing(TableModel((), 0), int, lambda _: Text(), NO_SOCKETS if _seen(context) else NO_SOCKET_EVENTS)
    known = _known(scene, context)
    sockets, rows = known.sockets, known.rows
    return Listing(
        model=socket_table(scene.whole, sockets, known.held, rows),
        identity=lambda row: int(sockets.endpoint[rows[row]]),
        describe=lambda row: _words(known, int(rows[row])),
        step=lambda row: _step(sockets, int(rows[row])),
        copy=lambda row: hexadecimal(int(sockets.endpoint[rows[row]])),
        empty=NONE_HERE,
        keys=sockets.endpoint[rows],
    )


def _seen(context: DiagnosisContext | None) -> bool:
    return context is not None and context.requests.seen_afd


def _known(scene: Scene, context: DiagnosisContext) -> _Known:
    """What the scope selects: by whom a socket is used, and by which of its memory."""
    sockets, scope = context.requests.sockets, scene.scope
    of_memory = bool(replace(scope, processes=(), process=None, thread=None, endpoint=None))
    held = holdings(context, scene.snapshot.pool.outstanding, scene.whole.diagnosis.held_requests)
    mask = held.count > 0 if of_memory else np.ones(len(sockets), np.bool_)
    if scope.endpoint is not None:
        mask &= sockets.endpoint == np.uint64(scope.endpoint)
    requests, names = context.requests.requests, scene.whole.names
    if scope.by_process:
        own = of_processes(scope, sockets.process, sockets.created_ns, names)
        mask &= own | _used(context, of_processes(scope, requests.process, requests.issued_ns, names))
    if scope.thread is not None:
        mask &= (sockets.thread == scope.thread) | _used(context, requests.thread == scope.thread)
    return _Known(scene, context, sockets, held, np.flatnonzero(mask).astype(np.int64))


def _used(context: DiagnosisContext, by: Mask) -> Mask:
    """By socket, whether any of some requests that are not retired goes to it; ``by``: whether a request is one."""
    socket = context.requests.requests.socket
    mask = np.zeros(len(context.requests.sockets), np.bool_)
    mask[socket[by & (socket >= 0)]] = True
    return mask


def _step(sockets: SocketTable, row: int) -> Location:
    endpoint = int(sockets.endpoint[row])
    label = f"{hexadecimal(endpoint)} to {sockets.remote[row]}" if sockets.remote[row] else hexadecimal(endpoint)
    return Location("allocations", Query(endpoint=endpoint), f"socket {label}")


def _words(known: _Known, row: int) -> Text:
    """All that is known of a socket; what no event says is marked."""
    sockets = known.sockets
    lines = [
        Text.assemble("Socket ", (hexadecimal(int(sockets.endpoint[row])), HEADING)),
        fact("who", _who(known, row)),
        fact("addresses", _addresses(sockets, row)),
        fact("state", _state(sockets, row)),
        fact("requests", _requests(known, row)),
        fact("data", _data(int(sockets.sent_bytes[row]), int(sockets.received_bytes[row]))),
        fact(
            "memory", f"{counted(int(known.held.count[row]), 'allocation')}, {exact_size(int(known.held.bytes[row]))}"
        ),
        *_rules(known, row),
        *([fact("TCP connection", f"{hexadecimal(tcb)}{INFERRED}")] if (tcb := int(sockets.tcb[row])) else []),
        *([fact("file object", hexadecimal(file))] if (file := int(sockets.file_object[row])) else []),
        Text("Enter: its allocations", QUIET),
    ]
    return Text("\n").join(lines)


def _data(sent: int, received: int) -> str:
    amounts = [f"{counted(count, 'byte')} {way}" for count, way in ((sent, "sent"), (received, "received")) if count]
    return ", ".join(amounts) or "none"


def _who(known: _Known, row: int) -> str:
    process = process_label(known.scene.whole, int(known.sockets.process[row]), int(known.sockets.created_ns[row]))
    thread = int(known.sockets.thread[row])
    return process if thread == UNKNOWN_ID else f"{process}, created by thread {thread}"


def _addresses(sockets: SocketTable, row: int) -> str:
    local, remote = sockets.local[row], sockets.remote[row]
    guessed = INFERRED if local and remote else ""
    return f"local {local or 'not known'}{guessed}, remote {remote or 'not known'}"


def _state(sockets: SocketTable, row: int) -> str:
    created, closed = int(sockets.created_ns[row]), int(sockets.closed_ns[row])
    made = "older than the trace" if created == NEVER else f"created {moment(created)}"
    last = f"last event {moment(int(sockets.last_ns[row]))}"
    if closed == NEVER:
        return f"open; {made}, {last}"
    return f"closed {moment(closed)} and not cleaned up since, so something still refers to it; {made}, {last}"


def _requests(known: _Known, row: int) -> str:
    sockets, held, unfinished = known.sockets, known.held, int(known.held.unretired[row])
    said = f"{counted(int(sockets.started[row]), 'operation')} started, {int(sockets.finished[row]):,} finished"
    if not unfinished:
        return said
    kept = f", {int(held.held[row]):,} of them held{INFERRED}" if held.held[row] else ""
    return f"{said}; {counted(unfinished, 'request is', 'requests are')} not finished{kept}"


def _rules(known: _Known, row: int) -> list[Text]:
    """Why that memory is put down to this socket."""
    rules = np.bincount(known.context.attribution.rule[known.held.owner == row], minlength=len(Rule))
    return [
        fact(f"  {int(rules[rule]):,} because", WORDS[rule] + (INFERRED if rule in INFERRED_RULES else ""))
        for rule in Rule
        if rules[rule]
    ]
