"""The scribe: what happens becomes records, with who runs where and what is logged right behind an event."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from benchmarks.accuracy.scripted.addresses import PAGE, Addresses
from benchmarks.accuracy.scripted.conditions import Conditions
from benchmarks.accuracy.scripted.lists import Lists
from benchmarks.accuracy.scripted.machine import Machine, Stack, Thread
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.spoilings import Spoiling, recorded
from fixtures.etl.records import Record
from tracer.etl.headers import HeaderType
from tracer.events import afd, pool, stack, thread
from tracer.events.encode import Encoder, Value, encoder
from tracer.events.layout import KernelId, ProviderId
from tracer.events.registry import layout_for

_BIG_POOL: Final = 0x10000000
_ANALYTIC_CHANNEL: Final = 0x10
_VERSIONS: Final = {
    **dict.fromkeys((0x0301, 0x0302, 0x0303, 0x0304), 4),
    **dict.fromkeys((0x0501, 0x0502, 0x0503, 0x0504, 0x030A, 0x1403, 0x1404), 3),
    0x0524: 4,
}
"""Of a recent Windows; the kernel's other events here have version 2."""
_STACK_LAG: Final = 4
"""Ticks from an event to its stack's record."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A CPU goes to another thread (``None``: to idle); why the one before gave it up."""

    to: Thread | None
    reason: int
    state: int
    user_mode: bool


class Scribe:
    """Writes records in the order of its calls. ``cpu`` and ``at``: of the event being played."""

    def __init__(self, machine: Machine, start_ticks: int, spoiling: Spoiling) -> None:
        self.machine = machine
        self.conditions: Conditions = machine.conditions
        self.rng: random.Random = machine.rng
        self.addresses = Addresses(self.conditions.pointer_size, self.rng)
        self.lists = Lists(self.conditions, self.rng)
        self.records: list[Record] = []
        self.cpu = 0
        self._start = start_ticks
        self._ticks = start_ticks
        self._spoiling = spoiling
        self._running: list[Thread | None] = [None] * self.conditions.cpus
        self._keys: dict[Stack, int] = {}
        wide = self.conditions.pointer_size == 8
        self._perfinfo = HeaderType.PERFINFO64 if wide else HeaderType.PERFINFO32
        self._system = HeaderType.SYSTEM64 if wide else HeaderType.SYSTEM32
        self._event = HeaderType.EVENT64 if wide else HeaderType.EVENT32

    def move_to(self, at: int, cpu: int, running: Thread | None) -> None:
        """Go on at a moment, on a CPU; ``running`` has it then, if it is given."""
        self._ticks = max(self._ticks + 1, self._start + int(at / self.conditions.tick_ns))
        self.cpu = cpu
        if running is not None and self._running[cpu] is not running:
            self.switch(Switch(running, thread.WaitReason.WR_PREEMPTED, thread.ThreadState.READY, user_mode=False))

    def switch(self, switch: Switch) -> None:
        """A context switch of this CPU."""
        before, after = self._running[self.cpu], switch.to
        if before is after:
            return
        if after is not None and self.conditions.ready_events:
            self.kernel(thread.READY, {"thread": after.id, "adjust_reason": thread.AdjustReason.UNWAIT})
        values: Mapping[str, Value] = {
            "new_thread": after.id if after is not None else 0,
            "old_thread": before.id if before is not None else 0,
            "new_priority": after.priority if after is not None else 0,
            "old_priority": before.priority if before is not None else 0,
            "old_wait_reason": switch.reason,
            "old_wait_mode_flags": int(switch.user_mode),
            "old_state": switch.state,
            "old_ideal_processor": self.cpu,
        }
        self.kernel(thread.CONTEXT_SWITCH, values, self.conditions.switch_header)
        self._running[self.cpu] = after

    def pool(self, block: Block, frames: Stack, *, freed: bool) -> int:
        """An allocation or a free, with its stack; gives the record's position."""
        in_session = block.session >= 0
        hook = (pool.FREE_SESSION if in_session else pool.FREE) if freed else 0
        hook = hook or (pool.ALLOC_SESSION if in_session else pool.ALLOC)
        big = _BIG_POOL if block.size >= PAGE else 0
        values = {"type": block.type | big, "tag": block.tag, "bytes": block.size, "entry": block.address}
        position = self.kernel(hook, {**values, "session": max(block.session, 0)})
        if not (freed and self._spoiling is Spoiling.ALLOCATIONS_ONLY):
            self._stack(self.records[position], frames, () if freed else block.user)
        return position

    def kernel(self, hook: int, values: Mapping[str, Value], header: HeaderType | None = None) -> int:
        """A kernel event on this CPU, now; gives the record's position."""
        version = _VERSIONS.get(hook, 2)
        payload = _encoder(KernelId(hook), version, self.conditions.pointer_size)(values)
        return self._add(
            Record(header or self._perfinfo, self._ticks, payload, self.cpu, *self._who(), hook=hook, version=version)
        )

    def rundown(self, hook: int, values: Mapping[str, Value]) -> int:
        """A kernel event under a header that stores thread and process."""
        return self.kernel(hook, values, self._system)

    def afd(self, event: int, values: Mapping[str, Value]) -> int:
        """An event of the Winsock-AFD provider, in the name of whoever runs here now."""
        descriptor = afd.DESCRIPTORS[event]
        payload = _encoder(ProviderId(afd.PROVIDER, event), 0, self.conditions.pointer_size)(values)
        record = Record(
            self._event,
            self._ticks,
            payload,
            self.cpu,
            *self._who(),
            provider=afd.PROVIDER,
            id=event,
            level=descriptor.level,
            opcode=descriptor.opcode,
            channel=_ANALYTIC_CHANNEL,
            keyword=descriptor.keyword | afd.Keyword.STREAM | 1 << 63,
        )
        return self._add(record)

    def close_stacks(self) -> None:
        """The frames of stack keys, as a session with stack caching writes them at its end."""
        for frames, key in self._keys.items():
            self.rundown(stack.KEY_RUNDOWN, {"key": key, "frames": frames})

    def _stack(self, of: Record, frames: Stack, user: Stack) -> None:
        """The kernel's frames; of some events also the user's, behind them or in a record of their own."""
        runner = self._running[self.cpu]
        user = user or (runner.user if runner is not None else ())
        shown = bool(user) and runner is not None and self.rng.random() < self.conditions.user_stacks
        if shown and not self.conditions.user_apart:
            frames += user
        self._ticks += self.rng.randrange(_STACK_LAG)
        self._frames(of, frames, stack.KEY_KERNEL)
        if shown and self.conditions.user_apart:
            self._frames(of, user, stack.KEY_USER)

    def _frames(self, of: Record, frames: Stack, by_key: int) -> None:
        values: dict[str, Value] = {"event_time": of.time, "process": of.process, "thread": of.thread}
        if self.conditions.keyed_stacks:
            key = self._keys.setdefault(frames, 0x20000 + 0x40 * len(self._keys))
            self.kernel(by_key, {**values, "key": key})
        else:
            self.kernel(stack.STACK, {**values, "frames": frames})

    def _add(self, record: Record) -> int:
        """Its position among the records; -1 where this session has no such events."""
        self._ticks += 1
        if not recorded(record, self._spoiling):
            return -1
        self.records.append(record)
        return len(self.records) - 1

    def _who(self) -> tuple[int, int]:
        runner = self._running[self.cpu]
        return (runner.id, runner.process.id) if runner is not None else (0, 0)


@lru_cache(maxsize=256)
def _encoder(event: KernelId | ProviderId, version: int, pointer_size: int) -> Encoder:
    found = layout_for(event, version)
    if found is None:
        raise LookupError(f"no layout is declared for {event}")
    return encoder(found, pointer_size)
