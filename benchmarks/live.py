"""A minute of a busy kernel through the whole live path, on Windows CPython and the stand-in for its event tracing.

    POOLSCOPE_STANDIN=advapi32-standin.dll python -m benchmarks.live [--seconds 60] [--rate 200000] [--frames 16]

Every second record is a pool event, the others their stacks. The stand-in delivers them in their own time, as
ProcessTrace does; what its session's buffers do not hold, because we are too slow, it loses and counts. Shown are what
was lost there and here, memory, and the time that ProcessTrace's thread spends beside that with an empty callback.
"""

from __future__ import annotations

import argparse
import ctypes as ct
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.windows.standin import StandIn
from tests.windows.stream import busy_stream

SETTLED_SECONDS: Final = 10
"""After which memory must not grow any more."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How it stood ``seconds`` after the start: records delivered, lost by the session, lost here; bytes resident."""

    seconds: float
    delivered: int
    lost: int
    dropped: int
    memory: int

    def __str__(self) -> str:
        return (
            f"{self.seconds:5.0f} s  {self.delivered:>12,} delivered  {self.lost:>6,} lost by the session"
            f"  {self.dropped:>6,} lost here  {self.memory / 2**20:7.1f} MiB"
        )


class _MemoryCounters(ct.Structure):
    """PROCESS_MEMORY_COUNTERS."""

    _fields_ = [("size", ct.c_uint32), ("faults", ct.c_uint32), ("peak", ct.c_size_t), ("resident", ct.c_size_t)] + [
        (name, ct.c_size_t)
        for name in ("peak_paged", "paged", "peak_nonpaged", "nonpaged", "pagefile", "peak_pagefile")
    ]


def resident() -> int:
    """Bytes of this process in memory."""
    kernel: Any = vars(ct)["windll"].kernel32
    kernel.GetCurrentProcess.restype = ct.c_void_p
    kernel.K32GetProcessMemoryInfo.argtypes = [ct.c_void_p, ct.c_void_p, ct.c_uint32]
    counters = _MemoryCounters(size=ct.sizeof(_MemoryCounters))
    if not kernel.K32GetProcessMemoryInfo(kernel.GetCurrentProcess(), ct.byref(counters), counters.size):
        raise OSError("Windows does not tell how much memory this process has")
    return int(counters.resident)


def compile_kernels() -> None:
    """Analyse the demo trace once: a capture cannot wait for kernels to be compiled."""
    from analyzers.analysis import Analysis
    from analyzers.tags import TagNames
    from fixtures.demo import DEMO_TRACE
    from tracer.etl.file import EtlFile

    with EtlFile.open(DEMO_TRACE) as source:
        analysis = Analysis(source, TagNames(()))
        for batch in source.batches(Analysis.KINDS):
            analysis.feed(batch)


def followed(standin: StandIn, seconds: float) -> list[Reading]:
    """Capture and analyse for so long; how it stood each second, and at the end."""
    from analyzers.analysis import Analysis
    from analyzers.tags import TagNames
    from tracer.live.capture import Capture
    from tracer.live.plan import CapturePlan
    from tracer.live.windows import windows_api

    moments: list[Reading] = []
    with Capture.open(CapturePlan(), windows_api()) as capture:
        analysis, began = Analysis(capture, TagNames(())), time.monotonic()

        def note() -> None:
            counts = standin.count("delivered"), standin.count("lost"), capture.loss.events_lost - standin.count("lost")
            moments.append(Reading(time.monotonic() - began, *counts, resident()))

        for batch in capture.batches(Analysis.KINDS):
            analysis.feed(batch)
            if time.monotonic() - began >= len(moments) + 1:
                note()
            if time.monotonic() - began >= seconds:
                capture.stop()
            capture.wait(0.02)
        note()
    return moments


def with_an_empty_callback(standin: StandIn, seconds: float) -> float:
    """Nanoseconds that ProcessTrace's thread spends on a record when the callback does nothing."""
    from numba import cfunc, types

    from tracer.live.consumer import Consumer
    from tracer.live.plan import CapturePlan
    from tracer.live.ring import LARGEST_ENTRY, Ring
    from tracer.live.starting import start_sessions
    from tracer.live.windows import windows_api

    def nothing(record: int) -> None:
        """Nothing."""

    compiled: Any = cfunc(types.void(types.int64))(nothing)
    api = windows_api()
    sessions = start_sessions(CapturePlan(sockets=False), api)
    consumer = Consumer(api, sessions.kernel.name, Ring(4 * LARGEST_ENTRY), int(compiled.address))
    consumer.start()
    time.sleep(seconds)
    sessions.stop()
    consumer.close()
    return nanoseconds_each(standin)


def nanoseconds_each(standin: StandIn) -> float:
    """Nanoseconds a record in ProcessTrace, the callback included, since the counters were set to nothing."""
    return standin.count("delivery ticks") * 100 / max(1, standin.count("delivered"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where anything was lost or memory grew."""
    options = _parsed(arguments)
    standin = StandIn.bound()
    compile_kernels()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "busy.stream"
        path.write_bytes(busy_stream(options.rate, options.frames))
        _begin(standin, path)
        empty = with_an_empty_callback(standin, min(5.0, options.seconds))
        _begin(standin, path)
    moments = followed(standin, options.seconds)
    for moment in moments[9::10] + moments[-1:]:
        sys.stdout.write(f"{moment}\n")
    own = nanoseconds_each(standin)
    sys.stdout.write(
        f"ProcessTrace: {own:.0f} ns a record, {own * options.rate / 1e9:.1%} of a core; with an empty callback"
        f" {empty:.0f} ns, ratio {own / empty:.2f}\n"
    )
    return _judged(moments)


def _begin(standin: StandIn, path: Path) -> None:
    standin.reset()
    standin.play(path)
    standin.set(speed=100, loop=1)


def _judged(moments: list[Reading]) -> int:
    settled = [moment.memory for moment in moments if moment.seconds >= SETTLED_SECONDS] or [moments[-1].memory]
    growth = max(settled) - settled[0]
    sys.stdout.write(f"memory after {SETTLED_SECONDS} s: {growth / 2**20:+.1f} MiB at most\n")
    return int(moments[-1].lost > 0 or moments[-1].dropped > 0 or growth > settled[0] // 50)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description="A busy kernel, captured live.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=200_000)
    parser.add_argument("--frames", type=int, default=16)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
