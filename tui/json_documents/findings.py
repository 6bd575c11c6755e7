"""What is concluded, in a document: findings, what was cleared, held requests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from analyzers.findings import (
    Cause,
    Cleared,
    EventRef,
    Evidence,
    Explanation,
    Finding,
    GroupShare,
    HeldRequest,
    HeldRequests,
    PathNode,
    PortPart,
    Separation,
)
from analyzers.pool_tables import Frame, Names
from analyzers.pooltag import tag_hex, tag_text
from analyzers.processes import lives_at
from analyzers.snapshot import Snapshot
from tracer.arrays import I32, unique
from tracer.trace import TraceInfo
from tui.findings.headline import headline
from tui.findings.words import finite, known_id
from tui.json_documents.writing import Object, Row, Written, address, list_text, string, string_text, text_in_list

_FRAME: Final = Row("address", "module", "offset", "symbol")
NO_STACKS: Final = np.zeros(0, np.int32)


class StackParts:
    """The stacks of a document: most stand in it twice, and are made once."""

    def __init__(self, names: Names, stacks: I32 = NO_STACKS) -> None:
        """``stacks``: of the kernel's those that will be asked for, as far as they are known."""
        self._names = names
        frames, which, bounds = names.frames_of(stacks)
        text = _frame_texts(frames)
        every = [text[at] for at in which.tolist()]
        ends = pairwise(bounds.tolist())
        self._made = {
            (stack, 0): Written.list_of(every[begin:end])
            for stack, (begin, end) in zip(stacks.tolist(), ends, strict=True)
        }

    def of(self, stack: int, process: int = 0) -> Written:
        """Frames, innermost first; what is not known of a frame is null."""
        key = stack, process
        if key not in self._made:
            self._made[key] = Written.list_of(_frame_texts(self._names.frames(stack, process)))
        return self._made[key]


def _frame_texts(frames: Sequence[Frame]) -> list[str]:
    modules = {name: string_text(name) for name in {frame.module for frame in frames}}
    return [
        _FRAME.text(f'"{address(frame.address)}"', modules[frame.module], frame.offset, "null")
        if frame.module and frame.symbol is None
        else text_in_list(_frame(frame))
        for frame in frames
    ]


def findings_part(snapshot: Snapshot, stacks: StackParts) -> list[Object]:
    """Accusations, best first; empty where nothing is accused."""
    return [_finding(finding, snapshot, stacks) for finding in snapshot.diagnosis.findings]


def cleared_part(snapshot: Snapshot) -> list[Object]:
    """Groups that were looked at and are no leak as far as the trace tells, most bytes first.

    Several may be of one tag: ``frame`` and ``process_id`` tell where and for whom all of one was allocated.
    """
    return [
        {
            **_tag(group.tag, paged=group.paged),
            "driver": string(group.driver),
            "verdict": str(group.verdict),
            "count": group.count,
            "bytes": group.bytes,
            "why": string(group.why),
            "frame": _place(group, snapshot),
            "process_id": _only_process(group, snapshot),
        }
        for group in snapshot.diagnosis.cleared
    ]


def _place(group: Cleared, snapshot: Snapshot) -> Object | None:
    """The frame that allocated all of a group's memory; null where there are several, or no stack tells."""
    pool = snapshot.pool
    sites = unique(pool.outstanding.site[group.rows])
    if not len(sites) or len(unique(pool.sites.frame[sites])) > 1:
        return None
    frames = snapshot.names.frames(int(pool.sites.stack[sites[0]]))
    place = [frame for frame in frames if frame.address == int(pool.sites.frame[sites[0]])]
    return _frame(place[0]) if place else None


def _only_process(group: Cleared, snapshot: Snapshot) -> int | None:
    out = snapshot.pool.outstanding
    lives, rows = lives_at(snapshot.names, out.process[group.rows], out.time_ns[group.rows])
    found = unique(rows)
    return known_id(lives[int(found[0])].id) if len(found) == 1 else None


def requests_parts(
    held: HeldRequests, info: TraceInfo, uncertain_until_ns: int = 0
) -> tuple[list[Object], list[Object]]:
    """Those of the held requests that an APC holds; and all: requests that are not retired, with what holds each.

    ``uncertain_until_ns``: those issued before may have been retired in a gap.
    """
    pending: list[Object] = []
    every: list[Object] = []
    for request in held:
        part = _held(request, info) | {"uncertain": request.issued_ns < uncertain_until_ns}
        if request.apc is not None:
            pending.append(part | {"apc": request.apc, "match_id": request.match_id})
        every.append(part | {"port": request.port or None, "driver": _named(request.driver)})
    return pending, every


def _frame(frame: Frame) -> Object:
    """What only a name brings stands in frames that have one."""
    symbol = frame.symbol
    document: Object = {
        "address": address(frame.address),
        "module": string(frame.module) or None,
        "offset": frame.offset if frame.module else None,
        "symbol": string(frame.function) or None,
    }
    if symbol is not None:
        document |= {
            "displacement": symbol.displacement,
            "named_by": str(frame.source),
            "source": _line(symbol.file, symbol.line),
            "inlined": [
                {"symbol": string(each.function), "source": _line(each.file, each.line)} for each in symbol.inlined
            ],
        }
    return document


def _line(file: str, line: int) -> Object | None:
    return {"file": string(file), "line": line or None} if file else None


def _tag(tag: int, *, paged: bool) -> Object:
    return {"tag": tag_text(tag), "tag_hex": tag_hex(tag), "paged": paged}


def _finding(finding: Finding, snapshot: Snapshot, stacks: StackParts) -> Object:
    return {
        "rank": finding.rank,
        "verdict": str(finding.verdict),
        "says": string(headline(finding, snapshot.diagnosis)),
        "confidence": finding.confidence,
        **_tag(finding.tag, paged=finding.paged),
        "count": finding.count,
        "bytes": finding.bytes,
        "undecided": finding.undecided,
        "retained_bytes": finding.retained_bytes,
        "bytes_per_hour": finite(finding.bytes_per_hour),
        "bytes_per_hour_interval": [finite(bound) for bound in finding.bytes_per_hour_interval],
        "process": {"id": known_id(finding.process_id), "name": string(finding.process)},
        "thread_id": known_id(finding.thread_id),
        "driver": _named(finding.driver),
        "accused": str(finding.accused),
        "apc": finding.apc,
        "port": None if finding.port is None else _port(finding.port),
        "kept": finding.kept,
        "explanations": [_explanation(reason) for reason in finding.explanations],
        "groups": [_group(share) for share in finding.groups or finding.shares],
        "separates": None if finding.separates is None else _separates(finding.separates),
        "unloaded_ns": finding.unloaded_ns,
        "user_stack": stacks.of(finding.user_stack, known_id(finding.process_id) or 0),
        "stack": stacks.of(finding.stack),
        "path": Written.list_of([_node_text(node) for node in finding.path]),
        "evidence": Written.list_of([_evidence_text(reason, snapshot.info) for reason in finding.evidence]),
        "doubts": [string(doubt) for doubt in finding.doubts],
        "advice": string(finding.advice),
    }


def _separates(separation: Separation) -> Object:
    return {
        "frame": _frame(separation.frame),
        "kept_with": separation.kept_with,
        "kept": separation.kept,
        "freed_with": separation.freed_with,
        "freed": separation.freed,
    }


def _named(name: str) -> str | None:
    """Null where nobody is to be named."""
    return string(name) or None


def _port(port: PortPart) -> Object:
    return {
        "number": port.number,
        "process_id": known_id(port.process_id),
        "process": string(port.process),
        "enqueued_by": list(port.enqueued_by),
        "dequeued_by": list(port.dequeued_by),
        "waiting": port.waiting,
    }


def _explanation(reason: Explanation) -> Object:
    return {
        "why": str(Cause.REFERENCE if reason.why is Cause.HANDLE else reason.why),  # an open handle is one
        "fits": str(reason.fits),
        "says": string(reason.says),
        "told_apart_by": string(reason.told_apart_by),
    }


def _group(share: GroupShare) -> Object:
    return {
        **_tag(share.tag, paged=share.paged),
        "count": share.count,
        "bytes": share.bytes,
        "driver": _named(share.driver),
    }


_NODE: Final = Row("kind", "id", "label", "rule", "retained_bytes")
_EVIDENCE: Final = Row("rule", "says", "inferred", "events")


def _node_text(node: PathNode) -> str:
    return _NODE.text(*map(string_text, (node.kind, node.id, node.label, node.rule)), node.retained_bytes)


def _evidence_text(reason: Evidence, info: TraceInfo) -> str:
    events = list_text([text_in_list(_event(event, info), 3) for event in reason.events], 2)
    inferred = "true" if reason.inferred else "false"
    return _EVIDENCE.text(string_text(reason.rule), string_text(reason.says), inferred, events)


_EVENT: Final = Row("time_ns", "kind", "cpu", "offset", depth=0)
_EVENT_OF_FILE: Final = Row("time_ns", "kind", "cpu", "offset", "file", depth=0)


def _event(event: EventRef, info: TraceInfo) -> Written:
    """``file`` tells the file that the offset is in, where the trace has more than one."""
    known = event.time_ns, string_text(event.kind), event.cpu if event.cpu >= 0 else "null"
    if not info.joined or event.offset < 0:
        place = (event.offset if event.offset >= 0 else "null",)
        return Written(_EVENT_OF_FILE.text(*known, *place, "null") if info.joined else _EVENT.text(*known, *place))
    path, offset = info.place(event.offset)
    return Written(_EVENT_OF_FILE.text(*known, offset, string_text(path)))


def _held(request: HeldRequest, info: TraceInfo) -> Object:
    return {
        "irp": address(request.irp),
        "why": str(request.why),
        "thread_id": known_id(request.thread_id),
        "process_id": known_id(request.process_id),
        "process": string(request.process),
        "issued_ns": request.issued_ns,
        "completed_ns": request.completed_ns,
        "age_ns": request.age_ns,
        "thread_since": str(request.since),
        "says": string(request.says),
        "endpoint": address(request.endpoint) if request.endpoint else None,
        "retained_bytes": request.retained_bytes,
        "rule": request.rule,
        "inferred": request.inferred,
        "issued": _event(request.issued, info),
        "completed": None if request.completed is None else _event(request.completed, info),
    }
