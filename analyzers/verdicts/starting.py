"""Growth that was a start: what a program, or the load that began with the trace, set up once and keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from analyzers.findings import Verdict
from analyzers.formatting import counted, duration, moment
from analyzers.policy import COURSE, TOGETHER
from analyzers.verdicts.accusation import DiagnosisInputs
from analyzers.verdicts.birth_pattern import BirthPattern
from analyzers.verdicts.judgement import Judgement
from analyzers.verdicts.owners import Owners, owners
from tracer.arrays import I64

_STOPPED: Final = frozenset({BirthPattern.BURST, BirthPattern.LEVELLED_OFF, BirthPattern.ENDED})


def with_starts(cleared: Sequence[Judgement], inputs: DiagnosisInputs) -> list[Judgement]:
    """The cleared groups; for those that grew only at a start, the reason says so."""
    grown = [number for number, each in enumerate(cleared) if _grew_once(each)]
    whose = owners([cleared[number].rows for number in grown], inputs.pool.outstanding, inputs.pool.sites, inputs.names)
    result = list(cleared)
    for number, who in zip(grown, whose, strict=True):
        says = _start(cleared[number], who, inputs)
        result[number] = replace(cleared[number], why=says) if says else cleared[number]
    return result


def _grew_once(judgement: Judgement) -> bool:
    cleared = judgement.verdict in {Verdict.CACHE, Verdict.TRANSIENT}
    return cleared and judgement.birth_pattern in _STOPPED and len(judgement.rows) >= COURSE.fewest


def _start(judgement: Judgement, who: Owners, inputs: DiagnosisInputs) -> str:
    """That it grew only while its program, or at the trace's beginning a load, started; empty where it did not."""
    births = inputs.pool.outstanding.time_ns[judgement.rows]
    count = counted(len(births), "allocation")
    started = None if who.process is None else inputs.started(who.process, int(births[-1]))
    if started is not None and who.process is not None:
        last = _last_of(births, started, inputs.until_ns)
        name = who.name or f"process {who.process}"
        return last and (
            f"it grew only while {name} started: {count} within {last} of its start at {moment(started)}, hardly any"
            " since"
        )
    last = _last_of(births, inputs.at_ns - judgement.seen_ns, inputs.until_ns)
    begins = inputs.at_ns - judgement.seen_ns <= TOGETHER.at_first * inputs.at_ns
    return f"it grew only when the trace began: {count} within {last}, hardly any since" if last and begins else ""


def _last_of(births: I64, start: int, end: int) -> str:
    """How long after the start nearly all were there; empty where that took too long, or some are from before it."""
    until = int(births[int(np.ceil(TOGETHER.started * len(births))) - 1])
    return duration(until - start) if births[0] >= start and until - start <= TOGETHER.start * (end - start) else ""
