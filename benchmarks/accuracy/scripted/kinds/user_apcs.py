"""Requests with a completion routine: their IRPs are user APCs, which only an alertable wait takes."""

from __future__ import annotations

from typing import Final

from benchmarks.accuracy.scripted.files import opened
from benchmarks.accuracy.scripted.guilt import Guilt, apcs_pending
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.kinds.ports import served
from benchmarks.accuracy.scripted.machine import Process, Thread
from benchmarks.accuracy.scripted.requests import RESCHEDULED_NS, STEP_NS, Asked, Ending, Request
from benchmarks.accuracy.scripted.sockets import Socket, Sockets
from benchmarks.accuracy.scripted.stage import Stage
from tracer.events import afd
from tracer.events.irp import MajorFunction

_POOL_EVENTS_A_ROUND: Final = 14
_LEAST_ROUNDS: Final = 50
_ROUND_NS: Final = 150_000
"""A round takes so long at least."""
_SIZES: Final = (40, 512, 1_460, 8_000)
_AFTER_NS: Final = 4_000
_OFTEN: Final = 8
"""Drained so often, the last time may lie behind the trace's end."""


def local_server(stage: Stage) -> tuple[Guilt, ...]:
    """Socket, connect, overlapped send with a routine, close, over and over; every call is done at once."""
    thread = _thread(stage)
    return (apcs_pending([thread], loop(stage, Sockets(stage), thread, _rounds(stage))),)


def beside_server(stage: Stage) -> tuple[Guilt, ...]:
    """Such a client, and a server on the same machine whose workers drain its port."""
    thread = stage.machine.thread(stage.machine.process())
    guilt = apcs_pending([thread], loop(stage, Sockets(stage), thread, _rounds(stage) // 2))
    served(stage, stage.budget // 4)
    return (guilt,)


def several_threads(stage: Stage) -> tuple[Guilt, ...]:
    """Two to four such threads, of one program or of several."""
    sockets, count = Sockets(stage), stage.rng.randrange(2, 5)
    owner = stage.machine.process()
    of: dict[int, tuple[list[Thread], list[Request]]] = {}
    for _ in range(count):
        thread = _thread(stage, owner if stage.rng.random() < 0.5 else None)
        threads, requests = of.setdefault(thread.process.id, ([], []))
        threads.append(thread)
        requests += loop(stage, sockets, thread, max(_LEAST_ROUNDS // 2, _rounds(stage) // count))
    return tuple(apcs_pending(threads, requests) for threads, requests in of.values())


def by_interrupt(stage: Stage) -> tuple[Guilt, ...]:
    """Few connections that last; what is sent and received on them pends, and the thread waits, but not alertably."""
    sockets, thread = Sockets(stage), stage.machine.thread(stage.machine.process())
    return (apcs_pending([thread], _conversations(stage, sockets, thread)),)


def reading_files(stage: Stage) -> tuple[Guilt, ...]:
    """ReadFileEx on a file or a device, at once or later; the system buffer goes each time."""
    sockets, thread = Sockets(stage), _thread(stage)
    requests, rng = sockets.requests, stage.rng
    drivers = stage.machine.drivers
    layers = rng.choice(((drivers["fltmgr.sys"], drivers["ntfs.sys"]), (stage.machine.driver(),)))
    file, held = opened(stage, requests, thread, stage.duration * 0.005), []
    for begins, period in _moments(stage, max(_LEAST_ROUNDS, stage.budget // 3)):
        request, at = requests.issue(
            begins, thread, file, layers, Asked(
                Ending.ROUTINE, MajorFunction.READ, rng.choice((64, 512)), rng.choice((0, 20)), call="read with routine"
            ),
        )  # fmt: skip
        if rng.random() < 0.5:
            requests.at_once(at, request)
        else:
            at = requests.returned(at + STEP_NS, request)
            done = requests.complete(at + period * rng.uniform(0.05, 0.4), request, cpu=requests.elsewhere(thread))
            requests.finish(done + RESCHEDULED_NS, request)
        held.append(request)
    return (apcs_pending([thread], held),)


def closed_with_pending(stage: Stage) -> tuple[Guilt, ...]:
    """Receives with a routine wait when their socket is closed: they are cancelled, and become user APCs."""
    thread = stage.machine.thread(stage.machine.process())
    return (apcs_pending([thread], cancelled(stage, thread, Ending.ROUTINE)),)


def stops_waiting(stage: Stage) -> tuple[Guilt, ...]:
    """The thread waits alertably now and then, and takes all its APCs; from a third of the trace on no more."""
    sockets, thread = Sockets(stage), stage.machine.thread(stage.machine.process())
    _taken_now_and_then(stage, sockets, thread, stage.rng.randrange(1, 4), share=0.3, rounds=_rounds(stage))
    return (apcs_pending([thread], loop(stage, sockets, thread, _rounds(stage), begins=stage.duration * 0.34)),)


def drained(stage: Stage) -> tuple[Guilt, ...]:
    """The same loop, but now and then the thread waits alertably, and all its APCs run, but for the last ones."""
    sockets, thread = Sockets(stage), stage.machine.thread(stage.machine.process())
    times = stage.rng.randrange(4, 40)
    _taken_now_and_then(stage, sockets, thread, times, share=0.96, rounds=_rounds(stage), last=times < _OFTEN)
    return ()


def taken_late(stage: Stage) -> tuple[Guilt, ...]:
    """The thread waits alertably between long pieces of work, and perhaps not before the trace ends."""
    sockets, thread = Sockets(stage), stage.machine.thread(stage.machine.process())
    every, begins, last = stage.spell(), stage.duration * 0.02, stage.duration * 0.985
    while begins < stage.duration * 0.97:
        ends = begins + every * 0.9
        seen = min(ends, last) - begins
        rounds = max(4, int(_rounds(stage) * seen / stage.duration))
        at = ends + _ROUND_NS
        for place, request in enumerate(loop(stage, sockets, thread, rounds, begins=begins, ends=min(ends, last))):
            at = sockets.requests.deliver(at, request, first=not place)
        begins += every
    return ()


def drained_by_interrupt(stage: Stage) -> tuple[Guilt, ...]:
    """Each receive's routine runs soon after its completion: the thread waits alertably."""
    sockets, thread = Sockets(stage), stage.machine.thread(stage.machine.process())
    _conversations(stage, sockets, thread, delivered=True)
    return ()


def threads_exit(stage: Stage) -> tuple[Guilt, ...]:
    """Threads that never wait alertably, and end: what was pending is run down behind their end event."""
    sockets, owner = Sockets(stage), stage.machine.process()
    lives = stage.rng.randrange(4, 20)
    for number in range(lives):
        begins = stage.duration * (0.02 + 0.95 * (number + 0.2 * stage.rng.random()) / lives)
        ends = begins + stage.duration * 0.7 / lives
        thread = stage.machine.thread(owner, int(begins))
        rounds = max(3, _rounds(stage) // lives)
        requests = loop(stage, sockets, thread, rounds, begins=begins + 10_000, ends=ends)
        over = ends + _ROUND_NS
        thread.ended = int(over)
        at = over + 5_000
        for request in requests:
            at = sockets.requests.run_down(at, request)
    return ()


def suspended(stage: Stage) -> tuple[Guilt, ...]:
    """A thread is suspended for a while: plain requests retire even so; those with a routine wait until it goes on."""
    sockets, thread, rng = Sockets(stage), stage.machine.thread(stage.machine.process()), stage.rng
    socket, at = sockets.open(stage.duration * 0.02, thread)
    begins, ends = (stage.duration * stage.share(low, low + 0.2) for low in (0.15, 0.6))
    thread.suspended = (begins, ends)
    waiting: list[Request] = []
    count = min(2_000, max(_LEAST_ROUNDS, stage.budget // 2))
    step = min((begins - at) * 0.8 / count, 200_000)
    for number in range(count):
        ending = Ending.ROUTINE if number % 2 else Ending.PLAIN
        request, at = sockets.start(at + step * 0.5, socket, afd.RECEIVE, size=rng.choice(_SIZES), ending=ending)
        done = begins + (ends - begins) * (number + 1) / (count + 2)
        sockets.finish(done, socket, request, afd.RECEIVE)
        waiting += [request] if ending is Ending.ROUTINE else []
    at = ends + 20_000
    for number, request in enumerate(waiting):
        at = sockets.requests.deliver(at, request, first=not number)
    return ()


def closed_and_retired(stage: Stage) -> tuple[Guilt, ...]:
    """Receives without a routine wait when their socket is closed: they are cancelled and retired."""
    cancelled(stage, stage.machine.thread(stage.machine.process()), Ending.PLAIN)
    return ()


def loop(
    stage: Stage, sockets: Sockets, thread: Thread, rounds: int, *, begins: float = 0.0, ends: float = 0.0
) -> list[Request]:
    """Create, connect, send with a routine, close; gives the requests whose user APCs are pending then."""
    begins = begins or stage.duration * stage.share(0.01, 0.15)
    ends = ends or stage.duration * 0.985
    rounds = max(1, min(rounds, int((ends - begins) / _ROUND_NS)))
    period, out = (ends - begins) / rounds, []
    for number in range(rounds):
        at = begins + period * (number + 0.2 * stage.rng.random())
        socket, at = sockets.open(at, thread)
        _, at = sockets.at_once(at + _AFTER_NS, socket, afd.CONNECT)
        for _ in range(stage.rng.choice((1, 1, 2))):
            size = stage.rng.choice(_SIZES)
            request, at = sockets.at_once(at + _AFTER_NS, socket, afd.SEND, size=size, ending=Ending.ROUTINE)
            out.append(request)
        sockets.close(at + _AFTER_NS, socket)
    return out


def _taken_now_and_then(
    stage: Stage, sockets: Sockets, thread: Thread, times: int, *, share: float, rounds: int, last: bool = True
) -> None:
    """The loop, and so many alertable waits in the first ``share`` of the trace, also the ``last`` of them or not."""
    for number in range(times):
        begins = stage.duration * (0.02 + share * number / times)
        ends = begins + stage.duration * 0.75 * share / (0.96 * times)
        requests = loop(stage, sockets, thread, max(4, rounds // times), begins=begins, ends=ends)
        at = ends + _ROUND_NS
        for place, request in enumerate(requests if number < times - 1 or last else ()):
            at = sockets.requests.deliver(at, request, first=not place)


def cancelled(stage: Stage, thread: Thread, ending: Ending) -> list[Request]:
    """Sockets are closed over and over with receives that wait; each is cancelled within the close."""
    sockets, out = Sockets(stage), []
    for begins, _ in _moments(stage, max(_LEAST_ROUNDS // 2, stage.budget // 10)):
        socket, at = sockets.open(begins, thread)
        waiting: list[Request] = []
        for _ in range(stage.rng.randrange(1, 4)):
            request, at = sockets.start(at + _AFTER_NS, socket, afd.RECEIVE, size=1_460, ending=ending)
            waiting.append(request)
        at += _AFTER_NS * 4
        sockets.close(at + STEP_NS, socket, cancelled=waiting)
        out += waiting
    return out


def _conversations(stage: Stage, sockets: Sockets, thread: Thread, *, delivered: bool = False) -> list[Request]:
    """One request after the other, each completed by a deferred procedure call before the next is made."""
    opened_sockets: list[Socket] = []
    for _ in range(stage.rng.randrange(1, 4)):
        socket, _ = sockets.open(stage.duration * (0.005 + 0.003 * len(opened_sockets)), thread)
        opened_sockets.append(socket)
    out: list[Request] = []
    for begins, period in _moments(stage, max(_LEAST_ROUNDS, stage.budget // 2)):
        socket, event = stage.rng.choice(opened_sockets), stage.rng.choice(sockets.events[:2])
        request, at = sockets.start(begins, socket, event, size=stage.rng.choice(_SIZES), ending=Ending.ROUTINE)
        trip = min(period * 0.5, 2_000_000) * stage.rng.uniform(0.1, 1)
        over = sockets.finish(at + trip, socket, request, event)
        if delivered:
            sockets.requests.deliver(over + STEP_NS / 2, request, first=True)
        out.append(request)
    return out


def _thread(stage: Stage, owner: Process | None = None) -> Thread:
    """Of a program of its own where none is given; some never wait at all."""
    process = owner or stage.machine.process()
    return stage.machine.spinner(process) if stage.rng.random() < 0.4 else stage.machine.thread(process)


def _moments(stage: Stage, count: int) -> list[tuple[float, float]]:
    """(When a round begins, how long it may take)."""
    begins, ends = stage.duration * 0.03, stage.duration * 0.985
    count = max(1, min(count, int((ends - begins) / _ROUND_NS)))
    period = (ends - begins) / count
    return [(begins + period * (number + 0.2 * stage.rng.random()), period * 0.75) for number in range(count)]


def _rounds(stage: Stage) -> int:
    return max(_LEAST_ROUNDS, stage.budget * 2 // _POOL_EVENTS_A_ROUND)


KINDS: Final = (
    TraceKind("routine-local-server", local_server, leaking=True),
    TraceKind("routine-beside-server", beside_server, leaking=True),
    TraceKind("routine-several-threads", several_threads, leaking=True),
    TraceKind("routine-by-interrupt", by_interrupt, leaking=True),
    TraceKind("routine-files", reading_files, leaking=True),
    TraceKind("routine-closed-pending", closed_with_pending, leaking=True),
    TraceKind("routine-stops-waiting", stops_waiting, leaking=True),
    TraceKind("routine-drained", drained, leaking=False),
    TraceKind("routine-taken-late", taken_late, leaking=False, unended=True),
    TraceKind("routine-alertable", drained_by_interrupt, leaking=False),
    TraceKind("routine-thread-exits", threads_exit, leaking=False),
    TraceKind("routine-suspended", suspended, leaking=False),
    TraceKind("plain-closed-pending", closed_and_retired, leaking=False),
)
