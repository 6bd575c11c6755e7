"""Stack keys: references whose frames come later, and keys that are used again for other frames.

With stack caching on, an event's stack is a reference to a key (hooks 1825, 1826), and the frames
follow when the key is deleted or at the rundown (1823, 1824). A reference is resolved by the first definition
of its key logged at or after the referring event's time; measured on real traces, using the last
definition instead is wrong for one reference in four (``docs/stacks.md``).

Each key has a chain of nodes, newest first. A node is one life of the key: it ends with a
definition, at ``ends``; the newest may still be open (``ends`` is :data:`OPEN`).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import I32, I64, U32, U64, Structured
from tracer.columns import NO_STACK
from tracer.jit import Int, inlined, kernel
from tracer.stacks.table import STACKS_FULL, StackTable, frame_at, intern

OPEN: Final = np.iinfo(np.int64).max
NODES_FULL: Final = -4
_MOST_LIVES: Final = 4096
"""Lives of one key looked at for one reference: real ones mean the newest or the one before it."""
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST_NODES: Final = 1 << 10

KEY_NODE: Final = np.dtype(
    [("key", "<u8"), ("ends", "<i8"), ("stack", "<i4"), ("older", "<i4")],
)
"""One life of a key: when its definition came, its stack id (a placeholder while open), the life before."""


@inlined
def _bucket(buckets: I32, nodes: Structured, key: np.uint64) -> Int:
    """Bucket that holds the newest node of ``key``, or the free one where it would stand."""
    mask = np.uint64(buckets.shape[0] - 1)
    probe = ((key * _MULTIPLIER) >> np.uint64(20)) & mask
    while buckets[probe] >= 0 and nodes[buckets[probe]]["key"] != key:
        probe = (probe + np.uint64(1)) & mask
    return np.int64(probe)


@inlined
def _add_node(
    buckets: I32, nodes: Structured, used: I64, at: Int,
    key: np.uint64, ends: Int, stack: Int,
) -> None:  # fmt: skip
    node = used[0]
    nodes[node]["key"] = key
    nodes[node]["ends"] = ends
    nodes[node]["stack"] = stack
    nodes[node]["older"] = buckets[at]
    buckets[at] = node
    used[0] = node + 1


@inlined
def _refer(
    buckets: I32,
    nodes: Structured,
    node_used: I64,
    starts: I64,
    targets: I32,
    used: I64,
    key: np.uint64,
    event_time: Int,
) -> Int:
    """Stack id for a reference made at ``event_time``: the oldest life of the key that ended at or after it."""
    at = _bucket(buckets, nodes, key)
    node = buckets[at]
    found = -1
    looked_at = 0
    while node >= 0 and nodes[node]["ends"] >= event_time and looked_at < _MOST_LIVES:
        found = node
        node = nodes[node]["older"]
        looked_at += 1
    if found >= 0:
        return np.int64(nodes[found]["stack"])
    stack = used[0]
    if stack >= starts.shape[0]:
        return STACKS_FULL
    if 2 * (node_used[0] + 1) > buckets.shape[0]:
        return NODES_FULL
    starts[stack] = -1
    targets[stack] = NO_STACK
    used[0] = stack + 1
    _add_node(buckets, nodes, node_used, at, key, OPEN, stack)
    return np.int64(stack)


@kernel
def resolve(  # noqa: PLR0913, PLR0917 - a kernel's arrays are its state
    words4: U32,
    words8: U64,
    events: Structured,
    definitions: I32,
    loose: Structured,
    references: I64,
    key_buckets: I32,
    nodes: Structured,
    node_used: I64,
    buckets: I32,
    memo: I32,
    hashes: U64,
    starts: I64,
    lengths: I32,
    targets: I32,
    frames: U64,
    used: I64,
    state: I64,
) -> Int:
    """Take references (rows of ``loose``, by event time) and definitions (events, by time) as one sequence.

    At equal times the reference goes first. ``words4`` and ``words8`` are the kept payloads. ``state``: [next
    reference, next definition]; resumable on :data:`STACKS_FULL` and :data:`NODES_FULL`; 0 when done.
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
            stack = _refer(key_buckets, nodes, node_used, starts, targets, used, item["key"], item["event_time"])
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
        if 2 * (node_used[0] + 1) > key_buckets.shape[0]:
            result = NODES_FULL
            break
        stack = intern(
            words4, words8, at + pointer, count, pointer, buckets, memo, hashes, starts, lengths, frames, used
        )  # fmt: skip
        if stack < 0:
            result = stack
            break
        key = frame_at(words4, at, pointer)
        bucket = _bucket(key_buckets, nodes, key)
        newest = key_buckets[bucket]
        if newest >= 0 and nodes[newest]["ends"] == OPEN:
            nodes[newest]["ends"] = event["time"]
            targets[nodes[newest]["stack"]] = stack
        else:
            _add_node(key_buckets, nodes, node_used, bucket, key, event["time"], stack)
        d += 1
    state[0] = r
    state[1] = d
    return result


@kernel
def _keep_recent(
    old: Structured, count: int, forget_before: int, nodes: Structured,
    buckets: I32, used: I64,
) -> None:  # fmt: skip
    """Copy the lives that are open or ended after ``forget_before``; nodes are in the order of their making."""
    used[0] = 0
    for i in range(count):
        if old[i]["ends"] >= forget_before:
            at = _bucket(buckets, nodes, old[i]["key"])
            _add_node(buckets, nodes, used, at, old[i]["key"], old[i]["ends"], old[i]["stack"])


class KeyTable:
    """The lives of all stack keys that a reference may still mean."""

    def __init__(self) -> None:
        self.nodes = np.zeros(_FIRST_NODES, KEY_NODE)
        self.buckets = np.full(2 * _FIRST_NODES, -1, np.int32)
        self.used = np.zeros(1, np.int64)

    def make_room(self, forget_before: int) -> None:
        """Forget lives that ended before that raw time; double the table where that frees less than half."""
        old, count = self.nodes, int(self.used[0])
        alive = int(np.count_nonzero(old["ends"][:count] >= forget_before))
        size = len(old) * (2 if 2 * alive > len(old) else 1)
        self.nodes = np.zeros(size, KEY_NODE)
        self.buckets = np.full(2 * size, -1, np.int32)
        _keep_recent(old, count, forget_before, self.nodes, self.buckets, self.used)


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
    while True:
        result = resolve(
            kept.view(np.uint32), kept, events, definitions, loose, references,
            keys.buckets, keys.nodes, keys.used,
            table.buckets, table.memo, table.hashes, table.starts, table.lengths, table.targets, table.frame_pool,
            table.used, state,
        )  # fmt: skip
        if result == 0:
            return
        if result == NODES_FULL:
            keys.make_room(forget_before)
        else:
            table.reserve()
