"""What of a trace is missing, in a few words each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzers.formatting import counted, duration, number, size
from analyzers.snapshot import Snapshot
from tracer.errors import Damage, DamageCode
from tracer.trace import Gap, InferredLoss, Loss
from tui.safe_text import safe

_OF_A_CUT: Final = (DamageCode.BUFFERS_MISSING, DamageCode.BUFFER_CUT, DamageCode.FILE_TAIL)
"""What is said of a file that ends too early, in one word of it."""
_GAPS: Final = {
    "events-lost": "events were lost",
    "buffer-lost": "a buffer was lost",
    "between-files": "between two files",
    "sequence-gap": "{} missing, by their numbers",
    "ring-full": "events came faster than they were read",
    "free-lost": "a free is missing (inferred)",
    "overwritten": "overwritten",
}
"""Why events are missing, by the key of a gap's reason."""


def interrupted_words(snapshot: Snapshot) -> str:
    """That reading was interrupted, and how much of the trace's time had been read; empty where it was not."""
    if not snapshot.partial:
        return ""
    at, whole = snapshot.at_ns, snapshot.info.duration_ns
    share = f", {100 * at / whole:.0f} %" if 0 < at <= whole else ""
    return f"reading was interrupted after {duration(at)} of {duration(whole)}{share}"


def _cut_short(snapshot: Snapshot, interrupted: str) -> str:
    """The same as :func:`interrupted_words`, for a line that much else has to fit on."""
    at, whole = snapshot.at_ns, snapshot.info.duration_ns
    return f"{interrupted} {duration(at)} ({100 * at / whole:.0f} %)" if 0 < at <= whole else "reading interrupted"


def missing_words(snapshot: Snapshot, *, interrupted: str = "interrupted at") -> list[str]:
    """Loss and damage, most missing first as a rule; empty when nothing is missing."""
    info, loss, damage = snapshot.info, snapshot.loss, snapshot.damage
    missing = []
    if snapshot.partial:
        missing.append(_cut_short(snapshot, interrupted))
    if lost := lost_words(loss.events_lost, loss.buffers_lost):
        missing.append(f"{lost} lost")
    if loss.inferred is not None:
        missing.append(inferred_words(loss, loss.inferred))
    if loss.complete_from_ns:
        missing.append("its beginning overwritten")
    if damage:
        missing.append(_damage_words(damage))
    if loss.gaps:
        missing.append(f"{counted(len(loss.gaps), 'gap')} in time")
    if info.rolled is not None:
        missing.append(f"{'' if info.rolled.beside else 'maybe '}one part of a rolled recording")
    if not info.finalised:
        missing.append("session never closed")
    return missing


def words_within(words: Sequence[str], cells: int) -> str:
    """As many of the words as have room on a line of the interface, the first at least, and how many others there are.

    The trace's own view, under ``0``, has all of them.
    """
    lines = [", ".join(words)]
    lines += [f"{', '.join(words[:-left])}, {left} more (0)" for left in range(1, len(words))]
    return next((line for line in lines if len(line) <= cells), lines[-1])


def lost_words(events: int, buffers: int) -> str:
    """What a session counted as lost; empty for nothing."""
    counts = ((events, "event"), (buffers, "buffer"))
    return " and ".join(counted(count, noun) for count, noun in counts if count)


def gap_words(gap: Gap) -> str:
    """Why events are missing in a gap. Its reason is a key, with the number of buffers where one is known."""
    key, _, buffers = gap.reason.partition(":")
    missing = counted(int(buffers), "buffer") if buffers.isdecimal() else "buffers"
    return _GAPS.get(key, safe(gap.reason)).format(missing)


def _damage_words(damage: Sequence[Damage]) -> str:
    """Buffers that are missing count more than the bytes left of the one where the file was cut."""
    cut = [place.what.partition(":")[0] for place in damage if place.code is DamageCode.BUFFERS_MISSING]
    places = [place for place in damage if not cut or place.code not in _OF_A_CUT]
    skipped = f"{size(sum(place.bytes_skipped for place in places))} skipped"
    return ", ".join([*cut, *([f"{counted(len(places), 'place')} damaged, {skipped}"] if places else [])])


def inferred_words(loss: Loss, inferred: InferredLoss) -> str:
    """About how many events are missing beyond what the trace says."""
    reported = loss.events_lost or loss.buffers_lost or loss.gaps
    how = "more than the session says" if reported else "though nothing says so"
    return f"about {number(rounded(inferred.events))} pool events ({100 * inferred.share:.0f} %) missing, {how}"


def rounded(count: int) -> int:
    """An estimate with two digits that mean something."""
    return int(float(f"{count:.2g}"))
