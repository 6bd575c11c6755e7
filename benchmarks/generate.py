"""Writes big simulated traces with a known ledger: ``python -m benchmarks.generate OUT --size 1GiB``.

Pool allocations and frees, a stack behind each, context switches between, on several CPUs. Memory
is bounded by what is outstanding; the same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.blocks import CLASS_SIZES
from benchmarks.buffers import BufferWriter, CpuStream
from benchmarks.records import POINTER_SIZE, POOL_RECORD, STACK_RECORD, SWITCH_RECORD, Encoder
from benchmarks.rundown import header_record, rundown, trace_options
from benchmarks.sites import Sites, make_sites, threads
from benchmarks.size import parse_size, size_text
from benchmarks.workload import (
    EVENTS_PER_SWITCH,
    LONG_LIFE,
    LONG_SHARE,
    SHORT_LIFE,
    Workload,
)
from fixtures.etl.options import TraceOptions

WINDOW_EVENTS: Final = 16_384
"""Pool events drawn at once, fewer in small traces; an address is not used again in the window of its free."""
LEAST_WINDOWS: Final = 16
MOST_LEAKED: Final = 0.9
"""At most this share of the allocations can be outstanding."""
_FRAMES: Final = (8, 24)
"""The least and the most frames of a stack."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a correct reader and ledger must find in the trace."""

    bytes: int
    buffers: int
    records: int
    pool_records: int
    stack_records: int
    switch_records: int
    allocations: int
    frees: int
    matched: int
    frees_without_allocation: int
    outstanding_count: int
    outstanding_bytes: int


def generate(
    path: Path,
    *,
    size: int,
    cpus: int = 8,
    buffer_size: int = 65_536,
    outstanding: int = 100_000,
    stacks: int = 2_000,
    compressed: bool = False,
    seed: int = 1,
) -> Expected:
    """Write a trace of about ``size`` bytes (before compression) and say what is in it.

    ``outstanding`` is about how many allocations are never freed by the end, ``stacks`` how many
    distinct ones there are. ``ValueError`` where the trace is too small for that many outstanding allocations.
    """
    rng = np.random.default_rng(seed)
    options = trace_options(buffer_size, cpus, compressed=compressed)
    sites = make_sites(rng, stacks, _FRAMES, CLASS_SIZES)
    workload, windows = _workload(rng, sites, size, options, outstanding)
    encoder = Encoder(sites, threads())
    opening = rundown(options.start_ticks + 1)
    streams = [CpuStream(cpu, buffer_size) for cpu in range(cpus)]
    streams[0].add(opening)
    with path.open("wb") as file:
        writer = BufferWriter(file, options)
        writer.write_header(header_record(options, 0, workload.now))
        for _ in range(windows):
            for stream, records in zip(streams, encoder.encode(workload.next_window()), strict=True):
                stream.add(records)
            writer.write(buffer for stream in streams for buffer in stream.full_buffers())
        writer.write(buffer for stream in streams for buffer in stream.last_buffer())
        writer.write_header(header_record(options, writer.written, workload.now))
    return _expected(path.stat().st_size, writer.written, len(opening.ends), workload)


def _workload(
    rng: np.random.Generator, sites: Sites, size: int, options: TraceOptions, outstanding: int
) -> tuple[Workload, int]:
    """The workload, and how many of its windows fill a trace of that size."""
    switch_share = 1 / EVENTS_PER_SWITCH
    record_bytes = POOL_RECORD.itemsize + STACK_RECORD.itemsize + POINTER_SIZE * sites.mean_frames()
    events = int(size / (record_bytes + switch_share * SWITCH_RECORD.itemsize))
    allocations = (events + outstanding) / 2
    share = allocations / max(events, 1)
    long_lived = LONG_SHARE * LONG_LIFE * (1 - math.exp(-events / LONG_LIFE))
    in_flight = share * ((1 - LONG_SHARE) * SHORT_LIFE + long_lived)
    windows = max(LEAST_WINDOWS, events // WINDOW_EVENTS)
    if outstanding > MOST_LEAKED * allocations:
        raise ValueError(f"{size_text(size)} hold about {events} pool events: too few for {outstanding} outstanding")
    workload = Workload(
        rng,
        sites,
        np.array(list(threads()), np.uint32),
        cpus=options.processors,
        start=options.start_ticks + 2,
        per_window=events // windows + 1,
        allocation_share=share,
        leak=max(0.0, outstanding - in_flight) / allocations,
    )
    return workload, windows


def _expected(size: int, buffers: int, opening: int, workload: Workload) -> Expected:
    counts = workload.counts
    frees = counts.matched + counts.unmatched
    pool_records = counts.allocations + frees
    return Expected(
        bytes=size,
        buffers=buffers,
        records=1 + opening + 2 * pool_records + counts.switches,
        pool_records=pool_records,
        stack_records=pool_records,
        switch_records=counts.switches,
        allocations=counts.allocations,
        frees=frees,
        matched=counts.matched,
        frees_without_allocation=counts.unmatched,
        outstanding_count=counts.allocations - counts.matched,
        outstanding_bytes=counts.allocated_bytes - counts.matched_bytes,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description="Write a simulated trace.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=parse_size, default=parse_size("64MiB"), help="such as 64MiB or 1GiB")
    parser.add_argument("--cpus", type=int, default=8)
    parser.add_argument("--buffer-size", type=parse_size, default=65_536)
    parser.add_argument("--outstanding", type=int, default=100_000)
    parser.add_argument("--stacks", type=int, default=2_000)
    parser.add_argument("--compressed", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    options = vars(parser.parse_args(arguments))
    began = time.perf_counter()
    expected = generate(options.pop("out"), **options)
    print(f"{size_text(expected.bytes)} in {time.perf_counter() - began:.1f} s")
    print(expected)


if __name__ == "__main__":
    main()
