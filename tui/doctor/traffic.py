"""Traffic of our own while a trial captures: a socket loop, and finished requests that are held and let go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Protocol

from fixtures.held_requests import COUNT, Held, Holder, hold
from fixtures.winsock_loop import loop, server

_ROUNDS: Final = 500
_SECONDS: Final = 2.5
_PATIENCE: Final = 30.0
"""Seconds that the requests may take to be there."""


class Traffic(Protocol):
    """What a trial sets going."""

    rounds: int
    """Rounds of the socket loop that went through."""
    held: dict[Holder, Held]
    """What was held and let go."""
    failures: list[str]
    """Why something could not be done, in words."""

    def sockets(self) -> None:
        """Begin a loop over sockets that lasts a few seconds."""

    def hold(self, holder: Holder) -> None:
        """Hold finished requests; comes back when they are there."""

    def let_go(self) -> None:
        """Let go of them; comes back when they are gone."""

    def end(self) -> None:
        """End everything that still goes on."""


class OwnTraffic:
    """Threads of this process, and the server that the socket loop starts. Nothing outlives :meth:`end`.

    ``count``: of requests to hold.
    """

    def __init__(self, count: int = COUNT) -> None:
        self._count = count
        self.rounds = 0
        self.held: dict[Holder, Held] = {}
        self.failures: list[str] = []
        self._over = threading.Event()
        self._loops: list[threading.Thread] = []
        self._holding: threading.Thread | None = None

    def sockets(self) -> None:
        """The loop of KB Q171996."""
        self._loops.append(_started("socket loop", self._loop))

    def hold(self, holder: Holder) -> None:
        """In a thread of its own, which waits alertably when it lets go and not before."""
        self.let_go()
        self._over.clear()
        there = threading.Event()
        self._holding = _started("holds requests", lambda: self._hold(holder, there))
        there.wait(_PATIENCE)

    def let_go(self) -> None:
        """Wait for the thread's end."""
        self._over.set()
        if self._holding is not None:
            self._holding.join()
            self._holding = None

    def end(self) -> None:
        """Let go, and wait for the loops: each ends with its time."""
        self.let_go()
        for each in self._loops:
            each.join()
        self._loops.clear()

    def _loop(self) -> None:
        try:
            with server() as port:
                self.rounds += loop(port, _ROUNDS, _SECONDS).rounds
        except OSError as error:  # a machine on which nobody may listen: the rest is worth knowing all the same
            self.failures.append(f"socket loop: {error}")

    def _hold(self, holder: Holder, there: threading.Event) -> None:
        try:
            self.held[holder] = hold(holder, self._count, self._over.is_set, lambda _: there.set())
        except OSError as error:
            self.failures.append(f"held requests: {error}")
        finally:
            there.set()


def _started(name: str, work: Callable[[], None]) -> threading.Thread:
    made = threading.Thread(target=work, name=name)
    made.start()
    return made
