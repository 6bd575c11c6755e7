"""Clean: processes start and exit, and the kernel keeps objects for each of them."""

from __future__ import annotations

import math
from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.scripted.sites import site
from benchmarks.accuracy.scripted.stage import Stage

_OBJECTS: Final = (("Proc", 0xA00), ("Thre", 0x8E0), ("Toke", 0x5C0), ("ObHd", 0x40), ("VadS", 0x70))
_MOST: Final = 600


def come_and_go(stage: Stage) -> tuple[Guilt, ...]:
    """Per process some objects of the kernel and of a driver that watches processes; gone with the process."""
    machine, script, rng = stage.machine, stage.script, stage.rng
    watcher = site(machine, [machine.worker()])
    stacks = [tuple(machine.kernel.frame(rng) for _ in range(6)) for _ in _OBJECTS]
    count = min(_MOST, max(20, stage.budget // (len(_OBJECTS) + 2)))
    life = stage.duration * 10 ** rng.uniform(-3, -0.7)
    for _ in range(count):
        at = rng.random() * stage.duration
        owner = machine.process(int(at))
        thread = machine.thread(owner, int(at))
        ends = at + min(life * math.exp(rng.gauss(0, 0.7)), stage.duration * 0.8)
        if ends < stage.duration:
            owner.ended = thread.ended = int(ends)
        for (name, size), stack in zip(_OBJECTS, stacks, strict=True):
            block = script.allocate(at + 1_000, thread, Block(tag_of(name), size), stack)
            script.free(ends - 5_000, thread, block, stack[1:])
        mark = Block(watcher.tag, watcher.sizes[0], watcher.type)
        script.allocate(at + 2_000, thread, mark, watcher.stack)
        script.free(ends - 3_000, watcher.threads[0], mark, watcher.frees[0])
    return ()


KINDS: Final = (TraceKind("processes-come-and-go", come_and_go, leaking=False),)
