"""Pending completion APCs: requests that were completed and not retired, because their thread has not taken the APC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rich.text import Text

from analyzers.apcs.line import RULES
from analyzers.findings import EventRef, PendingApc, PendingApcs
from analyzers.grounds import Grounds
from analyzers.quantities import duration, exact_size, moment, size
from analyzers.requests.tables import Join
from analyzers.retention.grouping import operation_name
from tui.findings.words import known_id
from tui.report.findings import INFERRED
from tui.report.styles import HEADING, QUIET, WARNING
from tui.safe_text import safe
from tui.tables.apcs import Places, apc_table, places
from tui.tables.sockets import hexadecimal
from tui.tables.words import named_process
from tui.views.facts import fact
from tui.views.headed_table import HeadedTable
from tui.views.listing import Listing
from tui.views.scene import Scene
from tui.views.scope import Scope, Step

NO_PENDING: Final = "No completion APC is pending, as far as can be inferred: every completed request was retired."
NO_REQUEST_EVENTS: Final = (
    "This trace holds no I/O request (IRP) events, so pending APCs cannot be inferred. To record them: xperf's flag"
    " DRIVERS, or wpr's keyword Drivers."
)
NONE_HERE: Final = "No pending APC belongs to this part of the trace."

_JOINS: Final = {
    Join.FILE_OBJECT: "the file object was seen with this endpoint before",
    Join.INSIDE_CALL: "the thread told of an operation on it inside the request's driver call" + INFERRED,
    Join.INSIDE_OPERATION: "the request's driver call lies inside an operation of the thread on it" + INFERRED,
}
"""How the socket of a request is known."""


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """The pending APCs of a scene, and where the tables tell more of them."""

    apcs: PendingApcs
    grounds: Grounds | None
    at: Places


def make() -> HeadedTable:
    """The view."""
    return HeadedTable(listing, head, "age")


def head(scene: Scene) -> Text:
    """That all of this is inferred, and how much it is."""
    apcs = scene.snapshot.diagnosis.pending_apcs
    retained = size(int(apcs.retained_bytes.sum()))
    return Text.assemble(
        ("Inferred: ", WARNING),
        f"no event tells of an APC. {len(apcs):,} requests were completed and not retired; they hold {retained}.",
    )


def listing(scene: Scene) -> Listing:
    """One row per pending APC."""
    apcs = scene.snapshot.diagnosis.pending_apcs
    known = _Known(apcs, scene.whole.grounds, places(apcs, scene.whole.grounds))
    return Listing(
        model=apc_table(apcs, known.grounds, known.at),
        identity=lambda row: (int(apcs.irp[row]), int(apcs.match_id[row])),
        describe=lambda row: _words(known, row),
        step=lambda row: _step(known, row),
        copy=lambda row: f"!irp {hexadecimal(int(apcs.irp[row]))}",
        empty=_nothing(scene),
        keys=apcs.irp,
    )


def _nothing(scene: Scene) -> str:
    if scene.whole.diagnosis.pending_apcs:
        return NONE_HERE
    if scene.is_followed and scene.no_pool_events:
        return scene.no_pool_events
    grounds = scene.whole.grounds
    return NO_PENDING if grounds is not None and grounds.requests.seen_irp else NO_REQUEST_EVENTS


def _step(known: _Known, row: int) -> Step:
    """Its socket, where one is known, else what its thread holds."""
    apc = known.apcs[row]
    if known.at.socket[row] >= 0:
        return Step("sockets", Scope(endpoint=apc.endpoint, label=f"IRP {hexadecimal(apc.irp)}"))
    thread = known_id(apc.thread_id)
    label = named_process(apc.process, apc.process_id) if thread is None else f"thread {thread}"
    return Step("allocations", Scope(process=apc.process_id, thread=thread, label=label))


def _words(known: _Known, row: int) -> Text:
    """All that is known of it, the rule included."""
    apc = known.apcs[row]
    leads = "its socket" if known.at.socket[row] >= 0 else "what its thread allocated"
    lines = [
        Text.assemble(("Pending APC" + INFERRED, WARNING), " of IRP ", (hexadecimal(apc.irp), HEADING)),
        fact("who", _who(apc)),
        fact("what", _what(known, row)),
        fact("since then", safe(apc.says)),
        fact("pending", f"{duration(apc.age_ns)}; its delivery would release {exact_size(apc.retained_bytes)}"),
        fact(f"rule {safe(apc.rule)}", RULES.get(apc.rule, "not known") + INFERRED),
        *_socket(known, row),
        fact("issued", _event(apc.issued)),
        fact("completed", _event(apc.completed)),
        Text(f"Enter: {leads}", QUIET),
    ]
    return Text("\n").join(lines)


def _who(apc: PendingApc) -> str:
    thread = known_id(apc.thread_id)
    return f"{named_process(apc.process, apc.process_id)}, thread {'not known' if thread is None else thread}"


def _what(known: _Known, row: int) -> str:
    request = int(known.at.request[row])
    if known.grounds is None or request < 0:
        return "operation not known"
    return f"{operation_name(known.grounds.requests.requests, request)}, request id {known.apcs[row].match_id}"


def _socket(known: _Known, row: int) -> list[Text]:
    apc, socket, request = known.apcs[row], int(known.at.socket[row]), int(known.at.request[row])
    if not apc.endpoint:
        return []
    lines = [fact("socket", hexadecimal(apc.endpoint))]
    if known.grounds is None:
        return lines
    tables = known.grounds.requests
    if socket >= 0:
        remote = tables.sockets.remote[socket] or "not known"
        lines = [fact("socket", f"{hexadecimal(apc.endpoint)}, remote address {remote}")]
    joined = _JOINS.get(Join(int(tables.requests.join[request]))) if request >= 0 else None
    return [*lines, fact("socket known by", joined)] if joined else lines


def _event(event: EventRef) -> str:
    """Where in the trace to look."""
    cpu = f"CPU {event.cpu}" if event.cpu >= 0 else "CPU not known"
    place = f", byte {event.offset:,} of the file" if event.offset >= 0 else ""
    return f"{moment(event.time_ns)}, {cpu}{place}"
