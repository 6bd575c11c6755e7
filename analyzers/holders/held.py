"""Requests that one thing holds: a thread's APCs, a port, a driver; or nothing that is known."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.findings import Evidence, Kept, Why
from analyzers.formatting import agreeing, part_of
from analyzers.holders.evidence import Seen
from tracer.arrays import I32, I64, Mask, unique
from tracer.data_classes import dataclass

NOT_STEADY: Final = "they do not keep coming until the trace's end"
"""The doubt about a group that is not steady."""
BY_NAME_ALONE: Final = "the trace has no kernel queue events: function names alone tell what holds them"
"""The doubt about a group of which names decide what holds it."""


@dataclass(frozen=True, slots=True, eq=False)
class Port:
    """One inferred port.

    ``number``: from 1 on. ``requests``: int32 rows of the request table whose entries wait in it; ``blocks``: int32
    rows of the outstanding table, of the mini packets that do. ``queued_ns``: when each of both was put in.
    ``drained``: some of what came from the same threads was taken. ``grows``: ever more wait.
    """

    number: int
    process: int
    requests: I32
    blocks: I32
    queued_ns: I64
    enqueued_by: tuple[int, ...]
    dequeued_by: tuple[int, ...]
    drained: bool
    grows: bool

    @property
    def waiting(self) -> int:
        """Entries in it."""
        return len(self.requests) + len(self.blocks)


@dataclass(frozen=True, slots=True, eq=False)
class HeldGroup:
    """Requests that one thing holds, oldest first. ``rows``: int32, of the request table.

    ``process``, ``thread``: who issued them, ``None`` where none stands out. ``port``: of :attr:`Why.PORT`;
    ``driver``: module that keeps them, of :attr:`Why.DRIVER_KEPT` and :attr:`Why.COMPLETION_STOPPED`, empty where
    unknown. ``times_ns``: int64, when each began to be held. ``steady``: they keep coming up to the end. ``at_once``:
    they were issued in one burst, however they were completed.
    """

    seen: Seen
    why: Why
    rows: I32
    process: int | None
    thread: int | None
    port: Port | None
    driver: str
    times_ns: I64
    steady: bool
    at_once: bool

    def __len__(self) -> int:
        return len(self.rows) + (0 if self.port is None else len(self.port.blocks))

    @property
    def kept(self) -> Kept | None:
        """How a driver keeps them, ``None`` where none does."""
        return {Why.DRIVER_KEPT: Kept.NEVER_COMPLETED, Why.COMPLETION_STOPPED: Kept.COMPLETION_STOPPED}.get(self.why)

    @property
    def irp(self) -> int:
        """Address of the first one's IRP, 0 for none."""
        return int(self.seen.requests.irp[self.rows[0]]) if len(self.rows) else 0

    @property
    def oldest_ns(self) -> int:
        """How long the oldest has been held."""
        return self.seen.machine.at_ns - int(self.times_ns.min())

    @property
    def newest_ns(self) -> int:
        """How long the newest has been held."""
        return self.seen.machine.at_ns - int(self.times_ns.max())

    @property
    def kinds(self) -> I32:
        """Rows of the kinds of its requests, -1 for those of which none was completed."""
        return unique(self.seen.requests.kind[self.rows])

    def share(self, mask: Mask) -> float:
        """Share of its requests for which a mask over all requests holds; 0.0 for none."""
        return float(np.mean(mask[self.rows])) if len(self.rows) else 0.0

    def number(self, mask: Mask) -> int:
        """For how many of its requests a mask over all requests holds."""
        return int(np.count_nonzero(mask[self.rows]))

    def of_them(self, mask: Mask) -> str:
        """For how many of its requests a mask over all requests holds, in words: ``all of them``, ``117 of 120``."""
        number = self.number(mask)
        return "all of them" if number >= len(self.rows) else f"{number:,} of {len(self.rows):,}"

    def their(self, noun: str, mask: Mask) -> str:
        """Something of those for which a mask holds: ``their files``, ``the files of 117 of 120``."""
        return f"their {noun}" if self.number(mask) >= len(self.rows) else f"the {noun} of {self.of_them(mask)}"


def user_mode_since(group: HeldGroup) -> Evidence:
    """What excludes special kernel APCs: no thread runs in user mode with one pending."""
    whose = "their threads were" if group.thread is None else f"thread {group.thread} was"
    after = group.number(group.seen.user_mode)
    which = "each" if after == len(group) else part_of(after, len(group))
    says = f"{whose} in user mode after {which} of the completions, so no special kernel APC is pending"
    return Evidence("user-mode-since", says, inferred=True)


def others_say(group: HeldGroup, count: I64, how: str, rule: str) -> list[Evidence]:
    """What became of others of the kind, which rests on function names; nothing where there are none.

    ``count``: by request, how many others were released so; ``how``: in words.
    """
    kinds, first = np.unique(group.seen.requests.kind[group.rows], return_index=True)
    others = int(count[group.rows[first]].sum())
    if not others or not len(kinds):
        return []
    were = agreeing(others, "other of the kind was", "others of the kind were")
    return [Evidence(rule, f"{others:,} {were} {how}, as the functions on their freeing stacks say", inferred=True)]
