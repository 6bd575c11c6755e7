"""Drivers that forget what requests are made of: an endpoint's reference, a packet of their own, a list of pages."""

from __future__ import annotations

from functools import partial
from typing import Final

from benchmarks.accuracy.scripted.kinds.kind import Kind
from benchmarks.accuracy.scripted.machine import Stack
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.scripted.requests import Request, Requests, take_packet
from benchmarks.accuracy.scripted.scribe import Scribe
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.scripted.sites import calls_below, driver_stack
from benchmarks.accuracy.scripted.sockets import Sockets
from benchmarks.accuracy.scripted.stage import Guilt, Stage
from tracer.events import afd

_LEAST: Final = 40


def endpoint_never_cleaned_up(stage: Stage) -> tuple[Guilt, ...]:
    """Handles are closed and files go, but some endpoints are never cleaned up: all requests were retired."""
    sockets, owner = Sockets(stage), stage.machine.process()
    threads = [stage.machine.thread(owner) for _ in range(stage.rng.randrange(1, 4))]
    share = stage.share(0.15, 1.0)
    left: list[Block] = []
    for number in range(max(_LEAST * 3, stage.budget // 7)):
        socket, at = sockets.open(stage.rng.random() * stage.duration * 0.97, stage.rng.choice(threads))
        request, at = sockets.start(at, socket, afd.CONNECT)
        at = sockets.requests.retire(sockets.finish(at + 20_000, socket, request, afd.CONNECT) + 9_000, request)
        forgotten = number % 3 == 0 or stage.rng.random() < share
        at = sockets.close(at + 9_000, socket, released=not forgotten)
        if forgotten:
            sockets.release_file_only(at, socket)
            left.append(socket.endpoint)
    return (Guilt(("missing-free", "growth"), ("afd.sys",), (), tuple(left)),)


def own_packets(stage: Stage) -> tuple[Guilt, ...]:
    """A driver sends packets of its own, and frees them in its completion routine, or not."""
    return (_forgotten(stage, "Irp "),)


def own_page_lists(stage: Stage) -> tuple[Guilt, ...]:
    """A driver describes buffers by lists of pages, and forgets some."""
    return (_forgotten(stage, "Mdl "),)


def _forgotten(stage: Stage, tag: str) -> Guilt:
    requests, image = Requests(stage), stage.machine.driver()
    machine, script = stage.machine, stage.script
    below = calls_below(machine)
    made, freed = driver_stack(machine, image, below), driver_stack(machine, image, below)
    workers = [machine.worker() for _ in range(stage.rng.randrange(1, 4))]
    file = script.allocate(0, workers[0], Block(tag_of("File", protected=True), 0x190), requests.kernel_stack(4))
    rate, left = stage.share(0.1, 0.6), []
    for _ in range(max(_LEAST * 4, stage.budget // 2)):
        at, thread = stage.rng.random() * stage.duration * 0.98, stage.rng.choice(workers)
        block = Block(tag_of(tag), 0x118 if tag == "Irp " else 0x60)
        done = at + 5_000
        if tag == "Irp ":
            done = _send(stage, requests, Request(thread, file, image, block), at, made)
        else:
            script.allocate(at, thread, block, made)
        if stage.rng.random() < rate:
            left.append(block)
        else:
            script.free(done + 5_000, stage.rng.choice(workers), block, freed)
    return Guilt(("missing-free",), (image.name,), (), tuple(left))


def _send(stage: Stage, requests: Requests, request: Request, at: float, made: Stack) -> float:
    stage.script.add(at, request.thread, partial(_make, request=request, stack=made))
    at = requests.returned(requests.call(at + 2_000, request) + 2_000, request)
    return requests.complete(at + 30_000, request, cpu=requests.elsewhere(request.thread))


def _make(scribe: Scribe, request: Request, stack: Stack) -> None:
    take_packet(scribe, request, stack)


KINDS: Final = (
    Kind("endpoint-not-cleaned-up", endpoint_never_cleaned_up, leaking=True),
    Kind("driver-forgets-irp", own_packets, leaking=True),
    Kind("driver-forgets-mdl", own_page_lists, leaking=True),
)
