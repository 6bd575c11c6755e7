"""Threads: life, names, context switches, who made whom ready, and kernel queues (completion ports).

Sources: the kernel's MOF classes, System Informer's ``ntwmi.h`` and geoffchappell.com agree; thread records of
version 3 (with and without the name), context switches of version 2, and 0548 are confirmed on real traces, the others
only by documents.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

from tracer.events.layout import Layout, hooks, layout

START: Final = 0x0501
END: Final = 0x0502
RUNDOWN_START: Final = 0x0503
RUNDOWN_END: Final = 0x0504
CONTEXT_SWITCH: Final = 0x0524
READY: Final = 0x0532
QUEUE_INSERT: Final = 0x053E
QUEUE_REMOVE: Final = 0x053F

WAIT_MODE_USER: Final = 0x01
"""Bit 0 of ``old_wait_mode_flags``: the old thread waits in user mode."""


class WaitReason(IntEnum):
    """KWAIT_REASON (System Informer's ``ntkeapi.h``), as in ``old_wait_reason``."""

    EXECUTIVE = 0
    FREE_PAGE = 1
    PAGE_IN = 2
    POOL_ALLOCATION = 3
    DELAY_EXECUTION = 4
    SUSPENDED = 5
    USER_REQUEST = 6
    WR_EXECUTIVE = 7
    WR_FREE_PAGE = 8
    WR_PAGE_IN = 9
    WR_POOL_ALLOCATION = 10
    WR_DELAY_EXECUTION = 11
    WR_SUSPENDED = 12
    WR_USER_REQUEST = 13
    WR_EVENT_PAIR = 14
    WR_QUEUE = 15
    WR_LPC_RECEIVE = 16
    WR_LPC_REPLY = 17
    WR_VIRTUAL_MEMORY = 18
    WR_PAGE_OUT = 19
    WR_RENDEZVOUS = 20
    WR_KEYED_EVENT = 21
    WR_TERMINATED = 22
    WR_PROCESS_IN_SWAP = 23
    WR_CPU_RATE_CONTROL = 24
    WR_CALLOUT_STACK = 25
    WR_KERNEL = 26
    WR_RESOURCE = 27
    WR_PUSH_LOCK = 28
    WR_MUTEX = 29
    WR_QUANTUM_END = 30
    WR_DISPATCH_INT = 31
    WR_PREEMPTED = 32
    WR_YIELD_EXECUTION = 33
    WR_FAST_MUTEX = 34
    WR_GUARDED_MUTEX = 35
    WR_RUNDOWN = 36
    WR_ALERT_BY_THREAD_ID = 37
    WR_DEFERRED_PREEMPT = 38
    WR_PHYSICAL_FAULT = 39
    WR_IO_RING = 40
    WR_MDL_CACHE = 41
    WR_RCU = 42


class ThreadState(IntEnum):
    """KTHREAD_STATE, as in ``old_state``."""

    INITIALIZED = 0
    READY = 1
    RUNNING = 2
    STANDBY = 3
    TERMINATED = 4
    WAITING = 5
    TRANSITION = 6
    DEFERRED_READY = 7
    GATE_WAIT = 8
    WAITING_FOR_PROCESS_IN_SWAP = 9


class AdjustReason(IntEnum):
    """Why the priority of a thread made ready was adjusted."""

    NONE = 0
    UNWAIT = 1
    BOOST = 2


class ReadyFlag(IntFlag):
    """Bits of ``flags`` in a ready-thread event."""

    FROM_DPC = 1
    KERNEL_STACK_OUT = 2
    PROCESS_OUT = 4
    DIRECT_SWITCH = 8


_LIFE = hooks("0501 0502 0503 0504")
_STACKS = "ptr stack_base; ptr stack_limit; ptr user_stack_base; ptr user_stack_limit; "
_SWITCH = "u4 new_thread; u4 old_thread; i1 new_priority; i1 old_priority; "

LAYOUTS: Final[tuple[Layout, ...]] = (
    layout("thread", "thread", _LIFE, 0, "u4 thread; u4 process"),
    layout(
        "thread",
        "thread",
        _LIFE,
        1,
        f"u4 process; u4 thread; {_STACKS} ptr start_address; ptr win32_start_address; i1 wait_mode",
    ),
    layout(
        "thread",
        "thread",
        _LIFE,
        2,
        f"u4 process; u4 thread; {_STACKS} ptr start_address; ptr win32_start_address; ptr teb; u4 sub_process_tag",
    ),
    # Records say version 3 with and without the name (a later addition that MOF calls version 4): the length tells.
    layout(
        "thread",
        "thread",
        _LIFE,
        3,
        f"u4 process; u4 thread; {_STACKS} ptr affinity; ptr win32_start_address; ptr teb; u4 sub_process_tag; "
        "u1 base_priority; u1 page_priority; u1 io_priority; u1 flags; wstr name",
    ),
    layout("thread_name", "thread name", hooks("0548"), 2, "u4 process; u4 thread; wstr name"),
    layout(
        "context_switch",
        "context switch",
        hooks("0524"),
        1,
        f"{_SWITCH} i1 new_quantum; i1 old_quantum; "
        "i1 old_wait_reason; u1 old_wait_mode_flags; i1 old_state; i1 old_ideal_processor",
    ),
    # Byte 0D is the wait mode in version 2 and a set of flags with the wait mode in bit 0 from version 3 on.
    layout(
        "context_switch",
        "context switch",
        hooks("0524"),
        2,
        f"{_SWITCH} u1 previous_c_state; i1 spare; "
        "i1 old_wait_reason; u1 old_wait_mode_flags; i1 old_state; i1 old_ideal_processor; "
        "u4 new_wait_ticks; u4 remaining_quantum",
    ),
    layout(
        "ready_thread",
        "ready thread",
        hooks("0532"),
        2,
        "u4 thread; i1 adjust_reason; i1 adjust_increment; u1 flags; i1 reserved",
    ),
    layout("queue", "kernel queue insert", hooks("053E"), 2, "ptr entry; u4 thread"),
    layout("queue", "kernel queue remove", hooks("053F"), 2, "u4 thread; u4 count; ptrs:count entries"),
)
"""``new_wait_ticks``: clock ticks that the new thread had waited."""
