"""All call stacks of a trace, each kept once.

A stack id is an index into the table. Ids that stand for a stack key whose frames have not been
seen yet (``docs/stacks.md``) are placeholders: :meth:`StackTable.canonical` leads from them to
the stack they turned out to be.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from tracer.arrays import I32, I64, U32, U64
from tracer.columns import NO_STACK
from tracer.hashing import GOLDEN
from tracer.jit import Int, inlined, kernel
from tracer.words import Words

_Value = TypeVar("_Value", bound=np.generic)

STACKS_FULL: Final = -2
"""No room for another stack, or for its frames: call :meth:`StackTable.reserve` and go on."""

_FIRST_STACKS: Final = 1 << 12
_FIRST_FRAMES: Final = 1 << 16
_MEMO: Final = 1 << 14
_STEP: Final = 8
_USUAL: Final = 32
"""Frames that most stacks have no more of."""
_SEED: Final = np.uint64(0x243F6A8885A308D3)


class StackArrays(NamedTuple):
    """What a :class:`StackTable` consists of; the row of a stack is its id.

    ``buckets``: rows by hash; ``memo``: recent stacks by :func:`_sample`. A stack's frames are those of ``frames`` from
    ``starts`` on, ``lengths`` many; those of a placeholder are its target's, and it starts at -1.
    ``used``: [stacks, frames] in use.
    """

    buckets: I32
    memo: I32
    hashes: U64
    starts: I64
    lengths: I32
    targets: I32
    frames: U64
    used: I64


@inlined
def frame_at(words4: U32, at: Int, pointer: Int) -> np.uint64:
    """The pointer of 4 or 8 bytes at byte position ``at``, a multiple of 4."""
    low = np.uint64(words4[at >> 2])
    if pointer == 4:
        return low
    return low | np.uint64(words4[(at >> 2) + 1]) << np.uint64(32)


@inlined
def _hash(frames: U64, at: np.uint64, count: Int) -> np.uint64:
    """64-bit hash of a stack, in two lanes that do not wait for each other."""
    even = _SEED
    odd = GOLDEN
    for i in range(0, count - 1, 2):
        even = (even ^ frames[at + np.uint64(i)]) * GOLDEN
        odd = (odd ^ frames[at + np.uint64(i + 1)]) * GOLDEN
        even ^= even >> np.uint64(32)
        odd ^= odd >> np.uint64(29)
    if count % 2:
        even = (even ^ frames[at + np.uint64(count - 1)]) * GOLDEN
    mixed = (even ^ (odd >> np.uint64(31)) ^ (odd << np.uint64(33)) ^ np.uint64(count)) * GOLDEN
    return mixed ^ (mixed >> np.uint64(32))


@inlined
def _same(a: U64, at: np.uint64, b: U64, start: np.uint64, count: Int) -> bool:
    """Whether two stacks of one length are equal; no early exit, so that it compiles to vector instructions.

    Stacks of usual lengths all take the same steps, which overlap: no processor foresees how often a loop runs.
    """
    difference = np.uint64(0)
    if count < _STEP or count > _USUAL:
        for i in range(count):
            difference |= a[at + np.uint64(i)] ^ b[start + np.uint64(i)]
    else:
        for usual in range(0, _USUAL, _STEP):
            step = min(usual, count - _STEP)
            for i in range(step, step + _STEP):
                difference |= a[at + np.uint64(i)] ^ b[start + np.uint64(i)]
    return bool(difference == np.uint64(0))


@inlined
def _sample(frames: U64, at: np.uint64, count: Int, size: int) -> np.uint64:
    """A cheap hash of four frames, to find again a stack that was seen a moment ago."""
    quarter, half, last = np.uint64(count >> 2), np.uint64(count >> 1), np.uint64(count - 1)
    mixed = frames[at] ^ (frames[at + quarter] * np.uint64(3)) ^ (frames[at + half] * np.uint64(5))
    mixed = (mixed ^ (frames[at + last] * np.uint64(7)) ^ np.uint64(count)) * GOLDEN
    return np.uint64((mixed >> np.uint64(40)) & np.uint64(size - 1))


@inlined
def intern(words: Words, at: Int, count: Int, pointer: Int, table: StackArrays) -> Int:
    """Id of the stack of ``count`` (at least one) frames at byte ``at``, added where new.

    ``at`` is a multiple of the pointer size. :data:`STACKS_FULL` for lack of room.
    """
    buckets, memo, pool, used = table.buckets, table.memo, table.frames, table.used
    hashes, starts, lengths = table.hashes, table.starts, table.lengths
    if used[1] + count > pool.shape[0]:
        return STACKS_FULL
    frames = words.words8
    first = np.uint64(at >> 3)
    if pointer == 4:
        frames = pool
        first = np.uint64(used[1])
        for i in range(count):
            frames[first + np.uint64(i)] = words.words4[(at >> 2) + i]
    hint = _sample(frames, first, count, memo.shape[0])
    recent = np.int64(memo[hint])
    if recent >= 0 and lengths[recent] == count and _same(frames, first, pool, np.uint64(starts[recent]), count):
        return recent
    digest = _hash(frames, first, count)
    mask = np.uint64(buckets.shape[0] - 1)
    probe = digest & mask
    while buckets[probe] >= 0:
        found = np.int64(buckets[probe])
        alike = hashes[found] == digest and lengths[found] == count
        if alike and _same(frames, first, pool, np.uint64(starts[found]), count):
            memo[hint] = found
            return found
        probe = (probe + np.uint64(1)) & mask
    stack = used[0]
    if 2 * (stack + 1) > buckets.shape[0] or stack >= hashes.shape[0]:
        return STACKS_FULL
    buckets[probe] = stack
    memo[hint] = stack
    hashes[stack] = digest
    starts[stack] = used[1]
    lengths[stack] = count
    for i in range(count):
        pool[used[1] + i] = frames[first + np.uint64(i)]
    used[0] = stack + 1
    used[1] += count
    return np.int64(stack)


@kernel
def _refill(table: StackArrays) -> None:
    """Put the stacks into empty ``buckets``; placeholders have no frames and no bucket."""
    buckets = table.buckets
    mask = np.uint64(buckets.shape[0] - 1)
    for stack in range(table.used[0]):
        if table.starts[stack] < 0:
            continue
        probe = table.hashes[stack] & mask
        while buckets[probe] >= 0:
            probe = (probe + np.uint64(1)) & mask
        buckets[probe] = stack


def _doubled(values: npt.NDArray[_Value]) -> npt.NDArray[_Value]:
    """The values, and as many zeros behind them."""
    return np.concatenate((values, np.zeros_like(values)))


class StackTable:
    """Interned stacks: frames are uint64 addresses, innermost first.

    ``arrays`` are for kernels; readers use :meth:`frames`, :meth:`canonical` and ``len()``.
    """

    def __init__(self) -> None:
        self.arrays = StackArrays(
            buckets=np.full(2 * _FIRST_STACKS, -1, np.int32),
            memo=np.full(_MEMO, -1, np.int32),
            hashes=np.zeros(_FIRST_STACKS, np.uint64),
            starts=np.zeros(_FIRST_STACKS, np.int64),
            lengths=np.zeros(_FIRST_STACKS, np.int32),
            targets=np.zeros(_FIRST_STACKS, np.int32),
            frames=np.zeros(_FIRST_FRAMES, np.uint64),
            used=np.zeros(2, np.int64),
        )

    def __len__(self) -> int:
        return int(self.arrays.used[0])

    def reserve(self) -> None:
        """Double what is nearly full."""
        old = self.arrays
        stacks, frames = (int(n) for n in old.used)
        size = len(old.hashes)
        if 4 * (stacks + 1) > 3 * size or 2 * (stacks + 1) >= len(old.buckets):
            self.arrays = old._replace(
                buckets=np.full(4 * size, -1, np.int32), hashes=_doubled(old.hashes), starts=_doubled(old.starts),
                lengths=_doubled(old.lengths), targets=_doubled(old.targets),
            )  # fmt: skip
            _refill(self.arrays)
        if 4 * (frames + 256) > 3 * len(old.frames):
            self.arrays = self.arrays._replace(frames=_doubled(old.frames))

    def canonical(self, stacks: I32) -> I32:
        """The given ids (int32, any shape), placeholders replaced by their stack; unresolved ones become -1."""
        if len(self) == 0:
            return np.full(np.shape(stacks), NO_STACK, np.int32)
        known = np.maximum(stacks, 0)
        placeholder = self.arrays.starts[known] < 0
        return np.where(stacks < 0, NO_STACK, np.where(placeholder, self.arrays.targets[known], stacks)).astype(
            np.int32
        )

    def frames(self, stack: int) -> U64:
        """Frames of one id, innermost first; empty for -1 and for a key whose frames never came."""
        arrays = self.arrays
        if stack >= 0 and arrays.starts[stack] < 0:  # a placeholder
            stack = int(arrays.targets[stack])
        if stack < 0:
            return np.zeros(0, np.uint64)
        start = int(arrays.starts[stack])
        return arrays.frames[start : start + int(arrays.lengths[stack])]

    def all_frames(self, stacks: I32) -> tuple[U64, I64]:
        """:meth:`frames` of many ids one after another, and where each begins (int64), with the end as one more."""
        resolved = self.canonical(stacks)
        place = np.maximum(resolved, 0)
        lengths = np.where(resolved < 0, 0, self.arrays.lengths[place]).astype(np.int64)
        bounds = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        within = np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths)
        return self.arrays.frames[np.repeat(self.arrays.starts[place], lengths) + within], bounds
