"""What is concluded, in a document: findings, what was cleared, pending APCs."""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.findings import Cleared, EventRef, Evidence, Finding, PathNode, PendingApc
from analyzers.pooltag import tag_hex, tag_text
from analyzers.snapshot import Frame, Snapshot
from tui.findings.words import finite, headline, known_id
from tui.json_documents.writing import Object, Value, address, string


def findings_part(snapshot: Snapshot) -> list[Object]:
    """Accusations, best first; empty where nothing is accused."""
    return [_finding(finding, snapshot) for finding in snapshot.diagnosis.findings]


def cleared_part(cleared: Sequence[Cleared]) -> list[Object]:
    """Groups that were looked at and are no leak as far as the trace tells, most bytes first."""
    return [
        {
            **_tag(group.tag, paged=group.paged),
            "driver": string(group.driver),
            "verdict": str(group.verdict),
            "count": group.count,
            "bytes": group.bytes,
            "why": string(group.why),
        }
        for group in cleared
    ]


def pending_part(pending: Sequence[PendingApc]) -> list[Object]:
    """Requests that completed and were not seen to be retired: inferred, every one."""
    return [_pending(apc) for apc in pending]


def stack_part(frames: Sequence[Frame]) -> list[Value]:
    """Frames, innermost first; what is not known of a frame is null."""
    return [
        {
            "address": address(frame.address),
            "module": string(frame.module) or None,
            "offset": frame.offset if frame.module else None,
            "symbol": string(frame.symbol) or None,
        }
        for frame in frames
    ]


def _tag(tag: int, *, paged: bool) -> Object:
    return {"tag": tag_text(tag), "tag_hex": tag_hex(tag), "paged": paged}


def _finding(finding: Finding, snapshot: Snapshot) -> Object:
    return {
        "rank": finding.rank,
        "verdict": str(finding.verdict),
        "says": string(headline(finding)),
        "confidence": finding.confidence,
        **_tag(finding.tag, paged=finding.paged),
        "count": finding.count,
        "bytes": finding.bytes,
        "retained_bytes": finding.retained_bytes,
        "bytes_per_hour": finite(finding.bytes_per_hour),
        "bytes_per_hour_interval": [finite(bound) for bound in finding.bytes_per_hour_interval],
        "process": {"id": known_id(finding.process_id), "name": string(finding.process)},
        "thread_id": known_id(finding.thread_id),
        "driver": string(finding.driver),
        "stack": stack_part(snapshot.names.frames(finding.stack)),
        "path": [_node(node) for node in finding.path],
        "evidence": [_evidence(reason) for reason in finding.evidence],
        "doubts": [string(doubt) for doubt in finding.doubts],
        "advice": string(finding.advice),
    }


def _node(node: PathNode) -> Object:
    return {
        "kind": node.kind,
        "id": string(node.id),
        "label": string(node.label),
        "rule": node.rule,
        "retained_bytes": node.retained_bytes,
    }


def _evidence(reason: Evidence) -> Object:
    return {
        "rule": reason.rule,
        "says": string(reason.says),
        "inferred": reason.inferred,
        "events": [_event(event) for event in reason.events],
    }


def _event(event: EventRef) -> Object:
    return {
        "time_ns": event.time_ns,
        "kind": event.kind,
        "cpu": event.cpu if event.cpu >= 0 else None,
        "offset": event.offset if event.offset >= 0 else None,
    }


def _pending(apc: PendingApc) -> Object:
    return {
        "irp": address(apc.irp),
        "match_id": apc.match_id,
        "thread_id": known_id(apc.thread_id),
        "process_id": known_id(apc.process_id),
        "process": string(apc.process),
        "issued_ns": apc.issued_ns,
        "completed_ns": apc.completed_ns,
        "age_ns": apc.age_ns,
        "thread_since": str(apc.since),
        "says": string(apc.says),
        "endpoint": address(apc.endpoint) if apc.endpoint else None,
        "retained_bytes": apc.retained_bytes,
        "rule": apc.rule,
        "inferred": True,
        "issued": _event(apc.issued),
        "completed": _event(apc.completed),
    }
