"""The one place that maps an event id to what its payload means.

A new set of layouts is a file here with a tuple ``LAYOUTS`` and one line in ``_MODULES``.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Final

from tracer.events.layout import EventId, Layout, ProviderId
from tracer.events.providers import canonical

_MODULES: Final = (
    "header_events",
    "pool",
    "stack",
    "thread",
    "process",
    "image",
    "drain",
    "machine",
    "irp",
    "network",
    "afd",
    "tcpip",
    "schemas",
)


def collect(modules: Iterable[ModuleType]) -> tuple[Layout, ...]:
    """All layouts of the given modules, in order."""
    return tuple(item for module in modules for item in module.LAYOUTS)


def by_id(layouts: Iterable[Layout]) -> dict[EventId, tuple[Layout, ...]]:
    """Layouts of each id, lowest version first."""
    found: defaultdict[EventId, list[Layout]] = defaultdict(list)
    for item in layouts:
        for event_id in item.ids:
            found[event_id].append(item)
    return {event_id: tuple(sorted(items, key=lambda x: x.version)) for event_id, items in found.items()}


LAYOUTS: Final = collect(import_module(f"tracer.events.{name}") for name in _MODULES)
"""Every layout that is declared in this room."""

_BY_ID: Final[Mapping[EventId, tuple[Layout, ...]]] = by_id(LAYOUTS)


def layouts_for(event_id: EventId) -> tuple[Layout, ...]:
    """The layouts of an event, lowest version first; empty where none is declared.

    A kernel event is found by hook id and by class and opcode alike.
    """
    return _BY_ID.get(canonical(event_id), ())


def layout_for(event_id: EventId, version: int) -> Layout | None:
    """The layout with the highest version that is not above ``version``, else the lowest, else ``None``."""
    return select(layouts_for(event_id), version)


def select(layouts: tuple[Layout, ...], version: int) -> Layout | None:
    """The rule of :func:`layout_for` on layouts sorted by version."""
    fitting = [item for item in layouts if item.version <= version]
    return fitting[-1] if fitting else next(iter(layouts), None)


def providers() -> frozenset[uuid.UUID]:
    """Manifest and classic providers with at least one layout, the kernel's own classes not among them."""
    return frozenset(event_id.provider for event_id in _BY_ID if isinstance(event_id, ProviderId))


def event_name(event_id: EventId) -> str | None:
    """What the event is called here; ``None`` where no layout is declared."""
    layouts = layouts_for(event_id)
    return layouts[-1].name if layouts else None
