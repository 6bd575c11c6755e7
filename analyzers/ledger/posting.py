"""Posting pool events to the ledger: the kernel that matches allocations and frees.

Rules (``docs/matching.md``): an allocation on a live address means that the free between was lost,
the old one is closed as *replaced without free*; a free of an address that is not live is a *free
without allocation*. At one timestamp the order between CPUs is not recorded: the order is taken
that the addresses allow. An allocation with address 0 failed (ExAllocatePoolWithTag gives NULL where there is no
memory): it is counted apart, and is neither an allocation nor outstanding. Sums of bytes are modulo 2^64: no memory is
that large.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.ledger.histories import note_ended, note_lifetime, note_made, note_stray, step_of
from analyzers.ledger.reversed_pairs import REACH_NS, note_allocated, note_matched, note_replaced, note_unmatched
from analyzers.ledger.rows import (
    BUCKETS_FULL,
    DONE,
    HAS_STACK,
    HAS_USER_STACK,
    SITES_FULL,
    SLOTS_FULL,
    STATE_ALLOCATIONS,
    STATE_BYTES,
    STATE_FAILED,
    STATE_FREE_HEAD,
    STATE_FREES,
    STATE_LAST_STRAY,
    STATE_LIVE,
    STATE_MATCHED,
    STATE_NEXT,
    STATE_RECENT,
    STATE_REPLACED,
    STATE_REPLACED_IN_SESSION,
    STATE_REVERSED,
    STATE_SITES,
    STATE_SLOTS,
    STATE_STEP_SHIFT,
    STATE_TAGS,
    STATE_WITHOUT,
    TAGS_FULL,
    WAS_REPLACED,
)
from analyzers.ledger.tables import (
    FAR,
    LOW32,
    NEAR,
    fetch_bucket,
    fetch_slot,
    find,
    fingerprint,
    keyed_row,
    put,
    remove,
    site_of,
)
from analyzers.pooltag import PAGED, PROTECTED_POOL
from analyzers.tags.callers import BY_PROCESS
from tracer.columns import UNKNOWN_ID
from tracer.events.pool import ALLOC_SESSION, FREE, FREE_SESSION
from tracer.jit import Int, inlined, kernel

TIE_REACH: Final = 256
"""Events of one timestamp among which a partner is looked for; the most that shared one in real traces are 13."""

_ALLOC_SESSION_HOOK: Final = ALLOC_SESSION
_FREE_HOOK: Final = FREE
_FREE_SESSION_HOOK: Final = FREE_SESSION
_NAME_BITS: Final = np.uint32(0xFFFFFFFF & ~PROTECTED_POOL)
_PAGED_BIT: Final = np.uint32(PAGED)
_BY_PROCESS: Final = np.array(BY_PROCESS, np.uint32)
_UNKNOWN: Final = np.uint32(UNKNOWN_ID)
_NULL: Final = np.uint64(0)


@inlined
def _is_free(event: np.uint16) -> bool:
    return (event == _FREE_HOOK) | (event == _FREE_SESSION_HOOK)  # type: ignore[no-any-return]  # a kernel's boolean


@inlined
def _hint(stack: np.int32, tag: np.uint32, size: int) -> Int:
    """Where a site is remembered; stack ids count up from 0, so that those of one tag do not collide."""
    return (np.int64(stack) ^ (np.int64(tag) >> np.int64(3))) & (size - 1)


@inlined
def _is_by_process(tag: np.uint32) -> bool:
    """Whether each process' allocations of the tag are counted by themselves."""
    found = False
    for other in _BY_PROCESS:
        found |= other == tag
    return found


@inlined
def _posted(taken: npt.NDArray[np.uint8], i: Int, now: Int) -> Int:
    """Event ``now`` was posted when it was event ``i``'s turn; gives by how many events the turn moves on."""
    if now == i:
        return 1
    taken[now] = 1
    return 0


@inlined
def _note_end(allocation: np.void, slot: Int, recent: npt.NDArray[np.void], time: np.int64, freed: int) -> None:
    """Note in the ring, if it is still there, when an allocation ends whose kernel stack may still come."""
    row = recent[allocation["recent"]]
    if row["slot"] == slot and row["time"] == allocation["time"]:
        row["ended"] = time
        if not freed:
            row["flags"] |= WAS_REPLACED


@inlined
def _close(
    slots: npt.NDArray[np.void], buckets: npt.NDArray[np.uint64], bucket: Int, sites: npt.NDArray[np.void],
    tags: npt.NDArray[np.void], recent: npt.NDArray[np.void], steps: npt.NDArray[np.void],
    lifetimes: npt.NDArray[np.int32], state: npt.NDArray[np.int64], time: np.int64, freed: int,
) -> None:  # fmt: skip
    """Take an allocation off the ledger; ``freed`` is 1 where its free was seen."""
    slot = np.int64(buckets[bucket] & LOW32)
    allocation = slots[slot]
    size = np.int64(allocation["size"])
    site = sites[allocation["site"]]
    site["count"] -= 1
    site["bytes"] -= size
    site["frees"] += freed
    tag = tags[site["tag_row"]]
    tag["count"] -= 1
    tag["bytes"] -= size
    tag["frees"] += freed
    state[STATE_LIVE] -= 1
    state[STATE_BYTES] -= size
    note_ended(steps, step_of(time, state[STATE_STEP_SHIFT]), np.int64(allocation["site"]), size, 1)
    if freed:
        note_lifetime(lifetimes, np.int64(allocation["site"]), time - allocation["time"], 1)
    if site["stack"] < 0:
        _note_end(allocation, slot, recent, time, freed)
    allocation["live"] = 0
    allocation["next_free"] = state[STATE_FREE_HEAD]
    state[STATE_FREE_HEAD] = slot
    remove(buckets, bucket)


@inlined
def _open_slot(slots: npt.NDArray[np.void], state: npt.NDArray[np.int64]) -> Int:
    """A slot for a new allocation; there must be one."""
    slot = state[STATE_FREE_HEAD]
    if slot >= 0:
        state[STATE_FREE_HEAD] = slots[slot]["next_free"]
    else:
        slot = state[STATE_SLOTS]
        state[STATE_SLOTS] += 1
    state[STATE_LIVE] += 1
    return np.int64(slot)


@kernel
def _partner(
    raw: npt.NDArray[np.int64], cpu: npt.NDArray[np.uint16], event: npt.NDArray[np.uint16],
    address: npt.NDArray[np.uint64], taken: npt.NDArray[np.uint8], i: Int, want_free: bool | np.bool_,
) -> Int:  # fmt: skip
    """The event that may go before event ``i`` because it fits the address: a free or an allocation of the same time.

    It is the first of another CPU for this address; ``i`` itself where there is none.
    """
    end = min(raw.shape[0], i + TIE_REACH)
    k: Int = i + 1
    while k < end and raw[k] == raw[i]:
        fits = address[k] == address[i] and _is_free(event[k]) == want_free and taken[k] == 0 and cpu[k] != cpu[i]
        j = i + 1
        while fits and j < k:
            fits = address[j] != address[i] or cpu[j] != cpu[k] or taken[j] != 0
            j += 1
        if fits:
            return k
        k += 1
    return i


@kernel
def post(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917 - a kernel takes arrays only, and a step of its own costs a call
    time: npt.NDArray[np.int64],
    raw: npt.NDArray[np.int64],
    cpu: npt.NDArray[np.uint16],
    thread: npt.NDArray[np.uint32],
    process: npt.NDArray[np.uint32],
    who: npt.NDArray[np.uint8],
    event: npt.NDArray[np.uint16],
    stack: npt.NDArray[np.int32],
    user_stack: npt.NDArray[np.int32],
    offset: npt.NDArray[np.int64],
    pool_type: npt.NDArray[np.uint32],
    pool_tag: npt.NDArray[np.uint32],
    size: npt.NDArray[np.uint64],
    address: npt.NDArray[np.uint64],
    taken: npt.NDArray[np.uint8],
    slots: npt.NDArray[np.void],
    buckets: npt.NDArray[np.uint64],
    sites: npt.NDArray[np.void],
    site_keys: npt.NDArray[np.uint64],
    site_table: npt.NDArray[np.int32],
    tags: npt.NDArray[np.void],
    tag_keys: npt.NDArray[np.uint64],
    tag_table: npt.NDArray[np.int32],
    site_memo: npt.NDArray[np.int32],
    recent: npt.NDArray[np.void],
    steps: npt.NDArray[np.void],
    lifetimes: npt.NDArray[np.int32],
    strays: npt.NDArray[np.int32],
    unmatched: npt.NDArray[np.void],
    reversed_pairs: npt.NDArray[np.void],
    pair_places: npt.NDArray[np.int32],
    least: npt.NDArray[np.int64],
    state: npt.NDArray[np.int64],
) -> int:
    """Post pool events, in time order; resumable: the caller makes room where the result says what is full.

    ``taken`` marks events that were posted before their turn (ties between CPUs). ``site_memo`` remembers recent sites
    by :func:`_hint`. ``unmatched`` … ``least``: :class:`~analyzers.ledger.reversed_pairs.ReversedPairs`.
    """
    i = state[STATE_NEXT]
    while i < raw.shape[0]:
        if taken[i]:
            i += 1
            continue
        now = i
        if i + FAR < raw.shape[0]:
            fetch_bucket(buckets, address[i + FAR])
            fetch_slot(buckets, slots, address[i + NEAR])
        bucket = find(buckets, slots, address[now])
        if _is_free(event[now]) != (bucket >= 0):
            now = _partner(raw, cpu, event, address, taken, i, bucket >= 0)
        is_free = _is_free(event[now])
        if is_free and bucket >= 0:
            allocated = slots[np.int64(buckets[bucket] & LOW32)]
            if allocated["cpu"] != cpu[now]:
                note_matched(least, allocated["cpu"], cpu[now], time[now] - allocated["time"])
            _close(slots, buckets, bucket, sites, tags, recent, steps, lifetimes, state, time[now], 1)
            state[STATE_FREES] += 1
            state[STATE_MATCHED] += 1
            i += _posted(taken, i, now)
            continue
        name = pool_tag[now] & _NAME_BITS
        paged = pool_type[now] & _PAGED_BIT
        hint = _hint(stack[now], name, site_memo.shape[0])
        site_row: Int = np.int64(site_memo[hint])
        tag_row: Int = np.int64(sites[site_row]["tag_row"])
        known = sites[site_row]["stack"] == stack[now] and tag_row < state[STATE_TAGS]
        known = known and tags[tag_row]["tag"] == name and tags[tag_row]["paged"] == paged
        if known and tags[tag_row]["by_process"]:
            same = process[now] != _UNKNOWN or sites[site_row]["thread"] == thread[now]
            known = sites[site_row]["process"] == process[now] and same
        if not known:
            tag_row = keyed_row(
                tag_table, tag_keys, state[STATE_TAGS], (np.uint64(name) << np.uint64(1)) | np.uint64(paged)
            )
        if tag_row < 0:
            state[STATE_NEXT] = i
            return TAGS_FULL
        tag = tags[tag_row]
        if tag_row == state[STATE_TAGS]:
            tag["tag"] = name
            tag["paged"] = paged
            tag["by_process"] = _is_by_process(name)
            state[STATE_TAGS] += 1
        if is_free:
            tag["frees"] += 1
            note_stray(strays, step_of(time[now], state[STATE_STEP_SHIFT]), tag_row)
            state[STATE_FREES] += 1
            state[STATE_WITHOUT] += 1
            note_unmatched(unmatched, address[now], time[now], name, cpu[now])
            state[STATE_LAST_STRAY] = time[now] + REACH_NS
            i += _posted(taken, i, now)
            continue
        if address[now] == _NULL:
            tag["failed"] += 1
            state[STATE_FAILED] += 1
            i += _posted(taken, i, now)
            continue
        if not known or site_row >= state[STATE_SITES]:
            process_id = process[now] if tag["by_process"] else _UNKNOWN
            thread_id = thread[now] if tag["by_process"] and process_id == _UNKNOWN else _UNKNOWN
            site_row = site_of(
                site_table, site_keys, sites, state[STATE_SITES], tag_row, stack[now], process_id, thread_id
            )
            if site_row < 0:
                state[STATE_NEXT] = i
                return SITES_FULL
            site_memo[hint] = site_row
        if 2 * (state[STATE_LIVE] + 1) > buckets.shape[0]:
            state[STATE_NEXT] = i
            return BUCKETS_FULL
        if state[STATE_FREE_HEAD] < 0 and state[STATE_SLOTS] >= slots.shape[0]:
            state[STATE_NEXT] = i
            return SLOTS_FULL
        site = sites[site_row]
        if site_row == state[STATE_SITES]:
            site["tag_row"] = tag_row
            site["stack"] = stack[now]
            site["process"] = process_id
            site["thread"] = thread_id
            site["first"] = time[now]
            state[STATE_SITES] += 1
        if bucket >= 0:
            replaced = np.int64(buckets[bucket] & LOW32)
            note_replaced(reversed_pairs, pair_places, slots[replaced]["time"], replaced)
            _close(slots, buckets, bucket, sites, tags, recent, steps, lifetimes, state, time[now], 0)
            state[STATE_REPLACED] += 1
            state[STATE_REPLACED_IN_SESSION] += event[now] == _ALLOC_SESSION_HOOK
        slot = _open_slot(slots, state)
        allocation = slots[slot]
        allocation["address"] = address[now]
        allocation["size"] = size[now]
        allocation["time"] = time[now]
        allocation["offset"] = offset[now]
        allocation["thread"] = thread[now]
        allocation["process"] = process[now]
        allocation["site"] = site_row
        allocation["user_stack"] = user_stack[now]
        allocation["type"] = pool_type[now]
        allocation["cpu"] = cpu[now]
        allocation["who"] = who[now]
        allocation["live"] = 1
        put(buckets, fingerprint(address[now]), slot)
        if time[now] <= state[STATE_LAST_STRAY]:
            state[STATE_REVERSED] += note_allocated(
                unmatched, reversed_pairs, pair_places, state[STATE_REVERSED], address[now], time[now], name, cpu[now],
                slot,
            )  # fmt: skip
        grown = np.int64(size[now])
        site["allocations"] += 1
        site["count"] += 1
        site["bytes"] += grown
        site["last"] = time[now]
        note_made(steps, step_of(time[now], state[STATE_STEP_SHIFT]), site_row, grown, 1)
        tag["allocations"] += 1
        tag["count"] += 1
        tag["bytes"] += grown
        tag["peak"] = max(tag["peak"], tag["bytes"])
        state[STATE_ALLOCATIONS] += 1
        state[STATE_BYTES] += grown
        place = state[STATE_RECENT] & (recent.shape[0] - 1)
        allocation["recent"] = place
        row = recent[place]
        row["raw_time"] = raw[now]
        row["time"] = time[now]
        row["size"] = grown
        row["thread"] = thread[now]
        row["slot"] = slot
        row["site"] = site_row
        row["cpu"] = cpu[now]
        row["flags"] = (HAS_STACK if stack[now] >= 0 else 0) | (HAS_USER_STACK if user_stack[now] >= 0 else 0)
        state[STATE_RECENT] += 1
        i += _posted(taken, i, now)
    state[STATE_NEXT] = 0
    return DONE
