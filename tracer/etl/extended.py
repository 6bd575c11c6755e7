"""Extended items: what an EVENT_HEADER record may carry between its header and its payload, stacks among it."""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import U16, Structured
from tracer.columns import NO_STACK, UNKNOWN_ID
from tracer.etl.headers import EVENT_HEADER, ExtendedType
from tracer.etl.rows import RESERVED, SLOT_NONE
from tracer.etl.stack_join import is_user_frame, set_loose
from tracer.jit import Int, inlined, kernel
from tracer.stacks.table import STACKS_FULL, StackArrays, frame_at, intern
from tracer.words import Words

LOOSE_FULL: Final = -5
"""No room for another reference to a stack key."""

_STACK32: Final = int(ExtendedType.STACK32)
_STACK64: Final = int(ExtendedType.STACK64)
_STACK_KEY32: Final = int(ExtendedType.STACK_KEY32)
_STACK_KEY64: Final = int(ExtendedType.STACK_KEY64)
_SCHEMA_TL: Final = int(ExtendedType.SCHEMA_TL)
_HEADER: Final = EVENT_HEADER.itemsize
_MATCH_ID: Final = 8
"""Bytes before the frames, or the key, of a stack."""


@inlined
def _data_end(words2: U16, item: Int, stop: Int) -> Int:
    """Where the data of the item ends; 0 where the item cannot be."""
    length = np.int64(words2[item >> 1])
    data = np.int64(words2[(item >> 1) + 3])
    return item + 8 + data if length >= 8 and item + length <= stop and 8 + data <= length else np.int64(0)


@inlined
def _following(words2: U16, item: Int) -> Int:
    return item + ((np.int64(words2[item >> 1]) + 7) & ~7)


@inlined
def after_items(words2: U16, item: Int, stop: Int) -> Int:
    """Where the payload begins behind the extended items, the first of which stands at ``item``."""
    more = True
    while more and item + 8 <= stop:
        if _data_end(words2, item, stop) == 0:
            return stop
        more = (words2[(item >> 1) + 2] & 1) != 0
        item = _following(words2, item)
    return min(item, stop)


@kernel
def take_items(
    words: Words,
    span: tuple[Int, Int],
    stacks: StackArrays,
    events: Structured,
    row: Int,
    loose: Structured,
    n_loose: Int,
    self_described: Int,
) -> Int:
    """Give the stacks among the items to the event ``row``; references to keys go to ``loose``.

    ``span``: where the first item begins, and where the record ends.

    An event without a layout that has its description among them gets the slot ``self_described``, if that is not 0,
    and all of its record as its payload. Gives the loose rows in use, or what is full, which is negative.
    """
    words2 = words.words2
    time = events[row]["time"]
    item, stop = span
    begin = item - _HEADER
    more = True
    while more and item + 8 <= stop:
        end = _data_end(words2, item, stop)
        if end == 0:
            break
        at = item + 8 + _MATCH_ID
        kind = np.int64(words2[(item >> 1) + 1])
        more = (words2[(item >> 1) + 2] & 1) != 0
        item = _following(words2, item)
        pointer = 4 if kind == _STACK32 else 8
        stacked = kind == _STACK32 or kind == _STACK64
        keyed = kind == _STACK_KEY32 or kind == _STACK_KEY64
        if kind == _SCHEMA_TL and self_described and events[row]["slot"] == SLOT_NONE:
            events[row]["slot"] = self_described
            events[row]["size"] = stop - begin
        if not (stacked or keyed) or at + pointer > end:
            continue
        innermost = frame_at(words.words4, at, pointer)
        if keyed:
            if n_loose >= loose.shape[0]:
                return LOOSE_FULL
            set_loose(loose[n_loose], time, time, row, NO_STACK, events[row]["cpu"], True)
            loose[n_loose]["key"] = innermost
            loose[n_loose]["is_key"] = 1
            loose[n_loose]["thread"] = UNKNOWN_ID
            loose[n_loose]["process"] = UNKNOWN_ID
            n_loose += 1
            events[row]["user_stack"] = RESERVED
            continue
        stack = intern(words, at, (end - at) // pointer, pointer, stacks)
        if stack == STACKS_FULL:
            return STACKS_FULL
        if is_user_frame(innermost, pointer):
            events[row]["user_stack"] = stack
        else:
            events[row]["stack"] = stack
    return n_loose
