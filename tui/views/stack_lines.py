"""A call stack in the panel: functions, source lines, what is inlined, and what is folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from analyzers.plumbing import Run, runs_of
from analyzers.pool_tables import Frame
from tui.report.names import caution_lines
from tui.report.stacks import source_line
from tui.report.styles import QUIET
from tui.tables.frames import frame_text, is_less_sure, short_name
from tui.tables.sites import NO_STACK_TEXT

UNFOLD_KEY: Final = "F"
"""Shows the frames that are folded, or folds them."""


def stack_lines(
    frames: Sequence[Frame], *, unfolded: bool, none: str = NO_STACK_TEXT, outermost_first: bool = False
) -> list[Text]:
    """A line for each frame and each inlined function; one for the frames of the allocator and such.

    ``frames``: innermost first. What is to be thought of names that no PDB tells stands below. ``none``: the words
    where there is no frame.
    """
    if not frames:
        return [Text(f"  {none}")]
    lines = [line for run in runs_of(frames) for line in _run_lines(run, frames, unfolded=unfolded)]
    if outermost_first:
        lines.reverse()
    return [*lines, *caution_lines(frame.source for frame in frames if is_less_sure(frame))]


def _run_lines(run: Run, frames: Sequence[Frame], *, unfolded: bool) -> Iterator[Text]:
    if run.parts and not unfolded:
        yield Text(f"  {run} ({UNFOLD_KEY} shows)", QUIET)
        return
    for frame in frames[run.begin : run.end]:
        yield from _frame_lines(frame)


def _frame_lines(frame: Frame) -> Iterator[Text]:
    symbol = frame.symbol
    if symbol is None:
        yield Text(f"  {frame_text(frame)}")
        return
    for name, each in zip(frame.qualified, symbol.inlined, strict=False):
        yield _line(short_name(name) + " (inlined)", each.file, each.line)
    yield _line(frame_text(frame), symbol.file, symbol.line)


def _line(words: str, file: str, line: int) -> Text:
    source = source_line(file, line)
    return Text.assemble(f"  {words}", (f"  {source}" if source else "", QUIET))
