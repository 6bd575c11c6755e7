"""Completion ports: nobody drains them, or too slowly; and those that are drained, or closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.accuracy.scripted.files import opened
from benchmarks.accuracy.scripted.guilt import Guilt, port_undrained
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.machine import Process, Thread
from benchmarks.accuracy.scripted.ports import Entry, Mini, Ports
from benchmarks.accuracy.scripted.requests import RESCHEDULED_NS, STEP_NS, Asked, Ending, Request
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.scripted.sockets import Socket, Sockets, held
from benchmarks.accuracy.scripted.stage import Stage
from tracer.events import afd

_LEAST: Final = 60
_ROUND_NS: Final = 150_000
_SIZES: Final = (40, 512, 1_460, 8_000)


@dataclass(frozen=True, slots=True)
class _Put:
    """An entry, and when it was put in."""

    at: float
    entry: Entry


@dataclass(slots=True)
class _Program:
    """A program with a port: threads that put in, and those that take out."""

    stage: Stage
    owner: Process
    issuers: tuple[Thread, ...]
    workers: tuple[Thread, ...]
    sockets: Sockets
    ports: Ports

    @classmethod
    def of(cls, stage: Stage, issuers: int, workers: int = 0) -> _Program:
        owner, sockets = stage.machine.process(), Sockets(stage)
        puts, takes = ([stage.machine.thread(owner) for _ in range(count)] for count in (issuers, workers))
        return cls(stage, owner, tuple(puts), tuple(takes), sockets, Ports(stage, sockets.requests))

    def guilt(self, left: list[Entry], others: tuple[Block, ...] = ()) -> tuple[Guilt, ...]:
        """What stays in the port; of agnostic requests all that stage 2 would free, of the others the IRP."""
        requests = [entry for entry in left if isinstance(entry, Request)]
        blocks = [
            block for one in requests for block in (one.blocks if one.ending is Ending.AGNOSTIC else (one.block,))
        ]
        blocks += [entry.block for entry in left if isinstance(entry, Mini)]
        return (port_undrained(self.owner, self.issuers, requests, (*blocks, *others)),)


def with_event(stage: Stage) -> tuple[Guilt, ...]:
    """Receives on sockets that are bound to a port, with an event given as well: only the IRPs stay."""
    program = _Program.of(stage, stage.rng.randrange(1, 3))
    return program.guilt(_all(_socket_requests(program, Ending.EVENT)))


def agnostic(stage: Stage) -> tuple[Guilt, ...]:
    """Few connections that last, whose completions nobody fetches."""
    program = _Program.of(stage, stage.rng.randrange(1, 3))
    return program.guilt(_all(_socket_requests(program, Ending.AGNOSTIC)))


def agnostic_closed(stage: Stage) -> tuple[Guilt, ...]:
    """Each socket is closed, but its request in the port keeps the file, and that the endpoint."""
    program, rng = _Program.of(stage, 1), stage.rng
    thread, sockets = program.issuers[0], program.sockets
    kept, left = list[Socket](), list[Entry]()
    for begins, _ in _moments(stage, max(_LEAST, stage.budget // 9)):
        socket, at = sockets.open(begins, thread)
        request, at = _at_once(program, at + 4_000, socket, rng.choice(_SIZES), Ending.AGNOSTIC)
        socket.over.append(request.over)
        sockets.close(at + 4_000, socket)
        kept.append(socket)
        left.append(request)
    return program.guilt(left, held(kept))


def of_device(stage: Stage) -> tuple[Guilt, ...]:
    """Buffered requests to a third party's device, with a port that nobody drains: their system buffers stay too."""
    program, rng = _Program.of(stage, stage.rng.randrange(1, 3)), stage.rng
    requests, layers, out = program.sockets.requests, (stage.machine.driver(),), list[Entry]()
    files = [opened(stage, requests, thread, stage.duration * 0.004) for thread in program.issuers]
    for begins, period in _moments(stage, max(_LEAST, stage.budget // 3)):
        place = rng.randrange(len(files))
        request, at = requests.issue(
            begins, program.issuers[place], files[place], layers, Asked(Ending.AGNOSTIC, buffered=rng.choice((48, 256)))
        )
        at = requests.returned(at + STEP_NS, request) + period * rng.uniform(0.05, 0.3)
        _by_interrupt(program, at, request)
        out.append(request)
    return program.guilt(out)


def posted(stage: Stage) -> tuple[Guilt, ...]:
    """A timer posts IRPs to a port that nobody drains."""
    program = _Program.of(stage, stage.rng.randrange(1, 3))
    return program.guilt(_all(_posts(program)))


def threads_gone(stage: Stage) -> tuple[Guilt, ...]:
    """The threads that issue the requests come and go; the port keeps the IRPs of those that have ended."""
    program, lives = _Program.of(stage, 0), stage.rng.randrange(4, 16)
    left: list[Entry] = []
    for number in range(lives):
        begins = stage.duration * (0.01 + 0.97 * number / lives)
        ends = begins + stage.duration * 0.7 / lives
        thread = stage.machine.thread(program.owner, int(begins))
        socket, at = program.sockets.open(begins + 10_000, thread)
        count = max(_LEAST // lives, stage.budget // 2 // lives)
        count = max(1, min(count, int((ends - at) / _ROUND_NS)))
        for place in range(count):
            moment = at + 20_000 + (ends - at) * place / count
            left.append(_at_once(program, moment, socket, stage.rng.choice(_SIZES), Ending.EVENT)[0])
        thread.ended = int(ends + _ROUND_NS)
        program.issuers = (*program.issuers, thread)
    return program.guilt(left)


def too_slow(stage: Stage) -> tuple[Guilt, ...]:
    """One worker drains the port, but slower than it fills."""
    program = _Program.of(stage, stage.rng.randrange(1, 3), workers=1)
    puts = _some_puts(program)
    left = _take_slowly(program, puts, stage.share(0.2, 0.7))
    return program.guilt(left)


def healthy(stage: Stage) -> tuple[Guilt, ...]:
    """Any of the workers takes an entry soon."""
    program = _Program.of(stage, stage.rng.randrange(1, 4), workers=stage.rng.randrange(1, 8))
    _take_soon(program, _some_puts(program))
    return ()


def in_batches(stage: Stage) -> tuple[Guilt, ...]:
    """A worker comes by now and then and takes all there is, some at a time."""
    program = _Program.of(stage, stage.rng.randrange(1, 4), workers=1)
    puts = _some_puts(program)
    times, most = stage.rng.randrange(5, 50), stage.rng.choice((1, 16, 64))
    each = -(-len(puts) // times)
    for begin in range(0, len(puts) - each // 3, each):
        part = [put.entry for put in puts[begin : begin + each]]
        at = max(put.at for put in puts[begin : begin + each]) + 20_000
        for place in range(0, len(part), most):
            at = program.ports.take(at + STEP_NS, part[place : place + most], program.workers[0])
    return ()


def taken_late(stage: Stage) -> tuple[Guilt, ...]:
    """A worker takes all there is, but only every so often, and perhaps not before the trace ends."""
    program, every = _Program.of(stage, stage.rng.randrange(1, 4), workers=1), stage.spell()
    waiting: dict[int, list[Entry]] = {}
    for put in _some_puts(program):
        waiting.setdefault(int((put.at + 20_000) / every) + 1, []).append(put.entry)
    for turn, entries in waiting.items():
        at = turn * every
        for entry in entries:
            at = program.ports.take(at + STEP_NS, [entry], program.workers[0])
    return ()


def closed(stage: Stage) -> tuple[Guilt, ...]:
    """Entries pile up, and the port is closed with all of them in it; or it is made anew now and then."""
    program = _Program.of(stage, stage.rng.randrange(1, 3))
    until = stage.share(0.5, 0.9)
    puts = _some_puts(program, until)
    if isinstance(puts[0].entry, Request):
        program.ports.close(until * stage.duration + 100_000, [put.entry for put in puts], program.issuers[0])
        return ()
    each = -(-len(puts) // stage.rng.randrange(3, 30))
    for begin in range(0, len(puts), each):
        part = puts[begin : begin + each]
        program.ports.close(part[-1].at + 40_000, [put.entry for put in part], program.issuers[0])
    return ()


def _some_puts(program: _Program, until: float = 0.985) -> list[_Put]:
    """Requests of one ending, or posted packets."""
    ways: list[Callable[[], list[_Put]]] = [
        lambda: _posts(program, until=until),
        lambda: _socket_requests(program, Ending.EVENT, until=until),
        lambda: _socket_requests(program, Ending.AGNOSTIC, until=until),
    ]
    return program.stage.rng.choice(ways)()


def served(stage: Stage, count: int) -> None:
    """A program whose workers drain its port: so many requests."""
    program = _Program.of(stage, 2, workers=4)
    _take_soon(program, _socket_requests(program, Ending.AGNOSTIC, count=count))


def _take_soon(program: _Program, puts: list[_Put]) -> None:
    rng = program.stage.rng
    for put in puts:
        program.ports.take(put.at + 3_000 + rng.random() * 60_000, [put.entry], rng.choice(program.workers))


def _take_slowly(program: _Program, puts: list[_Put], rate: float) -> list[Entry]:
    """First in, first out, at a share of the rate at which they come; gives what stays."""
    worker, begins = program.workers[0], puts[0].at
    pace = (puts[-1].at - begins) / len(puts) / rate
    taken, at = 0, begins + pace
    while at < program.stage.duration * 0.985 and taken < len(puts):
        if puts[taken].at < at - 2_000:
            program.ports.take(at, [puts[taken].entry], worker)
            taken += 1
        at += pace * program.stage.rng.uniform(0.7, 1.3)
    return [put.entry for put in puts[taken:]]


def _posts(program: _Program, until: float = 0.985) -> list[_Put]:
    out = []
    for at, _ in _moments(program.stage, max(_LEAST, program.stage.budget // 2), until):
        mini, put = program.ports.post(at, program.stage.rng.choice(program.issuers))
        out.append(_Put(put, mini))
    return out


def _socket_requests(program: _Program, ending: Ending, until: float = 0.985, count: int = 0) -> list[_Put]:
    """On a few connections; done at once or by a deferred procedure call."""
    stage, rng, sockets = program.stage, program.stage.rng, program.sockets
    conversations = []
    for place, thread in enumerate(program.issuers):
        for number in range(rng.randrange(1, 3)):
            conversations.append(sockets.open(stage.duration * (0.004 + 0.005 * number + 0.001 * place), thread)[0])
    at_once = rng.random()
    out = []
    for begins, period in _moments(stage, count or max(_LEAST, stage.budget // 2), until):
        socket = rng.choice(conversations)
        if rng.random() < at_once:
            request, at = _at_once(program, begins, socket, rng.choice(_SIZES), ending)
        else:
            request, at = sockets.start(begins, socket, afd.RECEIVE, size=rng.choice(_SIZES), ending=ending)
            at += min(period * 0.4, 1_000_000) * rng.uniform(0.1, 1)
            sockets.tell(at, socket, afd.RECEIVE, afd.EnterExit.COMPLETED, cpu=socket.thread.home)
            at = _by_interrupt(program, at + STEP_NS, request)
        out.append(_Put(at, request))
    return out


def _at_once(program: _Program, at: float, socket: Socket, size: int, ending: Ending) -> tuple[Request, float]:
    """Done within its call: the entry is in the port before the completion returns."""
    sockets, requests = program.sockets, program.sockets.requests
    request, at = sockets.start(at, socket, afd.SEND, size=size, ending=ending, pends=False)
    sockets.tell(at, socket, afd.SEND, afd.EnterExit.COMPLETED, size=size)
    over = requests.complete(at + STEP_NS, request, request.thread, inner=STEP_NS / 2)
    put = at + STEP_NS * (1.15 + 0.25 * (len(request.layers) - 1))
    program.ports.put(put, request, request.thread)
    if ending is Ending.EVENT:
        request.over = put
    return request, requests.returned(over + STEP_NS / 2, request) + STEP_NS


def _by_interrupt(program: _Program, at: float, request: Request) -> float:
    """Completed by a deferred procedure call, which puts an agnostic one in the port; else its thread does."""
    requests, thread = program.sockets.requests, request.thread
    cpu = requests.elsewhere(thread)
    if request.ending is Ending.AGNOSTIC:
        return requests.complete(at, request, cpu=cpu, queued=program.ports.putting(request))
    over = requests.complete(at, request, cpu=cpu)
    over = requests.finish(over + RESCHEDULED_NS * program.stage.rng.uniform(1, 4), request)
    return program.ports.put(over + STEP_NS / 4, request, thread)


def _moments(stage: Stage, count: int, until: float = 0.985) -> list[tuple[float, float]]:
    """(When, how long it may take)."""
    begins, ends = stage.duration * 0.04, stage.duration * until
    count = max(1, min(count, int((ends - begins) / _ROUND_NS)))
    period = (ends - begins) / count
    return [(begins + period * (number + 0.2 * stage.rng.random()), period * 0.75) for number in range(count)]


def _all(puts: list[_Put]) -> list[Entry]:
    return [put.entry for put in puts]


KINDS: Final = (
    TraceKind("port-with-event", with_event, leaking=True),
    TraceKind("port-agnostic", agnostic, leaking=True),
    TraceKind("port-agnostic-closed", agnostic_closed, leaking=True),
    TraceKind("port-device", of_device, leaking=True),
    TraceKind("port-posted", posted, leaking=True),
    TraceKind("port-threads-gone", threads_gone, leaking=True),
    TraceKind("port-too-slow", too_slow, leaking=True),
    TraceKind("port-healthy", healthy, leaking=False),
    TraceKind("port-in-batches", in_batches, leaking=False),
    TraceKind("port-taken-late", taken_late, leaking=False, unended=True),
    TraceKind("port-closed", closed, leaking=False),
)
