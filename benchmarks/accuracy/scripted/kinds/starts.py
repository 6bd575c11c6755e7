"""Clean: what grows and is no leak: the system's cache of files, and a program that sets itself up."""

from __future__ import annotations

import math
from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.scripted.script import NONPAGED, PAGED, Block
from benchmarks.accuracy.scripted.sites import driver_stack, lognormal, one, site, steady
from benchmarks.accuracy.scripted.stage import Stage


def system_cache_grows(stage: Stage) -> tuple[Guilt, ...]:
    """Files are read all along: each leaves page table entries, and a control area, which go when memory is short."""
    machine, rng = stage.machine, stage.rng
    threads = stage.threads() if rng.random() < 0.5 else (machine.worker(),)
    below = (machine.drivers["fltmgr.sys"].frame(rng), *machine.functions("IofCallDriver", "NtReadFile"))
    stack = driver_stack(machine, machine.drivers["ntfs.sys"], below)
    files = rng.randrange(60, max(61, min(1_500, stage.budget // 2)))
    for number in range(files):
        at = stage.duration * (number + rng.random()) / files
        thread = rng.choice(threads)
        stage.script.allocate(at, thread, Block(tag_of("MmSt"), 0x40 * rng.randrange(1, 40), PAGED), stack)
        stage.script.allocate(at + 1_000, thread, Block(tag_of("MmCa"), 0x130, NONPAGED), stack)
    return ()


def program_starts(stage: Stage) -> tuple[Guilt, ...]:
    """A program starts while the trace runs, has a driver make what it needs, and goes about its work."""
    begins, lasts = stage.share(0.02, 0.5), stage.share(0.03, 0.12)
    owner = stage.machine.process(int(begins * stage.duration))
    of = site(stage.machine, [stage.machine.thread(owner, int(begins * stage.duration))])
    for _ in range(min(2_000, stage.budget // 2)):
        one(stage.script, of, stage.duration * (begins + 0.001 + lasts * stage.rng.random()), math.inf)
    daily = lognormal(stage.rng, stage.duration * 0.001, 1.0, stage.duration * 0.05)
    steady(stage.script, of, stage.budget // 2, daily, since=begins + 0.001)
    return ()


KINDS: Final = (
    TraceKind("system-cache-grows", system_cache_grows, leaking=False),
    TraceKind("program-starts", program_starts, leaking=False),
)
