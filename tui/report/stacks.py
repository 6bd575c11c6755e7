"""The call stacks that hold most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.formatting import counted, exact_size
from analyzers.plumbing import Run, runs_of
from analyzers.pool_tables import Frame
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from tracer.arrays import I64
from tui.report.styles import HEADING, QUIET
from tui.safe_text import safe
from tui.tables.sites import NO_STACK_TEXT
from tui.tables.words import pool_word

_FRAMES: Final = 16
"""Frames of a stack that a report shows: enough to reach past I/O manager and driver in most."""
_FOLDERS: Final = re.compile(r"[\\/]")


def stack_lines(snapshot: Snapshot, sites: I64, *, all_frames: bool = False) -> list[Text]:
    """The given sites, each with its stack."""
    return [
        line
        for place, site in enumerate(sites, 1)
        for line in _site_lines(snapshot, place, int(site), all_frames=all_frames)
    ]


def _site_lines(snapshot: Snapshot, place: int, site: int, *, all_frames: bool) -> list[Text]:
    sites, tags = snapshot.pool.sites, snapshot.pool.tags
    tag_row = int(sites.tag_row[site])
    held = (
        f"{counted(int(sites.outstanding_count[site]), 'allocation')}, {exact_size(int(sites.outstanding_bytes[site]))}"
    )
    name = f"{tag_text(int(tags.tag[tag_row]))} {pool_word(paged=bool(tags.paged[tag_row]))}"
    return [
        Text.assemble(f"  {place}. ", (name, HEADING), f"  {held}"),
        *frame_lines(snapshot.names.frames(int(sites.stack[site])), limit=_FRAMES, all_frames=all_frames),
        Text(),
    ]


def frame_lines(frames: Sequence[Frame], *, limit: int, all_frames: bool = False) -> list[Text]:
    """One line per frame, the allocating one first; those of the allocator and the I/O manager together in one.

    ``all_frames``: each on a line of its own.
    """
    if not frames:
        return [Text(f"     {NO_STACK_TEXT}", QUIET)]
    lines: list[Text] = []
    for run in [Run(0, len(frames))] if all_frames else runs_of(frames):
        if run.parts and run.begin < limit:
            lines.append(Text(f"     {run}", QUIET))
        elif not run.parts:
            lines += [line for frame in frames[run.begin : min(run.end, limit)] for line in one_frame(frame)]
    more = len(frames) - limit
    return [*lines, Text(f"     and {counted(more, 'frame')} more", QUIET)] if more > 0 else lines


def one_frame(frame: Frame) -> list[Text]:
    """The functions inlined at its address, innermost first, then the frame; each with its source line, if known."""
    if frame.symbol is None:
        return [Text(f"     {safe(str(frame))}")]
    inlined = [
        _named(f"{name} (inlined)", each.file, each.line)
        for name, each in zip(frame.qualified, frame.symbol.inlined, strict=False)
    ]
    return [*inlined, _named(str(frame), frame.symbol.file, frame.symbol.line)]


def _named(text: str, file: str, line: int) -> Text:
    source = source_line(file, line)
    return Text.assemble(f"     {safe(text)}", (f"  {source}" if source else "", QUIET))


def source_line(file: str, line: int) -> str:
    """The source file without its folders, and the line; empty where no line is known."""
    return f"{safe(re.split(_FOLDERS, file)[-1])}:{line}" if file and line else ""
