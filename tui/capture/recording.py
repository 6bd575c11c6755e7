"""A recording while it runs: until its time is up, its command ends, its file is full, or Ctrl-C; then its drain."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from tracer.data_classes import dataclass
from tracer.errors import PoolscopeError, UsageError
from tracer.images.appending import append_identities
from tracer.images.loaded import Identities, identities, images_in
from tracer.live.api import Api
from tracer.live.drained import append_drain
from tracer.live.image_paths import ImagePaths
from tracer.live.plan import CapturePlan
from tracer.live.recording import Recording
from tracer.live.steps import StartStep
from tracer.live.this_machine import ThisMachine
from tracer.trace import Loss
from tui.interrupts import Interrupts

_LOOK_SECONDS: Final = 0.2
_ASK_SECONDS: Final = 1.0
"""How often Windows is asked whether the session still runs."""
_NO_ROOM: Final = 16 << 20
"""Bytes free on a disk that could not take the next buffers: each has up to 1 MiB, and each CPU has one."""
_STDERR: Final = 2
"""Where a command's output goes: standard output is the report's, or the document's."""
_GRACE_SECONDS: Final = 5.0
"""How long a command that outlives the recording may take to end."""


class End(StrEnum):
    """Why a recording ended."""

    TIME = "time"
    COMMAND = "command"
    FULL = "file-full"
    DISK_FULL = "disk-full"
    ALERT = "alert"
    INTERRUPTED = "ctrl-c"
    SESSION = "session-stopped"  # by somebody else


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of it; ``command_exit_code`` is ``None`` where there was no command, or it was ended with the rest.

    ``images``: those that the trace tells, and whose identities are in the file; ``None`` where none could be added.
    ``drain_seconds``: how long its drain went on, ``None`` where it had none; part of ``seconds``.
    """

    path: Path
    bytes: int
    seconds: float
    ended_by: End
    command_exit_code: int | None
    loss: Loss
    notes: tuple[str, ...]
    left_behind: tuple[str, ...]
    images: Identities | None = None
    drain_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Drain:
    """How long to go on after the load; ``told`` is called when that begins."""

    seconds: float
    told: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Time:
    """The clock, and how to let it go on."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def recorded(
    machine: ThisMachine,
    plan: CapturePlan,
    command: Sequence[str],
    passing: Time,
    went_off: Callable[[], bool] | None = None,
    steps: list[StartStep] | None = None,
    drain: Drain | None = None,
) -> Recorded:
    """Record; the command, if any, is started when the session runs, and ended with it.

    ``went_off`` is asked once a second whether an alert holds, which ends it. ``steps`` gets what was asked of Windows.
    ``drain``: go on when the planned end has come, the command too; Ctrl-C then ends it.

    Raises MachineError where Windows refuses, UsageError where the command cannot be started.
    """
    with (
        Interrupts(noted=1 if drain is None else 2) as interruption,
        Recording.open(plan, machine.api, steps) as recording,
        ExitStack() as leaving,
    ):
        began = passing.clock()
        child = _started(command, leaving) if command else None
        run = _Run(machine.api, recording, plan, child, passing, began, interruption, went_off)
        ended_by = run.wait()
        code = None if child is None else child.poll()
        drained, drain_seconds = None, None
        if drain is not None and run.as_planned(ended_by):
            if child is not None:
                _ended(child)
            drained, drain_began = machine.api.now().ticks, passing.clock()
            drain.told()
            ended_by = run.drain(drain.seconds, ended_by)
            drain_seconds = passing.clock() - drain_began
        recording.stop()
        seconds = passing.clock() - began
        marked = () if drained is None else _marked(recording.path, drained)
        images, notes = _identified(recording.path, machine.image_paths)
        return Recorded(
            recording.path, _size(recording.path), seconds, ended_by, code, recording.loss,
            (*recording.notes, *marked, *notes), recording.reclaimed, images, drain_seconds,
        )  # fmt: skip


def _marked(path: Path, began_ticks: int) -> tuple[str, ...]:
    """Say in the file when its drain began; a note where that fails: no analysis would know of it."""
    try:
        append_drain(path, began_ticks)
    except PoolscopeError as error:
        return (f"the file does not say when its drain began, so all of it counts as load: {error.why}",)
    return ()


def _identified(path: Path, paths: ImagePaths) -> tuple[Identities | None, tuple[str, ...]]:
    """Add the identities of its images to the file; a note where that fails, or Ctrl-C cuts it short."""
    try:
        found = identities(images_in(path), paths.local)
        append_identities(path, found.found)
    except PoolscopeError as error:
        return None, (f"no identities of images are in the file: {error.why}",)
    except KeyboardInterrupt:
        return None, ("no identities of images are in the file: Ctrl-C came before they were read",)
    return found, ()


@dataclass(slots=True)
class _Run:
    api: Api
    recording: Recording
    plan: CapturePlan
    child: subprocess.Popen[bytes] | None
    passing: Time
    began: float
    interruption: Interrupts
    went_off: Callable[[], bool] | None

    def wait(self) -> End:
        """Until one of the reasons to end it is there."""
        asked_at = self.began
        while (end := self._end()) is None:
            self.passing.sleep(_LOOK_SECONDS)
            if self.passing.clock() - asked_at >= _ASK_SECONDS:
                asked_at = self.passing.clock()
                if not self._runs():
                    return self._taken()
                if self.went_off is not None and self.went_off():
                    return End.ALERT
        return end

    def as_planned(self, ended_by: End) -> bool:
        """Whether the load has ended, and the session goes on: Ctrl-C is the planned end where there is no other."""
        no_other = self.plan.seconds is None and self.child is None
        return ended_by in {End.TIME, End.COMMAND, End.ALERT} or (ended_by is End.INTERRUPTED and no_other)

    def drain(self, seconds: float, ended_by: End) -> End:
        """Go on for so long, or until Ctrl-C; gives why the recording ended, which is why its load did as a rule."""
        self.interruption.asked = False
        plan, now = replace(self.plan, seconds=seconds), self.passing.clock()
        end = replace(self, plan=plan, child=None, began=now, went_off=None).wait()
        return end if end in {End.FULL, End.DISK_FULL, End.SESSION} else ended_by

    def _end(self) -> End | None:
        if self.interruption.asked:
            return End.INTERRUPTED
        if self.child is not None and self.child.poll() is not None:
            return End.COMMAND
        if self.plan.seconds is not None and self.passing.clock() - self.began >= self.plan.seconds:
            return End.TIME
        return End.FULL if self._is_full() else None

    def _runs(self) -> bool:
        _ = self.recording.loss  # asks Windows, which tells whether the session is there
        return self.recording.running

    def _taken(self) -> End:
        """Why a session that nobody here stopped runs no more: Windows ends it where the disk takes no more of it."""
        if self._is_full():
            return End.FULL
        free = self.api.free_bytes(self.recording.path.parent)
        return End.SESSION if free is None or free >= _NO_ROOM else End.DISK_FULL

    def _is_full(self) -> bool:
        return 0 < self.recording.full_bytes <= _size(self.recording.path)


def _started(command: Sequence[str], leaving: ExitStack) -> subprocess.Popen[bytes]:
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=_STDERR)
    except (OSError, ValueError) as error:
        raise UsageError(
            "command-not-started",
            "the command to record cannot be started",
            where=command[0],
            why=(error.strerror if isinstance(error, OSError) else None) or str(error),
            next="give the path of a program after --, as in: poolscope record out.etl -- python loop.py",
        ) from error
    leaving.callback(_ended, child)
    return child


def _ended(child: subprocess.Popen[bytes]) -> None:
    """End it if it still runs."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # Windows makes the file when the first buffer is full
        return 0
