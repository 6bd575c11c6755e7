"""What there is to say of a trace itself, as lines: where it is from, what it lacks, and what that costs."""

from __future__ import annotations

import uuid
from typing import Final

from rich.text import Text

from analyzers.formatting import counted, duration, moment, number
from analyzers.snapshot import Snapshot
from analyzers.symbolization import NamesFound
from tracer.events.providers import provider_name
from tracer.trace import Census, Gap
from tui.findings.evidence import KINDS, EvidenceKind, missing_kinds
from tui.incompleteness import interrupted_words
from tui.report.info import byte_lines, record_lines
from tui.report.names import names_lines
from tui.report.pool import has_pool_events, ledger_lines
from tui.report.recording import ALL_EVIDENCE, HOW_TO_RECORD
from tui.report.styles import LABEL, WARNING, heading, labelled, note, warning
from tui.report.trace import drain_lines, file_lines, machine_lines, missing_lines, path_lines, simulated_lines
from tui.views.scene import Scene

_PLACES: Final = 200
"""Gaps and damaged places that are listed one by one."""
_CELLS: Final = 50
"""Cells of the line on which gaps are marked."""
_GAP, _WHOLE = "#", "."


def trace_lines(scene: Scene) -> list[Text]:
    """All of it, unbroken, of the whole trace."""
    snapshot = scene.whole
    info, totals = snapshot.info, snapshot.pool.totals
    lines = simulated_lines(info) + path_lines(info)
    if scene.no_pool_events:
        lines += [warning(scene.no_pool_events), Text()]
    lines += machine_lines(info) + drain_lines(snapshot) + file_lines(info)
    lines.append(labelled("read", f"{counted(snapshot.census.total, 'record')} up to {moment(snapshot.at_ns)}"))
    if scene.no_pool_events and not scene.is_followed:
        lines += [Text(), heading("How to record"), *map(Text, HOW_TO_RECORD)]
    lines += [Text(), heading("What is missing"), *_missing_lines(snapshot)]
    lines += [Text(), heading("Evidence"), *_evidence_lines(snapshot)]
    lines += _names_lines(scene.named)
    if has_pool_events(totals):
        lines += [Text(), *ledger_lines(snapshot)]
        if missing_kinds(snapshot):
            lines += [Text(), heading(ALL_EVIDENCE), *map(Text, HOW_TO_RECORD[1:])]
    lines += [Text(), *byte_lines(snapshot.bytes), Text(), *record_lines(snapshot.census, _provider_names(snapshot))]
    return lines


def limit_lines(scene: Scene) -> list[Text]:
    """What cannot be told from this trace, in short."""
    snapshot, lines = scene.whole, [Text("What this trace cannot tell", "bold")]
    if scene.no_pool_events and scene.is_followed:
        return [Text(scene.no_pool_events)]
    if scene.no_pool_events:
        lines.append(Text(scene.no_pool_events))
    if _is_incomplete(snapshot):
        lines.append(Text("Events are missing: what looks outstanding may have been freed unseen."))
    lines += [_cost(kind) for kind in missing_kinds(snapshot)]
    return lines if len(lines) > 1 else [Text("This trace holds every kind of evidence, and nothing of it was lost.")]


def gap_line(gaps: tuple[Gap, ...], duration_ns: int) -> str:
    """The trace from its start to its end in :data:`_CELLS` cells, those marked in which events are missing."""
    cells = [_WHOLE] * _CELLS
    for gap in gaps:
        first, last = (min(max(ns * _CELLS // max(duration_ns, 1), 0), _CELLS - 1) for ns in (gap.from_ns, gap.to_ns))
        cells[first : last + 1] = _GAP * (last + 1 - first)
    return "".join(cells)


def _missing_lines(snapshot: Snapshot) -> list[Text]:
    """Losses, where in time they are, and damage."""
    info, loss = snapshot.info, snapshot.loss
    lines = missing_lines(info, loss, snapshot.damage, interrupted=interrupted_words(snapshot), most=_PLACES)
    if not lines:
        return [Text("  nothing: the session lost no event, and every byte of the file could be read")]
    if loss.gaps:
        lines.append(labelled("in time", f"|{gap_line(loss.gaps, info.duration_ns)}|"))
        lines.append(note(f"  from 0 to {duration(info.duration_ns)}; {_GAP} marks where events are missing"))
    return lines


def _names_lines(named: NamesFound | None) -> list[Text]:
    """Image by image where its functions have names from, or which PDB file is missing; and how to get names."""
    if named is None:
        return [Text(), heading("Names"), Text("  no function has a name: --symbols PATH names folders of PDB files")]
    return names_lines(named) or [Text(), heading("Names"), Text("  nothing was looked for yet")]


def _is_incomplete(snapshot: Snapshot) -> bool:
    info, loss, damage = snapshot.info, snapshot.loss, snapshot.damage
    return bool(missing_lines(info, loss, damage, interrupted=interrupted_words(snapshot)))


def _evidence_lines(snapshot: Snapshot) -> list[Text]:
    missing = missing_kinds(snapshot)
    pool = _mark("pool events", "what is allocated and freed", is_there=has_pool_events(snapshot.pool.totals))
    return [pool, *(_kind_line(kind, snapshot.census, is_there=kind not in missing) for kind in KINDS)]


def _kind_line(kind: EvidenceKind, census: Census, *, is_there: bool) -> Text:
    by_provider = {str(guid): count for guid, count in census.providers.items()}
    events = sum(census.kernel_events.get(hook, 0) for hook in kind.hooks) + by_provider.get(kind.provider, 0)
    counts = f" ({number(events)})" if events else ""
    return _mark(kind.name + counts, kind.tells, is_there=is_there)


def _mark(name: str, tells: str, *, is_there: bool) -> Text:
    if is_there:
        return Text.assemble("  [x] ", (name, LABEL), f": {tells}")
    return Text.assemble("  [ ] ", (f"no {name}", WARNING), f": nothing tells {tells}")


def _cost(kind: EvidenceKind) -> Text:
    return Text.assemble((f"No {kind.name}: ", WARNING), f"nothing tells {kind.tells}.")


def _provider_names(snapshot: Snapshot) -> dict[uuid.UUID, str]:
    return {guid: name for guid in snapshot.census.providers if (name := provider_name(guid))}
