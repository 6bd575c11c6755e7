"""Sockets that stay although no request does: handles never closed, references that somebody keeps."""

from __future__ import annotations

from typing import Final

from benchmarks.accuracy.scripted.guilt import Guilt, reference_kept
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.script import Block
from benchmarks.accuracy.scripted.sockets import Socket, Sockets, held
from benchmarks.accuracy.scripted.stage import Stage
from tracer.events import afd

_LEAST: Final = 40
_POOL_EVENTS_A_ROUND: Final = 12


def handles_never_closed(stage: Stage) -> tuple[Guilt, ...]:
    """A program forgets to close some of its sockets."""
    sockets = Sockets(stage)
    rounds = _rounds(stage, sockets)
    left = [socket for socket, at, forgotten in rounds if forgotten or sockets.close(at, socket) < 0]
    return (reference_kept({socket.thread.process for socket in left}, held(left)),)


def file_reference_kept(stage: Stage) -> tuple[Guilt, ...]:
    """Handles are closed, but of some sockets somebody keeps the file: no close request, no cleanup."""
    sockets, left = Sockets(stage), list[Socket]()
    for socket, at, forgotten in _rounds(stage, sockets):
        if forgotten:
            socket.over.append(float("inf"))
            left.append(socket)
        sockets.close(at, socket)
    return (reference_kept({socket.thread.process for socket in left}, held(left)),)


def endpoint_never_cleaned_up(stage: Stage) -> tuple[Guilt, ...]:
    """The files go, but some endpoints are never cleaned up."""
    sockets, left = Sockets(stage), list[Block]()
    owners = set()
    for socket, at, forgotten in _rounds(stage, sockets):
        if forgotten:
            socket.over.append(float("inf"))
            sockets.release(sockets.close(at, socket) + 2_000, socket, endpoint_goes=False)
            left += socket.blocks[1:]
            owners.add(socket.thread.process)
        else:
            sockets.close(at, socket)
    return (reference_kept(owners, left, driver="afd.sys"),)


def come_and_go(stage: Stage) -> tuple[Guilt, ...]:
    """Every socket is closed, and every request retired."""
    sockets = Sockets(stage)
    for socket, at, _ in _rounds(stage, sockets):
        sockets.close(at, socket)
    return ()


def _rounds(stage: Stage, sockets: Sockets) -> list[tuple[Socket, float, bool]]:
    """Sockets that were used, when they are to be closed, and whether that is forgotten."""
    owner, share = stage.machine.process(), stage.share(0.15, 1.0)
    threads = [stage.machine.thread(owner) for _ in range(stage.rng.randrange(1, 4))]
    count = max(_LEAST * 3, stage.budget * 2 // _POOL_EVENTS_A_ROUND)
    out = []
    for number in range(count):
        thread = threads[number % len(threads)]
        socket, at = sockets.open(stage.duration * (0.02 + 0.93 * (number + 0.5 * stage.rng.random()) / count), thread)
        request, at = sockets.start(at + 3_000, socket, afd.CONNECT)
        at = sockets.finish(at + 20_000, socket, request, afd.CONNECT)
        forgotten = number % 3 == 0 or stage.rng.random() < share
        out.append((socket, at + 9_000, forgotten))
    return out


KINDS: Final = (
    TraceKind("handles-never-closed", handles_never_closed, leaking=True),
    TraceKind("file-reference-kept", file_reference_kept, leaking=True),
    TraceKind("endpoint-not-cleaned-up", endpoint_never_cleaned_up, leaking=True),
    TraceKind("sockets-come-and-go", come_and_go, leaking=False),
)
