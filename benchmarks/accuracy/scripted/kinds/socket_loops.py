"""Threads that loop over sockets: their completion APCs run, or never do."""

from __future__ import annotations

from typing import Final

from benchmarks.accuracy.scripted.kinds.kind import Kind
from benchmarks.accuracy.scripted.machine import Thread
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.scripted.sockets import Socket, Sockets
from benchmarks.accuracy.scripted.stage import Guilt, Stage
from tracer.events import afd

_POOL_EVENTS_A_ROUND: Final = 14
_LEAST_ROUNDS: Final = 40
_LONGEST_TRIP_NS: Final = 2_000_000.0
_DRIVERS: Final = ("afd.sys", "ntoskrnl.exe")


def spinning(stage: Stage) -> tuple[Guilt, ...]:
    """One thread never leaves its CPU, nor the region in which its APCs are held back."""
    return (_guilty(stage, Sockets(stage), stage.machine.spinner(stage.machine.process()), _rounds(stage)),)


def several(stage: Stage) -> tuple[Guilt, ...]:
    """Two to four such threads, of one process or of several."""
    sockets, count = Sockets(stage), stage.rng.randrange(2, 5)
    owner = stage.machine.process()
    guilt = []
    for _ in range(count):
        thread = stage.machine.spinner(owner if stage.rng.random() < 0.5 else stage.machine.process())
        guilt.append(_guilty(stage, sockets, thread, max(_LEAST_ROUNDS // 2, _rounds(stage) // count)))
    return tuple(guilt)


def sleeping(stage: Stage) -> tuple[Guilt, ...]:
    """The thread waits between rounds, inside a guarded region."""
    return (_guilty(stage, Sockets(stage), stage.machine.thread(stage.machine.process()), _rounds(stage)),)


def delivered(stage: Stage) -> tuple[Guilt, ...]:
    """The same loop, spinning or not, with every APC delivered."""
    owner = stage.machine.process()
    thread = stage.machine.spinner(owner) if stage.rng.random() < 0.5 else stage.machine.thread(owner)
    loop(stage, Sockets(stage), thread, _rounds(stage), apcs=True)
    return ()


def starved(stage: Stage) -> tuple[Guilt, ...]:
    """Threads send much at once and are held off their CPU for good by one that spins."""
    sockets = Sockets(stage)
    hog = stage.machine.spinner(stage.machine.process())
    begins = stage.duration * stage.share(0.15, 0.4)
    stage.script.add(begins, hog, _nothing)
    owner, guilt = stage.machine.process(), []
    for _ in range(stage.rng.randrange(1, 3)):
        thread = stage.machine.thread(owner)
        thread.pinned, thread.home, thread.priority = True, hog.home, 4
        guilt.append(_send_and_starve(stage, sockets, thread, begins))
    return tuple(guilt)


def loop(stage: Stage, sockets: Sockets, thread: Thread, rounds: int, *, apcs: bool) -> list[Socket]:
    """Create, connect, send, close, over and over; with its APCs each request goes soon after its completion."""
    begins, ends = stage.duration * stage.share(0.01, 0.15), stage.duration * 0.985
    period = (ends - begins) / rounds
    out = []
    for number in range(rounds):
        at = begins + period * (number + 0.3 * stage.rng.random())
        socket, at = sockets.open(at, thread)
        for event in (afd.CONNECT, *[afd.SEND] * stage.rng.choice((1, 1, 2))):
            at = _operation(stage, sockets, socket, event, at, min(period / 8, _LONGEST_TRIP_NS), apcs=apcs)
        sockets.close(at + 5_000, socket, released=apcs)
        out.append(socket)
    return out


def _operation(
    stage: Stage, sockets: Sockets, socket: Socket, event: int, at: float, trip: float, *, apcs: bool
) -> float:
    size = stage.rng.choice((40, 512, 1_460, 8_000))
    request, gone_on = sockets.start(at, socket, event, size=size)
    done = sockets.finish(gone_on + trip * (0.1 + 0.9 * stage.rng.random()), socket, request, event, size=size)
    if apcs:
        return sockets.requests.retire(done + stage.rng.randrange(2_000, 30_000), request) + 2_000
    socket.requests.append(request)
    return done + 3_000


def _guilty(stage: Stage, sockets: Sockets, thread: Thread, rounds: int) -> Guilt:
    made = loop(stage, sockets, thread, rounds, apcs=False)
    blocks = tuple(block for socket in made for block in socket.blocks)
    return Guilt(("pending-apc",), _DRIVERS, (thread,), blocks)


def _send_and_starve(stage: Stage, sockets: Sockets, thread: Thread, at: float) -> Guilt:
    socket, at = sockets.open(at, thread)
    sent = [afd.SEND] * stage.rng.randrange(40, 200)
    blocks: list[Block] = []
    for event in sent:
        thread.held_off = int(at)  # with the last of them it has lost its CPU
        request, at = sockets.start(at, socket, event, size=stage.rng.choice((256, 4_096)))
        blocks += request.blocks
        done = at + 50_000 + (stage.duration * 0.95 - at) * stage.rng.random() ** 2
        sockets.finish(done, socket, request, event)
    return Guilt(("pending-apc",), _DRIVERS, (thread,), tuple(blocks))


def _rounds(stage: Stage) -> int:
    return max(_LEAST_ROUNDS, stage.budget * 2 // _POOL_EVENTS_A_ROUND)


def _nothing(_scribe: object) -> None:
    """Only to be on the CPU."""


KINDS: Final = (
    Kind("apcs-pending-spinning", spinning, leaking=True),
    Kind("apcs-pending-several", several, leaking=True),
    Kind("apcs-pending-sleeping", sleeping, leaking=True),
    Kind("apcs-pending-starved", starved, leaking=True),
    Kind("apcs-delivered", delivered, leaking=False),
)
