"""What of a trace is missing, in a few words each."""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.quantities import counted, size
from tracer.errors import Damage
from tracer.trace import Loss, TraceInfo


def missing_words(info: TraceInfo, loss: Loss, damage: Sequence[Damage], *, partial: bool) -> list[str]:
    """Loss and damage; empty when nothing is missing."""
    missing = []
    if partial:
        missing.append("reading was interrupted")
    if not info.finalised:
        missing.append("session never closed")
    if info.rolled is not None:
        missing.append(f"{'' if info.rolled.beside else 'maybe '}one part of a rolled recording")
    if loss.events_lost:
        missing.append(f"{counted(loss.events_lost, 'event')} lost")
    if loss.buffers_lost:
        missing.append(f"{counted(loss.buffers_lost, 'buffer')} lost")
    if loss.complete_from_ns:
        missing.append("its beginning overwritten")
    if loss.gaps:
        missing.append(counted(len(loss.gaps), "gap"))
    if damage:
        skipped = size(sum(place.bytes_skipped for place in damage))
        missing.append(f"{counted(len(damage), 'place')} damaged, {skipped} skipped")
    return missing
