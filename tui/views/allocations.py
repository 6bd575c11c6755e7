"""Allocations: every outstanding allocation of the scope."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from rich.text import Text

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.findings import HeldRequest, HeldRequests
from analyzers.formatting import counted, duration, exact_size, moment
from analyzers.pooltag import tag_text
from analyzers.processes import life_at
from analyzers.retention.attribution import INFERRED, WORDS, Rule
from analyzers.snapshot import Snapshot
from tracer.arrays import I64
from tracer.columns import UNKNOWN_ID, Who
from tui.findings.held import holder_words, port_owners
from tui.report.trace import byte_words
from tui.safe_text import safe
from tui.tables.allocations import allocation_table
from tui.tables.sites import caller
from tui.tables.words import KNOWN_BY_LONG, pool_type, process_label, thread_label
from tui.views.limits import interval_words
from tui.views.listing import Listing, Location
from tui.views.scene import Scene
from tui.views.stack_lines import stack_lines
from tui.views.table_view import TableView

_NO_USER_STACK = "(no user-mode stack in the trace)"


def make() -> TableView:
    """The view."""
    return TableView(listing, "bytes")


def listing(scene: Scene) -> Listing:
    """One row per allocation, oldest first in the model."""
    snapshot = scene.snapshot
    out = snapshot.pool.outstanding
    about = interval_words(snapshot.pool, scene.scope)

    def step(row: int) -> Location | None:
        held = _held(snapshot.context, row, snapshot.diagnosis.held_requests)
        if held is not None:
            process = life_at(snapshot.names, held.process_id, held.issued_ns)
            own = replace(scene.scope, process=process, thread=held.thread_id, endpoint=held.endpoint or None)
            return Location("held-requests", own, f"request 0x{held.irp:x}")
        return _owner_step(scene, row) or _thread_step(scene, row) or _stack_step(scene, row)

    return Listing(
        model=allocation_table(snapshot),
        identity=lambda row: int(out.address[row]),
        describe=lambda row: Text("\n").join(_lines(snapshot, row, unfolded=scene.unfolded)),
        empty=scene.no_pool_events or f"Nothing of this is outstanding.{f' {about}' if about else ''}",
        step=step,
        copy=lambda row: f"0x{int(out.address[row]):x}",
        keys=out.address,
        totals=lambda rows: _totals(snapshot, rows),
    )


def _owner_step(scene: Scene, row: int) -> Location | None:
    """The socket that it is part of, unless one comes from there."""
    context = scene.snapshot.context
    socket = -1 if context is None else int(context.attribution.socket[row])
    if context is None or socket < 0:
        return None
    endpoint = int(context.requests.sockets.endpoint[socket])
    if scene.scope.endpoint == endpoint:
        return None
    return Location("sockets", replace(scene.scope, endpoint=endpoint), f"0x{endpoint:x}")


def _thread_step(scene: Scene, row: int) -> Location | None:
    """The thread that made it, unless one comes from there or it is not known."""
    out = scene.snapshot.pool.outstanding
    pid, thread = int(out.process[row]), int(out.thread[row])
    if UNKNOWN_ID in (pid, thread) or scene.scope.thread == thread:
        return None
    process = life_at(scene.snapshot.names, pid, int(out.time_ns[row]))
    return Location("processes", replace(scene.scope, process=process, thread=thread), f"thread {thread}")


def _stack_step(scene: Scene, row: int) -> Location | None:
    """Where it was made, unless one comes from there."""
    pool = scene.snapshot.pool
    stack = int(pool.sites.stack[pool.outstanding.site[row]])
    if scene.scope.stack == stack:
        return None
    return Location("stacks", replace(scene.scope, stack=stack), caller(scene.snapshot.names.frames(stack)))


def _totals(snapshot: Snapshot, rows: I64) -> Text:
    held = int(snapshot.pool.outstanding.size[rows].sum(dtype=np.uint64))
    return Text(f"{counted(len(rows), 'allocation')}, {exact_size(held)}")


def _lines(snapshot: Snapshot, row: int, *, unfolded: bool) -> list[Text]:
    pool, out = snapshot.pool, snapshot.pool.outstanding
    time, pid, site = int(out.time_ns[row]), int(out.process[row]), int(out.site[row])
    tag = tag_text(int(pool.tags.tag[pool.sites.tag_row[site]]))
    # user addresses mean something in their own process only
    user = snapshot.names.frames(int(out.user_stack[row]), pid)
    return [
        Text(f"0x{int(out.address[row]):x} {tag}", "bold"),
        Text(f"  {exact_size(int(out.size[row]))}, {pool_type(int(out.type[row]))}"),
        Text(f"  allocated at {moment(time)}, CPU {int(out.cpu[row])}, age {duration(snapshot.at_ns - time)}"),
        Text(f"  by {process_label(snapshot, pid, time)}, thread {thread_label(int(out.thread[row]))}"),
        Text(f"  {KNOWN_BY_LONG[Who(int(out.who[row]))]}"),
        *_owner_lines(snapshot, row),
        Text(f"  event at {byte_words(snapshot.info, int(out.offset[row]))}"),
        Text("User-mode stack", "bold"),
        *stack_lines(user, unfolded=unfolded, none=_NO_USER_STACK),
        Text("Kernel stack", "bold"),
        *stack_lines(snapshot.names.frames(int(pool.sites.stack[site])), unfolded=unfolded),
    ]


def _request(context: DiagnosisContext | None, row: int) -> int:
    """Row of the request that an allocation belongs to, -1 for none."""
    return -1 if context is None else int(context.attribution.request[row])


def _held(context: DiagnosisContext | None, row: int, held: HeldRequests) -> HeldRequest | None:
    """The held request that an allocation belongs to."""
    request = _request(context, row)
    if context is None or request < 0:
        return None
    requests = context.requests.requests
    return held.find(int(requests.irp[request]), int(requests.issued_ns[request]))


def _owner_lines(snapshot: Snapshot, row: int) -> list[Text]:
    """The request or socket that it is part of, by which rule, and what holds that."""
    context = snapshot.context
    if context is None:
        return []
    rule = Rule(int(context.attribution.rule[row]))
    if rule is Rule.NONE:
        return [Text(f"  {WORDS[rule]}")]
    said = f"{'inferred' if rule in INFERRED else 'observed'}: {WORDS[rule]}"
    lines = [Text(f"  part of {_owner(context, row)}"), Text(f"  {said}")]
    held = _held(context, row, snapshot.diagnosis.held_requests)
    if held is not None:
        how = " (inferred)" if held.inferred else ""
        said = holder_words(held, port_owners(snapshot))
        lines.append(Text(f"  held for {duration(held.age_ns)} by: {said}{how}"))
    return lines


def _owner(context: DiagnosisContext, row: int) -> str:
    request, socket = _request(context, row), int(context.attribution.socket[row])
    if request >= 0:
        return f"request 0x{int(context.requests.requests.irp[request]):x}"
    sockets = context.requests.sockets
    ends = " to ".join(safe(end) for end in (sockets.local[socket], sockets.remote[socket]) if end)
    return f"socket 0x{int(sockets.endpoint[socket]):x}{f', {ends}' if ends else ''}"
