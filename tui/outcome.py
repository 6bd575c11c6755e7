"""From what was read to the exit code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tui.exit_codes import ExitCode

if TYPE_CHECKING:
    from analyzers.snapshot import Snapshot
    from tracer.errors import Damage
    from tracer.trace import Loss

_GRAVEST_FIRST = (
    ExitCode.INTERRUPTED,
    ExitCode.INTERNAL,
    ExitCode.OUTPUT,
    ExitCode.USAGE,
    ExitCode.INPUT,
    ExitCode.MACHINE,
    ExitCode.UNJUDGED,
    ExitCode.INCOMPLETE,
    ExitCode.FOUND,
    ExitCode.DONE,
)
"""Of several outcomes, of one trace or of many, the first of these is the command's."""


def outcome(loss: Loss, damage: tuple[Damage, ...], *, partial: bool, strict: bool) -> ExitCode:
    """The exit code of one trace that was read."""
    if partial:
        return ExitCode.INTERRUPTED
    return ExitCode.INCOMPLETE if strict and is_incomplete(loss, damage) else ExitCode.DONE


def judgement(snapshot: Snapshot, *, strict: bool, fail_on_finding: bool) -> ExitCode:
    """The exit code of one trace that was analysed, ``snapshot`` being what the filters left of it.

    A trace without the evidence clears nobody: who asked to be told of findings must not take it for a clean one.
    """
    codes = [outcome(snapshot.loss, snapshot.damage, partial=snapshot.partial, strict=strict)]
    if (strict or fail_on_finding) and not is_judged(snapshot):
        codes.append(ExitCode.UNJUDGED)
    if fail_on_finding and snapshot.diagnosis.findings:
        codes.append(ExitCode.FOUND)
    return worst_exit_code(codes)


def is_judged(snapshot: Snapshot) -> bool:
    """Whether the trace has the evidence to say that something leaks, or that nothing does."""
    return snapshot.coverage is None or snapshot.coverage.judged


def is_incomplete(loss: Loss, damage: tuple[Damage, ...]) -> bool:
    """Whether anything that was in the session or in the file is missing: what ``--strict`` asks."""
    return bool(damage or loss.is_lossy or loss.complete_from_ns)


def worst_exit_code(codes: Iterable[ExitCode]) -> ExitCode:
    """The outcome of several traces."""
    return min(codes, key=_GRAVEST_FIRST.index, default=ExitCode.DONE)
