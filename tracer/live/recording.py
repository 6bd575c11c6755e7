"""A capture into a file: Windows writes it, nothing is consumed here."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from tracer.errors import UsageError
from tracer.live.api import Api
from tracer.live.plan import CapturePlan
from tracer.live.session import Losses
from tracer.live.starting import Sessions, start_sessions
from tracer.live.steps import StartStep
from tracer.trace import Loss


class Recording(AbstractContextManager["Recording"]):
    """A running recording; made by :meth:`open`, stopped when the context is left, whatever happens."""

    def __init__(self, path: Path, sessions: Sessions) -> None:
        self.path = path
        self._sessions = sessions

    @classmethod
    def open(cls, plan: CapturePlan, api: Api, steps: list[StartStep] | None = None) -> Recording:
        """Start it; ``plan.file`` says where. ``steps`` gets what was asked of Windows, also where that fails.

        :class:`~tracer.errors.MachineError`, codes of :mod:`tracer.live.failures`.
        """
        if plan.file is None:
            raise UsageError("no-file", "a recording needs a file", why="none was given", next="give its path")
        return cls(plan.file, start_sessions(plan, api, steps))

    @property
    def notes(self) -> tuple[str, ...]:
        """What Windows did not offer: sentences for the user."""
        return tuple(self._sessions.notes)

    @property
    def steps(self) -> tuple[StartStep, ...]:
        """What was asked of Windows at the start, and what it answered."""
        return tuple(self._sessions.steps)

    @property
    def full_bytes(self) -> int:
        """A file of so many bytes is full: a buffer short of its bound, since Windows writes whole buffers.

        0 where it has no bound.
        """
        most = self._sessions.most_bytes
        return most - min(self._sessions.kernel.buffer_bytes, most // 2)

    @property
    def reclaimed(self) -> tuple[str, ...]:
        """Sessions that a crashed capture had left behind, and that were stopped."""
        return self._sessions.reclaimed

    @property
    def running(self) -> bool:
        """Whether the session runs, as of the last look (:attr:`loss`); Windows ends it too when its file is full."""
        return all(session.running for session in self._sessions.all)

    @property
    def loss(self) -> Loss:
        """What was lost so far: asks Windows while it runs."""
        losses = self._sessions.poll() if self.running else self._sessions.losses
        return loss_of(losses)

    def stop(self) -> None:
        """Stop it and finish the file; the second time nothing happens."""
        self._sessions.stop()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def loss_of(losses: Losses) -> Loss:
    """A session's counters as the loss of a source; they say nothing of when."""
    return Loss(losses.events, losses.buffers, ())
