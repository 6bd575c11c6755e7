"""What the analyzers know at one moment: immutable, in columns, ready to be looked at.

The report, the terminal interface and ``--json`` are views of a :class:`Snapshot`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.findings import NO_DIAGNOSIS, Diagnosis
from analyzers.loss_bounds import LossBounds, no_bounds, uncertain_until
from analyzers.pool_tables import Names, PoolSnapshot
from analyzers.symbolization import NamesFound
from analyzers.verdicts.coverage import Coverage
from tracer.data_classes import dataclass
from tracer.errors import Damage
from tracer.trace import ByteCount, Census, Loss, TraceInfo

if TYPE_CHECKING:
    from tracer.live.counters import PoolCounters


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything known at one moment.

    ``partial``: reading was interrupted before the end. ``context``: what the diagnosis rests on, and ``coverage``:
    which kinds of evidence there are, ``None`` for a snapshot that was put together without one. ``baseline``: the
    pool's counters when the capture began, ``None`` where nobody asked for them. ``counted``: the tags are those
    counters, since boot; there are no single allocations, and ``baseline`` is what growth is measured from.
    ``baseline_ns``: when that was, after the start. ``named``: how far addresses were named, ``None`` where nobody
    looked for names. ``bounds`` gives totals of the whole trace as intervals, made when they are first asked for, and
    ``None`` where nothing is known to be missing.
    """

    info: TraceInfo
    census: Census
    loss: Loss
    damage: tuple[Damage, ...]
    bytes: ByteCount
    pool: PoolSnapshot
    names: Names
    at_ns: int
    partial: bool
    diagnosis: Diagnosis = NO_DIAGNOSIS
    context: DiagnosisContext | None = None
    coverage: Coverage | None = None
    baseline: PoolCounters | None = None
    counted: bool = False
    baseline_ns: int = 0
    named: NamesFound | None = None
    bounds: Callable[[], LossBounds | None] = no_bounds

    @property
    def uncertain_until_ns(self) -> int:
        """What was allocated, or asked for, before may have ended in a gap; 0 where nothing is missing."""
        return uncertain_until(self.loss, self.damage, self.at_ns)
