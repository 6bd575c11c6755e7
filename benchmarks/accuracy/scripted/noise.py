"""What runs on every machine: programs that use ports and devices as they should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.accuracy.scripted.files import opened
from benchmarks.accuracy.scripted.ports import Ports
from benchmarks.accuracy.scripted.requests import RESCHEDULED_NS, STEP_NS, Asked, Requests
from tracer.events.irp import MajorFunction

if TYPE_CHECKING:
    from benchmarks.accuracy.scripted.stage import Stage


def noise(stage: Stage, count: int) -> None:
    """So many requests of one program to a file system, and entries in the port of another."""
    requests, rng = Requests(stage), stage.rng
    ports, owner = Ports(stage, requests), stage.machine.process()
    poster, worker = (stage.machine.thread(owner) for _ in range(2))
    reader = stage.machine.thread(stage.machine.process())
    layers = (stage.machine.drivers["fltmgr.sys"], stage.machine.drivers["ntfs.sys"])
    file = opened(stage, requests, reader)
    span = stage.duration * 0.95 / count
    for number in range(count):
        at = stage.duration * 0.02 + span * (number + 0.5 * rng.random())
        mini, put = ports.post(at, poster, waker=worker)
        ports.take(put + 5_000 + rng.random() * min(span, 200_000), [mini], worker)
        request, at = requests.issue(
            at + span * 0.3,
            reader,
            file,
            layers,
            Asked(major=MajorFunction.READ, buffered=512, call="read", quota=False),
        )
        at = requests.returned(at + STEP_NS, request)
        done = requests.complete(at + 10_000, request, cpu=requests.elsewhere(reader))
        requests.finish(done + RESCHEDULED_NS, request)
