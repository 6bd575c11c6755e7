"""The parts that every document about a trace shares: its header, its losses, its damage."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.errors import Damage
from tracer.trace import Gap, InferredLoss, JoinedFile, Loss, Rolled, TraceInfo, filetime_text
from tui.json_documents.writing import Object, string


def trace_part(info: TraceInfo) -> Object:
    """The header; ``end`` is null where nothing says it."""
    return {
        "path": string(info.path) if not info.joined else [string(each.path) for each in info.joined],
        "bytes": info.bytes,
        "session": string(info.session),
        "start": filetime_text(info.start),
        "end": filetime_text(info.end),
        "duration_ns": info.duration_ns,
        "os_build": info.os_build,
        "pointer_size": info.pointer_size,
        "processors": info.processors,
        "machine_pointer_size": info.machine_pointer,
        "processors_seen": info.processors_seen or info.processors,
        "continues": info.continues,
        "clock_shifts": [
            {"cpu": shift.cpu, "behind_ns": shift.behind_ns, "pairs": shift.pairs} for shift in info.clock_shifts
        ],
        "standstills": [{"from_ns": each.from_ns, "to_ns": each.to_ns} for each in info.standstills],
        "buffers": info.buffers,
        "compressed_buffers": info.compressed_buffers,
        "clock": info.clock,
        "clock_frequency": info.clock_frequency,
        "mode": list(info.mode),
        "finalised": info.finalised,
        "simulated": info.simulated,
        "sessions": info.sessions,
        "session_number": info.session_number,
        "joined": [_joined(each) for each in info.joined],
        "rolled": None if info.rolled is None else _rolled(info.rolled),
    }


def _joined(file: JoinedFile) -> Object:
    return {
        "path": string(file.path),
        "bytes": file.bytes,
        "session": string(file.session),
        "start": filetime_text(file.start),
        "end": filetime_text(file.end),
        "why": string(file.why) or None,
    }


def _rolled(rolled: Rolled) -> Object:
    return {
        "signs": [string(sign) for sign in rolled.signs],
        "beside": [string(name) for name in rolled.beside],
        "goes_on": rolled.goes_on,
    }


def loss_part(loss: Loss) -> Object:
    """What the session lost; ``cpu`` is null where it is not known."""
    return {
        "events_lost": loss.events_lost,
        "buffers_lost": loss.buffers_lost,
        "gaps": _gaps(loss.gaps),
        "overwritten": _gaps(loss.overwritten),
        "inferred": None if loss.inferred is None else _inferred_part(loss.inferred),
    }


def _gaps(gaps: Sequence[Gap]) -> list[Object]:
    return [
        {
            "from_ns": gap.from_ns,
            "to_ns": gap.to_ns,
            "cpu": None if gap.cpu < 0 else gap.cpu,
            "reason": string(gap.reason),
            **_file(gap.file),
        }
        for gap in gaps
    ]


def _inferred_part(inferred: InferredLoss) -> Object:
    """About how many pool events are missing though nothing says so, and what shows it."""
    return {
        "events": inferred.events,
        "share": inferred.share,
        "replaced_without_free": inferred.replaced,
        "frees_without_allocation": inferred.unmatched,
        "gaps": _gaps(inferred.gaps),
    }


def damage_part(damage: Sequence[Damage]) -> list[Object]:
    """What could not be read."""
    return [
        {
            "offset": place.offset,
            "code": str(place.code),
            "what": string(place.what),
            "bytes_skipped": place.bytes_skipped,
            **_file(place.file),
        }
        for place in damage
    ]


def _file(name: str) -> Object:
    """Which file it is of, in a trace that has more than one."""
    return {"file": string(name)} if name else {}
