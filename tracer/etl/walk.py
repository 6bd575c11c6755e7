"""The walk over the records of buffers, each of which it reads once, whole, and while it is in the cache.

One kernel steps from record to record and counts every one. Of an event it keeps a row and a copy of its payload
(:mod:`tracer.etl.rows`); a stack is interned at once and given to the event before it. When it is done nothing
of a buffer's bytes is needed any more.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import I32, U16, U32, U64, Structured
from tracer.columns import NO_STACK, UNKNOWN_ID, Who
from tracer.etl.census import Counters
from tracer.etl.extended import after_items, take_items
from tracer.etl.families import (
    CLASSIC,
    FAMILY,
    HEADER_SIZE,
    KERNEL,
    MANIFEST,
    MESSAGE,
    POINTER_BYTES,
    THREAD_AT,
    TIME_AT,
)
from tracer.etl.headers import (
    END_OF_BUFFER,
    EVENT_FLAG_EXTENDED,
    HEADER_BYTES,
    MESSAGE_HEADER,
    PERFINFO_PEBS,
    PERFINFO_PMC_MASK,
    PERFINFO_PMC_SHIFT,
    HeaderType,
    MessageOption,
)
from tracer.etl.rows import (
    MOST_WORDS,
    RESERVED,
    SLOT_DEFINITION,
    SLOT_KERNEL_KEY,
    SLOT_NONE,
    SLOT_STACK,
    SLOT_USER_KEY,
    EventTables,
    Waiting,
)
from tracer.etl.stack_join import event_before, is_user_frame, set_loose
from tracer.etl.swallowed import LEAST, header_type, record_size, swallowed
from tracer.hashing import GOLDEN
from tracer.jit import Int, inlined, kernel
from tracer.natural import natural
from tracer.stacks.table import STACKS_FULL, StackArrays, intern
from tracer.unaligned import load64
from tracer.words import Words

# What a segment's walk ended with; a segment is one buffer's valid bytes.
RUNNING: Final = 0
DONE: Final = 1
BAD_SIZE: Final = 2
BAD_TYPE: Final = 3
BAD_CUT: Final = 4

# What the whole walk ended with: make room for what is full and call again.
COMPLETE: Final = 0
ROWS_FULL: Final = 1
PROVIDERS_FULL: Final = 2
# and STACKS_FULL, which is negative

_LOW32: Final = np.uint64(0xFFFFFFFF)
_PERFINFO32: Final = int(HeaderType.PERFINFO32)
_PERFINFO64: Final = int(HeaderType.PERFINFO64)
_MESSAGE_SIZE: Final = MESSAGE_HEADER.itemsize
_SEQUENCE: Final = int(MessageOption.SEQUENCE)
_GUID: Final = int(MessageOption.GUID)
_COMPONENT: Final = int(MessageOption.COMPONENT)
_TIMESTAMP: Final = int(MessageOption.TIMESTAMP | MessageOption.PERF_TIMESTAMP)
_UNKNOWN: Final = UNKNOWN_ID
_BY_STACK: Final = int(Who.STACK)
_BY_HEADER: Final = int(Who.HEADER)


@inlined
def _message_time(words2: U16, words4: U32, position: Int, stop: Int, fallback: Int) -> Int:
    """Raw time of a WPP message, ``fallback`` where it carries none."""
    options = np.int64(words2[(position >> 1) + 3])
    at = position + _MESSAGE_SIZE
    at += 4 if options & _SEQUENCE else 0
    at += 16 if options & _GUID else 0
    at += 4 if options & _COMPONENT else 0
    if options & _TIMESTAMP == 0 or at + 8 > stop:
        return fallback
    return np.int64(words4[at >> 2]) | np.int64(words4[(at >> 2) + 1]) << 32


@kernel
def provider_row(keys: U64, table: I32, used: Int, low: np.uint64, high: np.uint64) -> Int:
    """Row of a GUID in ``keys``, added where it is new; -1 where the table is half full."""
    mask = np.uint64(table.shape[0] - 1)
    # Twice: GUIDs made one after another differ in a few low bits only.
    probe = (((low ^ (high * GOLDEN)) * GOLDEN) >> np.uint64(32)) & mask
    while table[probe] >= 0:
        row = np.int64(table[probe])
        if keys[row, 0] == low and keys[row, 1] == high:
            return row
        probe = (probe + np.uint64(1)) & mask
    if 2 * (used + 1) > table.shape[0]:
        return -1
    keys[used, 0] = low
    keys[used, 1] = high
    table[probe] = used
    return used


@inlined
def _kernel_payload(kind: Int, position: Int, stop: Int, version: Int) -> Int:
    """Where the payload of a SYSTEM, COMPACT or PERFINFO record begins: behind the counters, where it has any."""
    payload = position + np.int64(HEADER_SIZE[kind])
    if kind == _PERFINFO32 or kind == _PERFINFO64:
        payload += 8 * ((version >> PERFINFO_PMC_SHIFT) & PERFINFO_PMC_MASK)
        payload += 8 if version & PERFINFO_PEBS else 0
    return min(payload, stop)


@inlined
def _keep(
    words8: U64, payload: Int, stop: Int, kept: U64, at: Int
) -> Int:  # fmt: skip
    """Copy a payload, word by word; gives the words used up to here."""
    source, target = np.uint64(payload >> 3), np.uint64(at)
    count = (stop - payload + 7) >> 3
    for i in range(count):
        kept[target + np.uint64(i)] = words8[source + np.uint64(i)]
    return at + count


@inlined
def _account(segment: np.void, state: np.void) -> None:
    """Add up where the bytes of a buffer that was walked went."""
    present = segment["present"]
    header = min(np.int64(HEADER_BYTES), present)
    body = present - header
    left = np.int64(0)
    if segment["state"] != DONE:
        left = max(np.int64(0), segment["end"] - segment["position"])
    walked = segment["end"] - segment["begin"]
    if segment["packed"]:
        whole = max(np.int64(1), segment["valid"] - HEADER_BYTES)
        skipped = body * min(max(left + whole - walked, np.int64(0)) + segment["swallowed"], whole) // whole
        records = body - skipped
    else:
        skipped = left + max(np.int64(0), min(segment["valid"], present) - header - walked) + segment["swallowed"]
        records = segment["record_bytes"] - segment["swallowed"]
    segment["skipped"] = skipped
    state["headers"] += header
    state["record_bytes"] += records
    state["skipped"] += skipped
    state["padding"] += body - records - skipped
    if segment["state"] != DONE or segment["backward"] > 0 or segment["swallowed"] > 0:
        state["notable"] += 1


# One loop over all header types: a call for each record would cost more than what the call does.
@kernel
def walk(  # noqa: PLR0912, PLR0915 - see above
    words: Words,
    segments: Structured,
    counting: bool,
    representable: tuple[int, int],
    tables: EventTables,
    counters: Counters,
    stacks: StackArrays,
    waiting: Waiting,
) -> Int:
    """Walk every segment to its end.

    Segments begin on multiples of 8 in the arena ``words`` and have 8 bytes behind them. ``counting``: nothing but
    counts is wanted. Times outside the ``representable`` ones, least and greatest, are counted as wild. There is room
    for a run a segment. It is resumable: on :data:`ROWS_FULL`, :data:`PROVIDERS_FULL` or
    :data:`~tracer.stacks.table.STACKS_FULL` the caller makes room and calls again.
    """
    bytes1, words2, words4, words8 = words
    hook_row, row_slot, row_hook = tables.hook_row, tables.row_slot, tables.row_hook
    provider_rows, provider_counts = tables.provider_rows, tables.provider_counts
    row_counts = tables.row_counts
    header_counts, hook_counts = counters
    stored, loose, runs, tails, states = waiting
    events, times, slots, kept = stored
    state = states[0]
    least, most = representable
    span = np.uint64(most - least)
    rows_mask = row_slot.shape[1] - 1
    n_events = state["events"]
    n_kept = state["kept"]
    n_loose = state["loose"]
    records = np.int64(0)
    n_stacks = np.int64(0)
    n_bare = np.int64(0)
    providers = state["providers"]
    latest = state["last_time"]
    last_low = np.uint64(0)
    last_high = np.uint64(0)
    last_provider: Int = -1
    result: Int = COMPLETE
    s = state["segment"]
    while s < segments.shape[0]:
        segment = segments[s]
        position = segment["position"]
        end = segment["end"]
        last_time = segment["last_time"]
        shift = segment["shift"]
        if segment["first"] < 0:
            segment["first"] = n_events
        first = np.int64(segment["first"])
        cpu = segment["cpu"]
        packed = segment["packed"] != 0
        in_file = segment["offset"] - (0 if packed else segment["begin"])
        before_first = np.int64(0)
        before_end = np.int64(0)
        if tails[cpu] >= 0:
            before_first = np.int64(runs[tails[cpu]]["first"])
            before_end = np.int64(runs[tails[cpu]]["end"])
        record_bytes = np.int64(0)
        finished = RUNNING
        while True:
            if position + 8 > end:
                finished = DONE
                break
            head = load64(bytes1, position)
            kind = header_type(head)
            if kind < 0:
                word = np.int64(head & _LOW32)
                finished = DONE if word == END_OF_BUFFER else BAD_SIZE if word & 0xFFFF == 0 else BAD_TYPE
                break
            family = np.int64(FAMILY[kind])
            size = record_size(head, kind)
            if size < HEADER_SIZE[kind]:
                finished = BAD_SIZE if family else BAD_TYPE
                break
            stop = position + size
            if stop > end:
                finished = BAD_CUT
                break
            slot = np.int64(SLOT_NONE)
            event = np.int64(0)
            row = np.int64(0)
            version = np.int64(0)
            payload = position + HEADER_SIZE[kind]
            extended = False
            is_known = False
            if family == KERNEL:
                time = np.int64(load64(bytes1, position + TIME_AT[kind])) + shift
                event = np.int64(head >> np.uint64(48))
                version = np.int64(head & np.uint64(0xFF))
                payload = _kernel_payload(kind, position, stop, np.int64(head & np.uint64(0xFFFF)))
                row = np.int64(hook_row[event])
                slot = np.int64(row_slot[row, version])
            elif family == MANIFEST or family == CLASSIC:
                time = np.int64(words8[(position + TIME_AT[kind]) >> 3]) + shift
                low_key = words8[(position + 24) >> 3]
                high_key = words8[(position + 32) >> 3]
                if low_key != last_low or high_key != last_high or last_provider < 0:
                    last_provider = provider_row(
                        tables.provider_keys, tables.provider_table, providers, low_key, high_key
                    )
                    if last_provider < 0:
                        result = PROVIDERS_FULL
                        break
                    providers = max(providers, last_provider + 1)
                    last_low = low_key
                    last_high = high_key
                if family == MANIFEST:
                    event = np.int64(words2[(position + 40) >> 1])
                    version = np.int64(bytes1[position + 42])
                    extended = words2[(position + 4) >> 1] & EVENT_FLAG_EXTENDED != 0
                else:
                    event = np.int64(bytes1[position + 4])
                    version = np.int64(words2[(position + 6) >> 1])
                if last_provider < provider_rows.shape[0]:
                    row = np.int64(provider_rows[last_provider, event])
                    version = min(version, rows_mask)
                    slot = np.int64(row_slot[row, version])
                    event = np.int64(row_hook[row]) if row_hook[row] else event
                if extended:
                    payload = after_items(words2, payload, stop)
            elif family == MESSAGE:
                time = np.int64(_message_time(words2, words4, position, stop, last_time - shift)) + shift
            else:
                time = last_time
            if SLOT_STACK <= slot <= SLOT_USER_KEY:
                pointer = POINTER_BYTES[kind]
                bare = payload + 16 + pointer > stop
                if not counting and not bare:
                    if n_loose >= loose.shape[0]:
                        result = ROWS_FULL
                        break
                    innermost = load64(bytes1, payload + 16)
                    innermost = innermost & _LOW32 if pointer == 4 else innermost
                    is_user = slot != SLOT_KERNEL_KEY
                    stack: Int = NO_STACK
                    if slot == SLOT_STACK:
                        is_user = is_user_frame(innermost, pointer)
                        known = stacks.used[0]
                        stack = intern(
                            words, payload + 16, (stop - payload - 16) >> (3 if pointer == 8 else 2), pointer, stacks
                        )
                        if stack == STACKS_FULL:
                            result = STACKS_FULL
                            break
                        is_known = stacks.used[0] == known
                    event_time = np.int64(load64(bytes1, payload)) + shift
                    ids = load64(bytes1, payload + 8)
                    process = np.uint32(ids & _LOW32)
                    thread = np.uint32(ids >> np.uint64(32))
                    owner = event_before(
                        events, n_events, first, before_first, before_end, event_time, thread, is_user
                    )  # fmt: skip
                    if owner >= 0:
                        its = events[owner]
                        its["thread"] = thread
                        its["process"] = process
                        its["who"] = _BY_STACK
                        given = stack if slot == SLOT_STACK else np.int64(RESERVED)
                        if is_user:
                            its["user_stack"] = given
                        else:
                            its["stack"] = given
                    if owner < 0 or slot != SLOT_STACK:
                        item = loose[n_loose]
                        set_loose(item, event_time, time, owner, stack, cpu, is_user)
                        item["key"] = innermost
                        item["is_key"] = slot != SLOT_STACK
                        item["thread"] = thread
                        item["process"] = process
                        n_loose += 1
                n_stacks += 1
                n_bare += bare
            else:
                if not counting:
                    if n_events >= events.shape[0] or n_kept + MOST_WORDS > kept.shape[0]:
                        result = ROWS_FULL
                        break
                    at = THREAD_AT[kind]
                    made = events[natural(n_events)]
                    made["time"] = time
                    made["offset"] = in_file if packed else in_file + position
                    made["payload"] = n_kept << 3
                    made["stack"] = NO_STACK
                    made["user_stack"] = NO_STACK
                    made["size"] = stop - payload
                    made["slot"] = slot
                    made["event"] = event
                    made["cpu"] = cpu
                    made["pointer"] = POINTER_BYTES[kind]
                    ids = load64(bytes1, position + at) if at >= 0 else _LOW32
                    if ids & _LOW32 != np.uint64(_UNKNOWN):
                        made["thread"] = np.uint32(ids & _LOW32)
                        made["process"] = np.uint32(ids >> np.uint64(32))
                        made["who"] = _BY_HEADER
                    else:
                        made["thread"] = _UNKNOWN
                        made["process"] = _UNKNOWN
                        made["who"] = 0
                    if extended:
                        items = position + np.int64(HEADER_SIZE[kind])
                        taken = take_items(
                            words, (items, stop), stacks, events, n_events, loose, n_loose, tables.self_described
                        )
                        if taken < 0:
                            result = STACKS_FULL if taken == STACKS_FULL else ROWS_FULL
                            break
                        n_loose = taken
                        slot = np.int64(made["slot"])
                        payload = stop - np.int64(made["size"])
                    times[n_events] = time
                    slots[n_events] = slot
                    if slot >= SLOT_DEFINITION:
                        n_kept = _keep(words8, payload, stop, kept, n_kept)
                    n_events += 1
                latest = max(latest, time)
                if np.uint64(time - least) > span:
                    state["wild"] += 1
            # Only now, that nothing can be full any more, it counts.
            body = max(payload, position + np.int64(HEADER_SIZE[kind]))  # a self-described event keeps its header
            if stop - body >= LEAST and not is_known and not counting:
                inside = swallowed(bytes1, body, stop, time - shift)
                if inside > 0 and segment["swallowed"] == 0:
                    segment["swallower"] = position
                segment["swallowed"] += inside
            if family == KERNEL:
                hook_counts[event] += 1
            elif family == MANIFEST or family == CLASSIC:
                provider_counts[last_provider] += 1
            row_counts[row, version & rows_mask] += 1
            if time < last_time:
                segment["backward"] += 1
            else:
                last_time = time
            header_counts[kind] += 1
            records += 1
            record_bytes += size
            position += (size + 7) & ~7
        segment["position"] = position
        segment["last_time"] = last_time
        segment["record_bytes"] += record_bytes
        if result != COMPLETE:
            break
        segment["state"] = finished
        if n_events > first:
            run = runs[state["runs"]]
            run["first"] = first
            run["end"] = n_events
            run["cpu"] = cpu
            tails[cpu] = state["runs"]
            state["runs"] += 1
        _account(segment, state)
        s += 1
    state["segment"] = s
    state["events"] = n_events
    state["kept"] = n_kept
    state["loose"] = n_loose
    state["records"] += records
    state["stacks"] += n_stacks
    state["bare_stacks"] += n_bare
    state["providers"] = providers
    state["last_time"] = latest
    return result
