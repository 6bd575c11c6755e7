"""How soon a key is answered while events come, at the rate that is asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from analyzers.tags import TagNames
from benchmarks.interface.driven import driven, seconds
from benchmarks.interface.plan import Plan
from benchmarks.interface.rows import against_budget
from benchmarks.table import Bound, Row, Unit
from benchmarks.traces import Traces
from tracer.etl.file import EtlFile
from tui.live.app import LiveApp
from tui.live.follower import Follower
from tui.live.pace import Pace
from tui.live.update import LiveUpdate

EVENTS_A_SECOND: Final = 200_000
BUDGET: Final = 0.05
"""Seconds from key to drawn, in the middle of all keys."""
_OUTSTANDING: Final = 20_000
_KEYS: Final = ("down", "down", "2", "down", "8", "down", "b", "2", "up", "1")
_WINDOW_BYTES: Final = 1 << 16
_SECOND: Final = 1_000_000_000
_PAUSE_SECONDS: Final = 0.05
"""A person does not press the next key at once."""


@dataclass(slots=True)
class _Played:
    """What came of a replay: ``answers`` has each key and the seconds to its answer.

    ``trace_ns`` of the trace went by in ``seconds``; ``end_ns``: its end, if that came.
    """

    answers: list[tuple[str, float]]
    trace_ns: int = 0
    end_ns: int = 0
    seconds: float = 0.0


class _Watched(Follower):
    """Keeps the last moment that the interface was told of before the end, when that was, and the end."""

    last: LiveUpdate | None = None
    end: LiveUpdate | None = None
    began = received = 0.0

    def start(self, tell: Callable[[LiveUpdate], None]) -> None:
        def heard(moment: LiveUpdate) -> None:
            if moment.ended:
                self.end = moment
            else:
                self.last, self.received = moment, time.perf_counter()
            tell(moment)

        self.began = time.perf_counter()
        super().start(heard)


def rows(plan: Plan) -> Iterator[Row]:
    """The middle and the slow keys, and whether the replay kept its pace meanwhile."""
    with TemporaryDirectory(prefix="poolscope-benchmarks-") as folder:
        trace = Traces(Path(folder)).get(plan.replay_size, _OUTSTANDING)
        whole = asyncio.run(_play(trace.path, None, None))  # compiles the kernels, too
        events_a_second = trace.expected.records / whole.end_ns * _SECOND
        played = asyncio.run(_play(trace.path, EVENTS_A_SECOND / events_a_second, plan.keys))
    section = f"keys while a simulated trace is replayed at {EVENTS_A_SECOND:,} events/s"
    switches, others = (
        [took for key, took in played.answers if key.isdecimal() is is_view] for is_view in (True, False)
    )
    answers = sorted([*switches, *others])
    yield against_budget(section, f"middle of {len(answers)} keys", median(answers), BUDGET)
    yield against_budget(section, "of those that change the view", median(switches or [0.0]), None)
    yield against_budget(section, "of the others", median(others or [0.0]), None)
    yield against_budget(section, "19 of 20 keys", answers[int(len(answers) * 0.95)], None)
    rate = played.trace_ns / _SECOND * events_a_second / played.seconds
    yield Row(
        section,
        "events counted meanwhile",
        rate,
        Unit.RECORDS_PER_SECOND,
        rate / EVENTS_A_SECOND,
        "asked for",
        Bound.AT_LEAST,
        limit=0.9,
        note=f"in {played.seconds:.1f} s",
    )


async def _play(path: Path, speed: float | None, keys: int | None) -> _Played:
    """Press keys until the replay is over, or as many as asked for; ``None``: none, and wait for the end."""
    played = _Played([])
    with EtlFile.open(path, window_bytes=_WINDOW_BYTES, threads=1) as source:
        follower = _Watched(source, TagNames(()), Pace(speed))
        app = LiveApp(follower)
        try:
            async with driven(app):
                while follower.end is None and len(played.answers) != keys:
                    await asyncio.sleep(_PAUSE_SECONDS)
                    if keys is not None:
                        key = _KEYS[len(played.answers) % len(_KEYS)]
                        played.answers.append((key, await seconds(app, key)))
        finally:
            follower.stop()
            follower.join()
    if follower.end is not None:
        played.end_ns = follower.end.at_ns
    if follower.last is not None:
        played.trace_ns, played.seconds = follower.last.at_ns, follower.received - follower.began
    return played
