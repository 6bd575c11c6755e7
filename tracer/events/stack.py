"""Call stacks of other events, plain and by key.

A stack names its event by ``event_time`` (raw session clock, equal to the event's own timestamp) and
thread. Keyed stacks (a session with stack caching) carry a key; the frames of the key come with its
deletion or in the rundown at the end, and a key is used again for other frames.

Sources: the kernel's MOF classes, System Informer's ``STACK_WALK_EVENT_DATA`` and PerfView's parser agree;
sizes of 1820 and 1823 to 1826 are confirmed on real traces.
"""

from __future__ import annotations

from typing import Final

from tracer.events.layout import Layout, hooks, layout

STACK: Final = 0x1820
KEY_CREATE: Final = 0x1822
KEY_DELETE: Final = 0x1823
KEY_RUNDOWN: Final = 0x1824
KEY_KERNEL: Final = 0x1825
KEY_USER: Final = 0x1826

LAYOUTS: Final[tuple[Layout, ...]] = (
    layout("stack", "stack", hooks("1820"), 2, "u8 event_time; u4 process; u4 thread; ptrs frames"),
    layout("stack_key", "stack by key", hooks("1825 1826"), 2, "u8 event_time; u4 process; u4 thread; ptr key"),
    layout("stack_definition", "frames of a stack key", hooks("1822 1823 1824"), 2, "ptr key; ptrs frames"),
)
