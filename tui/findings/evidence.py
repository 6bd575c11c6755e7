"""Kinds of evidence that a verdict can rest on, and which of them a trace does not hold."""

from __future__ import annotations

from typing import Final

from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tracer.events import afd, irp, thread
from tracer.events.providers import KERNEL_GROUPS

_STACK_GROUP: Final = 0x18
"""Event group of every stack event, plain or by key."""


@dataclass(frozen=True, slots=True)
class EvidenceKind:
    """Evidence of one kind: what it would have told, and the hook ids or the provider that bring it."""

    name: str
    tells: str
    hooks: frozenset[int] = frozenset()
    provider: str = ""


QUEUES: Final = EvidenceKind(
    "kernel queue events", "what waits in completion ports", frozenset({thread.QUEUE_INSERT, thread.QUEUE_REMOVE})
)
KINDS: Final = (
    EvidenceKind("call stacks", "which code allocates", frozenset(range(_STACK_GROUP << 8, (_STACK_GROUP + 1) << 8))),
    EvidenceKind("context switches", "what threads did", frozenset({thread.CONTEXT_SWITCH})),
    EvidenceKind("ready-thread events", "which threads waited for a CPU", frozenset({thread.READY})),
    EvidenceKind("I/O request (IRP) events", "which requests are not finished", frozenset({irp.CALL, irp.COMPLETE})),
    QUEUES,
    EvidenceKind("Winsock (AFD) events", "which socket a request belongs to", provider=str(afd.PROVIDER)),
)


def missing_kinds(snapshot: Snapshot) -> tuple[EvidenceKind, ...]:
    """Kinds of evidence of which the trace holds no event at all.

    A kernel event may also come by its class's GUID; the census does not tell its type, so the class counts. Where no
    completion port was used there are no queue events, though the session asked for them: then nothing is missing.
    """
    census = snapshot.census
    seen = {str(provider) for provider in census.providers}
    groups = {group for guid, group in KERNEL_GROUPS.items() if str(guid) in seen}
    asked = {QUEUES} if snapshot.coverage is not None and snapshot.coverage.queues else set[EvidenceKind]()
    return tuple(
        kind
        for kind in KINDS
        if kind not in asked
        and kind.provider not in seen
        and kind.hooks.isdisjoint(census.kernel_events)
        and groups.isdisjoint(hook >> 8 for hook in kind.hooks)
    )
