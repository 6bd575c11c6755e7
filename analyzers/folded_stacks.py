"""Which frames of many stacks are folded, whole arrays at a time; of one :func:`analyzers.plumbing.runs_of` tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from analyzers.modules import KERNEL
from analyzers.plumbing import ALLOCATES, name_of, part_of
from analyzers.pool_tables import Frame
from tracer.arrays import I64, Mask

_PART, _OF_ALLOCATION, _UNNAMED, _DRIVER, _NAMED = 1, 2, 4, 8, 16
_NEVER: Final = np.iinfo(np.int64).max


def folded(frames: Sequence[Frame], which: I64, bounds: I64) -> Mask:
    """By frame of the stacks whether it is folded.

    ``frames``: the distinct ones, of which frame ``i`` of the stacks, innermost first, is ``which[i]``; those of stack
    ``s`` lie from ``bounds[s]`` to ``bounds[s + 1]``.
    """
    kind = np.array([_kind(frame) for frame in frames], np.uint8)[which] if len(frames) else np.zeros(0, np.uint8)
    lengths = np.diff(bounds)
    begins, lengths = bounds[:-1][lengths > 0], lengths[lengths > 0]
    if not len(begins):
        return np.zeros(len(which), np.bool_)
    depth = np.arange(len(which)) - np.repeat(begins, lengths)
    driver = np.minimum.reduceat(np.where(kind & _DRIVER, depth, _NEVER), begins)
    driver[driver == _NEVER] = 0
    is_named = np.repeat(np.logical_or.reduceat(kind & _NAMED > 0, begins), lengths)
    found = (kind & _PART > 0) | ((kind & _UNNAMED > 0) & (depth < np.repeat(driver, lengths)))
    found &= is_named
    found &= ~_whole(found, begins, lengths) | (kind & _OF_ALLOCATION > 0)
    found &= ~_whole(found, begins, lengths)
    follows = np.append(found[1:] & (depth[1:] > 0), False)
    goes_on = np.append(False, found[:-1]) & (depth > 0)
    return np.asarray(found & (follows | goes_on | (depth == 0)), np.bool_)


def _whole(found: Mask, begins: I64, lengths: I64) -> Mask:
    """By frame whether all of its stack was found."""
    return np.repeat(np.logical_and.reduceat(found, begins), lengths)


def _kind(frame: Frame) -> int:
    module, function = name_of(frame)
    named, part = _NAMED if function else 0, part_of(module, function)
    if part is not None:
        return named | _PART | (_OF_ALLOCATION if part in ALLOCATES else 0)
    if KERNEL.match(module):
        return named or _UNNAMED
    return named | (_DRIVER if module else 0)
