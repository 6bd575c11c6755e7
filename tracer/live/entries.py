"""What the entries of a ring hold, for those that look at them: kernel events by class and type, extended items."""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import I32, U16, U64
from tracer.etl.classify import guid_words
from tracer.etl.headers import EVENT_HEADER, FULL_HEADER, SYSTEM_HEADER, ExtendedType
from tracer.events import stack
from tracer.events.layout import KernelId, ProviderId
from tracer.events.providers import KERNEL_GROUPS, canonical
from tracer.jit import Int, inlined
from tracer.live.ring import ENTRY

CLASSIC_FLAG: Final = 0x0100
"""EVENT_HEADER_FLAG_CLASSIC_HEADER."""
ENTRY_BYTES: Final = ENTRY.itemsize
EVENT_BYTES: Final = EVENT_HEADER.itemsize
SYSTEM_BYTES: Final = SYSTEM_HEADER.itemsize
FULL_BYTES: Final = FULL_HEADER.itemsize
STACK_HEAD: Final = 16
"""Bytes of a StackWalk payload before its frames: the event's time, process and thread."""
MATCH_ID: Final = 8
"""Bytes of a stack's extended item before its frames."""
STACK_EVENT: Final = stack.STACK
STACK32: Final = int(ExtendedType.STACK32)
STACK64: Final = int(ExtendedType.STACK64)
NOT_KERNEL: Final = -1


def class_tables() -> tuple[U64, I32]:
    """The kernel's classes: their GUIDs as two u64 each, and by class and type the hook id."""
    guids = sorted(KERNEL_GROUPS)
    words = np.array([guid_words(guid) for guid in guids], np.uint64)
    hooks = np.full((len(guids), 256), NOT_KERNEL, np.int32)
    for row, guid in enumerate(guids):
        for opcode in range(256):
            found = canonical(ProviderId(guid, opcode))
            if isinstance(found, KernelId):
                hooks[row, opcode] = found.hook
    return words, hooks


@inlined
def after_items(words2: U16, record: Int, stop: Int) -> Int:
    """Where the payload of a record in the ring begins."""
    at = record + EVENT_BYTES
    if words2[(record >> 1) + 2] == 0:
        return at
    more = True
    while more and at + 8 <= stop:
        more = words2[(at >> 1) + 2] & 1 != 0
        at += np.int64(words2[at >> 1])
    return at


@inlined
def is_stack(kind: Int) -> bool:
    """Whether an extended item of this type is a stack with its frames."""
    return kind == STACK32 or kind == STACK64
