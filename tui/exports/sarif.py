"""Findings as SARIF 2.1.0, which code hosts show beside the code.

Source: "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", docs.oasis-open.org/sarif.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from analyzers.findings import Finding, Verdict
from analyzers.pool_tables import Frame
from analyzers.pooltag import tag_hex
from analyzers.snapshot import Snapshot
from analyzers.verdicts.confidence import is_likely
from tui.exports.weights import frame_name
from tui.findings.headline import headline
from tui.findings.words import sure_words
from tui.incompleteness import missing_words
from tui.json_documents.writing import Object, Value
from tui.report.recording import NO_POOL_EVENTS
from tui.safe_text import safe

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ACCUSING: Final = (
    Verdict.PENDING_APC,
    Verdict.UNDRAINED_PORT,
    Verdict.DRIVER_KEPT,
    Verdict.MISSING_FREE,
    Verdict.GROWTH,
)
_FRAMES: Final = 64
_NO_BYTES: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Halves of a letter, which a name may have on Windows; those of U+DC80 to U+DCFF are bytes (PEP 383)."""


def sarif(snapshot: Snapshot) -> Iterator[bytes]:
    """One result a finding; ``rank`` is the confidence in percent."""
    rules: list[Value] = [{"id": str(each), "shortDescription": {"text": each.words}} for each in _ACCUSING]
    tool: Object = {"driver": {"name": "Poolscope", "version": version("poolscope"), "rules": rules}}
    run: Object = {
        "tool": tool,
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notifications(snapshot)}],
        "artifacts": [{"location": {"uri": _uri(path)}} for path in snapshot.info.paths],
        "results": [_result(finding, snapshot) for finding in snapshot.diagnosis.findings],
        "properties": {"simulated": snapshot.info.simulated},
    }
    yield (json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n").encode()


def _notifications(snapshot: Snapshot) -> list[Value]:
    """What the trace lacks, so that no results are not taken for no leaks."""
    lacks = [] if snapshot.pool.totals.events else [NO_POOL_EVENTS]
    return [{"level": "warning", "message": _message(each)} for each in (*lacks, *missing_words(snapshot))]


def _result(finding: Finding, snapshot: Snapshot) -> Object:
    frames = snapshot.names.frames(finding.stack)[:_FRAMES]
    text = f"{headline(finding, snapshot.diagnosis)}. Sure: {sure_words(finding)}. {finding.advice}"
    result: Object = {
        "ruleId": str(finding.verdict),
        "ruleIndex": _ACCUSING.index(finding.verdict),
        "level": "error" if is_likely(finding.confidence) else "warning",
        "rank": round(finding.confidence * 100, 1),
        "message": _message(text),
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": _uri(snapshot.info.paths[0]), "index": 0}},
                "logicalLocations": [_logical(finding, frames)],
            }
        ],
        "partialFingerprints": {"poolscopeFinding/v1": _fingerprint(finding, frames)},
        "properties": {
            "count": finding.count,
            "bytes": finding.bytes,
            "retainedBytes": finding.retained_bytes,
            "confidence": finding.confidence,
        },
    }
    if frames:
        result["stacks"] = [{"message": {"text": "allocated at"}, "frames": [_frame(frame) for frame in frames]}]
    return result


def _message(text: str) -> Object:
    """A message that has no link and no placeholder (3.11.5 and 3.11.6), whatever it quotes."""
    return {"text": safe(text).replace("](", "]\\x28").replace("{", "{{").replace("}", "}}")}


def _logical(finding: Finding, frames: Sequence[Frame]) -> Object:
    """The accused driver's own frame, where the stack has it, else whom the finding names."""
    for frame in frames:
        if frame.module and frame.module.lower() == finding.driver.lower():
            return {"fullyQualifiedName": frame_name(frame), "kind": "function" if frame.function else "module"}
    return {"fullyQualifiedName": safe(finding.driver or finding.process or "unknown"), "kind": "module"}


def _frame(frame: Frame) -> Object:
    told: Object = {"location": {"logicalLocations": [{"fullyQualifiedName": safe(str(frame))}]}}
    return told | ({"module": safe(frame.module)} if frame.module else {})


def _fingerprint(finding: Finding, frames: Sequence[Frame]) -> str:
    """The same in every trace of the same builds: verdict, tag, culprit, and its frame."""
    said = (finding.verdict, tag_hex(finding.tag), finding.paged, finding.driver.lower(), finding.process.lower())
    place = _logical(finding, frames)["fullyQualifiedName"]
    return hashlib.sha256(repr((*map(str, said), place)).encode()).hexdigest()[:32]


def _uri(path: str) -> str:
    """A reference that a reader resolves from where the trace lies."""
    from urllib.parse import quote

    name = _NO_BYTES.sub("\ufffd", Path(path).name)
    return quote(name or "trace", errors="surrogateescape")
