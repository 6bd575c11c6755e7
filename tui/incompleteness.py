"""What of a trace is missing, in a few words each."""

from __future__ import annotations

from collections.abc import Sequence

from analyzers.quantities import counted, number, size
from tracer.errors import Damage
from tracer.trace import InferredLoss, Loss, TraceInfo


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
    if loss.inferred is not None:
        missing.append(inferred_words(loss, loss.inferred))
    if loss.complete_from_ns:
        missing.append("its beginning overwritten")
    if loss.gaps:
        missing.append(counted(len(loss.gaps), "gap"))
    if damage:
        skipped = size(sum(place.bytes_skipped for place in damage))
        missing.append(f"{counted(len(damage), 'place')} damaged, {skipped} skipped")
    return missing


def inferred_words(loss: Loss, inferred: InferredLoss) -> str:
    """About how many events are missing beyond what the trace says."""
    told = loss.events_lost or loss.buffers_lost or loss.gaps
    how = "more than the session says" if told else "though nothing says so"
    return f"about {number(rounded(inferred.events))} pool events ({inferred.share:.0%}) missing, {how}"


def rounded(count: int) -> int:
    """An estimate with two digits that mean something."""
    return int(float(f"{count:.2g}"))
