"""Held requests: those that are not retired, by what holds them."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.findings import EventRef, HeldRequest, HeldRequests
from analyzers.formatting import duration, exact_size, moment
from analyzers.holders.holding import RULES
from analyzers.pool_tables import Names
from analyzers.processes import life_at
from analyzers.requests.tables import Join
from analyzers.retention.grouping import operation_name
from analyzers.selection.query import Query
from tracer.data_classes import dataclass
from tracer.trace import TraceInfo
from tui.findings.held import Holders, Owners, holder_words, port_owners, summary
from tui.findings.words import known_id
from tui.report.findings import INFERRED
from tui.report.recording import HOW_IN_SHORT
from tui.report.styles import HEADING, QUIET, WARNING
from tui.report.trace import byte_words
from tui.safe_text import safe
from tui.tables.held_requests import Places, held_table, places
from tui.tables.sockets import hexadecimal
from tui.tables.words import named_process
from tui.views.facts import fact
from tui.views.headed_table import HeadedTable
from tui.views.listing import Listing, Location
from tui.views.scene import Scene

NONE_HELD: Final = "No request is held, as far as the trace tells."
NO_REQUEST_EVENTS: Final = "\n\n".join(
    (
        "This trace holds no I/O request (IRP) events, so nothing tells which requests are held, and by what.",
        HOW_IN_SHORT,
    )
)
NONE_HERE: Final = "No held request belongs to this part of the trace."

_JOINS: Final = {
    Join.FILE_OBJECT: "the file object was seen with this endpoint before",
    Join.INSIDE_CALL: "the thread began an operation on it inside the request's driver call" + INFERRED,
    Join.INSIDE_OPERATION: "the request's driver call lies inside an operation of the thread on it" + INFERRED,
}
"""How the socket of a request is known."""


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """The held requests of a scene, and where the tables tell more of them."""

    held: HeldRequests
    owners: Owners
    context: DiagnosisContext | None
    at: Places
    info: TraceInfo
    names: Names


def make() -> HeadedTable:
    """The view."""
    return HeadedTable(listing, head, "holder")


def head(scene: Scene) -> Text:
    """How many requests are held by what, and that this is inferred."""
    held, owners = scene.snapshot.diagnosis.held_requests, port_owners(scene.whole)
    return Text.assemble(
        summary(held, owners), (" Inferred: ", WARNING), "no event tells of an APC, and none names a port."
    )


def listing(scene: Scene) -> Listing:
    """One row per held request, those with the same holder together."""
    held, owners = scene.snapshot.diagnosis.held_requests, port_owners(scene.whole)
    known = _Known(
        held, owners, scene.whole.context, places(held, scene.whole.context), scene.whole.info, scene.whole.names
    )
    return Listing(
        model=held_table(held, Holders.among(held, owners), known.context, known.at, scene.whole.uncertain_until_ns),
        identity=lambda row: (int(held.irp[row]), int(held.issued_ns[row])),
        describe=lambda row: _words(known, row),
        step=lambda row: _step(known, row),
        copy=lambda row: f"!irp {hexadecimal(int(held.irp[row]))}",
        empty=_nothing(scene),
        keys=held.irp,
    )


def _nothing(scene: Scene) -> str:
    if scene.whole.diagnosis.held_requests:
        return NONE_HERE
    if scene.is_followed and scene.no_pool_events:
        return scene.no_pool_events
    context = scene.whole.context
    return NONE_HELD if context is not None and context.requests.seen_irp else NO_REQUEST_EVENTS


def _step(known: _Known, row: int) -> Location:
    """Its socket, where one is known, else what its thread holds."""
    request = known.held[row]
    if known.at.socket[row] >= 0:
        return Location("sockets", Query(endpoint=request.endpoint), f"IRP {hexadecimal(request.irp)}")
    thread = known_id(request.thread_id)
    label = named_process(request.process, request.process_id) if thread is None else f"thread {thread}"
    process = life_at(known.names, request.process_id, request.issued_ns)
    return Location("allocations", Query(process=process, thread=thread), label)


def _words(known: _Known, row: int) -> Text:
    """All that is known of it."""
    request = known.held[row]
    leads = "its socket" if known.at.socket[row] >= 0 else "what its thread allocated"
    mark = INFERRED if request.inferred else ""
    lines = [
        Text.assemble("Request ", (hexadecimal(request.irp), HEADING)),
        fact("held by", holder_words(request, known.owners) + mark),
        *([fact("because", RULES[request.rule])] if request.rule in RULES else []),
        fact("who", _who(request)),
        fact("what", _what(known, row)),
        fact("its thread", safe(request.says)),
        fact("held", f"for {duration(request.age_ns)}; {_kept(request)}"),
        *_socket(known, row),
        fact("issued", _event(request.issued, known.info)),
        fact("completed", "never" if request.completed is None else _event(request.completed, known.info)),
        Text(f"Enter: {leads}", QUIET),
    ]
    return Text("\n").join(lines)


def _kept(request: HeldRequest) -> str:
    if not request.retained_bytes:
        return "its IRP is not among the outstanding allocations: older than the trace, or from a lookaside list"
    return f"with it goes {exact_size(request.retained_bytes)}"


def _who(request: HeldRequest) -> str:
    thread = known_id(request.thread_id)
    named = named_process(request.process, request.process_id)
    return f"{named}, thread {'not known' if thread is None else thread}"


def _what(known: _Known, row: int) -> str:
    request = int(known.at.request[row])
    if known.context is None or request < 0:
        return "operation not known"
    driver = safe(known.held[row].driver)
    return operation_name(known.context.requests.requests, request) + (f", sent to {driver}" if driver else "")


def _socket(known: _Known, row: int) -> list[Text]:
    endpoint = int(known.held.endpoint[row])
    socket, request = int(known.at.socket[row]), int(known.at.request[row])
    if not endpoint:
        return []
    lines = [fact("socket", hexadecimal(endpoint))]
    if known.context is None:
        return lines
    tables = known.context.requests
    if socket >= 0:
        remote = tables.sockets.remote[socket] or "not known"
        lines = [fact("socket", f"{hexadecimal(endpoint)}, remote address {remote}")]
    joined = _JOINS.get(Join(int(tables.requests.join[request]))) if request >= 0 else None
    return [*lines, fact("socket known by", joined)] if joined else lines


def _event(event: EventRef, info: TraceInfo) -> str:
    """Where in the trace to look."""
    cpu = f"CPU {event.cpu}" if event.cpu >= 0 else "CPU not known"
    place = f", {byte_words(info, event.offset)}" if event.offset >= 0 else ""
    return f"{moment(event.time_ns)}, {cpu}{place}"
