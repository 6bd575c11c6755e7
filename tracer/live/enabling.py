"""What is turned on, for each way: providers with keywords, group masks, stacks, the filter by pool tag.

Sources: Microsoft's page on system providers and its ``evntrace.h``; System Informer's ``ntwmi.h``, krabsetw and
geoffchappell.com agree on the group masks. Nothing here was ever run on a live Windows kernel.
"""

from __future__ import annotations

import ctypes as ct
import struct
import uuid
from typing import Final

from tracer.data_classes import dataclass
from tracer.events import afd, irp, pool, tcpip, thread
from tracer.events.layout import KernelId
from tracer.events.providers import classic
from tracer.live.plan import CapturePlan
from tracer.live.structures import (
    ClassicEventId,
    EnableTraceParameters,
    EventFilterDescriptor,
    EventFilterHeader,
    Guid,
)

MEMORY: Final = uuid.UUID("82958ca9-b6cd-47f8-a3a8-03ae85a4bc24")
SCHEDULER: Final = uuid.UUID("599a2a76-4d91-4910-9ac7-7d33f2e97a6c")
IO: Final = uuid.UUID("3d5c43e3-0f1c-4202-b817-174c0070dc79")
PROCESS: Final = uuid.UUID("151f55dc-467d-471f-83b5-5f889d46ff66")

_POOL: Final = 0x8
_DISPATCHER: Final = 0x2
_KERNEL_QUEUE: Final = 0x4
_CONTEXT_SWITCH: Final = 0x200
_DRIVERS: Final = 0x80
_NETWORK: Final = 0x200
_GENERAL: Final = 0x1
_THREAD: Final = 0x800
_LOADER: Final = 0x1000

BASIC_FLAGS: Final = 0x1 | 0x2 | 0x4
"""EVENT_TRACE_FLAG_PROCESS, _THREAD and _IMAGE_LOAD: what a session with a group mask is started with."""
_MASK_WORDS: Final = 8
_MASK_NETWORK: Final = 0x10000
_MASK_POOL: Final = 0x40
_MASK_SWITCHES: Final = 0x4 | 0x200
_MASK_DRIVERS: Final = 0x10
_MASK_QUEUE: Final = 0x01000000
"""Bits of the mask's first word (PROCESS, THREAD, LOADER, NETWORK) and of its second (the others)."""

ALL_KEYWORDS: Final = 0xFFFFFFFFFFFFFFFF
_TCPIP_LIVES: Final = 0x1 | 0x2 | 0x4 | 0x8 | 0x400 | 1 << 34 | 1 << 36 | 1 << 39
"""Endpoints, listeners, connections, their beginning and end, memory pressure; not each IRP."""
VERBOSE: Final = 5
INFORMATION: Final = 4

_PROTECTED_POOL: Final = 0x80
"""PROTECTED_POOL in a tag's last byte: a block that must be freed with its tag."""
_POOL_FILTER: Final = 1
"""SYSTEM_MEMORY_POOL_FILTER_ID."""
_SCHEMATIZED: Final = 0x80000000
"""EVENT_FILTER_TYPE_SCHEMATIZED."""
_PARAMETERS_VERSION: Final = 2

_POOL_HOOKS: Final = (pool.ALLOC, pool.ALLOC_SESSION, pool.FREE, pool.FREE_SESSION)
STACK_HOOKS: Final = (*_POOL_HOOKS, thread.READY, irp.COMPLETE)
"""Events that come with their call stack."""


@dataclass(frozen=True, slots=True)
class StackList:
    """Events to ask stacks for at once; ``missing``: what then has none, in words."""

    step: str
    asked: str
    hooks: tuple[int, ...]
    missing: str


STACK_LISTS: Final = (
    StackList("stacks", "pool, ready thread, I/O completion", STACK_HOOKS, ""),
    StackList("stacks-shorter", "pool, ready thread", (*_POOL_HOOKS, thread.READY), "completions of I/O"),
    StackList("stacks-shorter", "ready thread", (thread.READY,), "pool events and completions of I/O"),
)
"""One list is refused as a whole, so the next leaves out what fewest programs are known to ask for."""


def has_pool(hooks: tuple[int, ...]) -> bool:
    """Whether a list has the events that stacks are wanted for most."""
    return set(_POOL_HOOKS) <= set(hooks)


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider to turn on."""

    name: str
    guid: uuid.UUID
    level: int
    keywords: int


def system_providers(plan: CapturePlan) -> tuple[Provider, ...]:
    """The kernel's events as providers (build 20348 and later)."""
    scheduler = (_DISPATCHER | _CONTEXT_SWITCH) * plan.context_switches | _KERNEL_QUEUE * plan.requests
    io = _NETWORK | _DRIVERS * plan.requests
    wanted = (
        ("process", PROCESS, _GENERAL | _THREAD | _LOADER), ("memory", MEMORY, _POOL),
        ("scheduler", SCHEDULER, scheduler), ("io", IO, io),
    )  # fmt: skip
    return tuple(Provider(name, guid, INFORMATION, keywords) for name, guid, keywords in wanted if keywords)


def kinds_enabled(plan: CapturePlan, off: frozenset[str] = frozenset()) -> frozenset[str]:
    """Kinds of events of which none may come though they are on: their absence tells something.

    The event that says so in a file, of the group masks, is written to its head and comes to no real-time consumer.
    ``off``: names of providers that Windows has not turned on.
    """
    return frozenset({"queue"} if plan.requests and "scheduler" not in off else ())


def socket_providers(plan: CapturePlan) -> tuple[Provider, ...]:
    """Winsock-AFD and TCPIP, by their manifests."""
    if not plan.sockets:
        return ()
    return (
        Provider("Winsock-AFD", afd.PROVIDER, VERBOSE, ALL_KEYWORDS),
        Provider("TCPIP", tcpip.PROVIDER, INFORMATION, _TCPIP_LIVES),
    )


def group_mask(plan: CapturePlan) -> bytes:
    """The kernel's events as PERFINFO_GROUPMASK: eight words of 32 bits."""
    second = _MASK_POOL | _MASK_SWITCHES * plan.context_switches
    second |= (_MASK_DRIVERS | _MASK_QUEUE) * plan.requests
    return struct.pack(f"<{_MASK_WORDS}I", BASIC_FLAGS | _MASK_NETWORK, second, *[0] * (_MASK_WORDS - 2))


def stack_events(hooks: tuple[int, ...] = STACK_HOOKS) -> bytes:
    """The events whose stacks are wanted, as an array of CLASSIC_EVENT_ID."""
    named = [found for hook in hooks if (found := classic(KernelId(hook))) is not None]
    return b"".join(bytes(ClassicEventId(Guid.of(item.provider), item.event)) for item in named)


class PoolTagFilter:
    """The parameters that let the Memory provider send events of some pool tags only; keeps what they point to.

    Each tag is asked for with and without the bit of a protected block, since an event has it as the block has it.
    """

    def __init__(self, tags: tuple[bytes, ...]) -> None:
        data = b"".join(tag[:3] + bytes([tag[3] & 0x7F | bit]) for tag in tags for bit in (0, _PROTECTED_POOL))
        header = EventFilterHeader(Id=_POOL_FILTER, Size=ct.sizeof(EventFilterHeader) + len(data))
        self._filter = ct.create_string_buffer(bytes(header) + data, header.Size)
        self._descriptor = EventFilterDescriptor(ct.addressof(self._filter), header.Size, _SCHEMATIZED)
        self.parameters = EnableTraceParameters(
            Version=_PARAMETERS_VERSION, EnableFilterDesc=ct.addressof(self._descriptor), FilterDescCount=1
        )
