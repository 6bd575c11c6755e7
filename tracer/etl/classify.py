"""From a record's id and version to the slot its layout has in a reading.

A slot is a small number; the walk writes it beside each event. Slots below
:data:`~tracer.etl.rows.FIRST_LAYOUT_SLOT` are the reader's own (stacks, records that are only counted).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from tracer.arrays import U16
from tracer.data_classes import dataclass
from tracer.etl import rows, walk
from tracer.etl.rows import EventTables
from tracer.events import self_described, stack
from tracer.events.layout import EventId, KernelId, Layout, ProviderId
from tracer.events.providers import classic
from tracer.events.registry import LAYOUTS

_VERSIONS: Final = 256
"""Event versions told apart: a manifest event's is one byte; the few classic ones above use the highest."""
_Version = tuple[int, int, bool]
"""(Version a layout holds from, its slot, whether it holds for that version alone)."""
_PROVIDER_BUCKETS: Final = 1 << 10
_EVENT_IDS: Final = 1 << 16

_STACK_SLOTS: Final = {
    stack.STACK: rows.SLOT_STACK,
    stack.KEY_KERNEL: rows.SLOT_KERNEL_KEY,
    stack.KEY_USER: rows.SLOT_USER_KEY,
    stack.KEY_CREATE: rows.SLOT_DEFINITION,
    stack.KEY_DELETE: rows.SLOT_DEFINITION,
    stack.KEY_RUNDOWN: rows.SLOT_DEFINITION,
}


def guid_words(guid: uuid.UUID) -> tuple[int, int]:
    """A GUID as the two u64 of its sixteen bytes on disk."""
    raw = guid.bytes_le
    return int.from_bytes(raw[:8], "little"), int.from_bytes(raw[8:], "little")


def guid_of(low: int, high: int) -> uuid.UUID:
    """The GUID of two u64."""
    return uuid.UUID(bytes_le=low.to_bytes(8, "little") + high.to_bytes(8, "little"))


@dataclass(slots=True)
class Classifier:
    """The tables the walk reads.

    A kernel event may also come as a classic event of its class GUID (sessions that were read in real time
    and written again): such a row has its hook id. ``layouts[slot]`` is the layout of a slot, ``None`` for the
    reader's own slots. Providers are found by hash; every provider that occurs gets a row, ``providers`` of them, so
    that records are counted by it. ``events``: those that have a layout, by row; row 0 is all others'.
    """

    layouts: list[Layout | None]
    tables: EventTables
    providers: int
    events: tuple[EventId | None, ...]

    def grow_providers(self) -> None:
        """Make room for twice as many providers."""
        tables = self.tables
        size = 2 * len(tables.provider_keys)
        keys, counts = np.zeros((size, 2), np.uint64), np.zeros(size, np.int64)
        keys[: len(tables.provider_keys)] = tables.provider_keys
        counts[: len(tables.provider_counts)] = tables.provider_counts
        table = np.full(2 * size, -1, np.int32)
        for row in range(self.providers):
            walk.provider_row(keys, table, row, keys[row, 0], keys[row, 1])
        self.tables = tables._replace(provider_keys=keys, provider_counts=counts, provider_table=table)

    def provider_totals(self) -> dict[uuid.UUID, int]:
        """Records by provider, for those that occurred."""
        keys, counts = self.tables.provider_keys, self.tables.provider_counts
        return {
            guid_of(int(keys[row, 0]), int(keys[row, 1])): int(counts[row])
            for row in range(self.providers)
            if counts[row]
        }

    def versions(self) -> dict[tuple[EventId, int], int]:
        """Records by event and version, of those that have a layout."""
        counts = self.tables.row_counts.copy()  # numpy refuses to look for what is not zero while that changes
        found = zip(*(part.tolist() for part in np.nonzero(counts)), strict=True)
        known = ((self.events[row], version, int(counts[row, version])) for row, version in found)
        return {(event, version): count for event, version, count in known if event is not None}


def classifier(kinds: Collection[str] | None, carried: tuple[Layout, ...] = ()) -> Classifier:
    """Tables for decoding the given kinds (``None``: all); stacks are always read, all else is counted only.

    ``carried``: layouts that the trace brings, beside those that are declared.
    """
    if carried:
        return _made([*LAYOUTS, *carried], kinds)
    made = _declared(None if kinds is None else frozenset(kinds))
    tables, own = made.tables, ("provider_keys", "provider_counts", "provider_table", "row_counts")
    counts = {name: getattr(tables, name).copy() for name in own}
    return Classifier(made.layouts, tables._replace(**counts), made.providers, made.events)


@lru_cache(maxsize=8)
def _declared(kinds: frozenset[str] | None) -> Classifier:
    """For many small traces made once: it takes 3.5 ms."""
    return _made(LAYOUTS, kinds)


def _made(layouts: Sequence[Layout], kinds: Collection[str] | None) -> Classifier:
    versions: dict[EventId, list[_Version]] = {}
    slots: list[Layout | None] = [None] * rows.FIRST_LAYOUT_SLOT
    described = 0
    for layout in layouts:
        is_wanted = kinds is None or layout.kind in kinds
        slot = len(slots) if is_wanted else rows.SLOT_NONE
        if is_wanted:
            slots.append(layout)
            described = slot if layout.kind == self_described.KIND else described
        for event_id in layout.ids:
            versions.setdefault(event_id, []).append((layout.version, slot, layout.exact))
    for hook, slot in _STACK_SLOTS.items():
        versions[KernelId(hook)] = [(0, slot, False)]
    return _tables(slots, versions, described)


def _tables(slots: list[Layout | None], versions: dict[EventId, list[_Version]], described: int) -> Classifier:
    by_class = {classic(event_id): event_id for event_id in versions if isinstance(event_id, KernelId)}
    named = [event_id for event_id in versions if isinstance(event_id, ProviderId)]
    providers = sorted({event_id.provider for event_id in (*by_class, *named) if event_id is not None})
    tables = EventTables(
        np.zeros(_EVENT_IDS, np.uint16),
        np.zeros((len(versions) + 1, _VERSIONS), np.uint16),
        np.zeros(len(versions) + 1, np.uint16),
        np.zeros((len(providers), _EVENT_IDS), np.uint16),
        np.zeros((_PROVIDER_BUCKETS // 2, 2), np.uint64),
        np.zeros(_PROVIDER_BUCKETS // 2, np.int64),
        np.full(_PROVIDER_BUCKETS, -1, np.int32),
        np.zeros((len(versions) + 1, _VERSIONS), np.int64),
        described,
    )
    row_of = {event_id: row for row, event_id in enumerate(versions, start=1)}
    for event_id, known in versions.items():
        row = row_of[event_id]
        tables.row_slot[row] = _slots_by_version(known)
        if isinstance(event_id, KernelId):
            tables.hook_row[event_id.hook] = row
            tables.row_hook[row] = event_id.hook
    pairs: list[tuple[ProviderId | None, EventId]] = [*by_class.items(), *((event_id, event_id) for event_id in named)]
    for provider_id, event_id in pairs:
        if provider_id is not None:
            tables.provider_rows[providers.index(provider_id.provider), provider_id.event] = row_of[event_id]
    for row, provider in enumerate(providers):
        low, high = (np.uint64(word) for word in guid_words(provider))
        walk.provider_row(tables.provider_keys, tables.provider_table, row, low, high)
    return Classifier(slots, tables, len(providers), (None, *versions))


def _slots_by_version(known: list[_Version]) -> U16:
    """Slot for each version: the layout of the highest version not above it, else the lowest; exact ones alone."""
    row = np.full(_VERSIONS, rows.SLOT_NONE, np.uint16)
    ordered = sorted(known)
    general = [item for item in ordered if not item[2]]
    if general:
        row[:] = general[0][1]
    for version, slot, exact in ordered:
        last = version + 1 if exact else _VERSIONS
        row[min(version, _VERSIONS - 1) : last] = slot
    return row
