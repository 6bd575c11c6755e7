"""Where the drain of a recording began: Poolscope's own event, at the end of a file that ``record --drain`` wrote.

No session can be told to log frees of pool and not allocations (``docs/live.md``), so the file says from when on its
allocations do not count.
"""

from __future__ import annotations

import uuid
from typing import Final

from tracer.events.layout import Layout, ProviderId, layout

PROVIDER: Final = uuid.UUID("0db4f6fb-6a40-41a2-a685-e1ca2862783b")
"""Made up for this event; no provider of that id is registered anywhere."""
DRAINED: Final = 1
"""Opcode of its one event."""

LAYOUTS: Final[tuple[Layout, ...]] = (layout("drain", "drain", (ProviderId(PROVIDER, DRAINED),), 0, "u8 lasted_ns"),)
"""The drain went on for so long, up to the event's own time: a duration stays true where a merge shifts times."""
