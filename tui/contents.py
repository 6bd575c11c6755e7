"""What ``info`` knows of a trace: everything that needs no analysis."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import field

from tracer.data_classes import dataclass
from tracer.errors import Damage
from tracer.events.providers import provider_name
from tracer.events.schema_book import SchemaBook
from tracer.images.carried import ImageFile
from tracer.trace import ByteCount, Census, Loss, Source, TraceInfo


@dataclass(frozen=True, slots=True)
class Contents:
    """A trace's header, record counts, losses, damage and bytes; ``partial`` when reading was interrupted.

    ``provider_names`` has the providers that occur, as far as their names are known. ``images``: the program files
    whose identity the trace carries, and how many loaded images each was.
    """

    info: TraceInfo
    census: Census
    loss: Loss
    damage: tuple[Damage, ...]
    bytes: ByteCount
    partial: bool
    provider_names: Mapping[uuid.UUID, str]
    images: Mapping[ImageFile, int] = field(default_factory=dict)


def contents_of(
    source: Source, *, partial: bool, images: Mapping[ImageFile, int], schemas: SchemaBook | None = None
) -> Contents:
    """What the source has told so far; providers are named as known here, else by the trace's own ``schemas``."""
    census = source.census
    names = {guid: provider_name(guid) or (schemas and schemas.provider_name(guid)) for guid in census.providers}
    known = {guid: name for guid, name in names.items() if name}
    return Contents(source.info, census, source.loss, source.damage, source.bytes, partial, known, images)
