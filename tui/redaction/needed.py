"""The images whose names a trace needs, with stand-ins for those that are not Windows' own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analyzers.process_names import file_name
from analyzers.snapshot import Snapshot
from analyzers.symbolization import ImageNames
from tui.redaction.contents import redacted_image
from tui.redaction.redaction import Redaction
from tui.redaction.stand_ins import Kind
from tui.symbols import NeededImage


def redacted_needed(needed: Sequence[NeededImage], snapshot: Snapshot, redaction: Redaction) -> list[NeededImage]:
    """The images, and what is told of where names are from: paths on this machine are stand-ins, too."""
    redaction.know_images(snapshot.names.images())
    redaction.know_images((each.names.image.name, each.names.path) for each in needed)
    return [replace(each, names=_names(each, redaction)) for each in needed]


def _names(needed: NeededImage, redaction: Redaction) -> ImageNames:
    names = needed.names
    image = redacted_image(names.image, redaction)
    if names.image.debug is not None and image.debug is not None and names.image.debug.name != image.debug.name:
        for each in (names.image.debug.name, file_name(names.image.debug.name)):
            redaction.know(each, image.debug.name)
    where = redaction.know_path(names.where, Kind.PATH) if names.where else ""
    return replace(names, image=image, path=redaction.text(names.path), where=where, told=redaction.value(names.told))
