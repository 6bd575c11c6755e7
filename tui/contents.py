"""What ``info`` knows of a trace: everything that needs no analysis."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.errors import Damage
from tracer.trace import ByteCount, Census, Loss, Source, TraceInfo


@dataclass(frozen=True, slots=True)
class Contents:
    """A trace's header, record counts, losses, damage and bytes; ``partial`` when reading was interrupted."""

    info: TraceInfo
    census: Census
    loss: Loss
    damage: tuple[Damage, ...]
    bytes: ByteCount
    partial: bool


def contents_of(source: Source, *, partial: bool) -> Contents:
    """What the source has told so far."""
    return Contents(source.info, source.census, source.loss, source.damage, source.bytes, partial)
