"""Counting events and concluding from them, so that concluding does not hold up counting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from threading import Lock
from typing import Final

from analyzers.analysis import Analysis
from analyzers.carry_diagnosis import carry
from analyzers.snapshot import Snapshot
from analyzers.symbolization import Symbols
from analyzers.tags import TagNames
from tracer.live.counters import PoolCounters
from tracer.trace import Batch, Source
from tui.live.names import GuardedNames
from tui.live.pace import Clock
from tui.live.rates import Counts

_REST: Final = 5.0
"""Concluding again waits for this many times what it took: at most a sixth of the time goes into it."""


_LOOK_SECONDS: Final = 0.1
"""How long nobody looks whether to stop where no events come."""


class Counting:
    """An analysis that grows batch by batch. All of it but the names is for one thread alone."""

    def __init__(
        self,
        source: Source,
        tags: TagNames,
        clock: Clock,
        baseline: PoolCounters | None = None,
        symbols: Symbols | None = None,
    ) -> None:
        """``symbols``: names addresses, by what others find for it."""
        self._source = source
        self._clock = clock
        self._analysis = Analysis(source, tags, baseline, symbols)
        self._lock = Lock()
        self._concluded: Snapshot | None = None
        self._rested_at = 0.0
        self._last: Batch | None = None

    def batches(self) -> Iterator[Batch]:
        """The source's batches; one is decoded while nobody asks for names."""
        batches = self._source.batches(Analysis.KINDS)
        while True:
            self._source.wait(_LOOK_SECONDS)
            with self._lock:
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def feed(self, batch: Batch) -> None:
        """Take a batch."""
        with self._lock:
            self._analysis.feed(batch)
        self._last = batch

    @property
    def concluded_ns(self) -> int:
        """What time the latest conclusions are of."""
        return 0 if self._concluded is None else self._concluded.at_ns

    def counts(self, snapshot: Snapshot, at_ns: int) -> Counts:
        """What was counted up to a time of the trace, of which ``snapshot`` is."""
        last = self._last
        read = (0, 0) if last is None else (last.records, last.bytes_read)
        return Counts(at_ns, *read, snapshot.pool.totals.outstanding_bytes)

    def counted(self) -> Snapshot:
        """What was counted up to now, without conclusions."""
        return self._guarded(self._analysis.snapshot(partial=False, diagnosed=False))

    def snapshot(self, *, partial: bool = False, conclude: bool = False) -> Snapshot:
        """What is known now, with new conclusions when asked for or when the last ones are long enough ago."""
        if conclude or (self._last is not None and self._clock() >= self._rested_at):
            return self._with_conclusions(partial=partial)
        counted = self._guarded(self._analysis.snapshot(partial=partial, diagnosed=False))
        return counted if self._concluded is None else carry(self._concluded, counted)

    def _with_conclusions(self, *, partial: bool) -> Snapshot:
        began = self._clock()
        self._concluded = self._guarded(self._analysis.snapshot(partial=partial))
        ended = self._clock()
        self._rested_at = ended + _REST * (ended - began)
        return self._concluded

    def _guarded(self, snapshot: Snapshot) -> Snapshot:
        return replace(snapshot, names=GuardedNames(snapshot.names, self._lock))
