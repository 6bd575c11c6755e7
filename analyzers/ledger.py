"""The ledger: every allocation is matched to its free, by address, in time order.

Rules (``docs/matching.md``): an allocation on a live address means that the free between was lost,
the old one is closed as *replaced without free*; a free of an address that is not live is a *free
without allocation*. At one timestamp the order between CPUs is not recorded: the order is taken
that the addresses allow.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.pooltag import PAGED, PROTECTED_POOL
from tracer.columns import EventTable
from tracer.events.pool import FREE, FREE_SESSION
from tracer.jit import inlined, kernel

ALLOCATION: Final = np.dtype(
    [
        ("address", "<u8"),
        ("size", "<u8"),
        ("time", "<i8"),
        ("offset", "<i8"),
        ("thread", "<u4"),
        ("process", "<u4"),
        ("site", "<i4"),
        ("user_stack", "<i4"),
        ("type", "<u4"),
        ("cpu", "<u2"),
        ("who", "u1"),
        ("live", "u1"),
        ("next_free", "<i4"),
        ("pad", "<u4"),
    ]
)
"""One live allocation in 64 bytes: one cache line for its alloc, one for its free."""

SITE: Final = np.dtype(
    [
        ("tag_row", "<i4"),
        ("stack", "<i4"),
        ("allocations", "<i8"),
        ("frees", "<i8"),
        ("count", "<i8"),
        ("bytes", "<i8"),
        ("first", "<i8"),
        ("last", "<i8"),
    ]
)
"""What was allocated with one tag from one kernel stack."""

TAG: Final = np.dtype(
    [
        ("tag", "<u4"),
        ("paged", "<u4"),
        ("allocations", "<i8"),
        ("frees", "<i8"),
        ("count", "<i8"),
        ("bytes", "<i8"),
        ("peak", "<i8"),
    ]
)
"""What was allocated with one tag from paged or from nonpaged pool."""

RECENT: Final = np.dtype([("raw_time", "<i8"), ("time", "<i8"), ("thread", "<u4"), ("slot", "<i4")])
"""A recent allocation, for user stacks that come after their batch."""

_RECENT_ROWS: Final = 1 << 18
"""Allocations among which a late user stack is looked up: the newest quarter million."""

# Rows of the state array that the kernel shares with its caller.
_NEXT: Final = 0
_SLOTS: Final = 1
_FREE_HEAD: Final = 2
_LIVE: Final = 3
_SITES: Final = 4
_TAGS: Final = 5
_ALLOCATIONS: Final = 6
_FREES: Final = 7
_MATCHED: Final = 8
_WITHOUT: Final = 9
_REPLACED: Final = 10
_BYTES: Final = 11
_RECENT: Final = 12
_STATE_ROWS: Final = 13

_DONE: Final = 0
_SLOTS_FULL: Final = 1
_BUCKETS_FULL: Final = 2
_SITES_FULL: Final = 3
_TAGS_FULL: Final = 4

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_LOW32: Final = np.uint64(0xFFFFFFFF)
_EMPTY: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
_SHIFT: Final = np.uint64(32)
_FREE_HOOK: Final = FREE
_FREE_SESSION_HOOK: Final = FREE_SESSION
_NAME_BITS: Final = np.uint32(0xFFFFFFFF & ~PROTECTED_POOL)
_PAGED_BIT: Final = np.uint32(PAGED)


@inlined
def _fingerprint(address: np.uint64) -> np.uint64:
    """32 bits of hash; a bucket holds it beside the slot number, and its low bits are the bucket's home."""
    return ((address ^ (address >> _SHIFT)) * _GOLDEN) >> _SHIFT


@inlined
def _find(buckets: npt.NDArray[np.uint64], slots: npt.NDArray[np.void], address: np.uint64) -> int:
    """Bucket of a live address, -1 for none."""
    mask = np.uint64(buckets.shape[0] - 1)
    mark = _fingerprint(address)
    probe = mark & mask
    while buckets[probe] != _EMPTY:
        entry = buckets[probe]
        if entry >> _SHIFT == mark and slots[np.int64(entry & _LOW32)]["address"] == address:
            return np.int64(probe)
        probe = (probe + np.uint64(1)) & mask
    return -1


@inlined
def _put(buckets: npt.NDArray[np.uint64], mark: np.uint64, slot: int) -> None:
    mask = np.uint64(buckets.shape[0] - 1)
    probe = mark & mask
    while buckets[probe] != _EMPTY:
        probe = (probe + np.uint64(1)) & mask
    buckets[probe] = (mark << _SHIFT) | np.uint64(slot)


@inlined
def _remove(buckets: npt.NDArray[np.uint64], bucket: int) -> None:
    """Empty a bucket and close the hole, so that no tombstones are left behind."""
    mask = np.uint64(buckets.shape[0] - 1)
    hole = np.uint64(bucket)
    probe = (hole + np.uint64(1)) & mask
    while buckets[probe] != _EMPTY:
        home = (buckets[probe] >> _SHIFT) & mask
        if ((probe - home) & mask) >= ((probe - hole) & mask):
            buckets[hole] = buckets[probe]
            hole = probe
        probe = (probe + np.uint64(1)) & mask
    buckets[hole] = _EMPTY


@kernel
def _refill(old: npt.NDArray[np.uint64], buckets: npt.NDArray[np.uint64]) -> None:
    for entry in old:
        if entry != _EMPTY:
            _put(buckets, entry >> _SHIFT, np.int64(entry & _LOW32))


@inlined
def _keyed_row(table: npt.NDArray[np.int32], keys: npt.NDArray[np.uint64], used: int, key: np.uint64) -> int:
    """Row of a key in a growing list; equal to ``used`` where it is new, -1 where there is no room for a new one."""
    mask = np.uint64(table.shape[0] - 1)
    probe = ((key * _GOLDEN) >> np.uint64(24)) & mask
    while table[probe] >= 0:
        if keys[table[probe]] == key:
            return np.int64(table[probe])
        probe = (probe + np.uint64(1)) & mask
    if used >= keys.shape[0]:
        return -1
    table[probe] = used
    keys[used] = key
    return used


@inlined
def _close(
    slots: npt.NDArray[np.void], buckets: npt.NDArray[np.uint64], bucket: int, sites: npt.NDArray[np.void],
    tags: npt.NDArray[np.void], state: npt.NDArray[np.int64], freed: int,
) -> None:  # fmt: skip
    """Take an allocation off the ledger; ``freed`` is 1 where its free was seen."""
    slot = np.int64(buckets[bucket] & _LOW32)
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
    state[_LIVE] -= 1
    state[_BYTES] -= size
    allocation["live"] = 0
    allocation["next_free"] = state[_FREE_HEAD]
    state[_FREE_HEAD] = slot
    _remove(buckets, bucket)


@kernel
def _partner(
    raw: npt.NDArray[np.int64], cpu: npt.NDArray[np.uint16], event: npt.NDArray[np.uint16],
    address: npt.NDArray[np.uint64], taken: npt.NDArray[np.uint8], i: int, want_free: bool,
) -> int:  # fmt: skip
    """A free (or an allocation) of the same address at the same time on another CPU, later in the list; -1 for none."""
    k = i + 1
    while k < raw.shape[0] and raw[k] == raw[i]:
        is_free = event[k] == _FREE_HOOK or event[k] == _FREE_SESSION_HOOK
        if address[k] == address[i] and is_free == want_free and taken[k] == 0 and cpu[k] != cpu[i]:
            return k
        k += 1
    return -1


@kernel
def post(
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
    recent: npt.NDArray[np.void],
    state: npt.NDArray[np.int64],
) -> int:
    """Post pool events, in time order; resumable: the caller makes room where the result says what is full.

    ``taken`` marks events that were posted before their turn (ties between CPUs).
    """
    i = state[_NEXT]
    while i < raw.shape[0]:
        if taken[i]:
            i += 1
            continue
        now = i
        is_free = event[now] == _FREE_HOOK or event[now] == _FREE_SESSION_HOOK
        bucket = _find(buckets, slots, address[now])
        if bucket >= 0 and not is_free:
            tied = _partner(raw, cpu, event, address, taken, now, True)
            if tied >= 0:
                now = tied
                is_free = True
        elif bucket < 0 and is_free:
            tied = _partner(raw, cpu, event, address, taken, now, False)
            if tied >= 0:
                now = tied
                is_free = False
        if is_free and bucket >= 0:
            _close(slots, buckets, bucket, sites, tags, state, 1)
            state[_FREES] += 1
            state[_MATCHED] += 1
            taken[now] = 1
            continue
        name = pool_tag[now] & _NAME_BITS
        paged = pool_type[now] & _PAGED_BIT
        tag_row = _keyed_row(tag_table, tag_keys, state[_TAGS], (np.uint64(name) << np.uint64(1)) | np.uint64(paged))
        if tag_row < 0:
            state[_NEXT] = i
            return _TAGS_FULL
        if tag_row == state[_TAGS]:
            tags[tag_row]["tag"] = name
            tags[tag_row]["paged"] = paged
            state[_TAGS] += 1
        if is_free:
            tags[tag_row]["frees"] += 1
            state[_FREES] += 1
            state[_WITHOUT] += 1
            taken[now] = 1
            continue
        key = (np.uint64(tag_row) << _SHIFT) | (np.uint64(np.int64(stack[now]) + 1) & _LOW32)
        site_row = _keyed_row(site_table, site_keys, state[_SITES], key)
        if site_row < 0:
            state[_NEXT] = i
            return _SITES_FULL
        if 3 * (state[_LIVE] + 1) > 2 * buckets.shape[0]:
            state[_NEXT] = i
            return _BUCKETS_FULL
        slot = state[_FREE_HEAD]
        if slot < 0 and state[_SLOTS] >= slots.shape[0]:
            state[_NEXT] = i
            return _SLOTS_FULL
        site = sites[site_row]
        if site_row == state[_SITES]:
            site["tag_row"] = tag_row
            site["stack"] = stack[now]
            site["first"] = time[now]
            state[_SITES] += 1
        if bucket >= 0:
            _close(slots, buckets, bucket, sites, tags, state, 0)
            state[_REPLACED] += 1
            slot = state[_FREE_HEAD]
        if slot >= 0:
            state[_FREE_HEAD] = slots[slot]["next_free"]
        else:
            slot = state[_SLOTS]
            state[_SLOTS] += 1
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
        _put(buckets, _fingerprint(address[now]), slot)
        grown = np.int64(size[now])
        site["allocations"] += 1
        site["count"] += 1
        site["bytes"] += grown
        site["last"] = time[now]
        tag = tags[tag_row]
        tag["allocations"] += 1
        tag["count"] += 1
        tag["bytes"] += grown
        tag["peak"] = max(tag["peak"], tag["bytes"])
        state[_ALLOCATIONS] += 1
        state[_LIVE] += 1
        state[_BYTES] += grown
        row = recent[state[_RECENT] & (recent.shape[0] - 1)]
        row["raw_time"] = raw[now]
        row["time"] = time[now]
        row["thread"] = thread[now]
        row["slot"] = slot
        state[_RECENT] += 1
        taken[now] = 1
    state[_NEXT] = 0
    return _DONE


@kernel
def _attach_late(
    raw_time: npt.NDArray[np.int64],
    thread: npt.NDArray[np.uint32],
    stack: npt.NDArray[np.int32],
    recent: npt.NDArray[np.void],
    posted: int,
    slots: npt.NDArray[np.void],
) -> int:
    """Give user stacks to recent allocations that are still live, by raw time and thread; gives how many found theirs."""
    size = recent.shape[0]
    oldest = max(0, posted - size)
    attached = 0
    for i in range(raw_time.shape[0]):
        low = oldest
        high = posted
        while low < high:
            middle = (low + high) // 2
            if recent[middle & (size - 1)]["raw_time"] < raw_time[i]:
                low = middle + 1
            else:
                high = middle
        while low < posted and recent[low & (size - 1)]["raw_time"] == raw_time[i]:
            row = recent[low & (size - 1)]
            allocation = slots[row["slot"]]
            same = allocation["live"] == 1 and allocation["time"] == row["time"] and allocation["thread"] == thread[i]
            if same and allocation["user_stack"] < 0:
                allocation["user_stack"] = stack[i]
                attached += 1
                break
            low += 1
    return attached


class Ledger:
    """All live allocations, and counters by site and by tag. Feed it batches' pool tables in order."""

    def __init__(self) -> None:
        self.state = np.zeros(_STATE_ROWS, np.int64)
        self.state[_FREE_HEAD] = -1
        self._slots = np.zeros(1 << 10, ALLOCATION)
        self._buckets = np.full(1 << 11, _EMPTY, np.uint64)
        self._sites = np.zeros(1 << 10, SITE)
        self._site_keys = np.zeros(1 << 10, np.uint64)
        self._site_table = np.full(1 << 11, -1, np.int32)
        self._tags = np.zeros(1 << 8, TAG)
        self._tag_keys = np.zeros(1 << 8, np.uint64)
        self._tag_table = np.full(1 << 9, -1, np.int32)
        self._recent = np.zeros(_RECENT_ROWS, RECENT)

    def feed(self, pool: EventTable) -> None:
        """Post one batch's pool events."""
        taken = np.zeros(len(pool), np.uint8)
        columns = (
            pool.time, pool.raw_time, pool.cpu, pool.thread, pool.process, pool.who, pool.event, pool.stack,
            pool.user_stack, pool.offset, pool.array("type"), pool.array("tag"), pool.array("bytes"), pool.array("entry"),
        )  # fmt: skip
        while True:
            full = post(
                *columns, taken, self._slots, self._buckets, self._sites, self._site_keys, self._site_table,
                self._tags, self._tag_keys, self._tag_table, self._recent, self.state,
            )  # fmt: skip
            if full == _DONE:
                break
            self._make_room(full)
        self._check()

    def attach_late(
        self, raw_time: npt.NDArray[np.int64], thread: npt.NDArray[np.uint32], stack: npt.NDArray[np.int32]
    ) -> int:
        """Give user stacks that came after their batch to allocations that are still live."""
        return int(_attach_late(raw_time, thread, stack, self._recent, int(self.state[_RECENT]), self._slots))

    def _make_room(self, full: int) -> None:
        if full == _SLOTS_FULL:
            # In place: the two copies of a growing array would be the largest thing in memory.
            self._slots.resize(len(self._slots) * 5 // 4, refcheck=False)
        elif full == _BUCKETS_FULL:
            buckets = np.full(2 * len(self._buckets), _EMPTY, np.uint64)
            _refill(self._buckets, buckets)
            self._buckets = buckets
        elif full == _SITES_FULL:
            self._sites = _grown(self._sites)
            self._site_keys = _grown(self._site_keys)
            self._site_table = _rehashed(self._site_keys, int(self.state[_SITES]))
        else:
            self._tags = _grown(self._tags)
            self._tag_keys = _grown(self._tag_keys)
            self._tag_table = _rehashed(self._tag_keys, int(self.state[_TAGS]))

    def _check(self) -> None:
        """The two equations of the ledger, on every batch."""
        s = self.state
        if s[_ALLOCATIONS] != s[_MATCHED] + s[_REPLACED] + s[_LIVE] or s[_FREES] != s[_MATCHED] + s[_WITHOUT]:
            raise AssertionError(f"the ledger does not balance: {s.tolist()}")

    @property
    def sites(self) -> npt.NDArray[np.void]:
        """Counters by site (:data:`SITE`)."""
        return self._sites[: self.state[_SITES]]

    @property
    def tags(self) -> npt.NDArray[np.void]:
        """Counters by tag (:data:`TAG`)."""
        return self._tags[: self.state[_TAGS]]

    @property
    def slots(self) -> npt.NDArray[np.void]:
        """Slots in use or used before (:data:`ALLOCATION`)."""
        return self._slots[: self.state[_SLOTS]]

    def live_rows(self) -> npt.NDArray[np.int64]:
        """Slots of the live allocations, oldest first."""
        rows = np.flatnonzero(self.slots["live"])
        return rows[np.argsort(self.slots["time"][rows], kind="stable")]

    @property
    def totals(self) -> tuple[int, int, int, int, int, int, int]:
        """Allocations, frees, matched, frees without allocation, replaced without free, live, live bytes."""
        wanted = (_ALLOCATIONS, _FREES, _MATCHED, _WITHOUT, _REPLACED, _LIVE, _BYTES)
        a, f, m, w, r, n, b = (int(self.state[row]) for row in wanted)
        return a, f, m, w, r, n, b


def _grown(table: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    grown = np.zeros(2 * len(table), table.dtype)
    grown[: len(table)] = table
    return grown


@kernel
def _fill_table(table: npt.NDArray[np.int32], keys: npt.NDArray[np.uint64], used: int) -> None:
    for row in range(used):
        _keyed_row(table, keys, row, keys[row])


def _rehashed(keys: npt.NDArray[np.uint64], used: int) -> npt.NDArray[np.int32]:
    """A table of twice the keys' room."""
    table = np.full(2 * len(keys), -1, np.int32)
    _fill_table(table, keys, used)
    return table
