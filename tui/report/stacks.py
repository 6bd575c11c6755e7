"""The call stacks that hold most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.formatting import counted, exact_size
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


def stack_lines(snapshot: Snapshot, sites: I64) -> list[Text]:
    """The given sites, each with its stack."""
    return [line for place, site in enumerate(sites, 1) for line in _site_lines(snapshot, place, int(site))]


def _site_lines(snapshot: Snapshot, place: int, site: int) -> list[Text]:
    sites, tags = snapshot.pool.sites, snapshot.pool.tags
    tag_row = int(sites.tag_row[site])
    held = (
        f"{counted(int(sites.outstanding_count[site]), 'allocation')}, {exact_size(int(sites.outstanding_bytes[site]))}"
    )
    name = f"{tag_text(int(tags.tag[tag_row]))} {pool_word(paged=bool(tags.paged[tag_row]))}"
    return [
        Text.assemble(f"  {place}. ", (name, HEADING), f"  {held}"),
        *frame_lines(snapshot.names.frames(int(sites.stack[site])), limit=_FRAMES),
        Text(),
    ]


def frame_lines(frames: Sequence[Frame], *, limit: int) -> list[Text]:
    """One line per frame, the allocating one first."""
    if not frames:
        return [Text(f"     {NO_STACK_TEXT}", QUIET)]
    lines = [Text(f"     {safe(str(frame))}") for frame in frames[:limit]]
    more = len(frames) - limit
    return [*lines, Text(f"     and {counted(more, 'frame')} more", QUIET)] if more > 0 else lines
