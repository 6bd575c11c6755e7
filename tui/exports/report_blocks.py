"""What a report says, as blocks that a page and a PDF show each in its way.

Texts are as the trace has them: whoever shows a block makes them harmless.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from analyzers.findings import Finding
from analyzers.formatting import counted, duration, size
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tui.exports.drawings import Drawing
from tui.exports.flame_tree import FlameTree, flame_tree
from tui.exports.retention_drawing import RetentionDrawings
from tui.exports.time_line import time_line
from tui.findings.evidence import missing_kinds
from tui.findings.explanations import possible_reasons
from tui.findings.headline import headline
from tui.findings.markdown import finding_facts
from tui.findings.words import known_id
from tui.incompleteness import missing_words
from tui.outcome import is_judged
from tui.report.findings import INFERRED
from tui.report.recording import ALL_EVIDENCE, HOW_TO_RECORD, NO_POOL_EVENTS
from tui.report.trace import SIMULATED_NOTICE, drain_words, name_of

_TAGS: Final = 20
_FRAMES: Final = 32


@dataclass(frozen=True, slots=True)
class Heading:
    """``level``: 1 of the report, 2 of a part, 3 inside it."""

    level: int
    words: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What must not be overlooked."""

    words: str


@dataclass(frozen=True, slots=True)
class Note:
    """What is said beside."""

    words: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Words by label; an empty label is that of the row above."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that are kept as they are, such as a call stack or commands."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; the first ``texts`` columns are words, the others numbers."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int


Block = Heading | Notice | Note | Facts | Items | Lines | Grid | Drawing | FlameTree


def report_title(snapshot: Snapshot) -> str:
    """The answer in one line."""
    count = len(snapshot.diagnosis.findings)
    says = (
        counted(count, "leak") if count else "No leak found" if is_judged(snapshot) else "Nothing can be said of leaks"
    )
    return f"{says} in {name_of(snapshot.info)}"


def report_blocks(snapshot: Snapshot) -> Iterator[Block]:
    """The whole report from its title to how a better trace is recorded."""
    yield from _head(snapshot)
    draw = RetentionDrawings(snapshot)
    for finding in snapshot.diagnosis.findings:
        yield from _finding(finding, snapshot, draw)
    if is_judged(snapshot):
        yield Heading(2, "Outstanding bytes over time")
        yield time_line(snapshot)
        yield Heading(2, "Outstanding bytes by call stack")
        tree = flame_tree(snapshot)
        yield tree if tree.bytes else Note("Nothing is outstanding.")
        yield from _tags(snapshot)
    yield from lacking(snapshot)


def _head(snapshot: Snapshot) -> Iterator[Block]:
    totals = snapshot.pool.totals
    yield Heading(1, report_title(snapshot))
    if snapshot.info.simulated:
        yield Notice(SIMULATED_NOTICE)
    if missing := missing_words(snapshot):
        yield Notice(f"Incomplete: {'; '.join(missing)}")
    outstanding = f"{counted(totals.outstanding_count, 'allocation')}, {size(totals.outstanding_bytes)}"
    drain = drain_words(snapshot)
    yield Facts(
        (
            ("Time", duration(snapshot.at_ns)),
            *([("Drain", drain)] if drain else []),
            ("Allocations", f"{totals.allocations:,}, of which {totals.matched:,} freed in the trace"),
            ("Outstanding", f"{outstanding} ({totals.outstanding_bytes:,} bytes)"),
        )
    )


def _finding(finding: Finding, snapshot: Snapshot, draw: RetentionDrawings) -> Iterator[Block]:
    yield Heading(2, f"{finding.rank}. {headline(finding, snapshot.diagnosis)}")
    facts = [*finding_facts(finding, snapshot), ("Next", finding.advice)]
    yield Facts(tuple((label, words) for label, words in facts if words))
    yield Heading(3, "Evidence")
    yield Items(tuple(f"{each.says}{INFERRED if each.inferred else ''}" for each in finding.evidence))
    if others := possible_reasons(finding):
        yield Heading(3, "Other reasons")
        yield Facts(tuple(others))
    if finding.path:
        yield Heading(3, "What holds it")
        yield draw.of(finding)
    yield from _stack("Allocated at", finding.stack, 0, snapshot)
    if finding.user_stack >= 0:
        yield from _stack("Called from (user mode)", finding.user_stack, known_id(finding.process_id) or 0, snapshot)


def _stack(title: str, stack: int, process: int, snapshot: Snapshot) -> Iterator[Block]:
    frames = snapshot.names.frames(stack, process)
    more = (f"and {len(frames) - _FRAMES} more",) if len(frames) > _FRAMES else ()
    yield Heading(3, title)
    yield Lines((*map(str, frames[:_FRAMES]), *more) or ("no stack",))


def _tags(snapshot: Snapshot) -> Iterator[Block]:
    tags = snapshot.pool.tags
    rows = np.argsort(-tags.outstanding_bytes, kind="stable")[:_TAGS]
    headings = ("Tag", "Pool", "Driver", "Outstanding", "Bytes", "Peak", "Allocations", "Frees")
    yield Heading(2, "Tags")
    yield Grid(headings, tuple(_tag(snapshot, row) for row in rows.tolist()), texts=3)
    if len(tags.tag) > len(rows):
        yield Note(f"and {len(tags.tag) - len(rows):,} more")


def _tag(snapshot: Snapshot, row: int) -> tuple[str, ...]:
    tags = snapshot.pool.tags
    return (
        tag_text(int(tags.tag[row])),
        "paged" if tags.paged[row] else "nonpaged",
        tags.driver[row],
        f"{int(tags.outstanding_count[row]):,}",
        size(int(tags.outstanding_bytes[row])),
        size(int(tags.peak_bytes[row])),
        f"{int(tags.allocations[row]):,}",
        f"{int(tags.frees[row]):,}",
    )


def lacking(snapshot: Snapshot) -> Iterator[Heading | Note | Items | Lines]:
    """What the trace lacks, and how one is recorded that has it; nothing where it lacks nothing."""
    coverage = snapshot.coverage
    if coverage is None or not coverage.missing:
        return
    yield Heading(2, "What the trace lacks")
    if not coverage.pool:
        yield Note(NO_POOL_EVENTS)
    if kinds := missing_kinds(snapshot):
        yield Items(tuple(f"No {kind.name}: nothing tells {kind.tells}." for kind in kinds))
    yield Heading(3, ALL_EVIDENCE)
    yield Lines(HOW_TO_RECORD[2:])
