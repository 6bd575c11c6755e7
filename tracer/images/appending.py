"""Identities of images as events at the end of a recording: what merging by Microsoft's tools would add to it.

The events are ImageID and DbgID_RSDS (:mod:`tracer.events.image`). A merge gives each the time of its image event, and
puts it before that; here they have the time of the recording's end (:mod:`tracer.etl.appending`). Whoever reads them
finds the image by process and base.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tracer.etl.appending import Classic, What, append_events
from tracer.events.encode import Value
from tracer.events.image import DEBUG_IDENTITY, IDENTITY, IMAGE_ID
from tracer.images.loaded import Identity

_MOST_NAME: Final = 260
_WHAT: Final = What(
    "identities-not-written",
    "the identities of images were not added to the recording",
    "record again; the recording itself can be read as it is, without identities of images",
)


def append_identities(path: Path, identities: Sequence[Identity]) -> int:
    """Add their events to a finished recording, all or none; gives the bytes added, and raises as ``append_events``.

    The code of its OutputError is ``identities-not-written``.
    """
    events = [event for identity in identities for event in _events(identity)]
    return append_events(path, lambda _head, _ticks: events, _WHAT)


def _events(identity: Identity) -> Iterator[Classic]:
    image, headers = identity.image, identity.headers
    name = headers.original_name or image.path.rpartition("\\")[2][-_MOST_NAME:]
    values: dict[str, Value] = {"base": image.base, "process": image.process}
    fields: dict[str, Value] = {"size": image.size, "time_date_stamp": headers.time_date_stamp, "file_name": name}
    yield Classic(IMAGE_ID, IDENTITY, values | fields)
    if (debug := headers.debug) is not None:
        fields = {"signature": debug.guid.bytes_le, "age": debug.age, "pdb": debug.name}
        yield Classic(IMAGE_ID, DEBUG_IDENTITY, values | fields)
