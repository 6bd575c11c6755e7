"""The kernel that matches allocations and frees, and counts them by site and tag.

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

from analyzers.hashing import (
    FAR,
    LOW32,
    NEAR,
    SHIFT,
    enter,
    fetch_bucket,
    fetch_slot,
    find,
    fingerprint,
    put,
    remove,
    row_of,
    spread,
)
from analyzers.ledger.histories import end_steps, note_lifetime, note_past, step_of
from analyzers.ledger.reversed_pairs import (
    REACH_NS,
    ReversedPairs,
    note_allocated,
    note_matched,
    note_replaced,
    note_unmatched,
)
from analyzers.ledger.rows import (
    BUCKETS_FULL,
    DONE,
    HAS_STACK,
    HAS_USER_STACK,
    SITES_FULL,
    SLOTS_FULL,
    TAGS_FULL,
    WAS_REPLACED,
    History,
    LedgerTables,
    PoolEvents,
)
from analyzers.pooltag import PAGED, PROTECTED_POOL
from analyzers.tags.callers import BY_PROCESS
from tracer.arrays import Structured
from tracer.columns import UNKNOWN_ID
from tracer.events.pool import ALLOC_SESSION, FREE, FREE_SESSION
from tracer.hashing import GOLDEN
from tracer.jit import Int, inlined, kernel
from tracer.natural import natural

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
_BYTE: Final = np.uint64(3)
_IN_BYTE: Final = np.uint64(7)
_TAG: Final = np.uint64(1)
_SITE: Final = np.uint64(1)
"""What keys of the two indices are of."""


@inlined
def _is_free(event: np.uint16) -> bool:
    return (event == _FREE_HOOK) | (event == _FREE_SESSION_HOOK)  # type: ignore[no-any-return]  # a kernel's boolean


@inlined
def _hint(stack: np.int32, tag: np.uint32, size: int) -> Int:
    """Where a site is remembered; stack ids count up from 0, so that those of one tag do not collide."""
    return natural((np.int64(stack) ^ (np.int64(tag) >> np.int64(3))) & (size - 1))


@inlined
def _is_by_process(tag: np.uint32) -> bool:
    """Whether each process' allocations of the tag are counted by themselves."""
    found = False
    for other in _BY_PROCESS:
        found |= other == tag
    return found


@inlined
def _tag_of(ledger: LedgerTables, name: np.uint32, paged: np.uint32) -> Int:
    """Row of a tag, a new one where it is new; -1 where there is no room."""
    key = (np.uint64(name) << np.uint64(1)) | np.uint64(paged)
    row = row_of(ledger.tag_index, _TAG, key)
    if row >= 0:
        return row
    row = np.int64(ledger.counts[0]["tags"])
    if row >= ledger.tags.shape[0]:
        return np.int64(-1)
    ledger.counts[0]["tags"] += put(ledger.tag_index, _TAG, key, row)
    tag = ledger.tags[row]
    tag["tag"] = name
    tag["paged"] = paged
    tag["by_process"] = _is_by_process(name)
    return row


@inlined
def site_of(
    ledger: LedgerTables, tag_row: Int, stack: np.int32, process: np.uint32, thread: np.uint32, time: np.int64
) -> Int:
    """Row of the site of an allocation, a new one where it is new; -1 where there is no room.

    Of tags that are not counted by process, a site is of all processes. Two sites may have one key, though hardly ever:
    then one of them is found under another.
    """
    by_process = ledger.tags[tag_row]["by_process"]
    process_id = process if by_process else _UNKNOWN
    thread_id = thread if by_process and process == _UNKNOWN else _UNKNOWN
    owner = (np.uint64(process_id) << SHIFT) | np.uint64(thread_id)
    key = (np.uint64(tag_row) << SHIFT) | (np.uint64(np.int64(stack) + 1) & LOW32)
    key ^= (~owner) * GOLDEN
    row = row_of(ledger.site_index, _SITE, key)
    while row >= 0:
        site = ledger.sites[row]
        same = site["tag_row"] == tag_row and site["stack"] == stack
        if same and site["process"] == process_id and site["thread"] == thread_id:
            return row
        key += GOLDEN
        row = row_of(ledger.site_index, _SITE, key)
    row = np.int64(ledger.counts[0]["sites"])
    if row >= ledger.sites.shape[0]:
        return np.int64(-1)
    ledger.counts[0]["sites"] += put(ledger.site_index, _SITE, key, row)
    new = ledger.sites[row]
    new["tag_row"] = tag_row
    new["stack"] = stack
    new["process"] = process_id
    new["thread"] = thread_id
    new["first"] = time
    new["last"] = time
    return row


@inlined
def _turn_after(events: PoolEvents, i: Int, now: Int) -> Int:
    """By how many events the turn moves on from event ``i`` after event ``now`` was taken in its place."""
    if now == i:
        return 1
    events.taken[now] = 1
    return 0


@inlined
def _note_end(allocation: np.void, slot: Int, recent: Structured, time: np.int64, freed: int) -> None:
    """Note in the ring, if it is still there, when an allocation ends whose kernel stack may still come."""
    row = recent[allocation["recent"]]
    if row["slot"] == slot and row["time"] == allocation["time"]:
        row["ended"] = time
        if not freed:
            row["flags"] |= WAS_REPLACED


@inlined
def _close(ledger: LedgerTables, history: History, bucket: Int, time: np.int64, step: Int, freed: int) -> None:
    """Take an allocation off the ledger; ``freed`` is 1 where its free was seen."""
    counts = ledger.counts[0]
    slot = np.int64(ledger.buckets[natural(bucket)] & LOW32)
    allocation = ledger.slots[slot]
    size = np.int64(allocation["size"])
    site_row = natural(np.int64(allocation["site"]))
    site = ledger.sites[site_row]
    site["count"] -= 1
    site["bytes"] -= size
    site["frees"] += freed
    tag = ledger.tags[natural(np.int64(site["tag_row"]))]
    tag["count"] -= 1
    tag["bytes"] -= size
    tag["frees"] += freed
    counts["live"] -= 1
    counts["bytes"] -= size
    if step < counts["step"]:
        note_past(history, step, counts["step"], site_row, 0, 1, -size)
    if freed:
        note_lifetime(history, site_row, time - allocation["time"], 1)
    if site["stack"] < 0:
        _note_end(allocation, slot, ledger.recent, time, freed)
    allocation["live"] = 0
    allocation["next_free"] = counts["free_slot"]
    counts["free_slot"] = slot
    remove(ledger.buckets, bucket)


@inlined
def _open_slot(slots: Structured, counts: np.void) -> Int:
    """A slot for a new allocation; there must be one."""
    slot = counts["free_slot"]
    if slot >= 0:
        counts["free_slot"] = slots[slot]["next_free"]
    else:
        slot = counts["slots"]
        counts["slots"] += 1
    counts["live"] += 1
    return np.int64(slot)


@inlined
def _note_lost_free(ledger: LedgerTables, begin: np.int64, end: np.int64) -> None:
    """A free is missing between two times."""
    counts, last = ledger.counts[0], ledger.lost_frees.shape[0] - 1
    row = ledger.lost_frees[min(np.int64(counts["lost_frees"]), last)]
    if counts["lost_frees"] <= last:
        row["from"] = begin
        row["to"] = end
        counts["lost_frees"] += 1
    else:
        row["from"] = min(row["from"], begin)
        row["to"] = max(row["to"], end)


@kernel
def _partner(events: PoolEvents, i: Int, want_free: bool | np.bool_) -> Int:
    """The event that may go before event ``i`` because it fits the address: a free or an allocation of the same time.

    It is the first of another CPU for this address; ``i`` itself where there is none.
    """
    raw, address, cpu, taken = events.raw_time, events.address, events.cpu, events.taken
    end = min(raw.shape[0], i + TIE_REACH)
    k: Int = i + 1
    while k < end and raw[k] == raw[i]:
        fits = address[k] == address[i] and _is_free(events.event[k]) == want_free and taken[k] == 0
        fits = fits and cpu[k] != cpu[i]
        j = i + 1
        while fits and j < k:
            fits = address[j] != address[i] or cpu[j] != cpu[k] or taken[j] != 0
            j += 1
        if fits:
            return k
        k += 1
    return i


@kernel
def match_events(  # noqa: PLR0912, PLR0915 - a step of its own costs a call
    events: PoolEvents, ledger: LedgerTables, history: History, pairs: ReversedPairs
) -> int:
    """Match allocations and frees, in time order; resumable: the caller makes room for what the result names."""
    counts = ledger.counts[0]
    i = counts["next"]
    while i < events.time.shape[0]:
        i = natural(i)
        if events.taken[i]:
            i += 1
            continue
        now = i
        if i + FAR < events.time.shape[0]:
            fetch_bucket(ledger.buckets, events.address[i + FAR])
            fetch_slot(ledger.buckets, ledger.slots, events.address[i + NEAR])
        bucket = find(ledger.buckets, ledger.slots, events.address[now])
        if _is_free(events.event[now]) != (bucket >= 0):
            now = _partner(events, i, bucket >= 0)
        now = natural(now)
        is_free = _is_free(events.event[now])
        time, cpu, address, stack = events.time[now], events.cpu[now], events.address[now], events.stack[now]
        counts["frees_with_stack"] += is_free & (stack >= 0)
        step = step_of(time, counts["step_shift"])
        if step > counts["step"]:
            end_steps(history, ledger, step)
        if is_free and bucket >= 0:
            allocated = ledger.slots[np.int64(ledger.buckets[natural(bucket)] & LOW32)]
            note_matched(pairs, allocated["cpu"], cpu, time - allocated["time"])
            _close(ledger, history, bucket, time, step, 1)
            counts["frees"] += 1
            counts["matched"] += 1
            i += _turn_after(events, i, now)
            continue
        name = events.tag[now] & _NAME_BITS
        paged = events.type[now] & _PAGED_BIT
        hint = _hint(stack, name, ledger.site_memo.shape[0])
        site_row: Int = natural(np.int64(ledger.site_memo[hint]))
        tag_row: Int = natural(np.int64(ledger.sites[site_row]["tag_row"]))
        known = site_row < counts["sites"] and ledger.sites[site_row]["stack"] == stack
        known = known and ledger.tags[tag_row]["tag"] == name and ledger.tags[tag_row]["paged"] == paged
        if known and ledger.tags[tag_row]["by_process"]:
            same = events.process[now] != _UNKNOWN or ledger.sites[site_row]["thread"] == events.thread[now]
            known = ledger.sites[site_row]["process"] == events.process[now] and same
        if not known:
            tag_row = _tag_of(ledger, name, paged)
        if tag_row < 0:
            counts["next"] = i
            return TAGS_FULL
        tag_row = natural(tag_row)
        tag = ledger.tags[tag_row]
        if is_free:
            tag["frees"] += 1
            history.unmatched[step, tag_row] += 1
            counts["frees"] += 1
            counts["unmatched"] += 1
            note_unmatched(pairs, address, time, name, cpu)
            counts["near_unmatched"] = time + REACH_NS
            i += _turn_after(events, i, now)
            continue
        if address == _NULL:
            tag["failed"] += 1
            counts["failed"] += 1
            i += _turn_after(events, i, now)
            continue
        if not known:
            site_row = site_of(ledger, tag_row, stack, events.process[now], events.thread[now], time)
            if site_row < 0:
                counts["next"] = i
                return SITES_FULL
            ledger.site_memo[hint] = site_row
        if 3 * (counts["live"] + 1) > ledger.buckets.shape[0]:
            counts["next"] = i
            return BUCKETS_FULL
        if counts["free_slot"] < 0 and counts["slots"] >= ledger.slots.shape[0]:
            counts["next"] = i
            return SLOTS_FULL
        if bucket >= 0:
            replaced = np.int64(ledger.buckets[bucket] & LOW32)
            note_replaced(pairs, ledger.slots[replaced]["time"], replaced)
            if events.event[now] != _ALLOC_SESSION_HOOK:
                _note_lost_free(ledger, ledger.slots[replaced]["time"], time)
            _close(ledger, history, bucket, time, step, 0)
            counts["replaced"] += 1
            counts["replaced_in_session"] += events.event[now] == _ALLOC_SESSION_HOOK
        slot = natural(_open_slot(ledger.slots, counts))
        site_row = natural(site_row)
        allocation = ledger.slots[slot]
        allocation["address"] = address
        allocation["size"] = events.size[now]
        allocation["time"] = time
        allocation["offset"] = events.offset[now]
        allocation["thread"] = events.thread[now]
        allocation["process"] = events.process[now]
        allocation["site"] = site_row
        allocation["user_stack"] = events.user_stack[now]
        allocation["type"] = events.type[now]
        allocation["cpu"] = cpu
        allocation["who"] = events.who[now]
        allocation["live"] = 1
        enter(ledger.buckets, fingerprint(address), slot)
        mark = spread(address) & np.uint64(8 * ledger.seen.shape[0] - 1)
        ledger.seen[mark >> _BYTE] |= np.uint8(1) << np.uint8(mark & _IN_BYTE)
        if time <= counts["near_unmatched"]:
            counts["reversed"] += note_allocated(pairs, counts["reversed"], address, time, name, cpu, slot)
        grown = np.int64(events.size[now])
        site = ledger.sites[site_row]
        site["allocations"] += 1
        site["allocated"] += grown
        site["count"] += 1
        site["bytes"] += grown
        site["last"] = time
        if step < counts["step"]:
            note_past(history, step, counts["step"], site_row, 1, 0, grown)
        tag["allocations"] += 1
        tag["count"] += 1
        tag["bytes"] += grown
        tag["peak"] = max(tag["peak"], tag["bytes"])
        counts["allocations"] += 1
        counts["bytes"] += grown
        place = natural(counts["recent"]) & (ledger.recent.shape[0] - 1)
        allocation["recent"] = place
        row = ledger.recent[place]
        row["raw_time"] = events.raw_time[now]
        row["time"] = time
        row["size"] = grown
        row["thread"] = events.thread[now]
        row["slot"] = slot
        row["site"] = site_row
        row["cpu"] = cpu
        row["flags"] = (HAS_STACK if stack >= 0 else 0) | (HAS_USER_STACK if events.user_stack[now] >= 0 else 0)
        counts["recent"] += 1
        i += _turn_after(events, i, now)
    counts["next"] = 0
    return DONE
