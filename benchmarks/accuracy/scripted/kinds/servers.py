"""Clean: servers and clients whose requests take their time, are done at once, come off a list, or need no IRP."""

from __future__ import annotations

from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.machine import Thread
from benchmarks.accuracy.scripted.requests import STEP_NS
from benchmarks.accuracy.scripted.sockets import Sockets
from benchmarks.accuracy.scripted.stage import Stage
from tracer.events import afd

_POOL_EVENTS: Final = 4
"""Of one operation."""


def slow_server(stage: Stage) -> tuple[Guilt, ...]:
    """Requests are open for long, and many still are when the trace ends."""
    sockets, owner = Sockets(stage), stage.machine.process()
    clients = [stage.machine.thread(owner) for _ in range(stage.rng.randrange(1, 6))]
    slowness = stage.duration * stage.share(0.05, 0.3)
    for at in _moments(stage, each=12):
        thread = stage.rng.choice(clients)
        socket, after = sockets.open(at, thread)
        request, gone_on = sockets.start(after, socket, afd.RECEIVE, size=4_096)
        over = sockets.finish(gone_on + slowness * stage.rng.uniform(0.3, 1.7), socket, request, afd.RECEIVE)
        sockets.close(over + 5_000, socket)
    return ()


def completed_at_once(stage: Stage) -> tuple[Guilt, ...]:
    """Completed on the thread that asked, before its call returns."""
    sockets, thread = Sockets(stage), stage.machine.thread(stage.machine.process())
    socket, _ = sockets.open(stage.duration * 0.01, thread)
    for at in _moments(stage):
        sockets.at_once(at * 0.97 + stage.duration * 0.02, socket, stage.rng.choice(sockets.events[:2]), size=256)
    return ()


def fast_path(stage: Stage) -> tuple[Guilt, ...]:
    """Sends and receives for which no IRP is needed at all; AFD tells of them."""
    sockets, thread = Sockets(stage), stage.machine.thread(stage.machine.process())
    socket, _ = sockets.open(stage.duration * 0.01, thread)
    for at in _moments(stage):
        event, moment = stage.rng.choice(sockets.events[:2]), at * 0.97 + stage.duration * 0.02
        sockets.tell(moment, socket, event, afd.EnterExit.STARTED, size=512)
        sockets.tell(moment + STEP_NS, socket, event, afd.EnterExit.COMPLETED, size=512)
    return ()


def resting_on_lists(stage: Stage) -> tuple[Guilt, ...]:
    """Bursts of requests, after each of which as many IRPs rest on the lists as these keep."""
    sockets, owner = Sockets(stage), stage.machine.process()
    threads = [stage.machine.thread(owner) for _ in range(stage.rng.randrange(1, 5))]
    conversations = [sockets.open(stage.duration * 0.01, thread)[0] for thread in threads]
    bursts = stage.rng.randrange(3, 40)
    each = max(8, stage.budget // 2 // bursts)
    for burst in range(bursts):
        begins = stage.duration * (0.03 + 0.95 * burst / bursts)
        span = min(stage.duration * 0.3 / bursts, 20_000_000)
        for _ in range(each):
            socket, at = stage.rng.choice(conversations), begins + span * stage.rng.random()
            request, at = sockets.start(at, socket, afd.RECEIVE, size=512)
            sockets.finish(at + span, socket, request, afd.RECEIVE)
    return ()


def threads_that_exit(stage: Stage) -> tuple[Guilt, ...]:
    """Each thread asks for a few things, gets them, and is gone; its IRPs go back to the list."""
    sockets, owner = Sockets(stage), stage.machine.process()
    count = max(6, stage.budget * 2 // (_POOL_EVENTS * 8))
    for _ in range(min(count, 400)):
        at = stage.rng.random() * stage.duration * 0.97
        thread = stage.machine.thread(owner, int(at))
        over = _short_life(stage, sockets, thread, at + 20_000)
        thread.ended = int(over) if over < stage.duration else -1
    return ()


def long_connections(stage: Stage) -> tuple[Guilt, ...]:
    """Connections are made in the beginning and kept, each with a receive that waits; others come and go."""
    sockets, owner = Sockets(stage), stage.machine.process()
    threads = [stage.machine.thread(owner) for _ in range(3)]
    for _ in range(min(300, stage.budget // 8)):
        at = stage.rng.random() * stage.duration * 0.25
        socket, after = sockets.open(at, stage.rng.choice(threads))
        sockets.start(after, socket, afd.RECEIVE, size=1_460)
    for at in _moments(stage, each=16):
        _short_life(stage, sockets, stage.rng.choice(threads), at)
    return ()


def _short_life(stage: Stage, sockets: Sockets, thread: Thread, at: float) -> float:
    """A socket for one thing; gives when all is over."""
    socket, after = sockets.open(at, thread)
    request, gone_on = sockets.start(after, socket, afd.CONNECT)
    over = sockets.finish(gone_on + _trip(stage), socket, request, afd.CONNECT)
    return sockets.close(over + 4_000, socket) + 9_000


def _moments(stage: Stage, each: int = _POOL_EVENTS) -> list[float]:
    return [stage.rng.random() * stage.duration for _ in range(stage.budget * 2 // each)]


def _trip(stage: Stage) -> float:
    return min(stage.duration * 0.004, 3_000_000) * stage.rng.random() + 10_000


KINDS: Final = (
    TraceKind("slow-server", slow_server, leaking=False),
    TraceKind("completed-at-once", completed_at_once, leaking=False),
    TraceKind("fast-path", fast_path, leaking=False),
    TraceKind("resting-on-lists", resting_on_lists, leaking=False),
    TraceKind("threads-that-exit", threads_that_exit, leaking=False),
    TraceKind("long-connections", long_connections, leaking=False),
)
