"""Clean: servers and clients whose requests take their time, never need an APC, or come off a list."""

from __future__ import annotations

from functools import partial
from typing import Final

from benchmarks.accuracy.scripted.kinds.kind import Kind
from benchmarks.accuracy.scripted.machine import Thread
from benchmarks.accuracy.scripted.requests import STEP_NS, Request
from benchmarks.accuracy.scripted.scribe import Scribe
from benchmarks.accuracy.scripted.sockets import Sockets
from benchmarks.accuracy.scripted.stage import Guilt, Stage
from tracer.events import afd
from tracer.events.thread import QUEUE_INSERT, QUEUE_REMOVE

_LIST_ENTRY: Final = {8: 0xA8, 4: 0x58}
"""From a packet to the list entry by which a completion port holds it."""
_POOL_EVENTS: Final = 4
"""Of one operation."""


def completion_port(stage: Stage) -> tuple[Guilt, ...]:
    """Completions are queued to a port, and any of its workers removes them: no APC."""
    sockets, owner = Sockets(stage), stage.machine.process()
    workers = [stage.machine.thread(owner) for _ in range(stage.rng.randrange(2, 8))]
    conversations = [
        sockets.open(stage.rng.random() * stage.duration * 0.05, one)[0] for one in workers for _ in range(4)
    ]
    opened = stage.duration * 0.06
    for moment in _moments(stage):
        socket, issuer = stage.rng.choice(conversations), stage.rng.choice(workers)
        at = opened + moment
        request, gone_on = sockets.start(at, socket, stage.rng.choice(sockets.events[:2]), size=1_460, thread=issuer)
        done = gone_on + _trip(stage)
        done = sockets.finish(done, socket, request, afd.RECEIVE)
        cpu = sockets.requests.elsewhere(issuer)
        stage.script.add(done, None, partial(_enqueue, request=request), cpu)
        taker = stage.rng.choice(workers)
        stage.script.add(done + 9_000, taker, partial(_dequeue, request=request, taker=taker))
        sockets.requests.retire(done + 11_000, request, taker)
    return ()


def slow_server(stage: Stage) -> tuple[Guilt, ...]:
    """Requests are open for long, and many still are when the trace ends."""
    sockets, owner = Sockets(stage), stage.machine.process()
    clients = [stage.machine.thread(owner) for _ in range(stage.rng.randrange(1, 6))]
    slowness = stage.duration * stage.share(0.05, 0.3)
    for at in _moments(stage, each=12):
        thread = stage.rng.choice(clients)
        socket, after = sockets.open(at, thread)
        request, gone_on = sockets.start(after, socket, afd.RECEIVE, size=4_096)
        done = sockets.finish(gone_on + slowness * stage.rng.uniform(0.3, 1.7), socket, request, afd.RECEIVE)
        retired = sockets.requests.retire(done + 8_000, request)
        sockets.close(retired + 5_000, socket, released=True)
    return ()


def completed_at_once(stage: Stage) -> tuple[Guilt, ...]:
    """Completed on the thread that asked, before its call returns."""
    sockets, thread = Sockets(stage), stage.machine.thread(stage.machine.process())
    socket, _ = sockets.open(stage.duration * 0.01, thread)
    for at in _moments(stage):
        event = stage.rng.choice(sockets.events[:2])
        moment = at + stage.duration * 0.02
        request, moment = sockets.requests.issue(moment, thread, socket.file, buffered=256)
        sockets.tell(moment, socket, event, afd.EnterExit.STARTED)
        sockets.tell(moment + STEP_NS, socket, event, afd.EnterExit.COMPLETED)
        moment = sockets.requests.complete(moment + STEP_NS * 2, request, thread)
        sockets.requests.retire(sockets.requests.returned(moment, request), request)
    return ()


def threads_that_exit(stage: Stage) -> tuple[Guilt, ...]:
    """Each thread asks for a few things, gets them, and is gone; its packets go back to the list."""
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
    """A socket for one thing, with its APC; gives when all is over."""
    socket, after = sockets.open(at, thread)
    request, gone_on = sockets.start(after, socket, afd.CONNECT)
    done = sockets.finish(gone_on + _trip(stage), socket, request, afd.CONNECT)
    retired = sockets.requests.retire(done + 6_000, request)
    return sockets.close(retired + 4_000, socket, released=True) + 5_000


def _moments(stage: Stage, each: int = _POOL_EVENTS) -> list[float]:
    return [stage.rng.random() * stage.duration for _ in range(stage.budget * 2 // each)]


def _trip(stage: Stage) -> float:
    return min(stage.duration * 0.004, 3_000_000) * stage.rng.random() + 10_000


def _enqueue(scribe: Scribe, request: Request) -> None:
    entry = request.pointer + _LIST_ENTRY[scribe.conditions.pointer_size]
    scribe.kernel(QUEUE_INSERT, {"entry": entry, "thread": 0})


def _dequeue(scribe: Scribe, request: Request, taker: Thread) -> None:
    entry = request.pointer + _LIST_ENTRY[scribe.conditions.pointer_size]
    scribe.kernel(QUEUE_REMOVE, {"thread": taker.id, "count": 1, "entries": (entry,)})


KINDS: Final = (
    Kind("completion-port", completion_port, leaking=False),
    Kind("slow-server", slow_server, leaking=False),
    Kind("completed-at-once", completed_at_once, leaking=False),
    Kind("threads-that-exit", threads_that_exit, leaking=False),
    Kind("long-connections", long_connections, leaking=False),
)
