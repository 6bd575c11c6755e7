"""``--explain N``: the path from the root of the retention graph to a finding's memory, and every event behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Final

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from analyzers.findings import EventRef, Evidence, Finding, HeldRequest, PathNode
from analyzers.formatting import counted, duration, moment, number, size
from analyzers.selection.requests import requests_of
from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tracer.trace import TraceInfo
from tui.findings.held import Owners, holder_words, port_owners
from tui.findings.words import INFERRED_KINDS, further_evidence, known_id
from tui.report.blocks import block_lines
from tui.report.findings import INFERRED, advice_lines, fact_lines, reason_lines
from tui.report.names import names_lines
from tui.report.stacks import frame_lines
from tui.report.styles import LABEL, QUIET, heading, note
from tui.report.trace import path_lines, simulated_lines
from tui.report.wrapping import wrapped
from tui.safe_text import safe

_FRAMES: Final = 32
"""Frames of the finding's stack: all of nearly every kernel stack."""
_WIDTHS: Final = (15, 3, 14, 14)
"""Cells for time, CPU, kind and offset of an event."""


_OF_BUFFERS: Final = (
    "  The trace is compressed: an offset is that of the buffer that holds the event, so several events share one."
)


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """A line of the time line; ``event`` is ``None`` for a step that no event tells, which is inferred."""

    time_ns: int
    what: str
    event: EventRef | None = None


def explanation(snapshot: Snapshot, finding: Finding, *, top: int, width: int, all_frames: bool = False) -> list[Text]:
    """Everything behind one finding; of its held requests the ``top`` oldest, of its stack ``all_frames`` or few."""
    names = snapshot.names
    held = requests_of(finding, snapshot.diagnosis.held_requests)
    held = held.take(np.argsort(held.issued_ns, kind="stable"))
    lines = [*simulated_lines(snapshot.info), *path_lines(snapshot.info), Text()]
    lines += [*wrapped([*fact_lines(finding, snapshot), *advice_lines(finding)], width), Text()]
    if reasons := reason_lines(finding):
        lines += [heading("Possible reasons"), *wrapped(reasons, width), Text()]
    lines += [heading("What holds it")]
    lines += _path_lines(finding.path, _inferred_rules(finding), width)
    lines += [Text(), heading("Evidence"), *wrapped(_evidence_lines(further_evidence(finding, snapshot)), width)]
    stack = frame_lines(names.frames(finding.stack), limit=_FRAMES, all_frames=all_frames)
    lines += [Text(), heading("Allocated at"), *stack]
    user = names.frames(finding.user_stack, known_id(finding.process_id) or 0)
    if user:
        lines += [Text(), heading("Called from (user mode)"), *frame_lines(user, limit=_FRAMES)]
    shown = {frame.module for frame in (*names.frames(finding.stack), *user)}
    lines += wrapped(names_lines(snapshot.named, shown), width)
    info = snapshot.info
    if blocks := block_lines(finding, snapshot, top, width):
        lines += [Text(), *blocks]
    steps = _steps(further_evidence(finding, snapshot), held[:top], port_owners(snapshot))
    lines += [Text(), heading("Events, in time order"), *_time_line(steps, info, width)]
    if steps and info.compressed_buffers:
        lines += wrapped([note(_OF_BUFFERS)], width)
    left = len(held) - top
    if left > 0:
        lines.append(note(f"  and the events of {counted(left, 'request')} more (--top shows more)"))
    return lines


def _inferred_rules(finding: Finding) -> frozenset[str]:
    return frozenset(reason.rule for reason in finding.evidence if reason.inferred)


def _path_lines(path: Sequence[PathNode], inferred: frozenset[str], width: int) -> list[Text]:
    lines: list[Text] = []
    for depth, node in enumerate(path):
        mark = INFERRED if node.kind in INFERRED_KINDS or node.rule in inferred else ""
        held = f", retains {size(node.retained_bytes)}" if node.retained_bytes else ""
        lead = "  " * (depth + 1) + ("-> " if depth else "")
        lines.append(Text(f"{lead}{_node_words(node)}{held}{mark}"))
    return wrapped(lines, width)


def _node_words(node: PathNode) -> str:
    """The label, after the node's kind where it does not say that itself; what holds requests does."""
    if node.kind in INFERRED_KINDS:
        return safe(node.label)
    kind = node.kind.replace("-", " ")
    return safe(node.label if kind in node.label.casefold() else f"{kind} {node.label}")


def _evidence_lines(evidence: Sequence[Evidence]) -> list[Text]:
    return [
        Text.assemble(f"  {place}.  {safe(reason.says)}", (INFERRED if reason.inferred else "", QUIET))
        for place, reason in enumerate(evidence, 1)
    ]


def _time_line(steps: Iterable[TimelineStep], info: TraceInfo, width: int) -> list[Text]:
    ordered = sorted(steps, key=lambda step: step.time_ns)
    if not ordered:
        return [Text("  (no single event: it rests on counts over the whole trace)")]
    titles = _row(("Time", "CPU", "Kind", "Offset in file"), "What")
    return [Text(titles, LABEL), *(line for step in ordered for line in _step_lines(step, info, width))]


def _steps(evidence: Iterable[Evidence], held: Iterable[HeldRequest], owners: Owners) -> list[TimelineStep]:
    """One step for each event, with all that it is evidence of, and the inferred ones between them."""
    about: dict[EventRef, list[str]] = {}
    for place, reason in enumerate(evidence, 1):
        for event in reason.events:
            about.setdefault(event, []).append(f"evidence {place}{INFERRED if reason.inferred else ''}")
    waits: list[TimelineStep] = []
    for request in held:
        about.setdefault(request.issued, []).append(f"request 0x{request.irp:x} issued")
        if request.completed is not None:
            about.setdefault(request.completed, []).append(f"request 0x{request.irp:x} completed")
        since = request.issued_ns if request.completed_ns is None else request.completed_ns
        waits.append(TimelineStep(since, _wait_words(request, owners)))
    return [*(TimelineStep(event.time_ns, "; ".join(what), event) for event, what in about.items()), *waits]


def _wait_words(request: HeldRequest, owners: Owners) -> str:
    said = f"request 0x{request.irp:x} is held from here on, {duration(request.age_ns)}"
    return f"{said}: {holder_words(request, owners)}" + (f"; its thread {says}" if (says := safe(request.says)) else "")


def _step_lines(step: TimelineStep, info: TraceInfo, width: int) -> list[Text]:
    """The event's place in four columns; what it shows goes on below where the line is too short."""
    what = step.what
    if step.event is None:
        cells = (moment(step.time_ns), "", "(inferred)", "")
    else:
        cpu, (path, offset) = step.event.cpu, info.place(step.event.offset)
        what += f" (in {PurePath(path).name})" if info.joined else ""
        cells = (
            moment(step.time_ns),
            str(cpu) if cpu >= 0 else "?",
            safe(step.event.kind),
            number(offset) if offset >= 0 else "?",
        )
    line = Text(_row(cells, safe(what)))
    if cell_len(line.plain) <= width:
        return [line]
    return [Text(_row(cells, "").rstrip()), *wrapped([Text(" " * 6 + safe(what))], width)]


def _row(cells: tuple[str, str, str, str], what: str) -> str:
    time, cpu, kind, offset = _WIDTHS
    return f"  {cells[0]:<{time}} {cells[1]:>{cpu}}  {cells[2]:<{kind}} {cells[3]:>{offset}}  {what}"
