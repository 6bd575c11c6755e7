"""Events of the trace itself: which kernel groups the session had enabled.

Source: System Informer's ``ntwmi.h``; confirmed on real traces, where 0005 comes first with an empty mask and
again with the real one, and 0020 mirrors it at the end: what was enabled is all masks or-ed together.
"""

from __future__ import annotations

from typing import Final

from tracer.events.layout import Layout, hooks, layout

_MASKS = "; ".join(f"u4 mask{word}" for word in range(8))

LAYOUTS: Final[tuple[Layout, ...]] = (
    layout("group_mask", "enabled kernel groups", hooks("0005 0020"), 2, f"{_MASKS}; u4 kernel_version"),
)
"""``kernel_version`` is the version of the kernel's events, growing with Windows releases."""
