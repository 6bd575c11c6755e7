"""What stays after hours: ``python -m benchmarks.endurance [--hours 4] [--starts 500]``.

*Replay*: a simulated trace of so many hours is played in the interface, as fast as each of its batches is shown.
*Drift* is the middle of what was resident in the last quarter of the time over that of the second quarter, in shares of
that: the first fills caches. *Starts*: captures are started, looked at and stopped, one after the other, against a
Windows that is played; on Windows CPython (``POOLSCOPE_STANDIN`` names the stand-in of its event tracing) by the calls
of the real one. What the process has open is counted before, after a tenth of them, and after all.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes as ct
import gc
import itertools
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from benchmarks.apart import apart
from benchmarks.size import MIB

DRIFT: Final = 0.01
"""How much more may be resident at the end."""
STARTS_BUDGET: Final = 0
"""How many more handles, threads or sessions there may be after all starts than after the first tenth of them."""
_THINK_NS: Final = 4_000_000_000
_ROUNDS_AN_HOUR: Final = 1_620
"""Of the scenario, at that pace."""
_SAMPLE_SECONDS: Final = 0.5
_EXTENDED_HANDLES: Final = 64
_TOO_SMALL: Final = 0xC0000004
_HANDLE: Final = np.dtype([("object", "<u8"), ("process", "<u8"), ("value", "<u8"), ("rest", "V16")])
"""SystemExtendedHandleInformation of NtQuerySystemInformation: a count, and behind 16 bytes so many rows
(SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX in phnt's ntexapi.h)."""
_WINDOW_BYTES: Final = 1 << 13
"""A batch for each second or two of the trace."""


@dataclass(frozen=True, slots=True)
class Course:
    """Bytes resident, sampled evenly over ``trace_ns`` of the trace, of which ``events`` were ``shown`` so often."""

    resident: list[int]
    trace_ns: int
    events: int
    shown: int

    @property
    def drift(self) -> float:
        """From the second quarter to the last, by their middles."""
        quarter = len(self.resident) // 4
        return median(self.resident[-quarter:]) / median(self.resident[quarter : 2 * quarter]) - 1


def write_trace(path: Path, hours: float) -> None:
    """A server that takes connections and lets them go, all the time."""
    from fixtures.settings import Settings
    from fixtures.simulate import simulate

    rounds = max(round(_ROUNDS_AN_HOUR * hours), 20)
    settings = Settings(cpus=2, iterations=rounds, think_ns=_THINK_NS, buffer_size=4096)
    simulate("steady-server", 7, settings).write(path)


def replayed(path: Path) -> Course:
    """Play it in the interface to its end, as fast as all of it is shown."""
    from analyzers.tags import TagNames
    from benchmarks.interface.driven import driven
    from tracer.etl.file import EtlFile
    from tracer.trace import Batch
    from tui.live.app import LiveApp
    from tui.live.follower import Follower
    from tui.live.pace import Pace
    from tui.live.update import LiveUpdate

    resident: list[int] = []
    shown: list[int] = []
    ended: list[LiveUpdate] = []
    clock = itertools.count()

    class Watched(Follower):
        """Counts no batch before the last was shown."""

        def _feed(self, batch: Batch) -> None:
            self._taken.wait()
            super()._feed(batch)

        def start(self, tell: Callable[[LiveUpdate], None]) -> None:
            def heard(moment: LiveUpdate) -> None:
                shown.append(moment.at_ns)
                if moment.ended:
                    ended.append(moment)
                tell(moment)

            super().start(heard)

    async def play() -> None:
        with EtlFile.open(path, window_bytes=_WINDOW_BYTES, threads=1) as trace:
            follower = Watched(trace, TagNames(()), Pace(None, lambda: float(next(clock))))  # always due
            async with driven(LiveApp(follower)):
                while not ended:
                    await asyncio.sleep(_SAMPLE_SECONDS)
                    gc.collect()  # what can be given back at any time is no drift
                    resident.append(_resident())
            follower.stop()
            follower.join()

    asyncio.run(play())
    [last] = ended
    return Course(resident, last.at_ns, 0 if last.snapshot is None else last.snapshot.pool.totals.events, len(shown))


def started_and_stopped(times: int) -> tuple[list[dict[str, int]], list[str]]:
    """What the process had before, after a tenth of the captures and after all; and why captures failed."""
    open_capture, running = _windows() if sys.platform == "win32" else _played()
    had: list[dict[str, int]] = []
    failed: list[str] = []

    def look() -> None:
        gc.collect()
        had.append({"handles": _handles(), "threads": threading.active_count(), "sessions": running()})

    look()
    for number in range(1, times + 1):
        try:
            with open_capture() as capture:
                batches = capture.batches(())
                next(batches)
        except Exception as error:
            failed.append(f"{type(error).__name__}: {error}")
        if number in (max(times // 10, 1), times):
            look()
    return had, failed


def _played() -> tuple[Callable[[], Any], Callable[[], int]]:
    from tests.tracer.live.delivery import BEGIN, Delivery
    from tests.tracer.live.fake_api import FakeApi
    from tracer.live.capture import Capture
    from tracer.live.plan import CapturePlan

    api = FakeApi(Delivery([BEGIN]), Delivery([]))
    return lambda: Capture.open(CapturePlan(), api), lambda: len(api.sessions_by_name)


def _windows() -> tuple[Callable[[], Any], Callable[[], int]]:
    from tests.windows.capturing import open_capture
    from tests.windows.standin import StandIn

    standin = StandIn.bound()
    standin.reset()
    return open_capture, lambda: standin.count("ours")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _handles() -> int:
    """Open files; of Windows everything that a process has a handle of, threads too."""
    if sys.platform != "win32":
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    query: Any = vars(ct)["windll"].ntdll.NtQuerySystemInformation
    size = 1 << 20
    while True:  # not by GetProcessHandleCount, which says 0 under Wine
        told, needed = ct.create_string_buffer(size), ct.c_uint32()
        status = query(_EXTENDED_HANDLES, told, size, ct.byref(needed)) & 0xFFFFFFFF
        if status != _TOO_SMALL:
            break
        size *= 2
    if status:
        raise OSError(f"Windows does not tell its handles (status {status:#x})")
    [count] = np.frombuffer(told, np.uint64, 1)
    return int(np.count_nonzero(np.frombuffer(told, _HANDLE, int(count), 16)["process"] == os.getpid()))


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where nothing stays; 1 where something does."""
    options = _parsed(arguments)
    measures = {
        "replay": lambda: _replay(options.hours),
        "starts": lambda: _starts(options.starts),
    }
    return int(not min(measures[name]() for name in options.only))


def _replay(hours: float) -> bool:
    """Whether memory stays as it is."""
    with TemporaryDirectory(prefix="poolscope-endurance-") as folder:
        path = Path(folder) / "long.etl"
        apart(write_trace, path, hours)
        print(f"a simulated trace of {hours:g} h: {path.stat().st_size / MIB:.0f} MiB", flush=True)
        course = apart(replayed, path)
    samples = [each / MIB for each in course.resident]
    middles = [f"{name} quarter {median(part):.1f} MiB" for name, part in _quarters(samples).items()]
    print(
        f"replay: {course.trace_ns / 3.6e12:.2f} h of the trace, {course.events:,} pool events, "
        f"shown {course.shown:,} times"
    )
    print(f"resident, of {len(samples)} samples: first {samples[0]:.1f} MiB, {', '.join(middles)}")
    print(f"drift {course.drift:+.2%} (at most {DRIFT:.0%})")
    return course.drift < DRIFT


def _quarters(samples: list[float]) -> dict[str, list[float]]:
    length = len(samples) // 4
    names = ("first", "second", "third", "last")
    return {name: samples[at * length : (at + 1) * length] for at, name in enumerate(names)}


def _starts(times: int) -> bool:
    """Whether captures leave nothing."""
    had, failed = apart(started_and_stopped, times) if sys.platform != "win32" else started_and_stopped(times)
    for when, counts in zip(("before", "after a tenth", "after all"), had, strict=True):
        print(f"starts, {when}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    for each in failed[:5]:
        print(f"a capture failed: {each}")
    grown = max(had[2][what] - had[1][what] for what in had[2])
    print(f"starts: {times} captures, {len(failed)} failed, at most {grown} more of anything")
    return not failed and grown <= STARTS_BUDGET and had[2]["sessions"] == 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance", description="What stays after hours.")
    parser.add_argument("--hours", type=float, default=4.0, help="of the trace that is replayed")
    parser.add_argument("--starts", type=int, default=500)
    parser.add_argument("--only", nargs="+", choices=("replay", "starts"), default=("replay", "starts"))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
