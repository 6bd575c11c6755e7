"""The machine itself: what the kernel logger tells of its configuration when a session ends, or its traces are merged.

Source: Microsoft's pages on the MOF classes SystemConfig and SystemConfig_CPU (event type 10), and PerfView's parser;
versions 2 and 3 are confirmed on real traces. What follows the computer's name has another length in each version, and
nobody here asks for it.
"""

from __future__ import annotations

from typing import Final

from tracer.events.layout import Layout, hooks, layout

MACHINE: Final = "machine"
"""Kind of the events."""
CONFIGURATION: Final = 0x0B0A

LAYOUTS: Final[tuple[Layout, ...]] = (
    layout(
        MACHINE,
        "machine",
        hooks("0B0A"),
        2,
        "u4 megahertz; u4 processors; u4 memory_megabytes; u4 page_size; u4 granularity; wstr computer; rest more",
    ),
)
