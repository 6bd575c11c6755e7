"""Stack keys: references whose frames come later, and keys that are used again for other frames.

With stack caching on, an event's stack is a reference to a key (hooks 1825, 1826), and the frames
follow when the key is deleted or at the rundown (1823, 1824). A reference is resolved by the first definition
of its key logged at or after the referring event's time; measured on real traces, using the last
definition instead is wrong for one reference in four (``docs/stacks.md``).

Each key has a chain of nodes, newest first. A node is one life of the key: it ends with a
definition, at ``ends``; the newest may still be open (``ends`` is :data:`OPEN`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tracer.arrays import I32, I64, U64, Structured
from tracer.columns import NO_STACK
from tracer.hashing import GOLDEN
from tracer.jit import Int, inlined, kernel
from tracer.stacks.table import STACKS_FULL, StackArrays, StackTable, frame_at, intern
from tracer.words import Words, words_of

OPEN: Final = np.iinfo(np.int64).max
NODES_FULL: Final = -4
_MOST_LIVES: Final = 4096
"""Lives of one key looked at for one reference: real ones mean the newest or the one before it."""
_FIRST_NODES: Final = 1 << 10

KEY_NODE: Final = np.dtype(
    [("key", "<u8"), ("ends", "<i8"), ("stack", "<i4"), ("older", "<i4")],
)
"""One life of a key: when its definition came, its stack id (a placeholder while open), the life before."""


class KeyArrays(NamedTuple):
    """``buckets``: by hash of a key its newest row of ``nodes``, -1 for none; ``used``: [nodes in use]."""

    buckets: I32
    nodes: Structured
    used: I64


@inlined
def _bucket(keys: KeyArrays, key: np.uint64) -> Int:
    """Bucket that holds the newest node of ``key``, or the free one where it would stand."""
    buckets, nodes = keys.buckets, keys.nodes
    mask = np.uint64(buckets.shape[0] - 1)
    probe = ((key * GOLDEN) >> np.uint64(20)) & mask
    while buckets[probe] >= 0 and nodes[buckets[probe]]["key"] != key:
        probe = (probe + np.uint64(1)) & mask
    return np.int64(probe)


@inlined
def _add_node(keys: KeyArrays, at: Int, key: np.uint64, ends: Int, stack: Int) -> None:
    buckets, nodes = keys.buckets, keys.nodes
    node = keys.used[0]
    nodes[node]["key"] = key
    nodes[node]["ends"] = ends
    nodes[node]["stack"] = stack
    nodes[node]["older"] = buckets[at]
    buckets[at] = node
    keys.used[0] = node + 1


@inlined
def _refer(keys: KeyArrays, stacks: StackArrays, key: np.uint64, event_time: Int) -> Int:
    """Stack id for a reference made at ``event_time``: the oldest life of the key that ended at or after it."""
    nodes = keys.nodes
    at = _bucket(keys, key)
    node = keys.buckets[at]
    found = -1
    looked_at = 0
    while node >= 0 and nodes[node]["ends"] >= event_time and looked_at < _MOST_LIVES:
        found = node
        node = nodes[node]["older"]
        looked_at += 1
    if found >= 0:
        return np.int64(nodes[found]["stack"])
    stack = stacks.used[0]
    if stack >= stacks.starts.shape[0]:
        return STACKS_FULL
    if 2 * (keys.used[0] + 1) > keys.buckets.shape[0]:
        return NODES_FULL
    stacks.starts[stack] = -1
    stacks.targets[stack] = NO_STACK
    stacks.used[0] = stack + 1
    _add_node(keys, at, key, OPEN, stack)
    return np.int64(stack)


@kernel
def resolve(
    words: Words,
    events: Structured,
    definitions: I32,
    loose: Structured,
    references: I64,
    keys: KeyArrays,
    stacks: StackArrays,
    state: I64,
) -> Int:
    """Take references (rows of ``loose``, by event time) and definitions (events, by time) as one sequence.

    At equal times the reference goes first. ``words`` are the kept payloads. ``state``: [next reference, next
    definition]; resumable on :data:`STACKS_FULL` and :data:`NODES_FULL`; 0 when done.
    """
    r = state[0]
    d = state[1]
    result: Int = 0
    while r < references.shape[0] or d < definitions.shape[0]:
        take_reference = d >= definitions.shape[0]
        if not take_reference and r < references.shape[0]:
            take_reference = loose[references[r]]["event_time"] <= events[definitions[d]]["time"]
        if take_reference:
            item = loose[references[r]]
            stack = _refer(keys, stacks, item["key"], item["event_time"])
            if stack < 0:
                result = stack
                break
            item["stack"] = stack
            if item["event"] >= 0:
                if item["is_user"]:
                    events[item["event"]]["user_stack"] = stack
                else:
                    events[item["event"]]["stack"] = stack
            r += 1
            continue
        event = events[definitions[d]]
        at = np.int64(event["payload"])
        pointer = np.int64(event["pointer"])
        count = (np.int64(event["size"]) - pointer) // pointer
        if count <= 0:
            d += 1
            continue
        if 2 * (keys.used[0] + 1) > keys.buckets.shape[0]:
            result = NODES_FULL
            break
        stack = intern(words, at + pointer, count, pointer, stacks)
        if stack < 0:
            result = stack
            break
        key = frame_at(words.words4, at, pointer)
        bucket = _bucket(keys, key)
        newest = keys.buckets[bucket]
        if newest >= 0 and keys.nodes[newest]["ends"] == OPEN:
            keys.nodes[newest]["ends"] = event["time"]
            stacks.targets[keys.nodes[newest]["stack"]] = stack
        else:
            _add_node(keys, bucket, key, event["time"], stack)
        d += 1
    state[0] = r
    state[1] = d
    return result


@kernel
def _keep_recent(old: Structured, forget_before: int, keys: KeyArrays) -> None:
    """Copy the lives that are open or ended after ``forget_before``; nodes are in the order of their making."""
    for i in range(old.shape[0]):
        if old[i]["ends"] >= forget_before:
            _add_node(keys, _bucket(keys, old[i]["key"]), old[i]["key"], old[i]["ends"], old[i]["stack"])


def _empty_keys(nodes: int) -> KeyArrays:
    return KeyArrays(np.full(2 * nodes, -1, np.int32), np.zeros(nodes, KEY_NODE), np.zeros(1, np.int64))


class KeyTable:
    """The lives of all stack keys that a reference may still mean."""

    def __init__(self) -> None:
        self.arrays = _empty_keys(_FIRST_NODES)

    def make_room(self, forget_before: int) -> None:
        """Forget lives that ended before that raw time; double the table where that frees less than half."""
        nodes = self.arrays.nodes
        old = nodes[: self.arrays.used[0]]
        alive = int(np.count_nonzero(old["ends"] >= forget_before))
        self.arrays = _empty_keys(len(nodes) * (2 if 2 * alive > len(nodes) else 1))
        _keep_recent(old, forget_before, self.arrays)


def resolve_all(
    table: StackTable,
    keys: KeyTable,
    kept: U64,
    events: Structured,
    definitions: I32,
    loose: Structured,
    forget_before: int,
) -> None:
    """Resolve the key references among ``loose``, growing the tables as needed (see :func:`resolve`)."""
    references = np.flatnonzero(loose["is_key"])
    if not len(references) and not len(definitions):
        return
    references = references[np.argsort(loose["event_time"][references], kind="stable")]
    state = np.zeros(2, np.int64)
    words = words_of(kept)
    while True:
        result = resolve(words, events, definitions, loose, references, keys.arrays, table.arrays, state)
        if result == 0:
            return
        if result == NODES_FULL:
            keys.make_room(forget_before)
        else:
            table.reserve()
