"""The documents of ``poolscope live`` and ``poolscope record``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tui.json_documents.analysis import analysis_document
from tui.json_documents.error import error_part
from tui.json_documents.trace import loss_part
from tui.json_documents.writing import SCHEMA, Object, string

if TYPE_CHECKING:
    from tracer.images.loaded import Identities
    from tui.capture.capturing import Captured
    from tui.capture.recording import Recorded


def capture_document(done: Captured, snapshot: Snapshot, filters: Query) -> Object:
    """The analysis' document of what was captured, narrowed to ``snapshot``, and how the capture went."""
    document = analysis_document(snapshot, filters)
    document["capture"] = notes_part(done.notes, done.left_behind)
    if done.fault is not None:
        document["error"] = error_part(done.fault)
    return document


def notes_part(notes: tuple[str, ...], left_behind: tuple[str, ...]) -> Object:
    """What Windows did not offer, and sessions of a crashed Poolscope that were stopped."""
    return {"notes": [string(note) for note in notes], "left_behind": [string(name) for name in left_behind]}


def recording_part(done: Recorded) -> Object:
    """How a recording went."""
    return {
        "path": string(str(done.path)),
        "bytes": done.bytes,
        "seconds": round(done.seconds, 3),
        "ended_by": str(done.ended_by),
        "command_exit_code": done.command_exit_code,
        "drain_seconds": None if done.drain_seconds is None else round(done.drain_seconds, 3),
        "loss": loss_part(done.loss),
        **notes_part(done.notes, done.left_behind),
        "images": None if done.images is None else _images_part(done.images),
    }


def _images_part(images: Identities) -> Object:
    """How many images the trace tells, of how many the identity is in the file, and the files without one."""
    return {
        "loaded": images.loaded,
        "identified": len(images.found),
        "missing": [{"path": string(each.path), "why": str(each.why)} for each in images.missing],
    }


def recording_document(done: Recorded) -> Object:
    """The whole document of a recording that is not analysed at once."""
    return {"schema": SCHEMA, "recording": recording_part(done)}
