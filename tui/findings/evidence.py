"""Kinds of evidence that a verdict can rest on, and which of them a trace does not hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tracer.events import afd, irp, thread
from tracer.events.providers import KERNEL_GROUPS
from tracer.trace import Census

_STACK_GROUP: Final = 0x18
"""Event group of every stack event, plain or by key."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Evidence of one kind: what it would have told, and the hook ids or the provider that bring it."""

    name: str
    tells: str
    hooks: frozenset[int] = frozenset()
    provider: str = ""


KINDS: Final = (
    Kind("call stacks", "which code allocates", frozenset(range(_STACK_GROUP << 8, (_STACK_GROUP + 1) << 8))),
    Kind("context switches", "what a thread did meanwhile", frozenset({thread.CONTEXT_SWITCH})),
    Kind("I/O request (IRP) events", "which requests were never retired", frozenset({irp.CALL, irp.COMPLETE})),
    Kind("Winsock (AFD) events", "which socket a request belongs to", provider=str(afd.PROVIDER)),
)


def missing_kinds(census: Census) -> tuple[Kind, ...]:
    """Kinds of evidence of which the trace holds no event at all.

    A kernel event may also come by its class's GUID; the census does not tell its type, so the class counts.
    """
    seen = {str(provider) for provider in census.providers}
    groups = {group for guid, group in KERNEL_GROUPS.items() if str(guid) in seen}
    return tuple(
        kind
        for kind in KINDS
        if kind.provider not in seen
        and kind.hooks.isdisjoint(census.kernel_events)
        and groups.isdisjoint(hook >> 8 for hook in kind.hooks)
    )
