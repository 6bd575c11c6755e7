"""From what was read to the exit code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tui.exit_codes import ExitCode

if TYPE_CHECKING:
    from tracer.errors import Damage
    from tracer.trace import Loss

_GRAVEST_FIRST = (
    ExitCode.INTERRUPTED,
    ExitCode.INTERNAL,
    ExitCode.INPUT,
    ExitCode.INCOMPLETE,
    ExitCode.FOUND,
    ExitCode.DONE,
)
"""Of several traces, the gravest outcome is the command's."""


def outcome(loss: Loss, damage: tuple[Damage, ...], *, partial: bool, strict: bool) -> ExitCode:
    """The exit code of one trace that was read."""
    if partial:
        return ExitCode.INTERRUPTED
    return ExitCode.INCOMPLETE if strict and is_incomplete(loss, damage) else ExitCode.DONE


def is_incomplete(loss: Loss, damage: tuple[Damage, ...]) -> bool:
    """Whether anything that was in the session or in the file is missing: what ``--strict`` asks."""
    return bool(damage or loss.events_lost or loss.buffers_lost or loss.gaps or loss.inferred)


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """The outcome of several traces."""
    return min(codes, key=_GRAVEST_FIRST.index, default=ExitCode.DONE)
