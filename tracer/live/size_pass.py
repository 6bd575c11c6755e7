"""What the entries of a ring are going to become, looked at before any of it is written."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tracer.arrays import I32, I64, U16, U32, U64, Structured
from tracer.etl.headers import PROCESSOR_INDEX_MASK
from tracer.events import pool
from tracer.jit import Int, inlined, kernel
from tracer.live.entries import (
    CLASSIC_FLAG,
    ENTRY_BYTES,
    EVENT_BYTES,
    FULL_BYTES,
    MATCH_ID,
    NOT_KERNEL,
    STACK_EVENT,
    STACK_HEAD,
    SYSTEM_BYTES,
    after_items,
    is_stack,
)
from tracer.live.ring import FILLER, LOST
from tracer.words import Words

_FIRST_POOL: Final = pool.ALLOC
_LAST_POOL: Final = pool.FREE_SESSION
_TAG_BITS: Final = 0x7FFFFFFF
"""The highest bit only says that the block is protected."""
FIRST_FILETIME: Final = 119_600_064_000_000_000
"""1980 as a FILETIME, 300 years as a performance counter at 10 MHz: a log file header (hook 0000) so late has a
FILETIME, whatever was asked for, and is left out. Whether real sessions do that is not known."""
NO_TIME: Final = int(np.iinfo(np.int64).min)

COUNTED: Final = np.dtype(
    [
        ("entries", "<i8"),
        ("end", "<i8"),
        ("least", "<i8"),
        ("greatest", "<i8"),
        ("filtered", "<i8"),
        ("late", "<i8"),
        ("losses", "<i8"),
        ("near", "<i8"),
    ]
)
"""What :func:`measure` counts; there is one row.

``end``: where the entries end that were measured, in bytes from the ring's beginning of time. ``least``, ``greatest``:
raw times; least is above greatest where there was no record. ``late``: records before a time up to which events have
gone out already. ``near``: least raw time near the moment at which the capture began; :data:`NO_NEAR` for none.
"""
NO_NEAR: Final = int(np.iinfo(np.int64).max)

MOST_ENTRIES: Final = 1 << 13
MOST_LOSSES: Final = 64


class Wanted(NamedTuple):
    """What the events of a ring are, and which are wanted.

    ``classes``, ``hooks``: :func:`~tracer.live.entries.class_tables`. ``tags``: u32 without the protected bit, none for
    all; ``filtered``: by CPU the time of the last pool event of another tag.
    """

    classes: U64
    hooks: I32
    tags: U32
    filtered: I64


class Measured(NamedTuple):
    """What the entries become. ``entry_hook``: hook id, :data:`NOT_KERNEL` for other events.

    ``entry_bytes``, ``cpu_bytes``: bytes that an entry becomes, 0 for nothing, and that a CPU gets. ``losses``: rows of
    (records, first and last raw time) that the ring tells of. ``counts``: the row of :data:`COUNTED`.
    """

    entry_hook: I32
    entry_bytes: I64
    cpu_bytes: I64
    losses: I64
    counts: Structured


@inlined
def _class_row(words8: U64, at: Int, classes: U64, guess: Int) -> Int:
    """Row of the class whose GUID stands at ``at``, ``guess`` being tried first; -1 for another provider."""
    low, high = words8[at >> 3], words8[(at >> 3) + 1]
    if guess >= 0 and classes[guess, 0] == low and classes[guess, 1] == high:
        return guess
    for row in range(classes.shape[0]):
        if classes[row, 0] == low and classes[row, 1] == high:
            return row
    return NOT_KERNEL


@inlined
def _stacks_bytes(words2: U16, record: Int, payload: Int) -> Int:
    """Bytes of the StackWalk records that the extended items of a kernel event become."""
    total = np.int64(0)
    item = record + EVENT_BYTES
    while item < payload:
        if is_stack(np.int64(words2[(item >> 1) + 1])):
            frames = max(np.int64(words2[(item >> 1) + 3]), np.int64(MATCH_ID)) - MATCH_ID
            total += (SYSTEM_BYTES + STACK_HEAD + frames + 7) & ~7
        item += np.int64(words2[item >> 1])
    return total


@inlined
def _unwanted(
    words: Words, hook: Int, payload: Int, stop: Int, time: Int, cpu: Int, wanted: Wanted
) -> bool:  # fmt: skip
    """Whether a pool event has another tag than those wanted, or a stack belongs to such an event."""
    if hook == STACK_EVENT and payload + 8 <= stop:
        return bool(np.int64(words.words8[payload >> 3]) == wanted.filtered[cpu])
    if hook < _FIRST_POOL or hook > _LAST_POOL or payload + 8 > stop:
        return False
    tag = words.words4[(payload >> 2) + 1] & np.uint32(_TAG_BITS)
    for i in range(wanted.tags.shape[0]):
        if wanted.tags[i] == tag:
            return False
    wanted.filtered[cpu] = time
    return True


@kernel
def measure(
    words: Words, tail: int, head: int, most_bytes: int, handed_on: int, near: tuple[int, int], wanted: Wanted,
    measured: Measured,
) -> None:  # fmt: skip
    """Look at the entries from ``tail``: what each becomes, and how much of it each CPU gets.

    ``near``: least and greatest raw time near the capture's beginning.
    """
    _, words2, words4, words8 = words
    entry_hook, entry_bytes, cpu_bytes, losses, counted = measured
    counts = counted[0]
    size = np.int64(words8.shape[0]) << 3
    n = np.int64(0)
    end = np.int64(tail)
    counts["filtered"] = counts["late"] = counts["losses"] = 0
    counts["least"], counts["greatest"], counts["near"] = NO_NEAR, NO_TIME, NO_NEAR
    last_row: Int = -1
    while end < head and end - tail < most_bytes and n < MOST_ENTRIES and counts["losses"] < MOST_LOSSES:
        at = end % size
        cpu = np.int64(words2[(at >> 1) + 2]) & PROCESSOR_INDEX_MASK
        flags = np.int64(words2[(at >> 1) + 3])
        record = at + ENTRY_BYTES
        end += np.int64(words4[at >> 2])
        entry_bytes[n] = 0
        entry_hook[n] = NOT_KERNEL
        n += 1
        if flags == FILLER:
            continue
        if flags == LOST:
            for i in range(3):
                losses[counts["losses"], i] = np.int64(words8[(record >> 3) + i])
            counts["losses"] += 1
            continue
        time = np.int64(words8[(record >> 3) + 2])
        stop = record + np.int64(words2[record >> 1])
        becomes: Int = (stop - record + 7) & ~7
        row = last_row = _class_row(words8, record + 24, wanted.classes, last_row)
        if row >= 0 or flags & CLASSIC_FLAG:
            payload = after_items(words2, record, stop)
            hook: Int = NOT_KERNEL if row < 0 else wanted.hooks[row, np.int64(words2[(record + 44) >> 1]) >> 8]
            entry_hook[n - 1] = hook
            if hook == 0 and time >= FIRST_FILETIME:
                continue
            if wanted.tags.shape[0] and _unwanted(words, hook, payload, stop, time, cpu, wanted):
                counts["filtered"] += 1
                continue
            becomes = ((FULL_BYTES if hook < 0 else SYSTEM_BYTES) + stop - payload + 7) & ~7
            becomes += _stacks_bytes(words2, record, payload)
        entry_bytes[n - 1] = becomes
        cpu_bytes[cpu] += becomes
        counts["least"] = min(counts["least"], time)
        counts["greatest"] = max(counts["greatest"], time)
        if near[0] <= time <= near[1]:
            counts["near"] = min(counts["near"], time)
        if time < handed_on:
            counts["late"] += 1
    counts["entries"] = n
    counts["end"] = end
