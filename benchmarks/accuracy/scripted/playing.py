"""From a kind of trace, a seed and a spoiling to a file's bytes and what is true about it."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from itertools import takewhile
from typing import Final

from benchmarks.accuracy.scripted import rundown
from benchmarks.accuracy.scripted.guilt import Guilt
from benchmarks.accuracy.scripted.kinds import KINDS
from benchmarks.accuracy.scripted.names import PROTECTED
from benchmarks.accuracy.scripted.requests import Request
from benchmarks.accuracy.scripted.scribe import Scribe
from benchmarks.accuracy.scripted.stage import Stage, new_stage
from benchmarks.accuracy.scripted.switches import placed
from benchmarks.accuracy.spoilings import (
    CUT_AT,
    KEPT_OF_A_RING,
    LEAST_LOST,
    LOSSY,
    MOST_LOST,
    RING_BUFFER_SIZE,
    UNTOLD,
    Lose,
    Spoiling,
    ring_of,
)
from benchmarks.accuracy.truth import Leak, Truth, plain
from fixtures.etl.logfile_header import end_extension
from fixtures.etl.options import TraceOptions, boot_time_of
from fixtures.etl.records import Record, pack
from fixtures.etl.writer import EtlWriter
from tracer.etl.headers import BUFFER_HEADER, LogFileMode
from tracer.trace import SIMULATED_SESSION

# Group mask words: PROCESS, THREAD, LOADER and NETWORK in the first, the rest in the second.
_FIRST_WORD: Final = 0x10007
_POOL: Final = 0x40
_QUEUES: Final = 0x1000000
_SWITCHES: Final = 0x4
_READY: Final = 0x200
_REQUESTS: Final = 0x10
_LOSE_EVENTS: Final = frozenset({Spoiling.LOST_EVENTS}) | UNTOLD
_RUNS: Final = (1, 1, 30)
"""Lost events come one by one, or so many in a row."""
_LOST_BUFFERS: Final = (1, 4)


def play(kind: str, seed: int, spoiling: Spoiling, *, events: int = 0, lose: Lose | None = None) -> tuple[bytes, Truth]:
    """The same arguments give the same bytes. ``events``: about how many pool events, 0: drawn by the seed.

    ``lose``: marks the lost records, instead of the spoiling's share.

    ``KeyError`` where there is no such kind.
    """
    stage = new_stage(f"scripted {kind} {seed}", events)
    guilt = KINDS[kind].play(stage)
    stage.background()
    start = stage.rng.randrange(1 << 36)
    rng = random.Random(f"spoiling {seed} {spoiling}")
    ends = int(stage.duration * rng.uniform(*CUT_AT)) if spoiling is Spoiling.CUT else stage.duration
    records = _records(stage, start, ends, spoiling)
    if lose is not None:
        records = lose(records)
    elif spoiling in _LOSE_EVENTS:
        records = _lossy(records, LEAST_LOST * (MOST_LOST / LEAST_LOST) ** rng.random(), rng.choice(_RUNS), rng)
    options = _options(stage, kind, start, records, spoiling, rng)
    records.append(end_extension(options, records[-1].time + 1))
    written = EtlWriter(options).write_trace(records)
    kept = frozenset(written.kept)
    leaks = tuple(_leak(each, kept) for each in guilt)
    return written.data, Truth(leaks, spoiling in LOSSY, stage.machine.names())


def _records(stage: Stage, start: int, ends: int, spoiling: Spoiling) -> list[Record]:
    """``ends``: when the session is stopped, nanoseconds since its start."""
    rundown.lay_down_lives(stage.machine, stage.script)
    events = placed(stage.script.in_order(), stage.machine)
    scribe = Scribe(stage.machine, start, spoiling)
    rundown.list_at_start(scribe)
    for event in takewhile(lambda each: each.at < ends, events):
        scribe.move_to(event.at, event.cpu, event.thread)
        event.action(scribe)
    scribe.move_to(ends, 0, None)
    rundown.list_at_end(scribe, ends)
    scribe.close_stacks()
    return scribe.records


def _lossy(records: list[Record], share: float, run: int, rng: random.Random) -> list[Record]:
    out: list[Record] = []
    left = 0
    for record in records:
        if not left and rng.random() < share / run:
            left = run
        out.append(dataclasses.replace(record, lost=True) if left else record)
        left -= left > 0
    return out


def _options(
    stage: Stage, kind: str, start: int, records: list[Record], spoiling: Spoiling, rng: random.Random
) -> TraceOptions:
    conditions, wraps = stage.conditions, spoiling is Spoiling.WRAPPED
    size = RING_BUFFER_SIZE if wraps else conditions.buffer_size
    buffers = _buffers(records, size)
    ring = ring_of(buffers, conditions.cpus, rng.uniform(*KEPT_OF_A_RING)) if wraps else 0
    lost = range(1, buffers + 1) if spoiling is Spoiling.LOST_BUFFERS else range(0)
    return TraceOptions(
        buffer_size=size,
        processors=conditions.cpus,
        pointer_size=conditions.pointer_size,
        frequency=conditions.frequency,
        start_ticks=start,
        boot_time=boot_time_of(f"{kind} {start} {spoiling}"),
        session=f"{SIMULATED_SESSION}: scripted {kind}",
        log_file=f"{kind}.etl",
        mode=LogFileMode.CIRCULAR if ring else LogFileMode.SEQUENTIAL,
        group_masks=((), (_FIRST_WORD, _second_word(stage, spoiling))),
        compressed=conditions.compressed,
        flush_ns=0,
        tells_loss=spoiling not in UNTOLD,
        ring_buffers=ring,
        dropped=frozenset(rng.sample(lost, min(len(lost), rng.randrange(*_LOST_BUFFERS)))),
    )


def _second_word(stage: Stage, spoiling: Spoiling) -> int:
    if spoiling is Spoiling.ALLOCATIONS_ONLY:
        return _POOL
    without = {
        Spoiling.NO_SWITCHES: _SWITCHES | _READY,
        Spoiling.NO_READY: _READY,
        Spoiling.NO_REQUESTS: _REQUESTS,
        Spoiling.NO_QUEUES: _QUEUES,
    }.get(spoiling, 0)
    without |= 0 if stage.conditions.ready_events else _READY
    return (_POOL | _QUEUES | _SWITCHES | _READY | _REQUESTS) & ~without


def _buffers(records: list[Record], size: int) -> int:
    """About how many buffers there will be: at least what a full buffer of every CPU can hold."""
    per_cpu = Counter[int]()
    for record in records:
        if not record.lost:
            per_cpu[record.cpu] += len(pack(record)) + 4  # and the padding to 8, on average
    return sum(-(-total // (size - BUFFER_HEADER.itemsize)) for total in per_cpu.values())


def _leak(guilt: Guilt, kept: frozenset[int]) -> Leak:
    seen = [block for block in guilt.blocks if block.record in kept]
    shown = [request for request in guilt.requests if _shown(request, kept)]
    held = frozenset(request.pointer for request in shown if request.block.record in kept)
    return Leak(
        verdicts=guilt.verdicts,
        accused=frozenset(guilt.accused),
        cause=guilt.cause,
        tags=frozenset(block.tag & ~PROTECTED for block in seen),
        count=len(seen),
        bytes=sum(block.size for block in seen),
        processes=frozenset(each.id for each in guilt.processes),
        threads=frozenset(one.id for one in guilt.threads),
        drivers=frozenset(plain(driver) for driver in guilt.drivers),
        apc=guilt.apc,
        kept=guilt.kept,
        why=guilt.why,
        held=held,
        unseen=frozenset(request.pointer for request in guilt.requests if request.pointer) - held,
    )


def _shown(request: Request, kept: frozenset[int]) -> bool:
    return request.issued in kept and (request.completed < 0 or request.completed in kept)
