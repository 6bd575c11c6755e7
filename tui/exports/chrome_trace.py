"""The trace-event format that chrome://tracing and Perfetto draw: memory over time and requests.

Source: "Trace Event Format" (docs.google.com, linked from perfetto.dev's page on external trace formats).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import numpy as np

from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from tui.json_documents.writing import address
from tui.report.trace import name_of
from tui.safe_text import safe

_MOST_TAGS: Final = 50
"""Tags that have a counter of their own, those with most outstanding bytes; the others share one."""
_POOL: Final = 1
"""Id of the made-up process that the counters hang on: no process of Windows has an odd id."""

_Event = dict[str, object]


def chrome_trace(snapshot: Snapshot) -> Iterator[bytes]:
    """Counters of outstanding bytes by tag, and held requests as asynchronous slices of their process and thread.

    Times are microseconds since the trace's start. A request that nothing completed lasts to the trace's end.
    """
    other = {"exporter": "poolscope", "trace": name_of(snapshot.info), "simulated": snapshot.info.simulated}
    yield f'{{"displayTimeUnit":"ns","otherData":{json.dumps(other)},"traceEvents":[\n'.encode()
    lead = ""
    for event in _events(snapshot):
        yield f"{lead}{json.dumps(event)}".encode()
        lead = ",\n"
    yield b"\n]}\n"


def _events(snapshot: Snapshot) -> Iterator[_Event]:
    yield _named(_POOL, "Pool: outstanding bytes")
    yield from _counters(snapshot)
    yield from _requests(snapshot)


def _named(pid: int, name: str) -> _Event:
    return {"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": name}}


def _counters(snapshot: Snapshot) -> Iterator[_Event]:
    """What was outstanding at the end of each step of time, from 0 at the trace's start."""
    pool = snapshot.pool
    tags, history = pool.tags, pool.history
    change = np.zeros((len(tags.tag), history.used), np.int64)
    np.add.at(change, pool.sites.tag_row, history.bytes[:, : history.used])
    held = np.cumsum(change, axis=1)
    order = np.argsort(-tags.outstanding_bytes, kind="stable")
    names = [
        f"{safe(tag_text(int(tags.tag[row])))} ({'paged' if tags.paged[row] else 'nonpaged'})"
        for row in order[:_MOST_TAGS].tolist()
    ]
    lines = list(zip(names, held[order[:_MOST_TAGS]], strict=True))
    if len(order) > _MOST_TAGS:
        lines.append((f"{len(order) - _MOST_TAGS} other tags", held[order[_MOST_TAGS:]].sum(axis=0)))
    for name, values in lines:
        yield _counter(name, 0, 0)
        for step, value in enumerate(values.tolist(), 1):
            yield _counter(name, min(step * history.step_ns, snapshot.at_ns), value)


def _counter(name: str, at_ns: int, value: int) -> _Event:
    return {"ph": "C", "name": name, "pid": _POOL, "tid": 0, "ts": at_ns / 1000, "args": {"bytes": value}}


def _requests(snapshot: Snapshot) -> Iterator[_Event]:
    held = snapshot.diagnosis.held_requests
    for pid, name in dict(zip(held.process_id.tolist(), held.process.tolist(), strict=True)).items():
        yield _named(pid, safe(held.processes[name]) or f"process {pid}")
    for number, request in enumerate(held):
        end_ns = snapshot.at_ns if request.completed_ns is None else request.completed_ns
        common = {
            "cat": "request",
            "name": safe(f"IRP {address(request.irp)}"),
            "id": number,
            "pid": request.process_id,
            "tid": request.thread_id,
        }
        told = {
            "why": str(request.why),
            "inferred": request.inferred,
            "driver": safe(request.driver),
            "retained_bytes": request.retained_bytes,
            "completed": request.completed_ns is not None,
        }
        yield {"ph": "b", "ts": request.issued_ns / 1000, **common, "args": told}
        yield {"ph": "e", "ts": end_ns / 1000, **common}
