"""Frames of call stacks in words: harmless, and no longer than a person reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzers.plumbing import runs_of
from analyzers.pool_tables import Frame
from tracer.symbols.symbol import Source
from tui.safe_text import safe

MOST: Final = 80
"""Letters of a name; those of C++ templates have thousands."""
LESS_SURE: Final = "~"
"""Before a name that no PDB tells: the nearest export, or of a map file."""


def frame_text(frame: Frame) -> str:
    """The frame as it stands in tables and panels."""
    return f"{LESS_SURE if is_less_sure(frame) else ''}{short_name(str(frame))}"


def shown_frames(frames: Sequence[Frame]) -> Sequence[Frame]:
    """Those that are not folded."""
    return [frame for run in runs_of(frames) if not run.parts for frame in frames[run.begin : run.end]]


def is_less_sure(frame: Frame) -> bool:
    """Whether its name is not that of a PDB."""
    return frame.source in {Source.EXPORTS, Source.MAP}


def short_name(name: str) -> str:
    """A name made harmless; of a long one the arguments of templates are left out, and then its middle."""
    shown = safe(name if len(name) <= MOST else _without_arguments(name))
    if len(shown) <= MOST:
        return shown
    end = MOST // 3
    return f"{shown[: MOST - end - 2]}..{shown[-end:]}"


def _without_arguments(name: str) -> str:
    """``a::b<..>::c`` for ``a::b<d<e>>::c``."""
    shown, depth = [], 0
    for letter in name:
        if letter == "<" and (depth := depth + 1) == 1:
            shown.append("<..")
        elif letter == ">" and depth and (depth := depth - 1) == 0:
            shown.append(">")
        elif not depth:
            shown.append(letter)
    return "".join(shown)
