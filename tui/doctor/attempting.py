"""A short capture in numbers, through stages: what a live Windows kernel really sends while something is done to it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Final

import numpy as np

from analyzers.analysis import Analysis
from analyzers.tags import TagNames
from tracer.data_classes import dataclass
from tracer.errors import MachineError
from tracer.live.api import Api
from tracer.live.capture import Capture
from tracer.live.plan import CapturePlan
from tracer.live.steps import StartStep
from tracer.trace import Batch, Census, Loss, Source

LOOK_SECONDS: Final = 0.1
_NO_NAMES: Final = TagNames(())
IRP_TAG: Final = int.from_bytes(b"Irp ", "little")
END: Final = "end"
"""What was seen when the last event had come."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of a capture; what ``begin`` sets going goes on."""

    name: str
    seconds: float
    begin: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Observation:
    """What the analysis said at one moment: IRPs outstanding, and verdicts against this very process."""

    irps: int
    verdicts: tuple[str, ...]


@dataclass(slots=True)
class Counts:
    """Events of a source by kind of table: ``seen``, those ``with_stack``, and pool events without an address.

    ``census``: all of its records, once they are read.
    """

    seen: dict[str, int] = field(default_factory=dict)
    with_stack: dict[str, int] = field(default_factory=dict)
    no_address: int = 0
    census: Census | None = None

    def take(self, batch: Batch) -> None:
        """Count a batch."""
        for kind, table in batch.tables.items():
            self.seen[kind] = self.seen.get(kind, 0) + len(table.time)
            self.with_stack[kind] = self.with_stack.get(kind, 0) + int(np.count_nonzero(table.stack >= 0))
        if (pool := batch.tables.get("pool")) is not None:
            self.no_address += int(np.count_nonzero(np.asarray(pool.fields["entry"]) == 0))

    def hook(self, *hooks: int) -> int:
        """How many kernel events of these hook ids came."""
        return 0 if self.census is None else sum(self.census.kernel_events.get(hook, 0) for hook in hooks)

    def of_provider(self, provider: uuid.UUID) -> int:
        """How many events of a provider came."""
        return 0 if self.census is None else self.census.providers.get(provider, 0)


@dataclass(slots=True)
class Attempt(Counts):
    """A capture that was tried; ``error``: what kept it from its end.

    ``steps``: what was asked of Windows. ``sent_unasked``: pool events of other tags than the plan's, which Windows
    sent all the same. ``observations`` by stage, at its end. ``processes``: how many have a name; ``knows_itself``:
    whether this one, which ran before, is among them. ``stacks``, and those of them whose every address is 0.
    """

    steps: list[StartStep] = field(default_factory=list)
    sent_unasked: int = 0
    observations: dict[str, Observation] = field(default_factory=dict)
    processes: int = 0
    knows_itself: bool = False
    stacks: int = 0
    hidden_stacks: int = 0
    loss: Loss | None = None
    notes: tuple[str, ...] = ()
    reclaimed: tuple[str, ...] = ()
    error: MachineError | None = None


def attempt(
    api: Api, plan: CapturePlan, stages: Sequence[Stage], clock: Callable[[], float] = time.monotonic
) -> Attempt:
    """Capture through all stages, whose seconds are the clock's; never raises for what Windows refuses."""
    made = Attempt()
    try:
        with Capture.open(plan, api, clock, steps=made.steps) as capture:
            analysis = Analysis(capture, _NO_NAMES)
            try:
                _follow(capture, analysis, made, stages, api.own_process(), clock)
            finally:
                made.census, made.loss, made.notes = capture.census, capture.loss, capture.notes
                made.reclaimed, made.sent_unasked = capture.reclaimed, capture.filtered
    except MachineError as error:
        made.error = error
    return made


def _follow(
    capture: Capture, analysis: Analysis, made: Attempt, stages: Sequence[Stage], own: int, clock: Callable[[], float]
) -> None:
    left = iter(stages)
    stage, until = None, clock()
    for batch in capture.batches(Analysis.KINDS):
        made.take(batch)
        analysis.feed(batch)
        if clock() >= until:
            if stage is not None:
                made.observations[stage.name] = _observation(analysis, own)
            stage = next(left, None)
            if stage is None:
                capture.stop()
                until = float("inf")
            else:
                stage.begin()
                until = clock() + stage.seconds
        capture.wait(LOOK_SECONDS)
    made.observations[END] = _observation(analysis, own)
    named = {process for process, name in analysis.snapshot(diagnosed=False).names.process_names() if name}
    made.processes, made.knows_itself = len(named), own in named
    made.stacks, made.hidden_stacks = _stacks(capture)


def _observation(analysis: Analysis, own: int) -> Observation:
    snapshot = analysis.snapshot()
    tags = snapshot.pool.tags
    irps = int(tags.outstanding_count[tags.tag == IRP_TAG].sum())
    against = {str(each.verdict) for each in snapshot.diagnosis.findings if each.process_id == own}
    return Observation(irps, tuple(sorted(against)))


def _stacks(source: Source) -> tuple[int, int]:
    """How many stacks there are, and how many of them have no address but 0."""
    table = source.stacks
    addresses, bounds = table.all_frames(np.arange(len(table), dtype=np.int32))
    known = np.append(0, np.cumsum(addresses != 0))[bounds]
    has_frames = np.diff(bounds) > 0
    return int(np.count_nonzero(has_frames)), int(np.count_nonzero(has_frames & (np.diff(known) == 0)))
