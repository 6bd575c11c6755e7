"""Drivers and requests: never completed, stopped on their way back, made and forgotten; and all done well."""

from __future__ import annotations

import math
from functools import partial
from typing import Final

from benchmarks.accuracy.scripted.files import opened
from benchmarks.accuracy.scripted.guilt import Guilt, driver_forgets, driver_keeps
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.lists import HEADER_BYTES, LOCATION_BYTES, ScriptedIrp
from benchmarks.accuracy.scripted.machine import Image, Stack, Thread
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.scripted.requests import IRP_TAG, RESCHEDULED_NS, STEP_NS, Asked, Ending, Request, Requests
from benchmarks.accuracy.scripted.scribe import Scribe
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.scripted.sites import calls_below, driver_stack
from benchmarks.accuracy.scripted.stage import Stage

_LEAST: Final = 40
_OWN_NS: Final = 60_000.0
_MOST_TRIP_NS: Final = 3_000_000.0


def never_completes(stage: Stage) -> tuple[Guilt, ...]:
    """A driver forgets some of the requests that several programs send, or all of one kind."""
    return (_kept(stage, stopped=False),)


def stops_completion(stage: Stage) -> tuple[Guilt, ...]:
    """A filter's completion routine stops some completions of the driver below it, and the filter forgets them."""
    return (_kept(stage, stopped=True),)


def resumes_completion(stage: Stage) -> tuple[Guilt, ...]:
    """The same filter completes them itself a while later."""
    _devices(stage, 0.0, stopped=True, resumed=stage.share(0.3, 1.0))
    return ()


def long_polls(stage: Stage) -> tuple[Guilt, ...]:
    """Programs always have some requests waiting at a driver; each is completed in the end, and the next one sent."""
    requests, layers = Requests(stage), (stage.machine.driver(),)
    for _ in range(stage.rng.randrange(1, 4)):
        thread = stage.machine.thread(stage.machine.process())
        file = opened(stage, requests, thread)
        waiting = stage.rng.randrange(2, 16)
        life = stage.duration * stage.share(0.03, 0.4)
        for number in range(waiting):
            at = stage.duration * 0.01 + life * (number + stage.rng.random()) / waiting
            while at < stage.duration:
                request, after = requests.issue(at, thread, file, layers, Asked(buffered=64))
                after = requests.returned(after + STEP_NS, request) + life * stage.rng.uniform(0.8, 1.2)
                done = requests.complete(after, request, cpu=requests.elsewhere(thread))
                at = requests.finish(done + RESCHEDULED_NS, request) + 20_000
    return ()


def answers_late(stage: Stage) -> tuple[Guilt, ...]:
    """Some requests, as for news of a folder, are answered when there is news; their driver does the others at once."""
    requests, rng, layers = Requests(stage), stage.rng, (stage.machine.driver(),)
    lasts, late = stage.spell(), stage.share(0.1, 0.9)
    threads = [thread for _ in range(rng.randrange(1, 4)) for thread in stage.threads(2)]
    files = {thread.id: opened(stage, requests, thread) for thread in threads}
    for _ in range(max(_LEAST * 3, stage.budget // 3)):
        thread = rng.choice(threads)
        at = stage.duration * (0.02 + 0.96 * rng.random())
        request, at = requests.issue(at, thread, files[thread.id], layers, Asked(buffered=64))
        at = requests.returned(at + STEP_NS, request)
        at += lasts * rng.uniform(0.5, 1.5) if rng.random() < late else _MOST_TRIP_NS * rng.uniform(0.01, 0.1)
        done = requests.complete(at, request, cpu=requests.elsewhere(thread))
        requests.finish(done + RESCHEDULED_NS, request)
    return ()


def own_irps(stage: Stage) -> tuple[Guilt, ...]:
    """A driver sends IRPs of its own, and frees them in its completion routine, or not."""
    return _own(stage, stage.share(0.1, 0.6))


def own_irps_freed(stage: Stage) -> tuple[Guilt, ...]:
    """The same with each of them freed."""
    _own(stage, 0.0)
    return ()


def own_irps_kept(stage: Stage) -> tuple[Guilt, ...]:
    """The same driver keeps some for a while before it frees them."""
    _own(stage, stage.share(0.1, 0.6), kept_ns=stage.spell())
    return ()


def own_page_lists(stage: Stage) -> tuple[Guilt, ...]:
    """A driver describes buffers by lists of pages, and forgets some."""
    requests, image, workers, made, freed = _driver(stage)
    del requests
    rate, left = stage.share(0.1, 0.6), []
    for _ in range(max(_LEAST * 4, stage.budget // 2)):
        at = stage.rng.random() * stage.duration * 0.98
        block = stage.script.allocate(at, stage.rng.choice(workers), Block(tag_of("Mdl "), 0x60), made)
        if stage.rng.random() < rate:
            left.append(block)
        else:
            stage.script.free(at + 10_000, stage.rng.choice(workers), block, freed)
    return (driver_forgets(image, left),)


def _kept(stage: Stage, *, stopped: bool) -> Guilt:
    image, held = _devices(stage, stage.share(0.1, 1.0) if not stopped else stage.share(0.1, 0.7), stopped=stopped)
    return driver_keeps(image, held, stopped=stopped)


def _devices(stage: Stage, rate: float, *, stopped: bool, resumed: float = 0.0) -> tuple[Image, list[Request]]:
    """Buffered requests of several programs; gives the driver that keeps some (``rate``), and these."""
    requests, rng = Requests(stage), stage.rng
    keeper, below = stage.machine.driver(), stage.machine.driver()
    layers = (keeper, below) if stopped else (*((below,) if rng.random() < 0.3 else ()), keeper)
    threads = [thread for _ in range(rng.randrange(1, 4)) for thread in stage.threads(2)]
    files = {thread.id: opened(stage, requests, thread) for thread in threads}
    buffered, held = rng.choice((0, 32, 400)), []
    count = max(_LEAST * 3, stage.budget // 3)
    for number in range(count):
        thread = rng.choice(threads)
        at = stage.duration * (0.02 + 0.96 * rng.random())
        request, at = requests.issue(at, thread, files[thread.id], layers, Asked(buffered=buffered))
        at = requests.returned(at + STEP_NS, request)
        done = at + min(_MOST_TRIP_NS, stage.duration * 0.004) * rng.uniform(0.05, 1)
        kept = rng.random() < rate or (rate > 0 and number < _LEAST)
        if kept:
            held.append(request)
        if kept and not stopped:
            continue
        over = requests.complete(done, request, cpu=requests.elsewhere(thread))
        if rng.random() < resumed:
            request.layers = (keeper,)
            worker = stage.machine.system_thread()
            again = stage.script.reserve(worker, over + 50_000 * rng.random(), STEP_NS * 2)
            over = requests.complete(again, request, worker)
        if not kept:
            requests.finish(over + RESCHEDULED_NS * rng.uniform(1, 4), request)
    return keeper, held


def _own(stage: Stage, rate: float, *, kept_ns: float = math.inf) -> tuple[Guilt, ...]:
    requests, image, workers, made, freed = _driver(stage)
    file = opened(stage, requests, workers[0])
    below, left = stage.machine.drivers["storport.sys"], []
    size = stage.conditions.pointer_size
    locations = stage.rng.randrange(1, 6)
    for number in range(max(_LEAST * 4, stage.budget // 2)):
        thread = stage.rng.choice(workers)
        at = stage.script.reserve(thread, stage.rng.random() * stage.duration * 0.98, _OWN_NS)
        irp = ScriptedIrp(HEADER_BYTES[size] + LOCATION_BYTES[size] * locations, locations, 0, rests=False)
        request = Request(thread, file, (below,), Ending.PLAIN, False, Block(IRP_TAG, irp.size), irp=irp)
        stage.script.add(at, thread, partial(_make, request=request, stack=made))
        at = requests.returned(requests.call(at + STEP_NS, request) + STEP_NS, request)
        request.layers = (image, below)  # the driver has set a completion routine, which stops the completion
        over = requests.complete(at + _OWN_NS / 2, request, thread, inner=STEP_NS)
        if stage.rng.random() < rate or (rate > 0 and number < _LEAST):
            left.append(request.block)
            over += kept_ns
        if over < math.inf:
            stage.script.free(over - STEP_NS / 2, thread, request.block, freed)
    return (driver_forgets(image, left),)


def _driver(stage: Stage) -> tuple[Requests, Image, list[Thread], Stack, Stack]:
    """The I/O manager, a third party's driver, its workers, and where it allocates and frees."""
    machine, image = stage.machine, stage.machine.driver()
    below = calls_below(machine)
    made, freed = driver_stack(machine, image, below), driver_stack(machine, image, below)
    return Requests(stage), image, [machine.worker() for _ in range(stage.rng.randrange(1, 4))], made, freed


def _make(scribe: Scribe, request: Request, stack: Stack) -> None:
    block = request.block
    block.address = scribe.addresses.take(block.size, paged=False)
    block.record = scribe.pool(block, stack, freed=False)
    request.pointer = block.address + scribe.conditions.pool_offset


KINDS: Final = (
    TraceKind("driver-never-completes", never_completes, leaking=True),
    TraceKind("driver-stops-completion", stops_completion, leaking=True),
    TraceKind("driver-forgets-irp", own_irps, leaking=True),
    TraceKind("driver-forgets-mdl", own_page_lists, leaking=True),
    TraceKind("driver-resumes-completion", resumes_completion, leaking=False),
    TraceKind("driver-frees-its-irps", own_irps_freed, leaking=False),
    TraceKind("driver-keeps-its-irps", own_irps_kept, leaking=False, unended=True),
    TraceKind("driver-answers-late", answers_late, leaking=False, unended=True),
    TraceKind("long-polls", long_polls, leaking=False),
)
