"""The document of ``poolscope doctor --trial``: verdicts first, and the numbers that they rest on."""

from __future__ import annotations

from collections.abc import Iterable

from tracer.live.steps import StartStep
from tracer.trace import Census
from tui.doctor.attempting import Attempt
from tui.doctor.trial import FileTrial, Trial
from tui.doctor.verdicts import Verdict
from tui.json_documents.error import error_part
from tui.json_documents.trace import loss_part
from tui.json_documents.writing import Object, Value, string


def trial_part(made: Trial, found: tuple[Verdict, ...]) -> Object:
    """What a trial adds to the doctor's document."""
    return {
        "verdicts": [_verdict(each) for each in found],
        "seconds": round(made.seconds, 1),
        "interrupted": made.interrupted,
        "captures": {name: attempt_part(each) for name, each in made.attempts.items()},
        "recordings": {name: _file(each) for name, each in made.files.items()},
        "held": {
            str(holder): {"issued": each.issued, "released": each.released, "failure": string(each.failure) or None}
            for holder, each in made.held.items()
        },
        "rounds_of_the_loop": made.rounds,
        "failures": [string(each) for each in made.failures],
    }


def _verdict(verdict: Verdict) -> Object:
    return {
        "point": verdict.point,
        "asks": verdict.asks,
        "verdict": str(verdict.state),
        "says": string(verdict.says),
        "status": verdict.status,
        "used": string(verdict.used) or None,
    }


def attempt_part(made: Attempt) -> Object:
    """A short capture in numbers."""
    return {
        "events": dict(sorted(made.seen.items())),
        "events_with_stack": dict(sorted(made.with_stack.items())),
        **_census_part(made.census),
        "loss": None if made.loss is None else loss_part(made.loss),
        "steps": _steps(made.steps),
        "notes": [string(note) for note in made.notes],
        "left_behind": [string(name) for name in made.reclaimed],
        "processes_named": made.processes,
        "names_itself": made.knows_itself,
        "pool_events_without_address": made.no_address,
        "stacks": made.stacks,
        "stacks_without_address": made.hidden_stacks,
        "other_tags_sent": made.sent_unasked,
        "sightings": {
            name: {"packets": each.irps, "verdicts": list(each.verdicts)} for name, each in made.observations.items()
        },
        "error": None if made.error is None else error_part(made.error),
    }


def _file(made: FileTrial) -> Object:
    done, read = made.recorded, made.bytes
    return {
        "asked_seconds": made.asked_seconds,
        "asked_bytes": made.most_bytes or None,
        "seconds": None if done is None else round(done.seconds, 1),
        "bytes": None if done is None else done.bytes,
        "padding_bytes": None if read is None else read.padding,
        "ended_by": None if done is None else str(done.ended_by),
        "events": dict(sorted(made.seen.items())),
        **_census_part(made.census),
        "loss": None if done is None else loss_part(done.loss),
        "steps": _steps(made.steps),
        "notes": [] if done is None else [string(note) for note in done.notes],
        "error": None if made.error is None else error_part(made.error),
    }


def _steps(steps: Iterable[StartStep]) -> list[Value]:
    return [
        {"step": each.name, "call": each.call, "asked": each.asked, "status": each.status, "outcome": each.outcome}
        for each in steps
    ]


def _census_part(census: Census | None) -> Object:
    if census is None:
        return {"kernel_events": {}, "providers": {}}
    return {
        "kernel_events": {f"{hook:04X}": count for hook, count in sorted(census.kernel_events.items())},
        "providers": {str(guid): count for guid, count in sorted(census.providers.items())},
    }
