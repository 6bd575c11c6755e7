"""Allocation sites: where (by which call stack) a tag is allocated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from analyzers.pool_tables import Frame
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from tracer.arrays import Mask
from tui.safe_text import safe
from tui.tables.frames import frame_text, shown_frames
from tui.tables.words import held_by_process

NO_STACK_TEXT: Final = "(no stack in the trace)"
_FURTHER_OUT: Final = 2
"""The pool's own routine, the routine that makes such objects, and then who asked for one."""


def found_sites(snapshot: Snapshot, needle: str) -> Mask:
    """By site: whether the case-folded text is in its tag, its driver, or a process that holds memory from there."""
    sites, tags, outstanding = snapshot.pool.sites, snapshot.pool.tags, snapshot.pool.outstanding
    by_tag = np.array([needle in tag_text(int(tag)).casefold() for tag in tags.tag], np.bool_)
    holds = {driver: needle in safe(driver).casefold() for driver in set(sites.driver)}
    found = by_tag[sites.tag_row] if len(by_tag) else np.zeros(0, np.bool_)
    found |= np.fromiter((holds[driver] for driver in sites.driver), np.bool_, len(sites.driver))
    found[outstanding.site[held_by_process(snapshot, needle)]] = True
    return found


def caller(frames: Sequence[Frame]) -> str:
    """``caller > allocating frame``, the caller being the first frame outside the allocating module.

    In a stack of one module that is a frame further out: the innermost ones are the same for
    everything that is allocated by one routine. Frames that are folded do not count.
    """
    if not frames:
        return NO_STACK_TEXT
    frames = shown_frames(frames)
    inner = frames[0]
    outer = next(
        (frame for frame in frames if frame.module != inner.module), frames[min(_FURTHER_OUT, len(frames) - 1)]
    )
    return frame_text(inner) if outer is inner else f"{frame_text(outer)} > {frame_text(inner)}"
