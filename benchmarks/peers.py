"""The other side: how fast other readers walk the same records."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.best import timed

PEERS: Final = ("dissect.etl", "etl-parser")
"""As their distributions are called; both come with the ``bench`` extra."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Records that a reader gave, and the seconds it took; ``stopped`` says why it gave up."""

    records: int
    seconds: float
    stopped: str = ""

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds if self.seconds else 0.0


def walk_peer(peer: str, path: Path, most_seconds: float) -> Walk:
    """The peer's best walk over all records, ``ImportError`` where it is not installed."""
    data = path.read_bytes()
    walk = _dissect if peer == "dissect.etl" else _etl_parser
    best = walk(data)
    spent = best.seconds
    while 0 < spent < most_seconds and not best.stopped:
        again = walk(data)
        spent += again.seconds
        best = again if again.seconds < best.seconds else best
    return best


def _dissect(data: bytes) -> Walk:
    from dissect.etl import ETL

    etl = ETL(io.BytesIO(data))
    count = 0

    def run() -> str:
        nonlocal count
        try:
            for buffer in etl.buffers():
                for _ in buffer:
                    count += 1
        except Exception as error:
            return type(error).__name__
        return ""

    seconds, stopped = timed(run)
    return Walk(count, seconds, stopped)


def _etl_parser(data: bytes) -> Walk:
    from etl.etl import IEtlFileObserver, build_from_stream

    class Counter(IEtlFileObserver):  # type: ignore[misc]  # the package has no types
        count = 0

        def _one_more(self, _event: object) -> None:
            self.count += 1

        on_event_record = on_trace_record = on_perfinfo_trace = on_system_trace = on_win_trace = _one_more

    counter = Counter()

    def run() -> str:
        try:
            build_from_stream(data).parse(counter)
        except Exception as error:
            return type(error).__name__
        return ""

    seconds, stopped = timed(run)
    return Walk(counter.count, seconds, stopped)
