"""What special kernel APCs can hold: a bounded number, inside one kernel call, or while a thread gets no CPU."""

from __future__ import annotations

from typing import Final

from benchmarks.accuracy.scripted.files import opened
from benchmarks.accuracy.scripted.guilt import Guilt, apcs_pending
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.machine import Thread
from benchmarks.accuracy.scripted.requests import STEP_NS, Asked, Request
from benchmarks.accuracy.scripted.sockets import Socket, Sockets
from benchmarks.accuracy.scripted.stage import Stage
from tracer.events import afd
from tracer.events.thread import WaitReason

_FEWEST: Final = 40
_MOST: Final = 200
_BOOST_NS: Final = 4e9
"""A thread that is ready for so long is boosted (balance set manager)."""
_SIZES: Final = (256, 1_460, 4_096)


def region_at_the_end(stage: Stage) -> tuple[Guilt, ...]:
    """The kernel call that holds APCs back is not over when the trace ends."""
    thread = _caller(stage)
    return (apcs_pending([thread], _held_in_call(stage, thread), special=True),)


def region_ends(stage: Stage) -> tuple[Guilt, ...]:
    """It ends, and all are retired in one burst; once, or now and then."""
    _held_in_call(stage, _caller(stage), ends=True)
    return ()


def starved_at_the_end(stage: Stage) -> tuple[Guilt, ...]:
    """Threads send much at once, lose their CPU to others of a higher priority, and are ready when the trace ends."""
    return tuple(apcs_pending([thread], requests, special=True) for thread, requests in _starved(stage, boosted=False))


def starved_and_boosted(stage: Stage) -> tuple[Guilt, ...]:
    """They get a CPU again, and all are retired."""
    _starved(stage, boosted=True)
    return ()


def _caller(stage: Stage) -> Thread:
    """A thread whose long call waits inside the kernel."""
    thread = stage.machine.thread(stage.machine.process())
    thread.wait, thread.waits_in_user_mode = WaitReason.EXECUTIVE, False
    return thread


def _held_in_call(stage: Stage, thread: Thread, *, ends: bool = False) -> list[Request]:
    """Sends that pend, then one call into a driver within which they are all completed."""
    sockets = Sockets(stage)
    requests, layers = sockets.requests, (stage.machine.driver(),)
    socket, _ = sockets.open(stage.duration * 0.01, thread)
    device = opened(stage, requests, thread, stage.duration * 0.012)
    begins = stage.duration * stage.share(0.3, 0.6)
    region = (stage.duration * stage.share(0.75, 0.95) if ends else stage.duration * 1.1) - begins
    sent, at = _burst(stage, sockets, socket, begins)
    outer, at = requests.issue(at + STEP_NS, thread, device, layers, Asked(quota=False))
    for request in sent:
        done = at + 20_000 + min(region, stage.duration * 0.95 - at) * 0.8 * stage.rng.random() ** 2
        sockets.complete(done, socket, request, afd.SEND)
        _seen_running(stage, thread, done)
    if ends:
        at += region
        for request in sent:
            at = requests.finish(at, request)
        requests.at_once(at + STEP_NS, outer)
    return sent


def _seen_running(stage: Stage, thread: Thread, at: float) -> None:
    """Now and then the thread is on a CPU within its call."""
    if stage.rng.random() < 0.1:
        stage.script.add(at + 40_000, thread, _nothing)


def _burst(stage: Stage, sockets: Sockets, socket: Socket, at: float) -> tuple[list[Request], float]:
    sent = []
    for _ in range(stage.rng.randrange(_FEWEST, _MOST)):
        request, at = sockets.start(at + STEP_NS, socket, afd.SEND, size=stage.rng.choice(_SIZES))
        sent.append(request)
    return sent, at


def _starved(stage: Stage, *, boosted: bool) -> list[tuple[Thread, list[Request]]]:
    sockets, out = Sockets(stage), []
    hog = stage.machine.spinner(stage.machine.process())
    lasts = min(_BOOST_NS, stage.duration * 0.5) * stage.share(0.5, 0.9)
    begins = stage.duration * stage.share(0.1, 0.4) if boosted else stage.duration - lasts
    stage.script.add(begins, hog, _nothing)
    owner = stage.machine.process()
    for _ in range(stage.rng.randrange(1, 3)):
        thread = stage.machine.thread(owner)
        thread.pinned, thread.home, thread.priority = True, hog.home, 4
        socket, at = sockets.open(begins - lasts * 0.02, thread)
        sent, at = _burst(stage, sockets, socket, max(at, begins))
        over = at + lasts * (0.95 if boosted else 2)
        thread.held_off = (at - STEP_NS * 4, over)
        for request in sent:
            done = at + 50_000 + lasts * 0.8 * stage.rng.random() ** 2
            sockets.complete(done, socket, request, afd.SEND)
        if boosted:
            for request in sent:
                over = sockets.requests.finish(over, request)
        out.append((thread, sent))
    return out


def _nothing(_scribe: object) -> None:
    """Only to be on the CPU."""


KINDS: Final = (
    TraceKind("special-in-call", region_at_the_end, leaking=True),
    TraceKind("special-starved", starved_at_the_end, leaking=True),
    TraceKind("special-call-ends", region_ends, leaking=False),
    TraceKind("special-boosted", starved_and_boosted, leaking=False),
)
