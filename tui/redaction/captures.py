"""What came of a capture or a recording, with stand-ins for names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from analyzers.process_names import file_name
from tui.capture.capturing import Captured
from tui.capture.recording import Recorded
from tui.redaction.redaction import Redaction
from tui.redaction.snapshots import redacted


def redacted_capture(done: Captured, redaction: Redaction) -> Captured:
    """How a capture went, and what is known of it."""
    return replace(
        done,
        snapshot=redacted(done.snapshot, redaction),
        notes=redaction.value(done.notes),
        fault=done.fault and redaction.error(done.fault),
    )


def redacted_recording(done: Recorded, redaction: Redaction) -> Recorded:
    """How a recording went; the file itself keeps its names."""
    images = done.images
    if images is not None:
        redaction.know_images((file_name(each.path), each.path) for each in images.missing)
        missing = (replace(each, path=redaction.text(each.path)) for each in images.missing)
        images = replace(images, missing=tuple(missing))
    path = Path(redaction.know_path(str(done.path)))
    return replace(done, path=path, notes=redaction.value(done.notes), images=images)
