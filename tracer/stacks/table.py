"""All call stacks of a trace, each kept once.

A stack id is an index into the table. Ids that stand for a stack key whose frames have not been
seen yet (``docs/stacks.md``) are placeholders: :meth:`StackTable.canonical` leads from them to
the stack they turned out to be.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import I32, I64, U32, U64
from tracer.columns import NO_STACK
from tracer.jit import Int, inlined, kernel

STACKS_FULL: Final = -2
"""No room for another stack, or for its frames: call :meth:`StackTable.reserve` and go on."""

_FIRST_STACKS: Final = 1 << 12
_FIRST_FRAMES: Final = 1 << 16
_MEMO: Final = 1 << 13
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_SEED: Final = np.uint64(0x243F6A8885A308D3)


@inlined
def frame_at(words4: U32, at: Int, pointer: Int) -> np.uint64:
    """The pointer of 4 or 8 bytes at byte position ``at``, a multiple of 4."""
    low = np.uint64(words4[at >> 2])
    if pointer == 4:
        return low
    return low | np.uint64(words4[(at >> 2) + 1]) << np.uint64(32)


@inlined
def _hash(frames: U64) -> np.uint64:
    """64-bit hash of a stack, in two lanes that do not wait for each other."""
    even = _SEED
    odd = _MULTIPLIER
    count = frames.shape[0]
    for i in range(count // 2):
        even = (even ^ frames[2 * i]) * _MULTIPLIER
        odd = (odd ^ frames[2 * i + 1]) * _MULTIPLIER
        even ^= even >> np.uint64(32)
        odd ^= odd >> np.uint64(29)
    if count % 2:
        even = (even ^ frames[count - 1]) * _MULTIPLIER
    mixed = (even ^ (odd >> np.uint64(31)) ^ (odd << np.uint64(33)) ^ np.uint64(count)) * _MULTIPLIER
    return mixed ^ (mixed >> np.uint64(32))


@inlined
def _same(a: U64, b: U64) -> bool:
    """Whether two stacks of one length are equal; no early exit, so that it compiles to vector instructions."""
    difference = np.uint64(0)
    for i in range(a.shape[0]):
        difference |= a[i] ^ b[i]
    return bool(difference == np.uint64(0))


@inlined
def _sample(frames: U64, size: int) -> Int:
    """A cheap hash of four frames, to find again a stack that was seen a moment ago."""
    count = frames.shape[0]
    mixed = frames[0] ^ (frames[count // 4] * np.uint64(3)) ^ (frames[count // 2] * np.uint64(5))
    mixed = (mixed ^ (frames[count - 1] * np.uint64(7)) ^ np.uint64(count)) * _MULTIPLIER
    return np.int64((mixed >> np.uint64(40)) & np.uint64(size - 1))


@inlined
def intern(
    words4: U32,
    words8: U64,
    at: Int,
    count: Int,
    pointer: Int,
    buckets: I32,
    memo: I32,
    hashes: U64,
    starts: I64,
    lengths: I32,
    pool: U64,
    used: I64,
) -> Int:
    """Id of the stack of ``count`` (at least one) frames at byte ``at``, added where new.

    ``at`` is a multiple of the pointer size. ``memo`` remembers recent stacks by :func:`_sample`.
    ``used``: [stacks, frames] in use. :data:`STACKS_FULL` for lack of room.
    """
    if used[1] + count > pool.shape[0]:
        return STACKS_FULL
    if pointer == 8:
        frames = words8[at >> 3 : (at >> 3) + count]
    else:
        frames = pool[used[1] : used[1] + count]
        for i in range(count):
            frames[i] = words4[(at >> 2) + i]
    hint = _sample(frames, memo.shape[0])
    recent = np.int64(memo[hint])
    if recent >= 0 and lengths[recent] == count and _same(frames, pool[starts[recent] : starts[recent] + count]):
        return recent
    digest = _hash(frames)
    mask = np.uint64(buckets.shape[0] - 1)
    probe = digest & mask
    while buckets[probe] >= 0:
        found = np.int64(buckets[probe])
        alike = hashes[found] == digest and lengths[found] == count
        if alike and _same(frames, pool[starts[found] : starts[found] + count]):
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
        pool[used[1] + i] = frames[i]
    used[0] = stack + 1
    used[1] += count
    return np.int64(stack)


@kernel
def _refill(buckets: I32, hashes: U64, starts: I64, n: int) -> None:
    """Put the first ``n`` stacks into empty ``buckets``; placeholders have no frames and no bucket."""
    mask = np.uint64(buckets.shape[0] - 1)
    for stack in range(n):
        if starts[stack] < 0:
            continue
        probe = hashes[stack] & mask
        while buckets[probe] >= 0:
            probe = (probe + np.uint64(1)) & mask
        buckets[probe] = stack


class StackTable:
    """Interned stacks: frames are uint64 addresses, innermost first.

    The arrays are work space of the kernels in this package; readers use :meth:`frames`,
    :meth:`canonical` and ``len()``.
    """

    def __init__(self) -> None:
        self.buckets = np.full(2 * _FIRST_STACKS, -1, np.int32)
        self.memo = np.full(_MEMO, -1, np.int32)
        self.hashes = np.zeros(_FIRST_STACKS, np.uint64)
        self.starts = np.zeros(_FIRST_STACKS, np.int64)
        self.lengths = np.zeros(_FIRST_STACKS, np.int32)
        self.targets = np.zeros(_FIRST_STACKS, np.int32)  # what a placeholder turned out to be
        self.frame_pool = np.zeros(_FIRST_FRAMES, np.uint64)
        self.used = np.zeros(2, np.int64)

    def __len__(self) -> int:
        return int(self.used[0])

    def reserve(self) -> None:
        """Double what is nearly full."""
        stacks, frames = (int(n) for n in self.used)
        if 4 * (stacks + 1) > 3 * len(self.hashes) or 2 * (stacks + 1) >= len(self.buckets):
            size = 2 * len(self.hashes)
            for name in ("hashes", "starts", "lengths", "targets"):
                old = getattr(self, name)
                new = np.zeros(size, old.dtype)
                new[: len(old)] = old
                setattr(self, name, new)
            self.buckets = np.full(2 * size, -1, np.int32)
            _refill(self.buckets, self.hashes, self.starts, stacks)
        if 4 * (frames + 256) > 3 * len(self.frame_pool):
            pool = np.zeros(2 * len(self.frame_pool), np.uint64)
            pool[:frames] = self.frame_pool[:frames]
            self.frame_pool = pool

    def canonical(self, stacks: I32) -> I32:
        """The given ids (int32, any shape), placeholders replaced by their stack; unresolved ones become -1."""
        if len(self) == 0:
            return np.full(np.shape(stacks), NO_STACK, np.int32)
        known = np.maximum(stacks, 0)
        placeholder = self.starts[known] < 0
        return np.where(stacks < 0, NO_STACK, np.where(placeholder, self.targets[known], stacks)).astype(np.int32)

    def frames(self, stack: int) -> U64:
        """Frames of one id, innermost first; empty for -1 and for a key whose frames never came."""
        resolved = int(self.canonical(np.array([stack], np.int32))[0])
        if resolved < 0:
            return np.zeros(0, np.uint64)
        start = int(self.starts[resolved])
        return self.frame_pool[start : start + int(self.lengths[resolved])]

    def all_frames(self, stacks: I32) -> tuple[U64, I64]:
        """:meth:`frames` of many ids one after another, and where each begins (int64), with the end as one more."""
        resolved = self.canonical(stacks)
        place = np.maximum(resolved, 0)
        lengths = np.where(resolved < 0, 0, self.lengths[place]).astype(np.int64)
        bounds = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        within = np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths)
        return self.frame_pool[np.repeat(self.starts[place], lengths) + within], bounds

    @property
    def unresolved(self) -> int:
        """Keys that were referred to and whose frames have not come."""
        n = len(self)
        return int(np.count_nonzero((self.starts[:n] < 0) & (self.targets[:n] < 0)))
