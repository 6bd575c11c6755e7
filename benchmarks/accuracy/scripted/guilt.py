"""What a kind of scripted trace leaks, and who is to be named for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from benchmarks.accuracy.scripted.machine import Image, Process, Thread
from benchmarks.accuracy.scripted.requests import Request
from benchmarks.accuracy.scripted.script import Block

_NEVER_FREED: Final = ("missing-free", "growth")


@dataclass(frozen=True, slots=True)
class Guilt:
    """One guilty party.

    ``verdicts``: the right one first, then those that the trace bears out as well; ``accused``: kinds of culprit that
    are right; ``cause``, ``apc``, ``kept``, ``why``: as findings have them. ``requests``: all that it holds;
    ``blocks``: all that stays.
    """

    verdicts: tuple[str, ...]
    accused: tuple[str, ...]
    cause: str
    blocks: tuple[Block, ...]
    requests: tuple[Request, ...] = ()
    why: str = ""
    apc: str = ""
    kept: str = ""
    threads: tuple[Thread, ...] = ()
    processes: tuple[Process, ...] = ()
    drivers: tuple[str, ...] = ()


def driver_forgets(image: Image, blocks: Iterable[Block], *verdicts: str) -> Guilt:
    """A driver never frees some of what it allocates."""
    return Guilt(verdicts or _NEVER_FREED, ("driver",), "missing-free", tuple(blocks), drivers=(image.name,))


def reference_kept(processes: Iterable[Process], blocks: Iterable[Block], *, driver: str = "") -> Guilt:
    """Objects of a program stay: their handles, or a reference that somebody keeps; ``driver``: whose that may be."""
    accused = ("process", "driver") if driver else ("process",)
    named = (driver,) if driver else ()
    return Guilt(_NEVER_FREED, accused, "reference", tuple(blocks), processes=tuple(processes), drivers=named)


def apcs_pending(thread: Iterable[Thread], requests: Iterable[Request], *, special: bool = False) -> Guilt:
    """Requests stay with APCs of threads of one process; in ``special`` ones all that stage 2 would free stays too."""
    threads, held = tuple(thread), tuple(requests)
    blocks = tuple(block for one in held for block in (one.blocks if special else (one.block,)))
    why, apc = ("special-apc", "special-kernel") if special else ("user-apc", "user")
    owner = (threads[0].process,)
    return Guilt(
        ("pending-apc",), ("process",), why, blocks, held, why=why, apc=apc, threads=threads, processes=owner
    )  # fmt: skip


def port_undrained(
    owner: Process, threads: Iterable[Thread], requests: Iterable[Request], blocks: Iterable[Block]
) -> Guilt:
    """Entries stay in a port of a process; ``threads`` put them in."""
    return Guilt(
        ("undrained-port",), ("port",), "port", tuple(blocks), tuple(requests), why="port", threads=tuple(threads),
        processes=(owner,),
    )  # fmt: skip


def driver_keeps(image: Image, requests: Iterable[Request], *, stopped: bool) -> Guilt:
    """A driver never completes requests, or stops their completion and keeps them."""
    held = tuple(requests)
    why, kept = ("completion-stopped", "completion-stopped") if stopped else ("driver-kept", "never-completed")
    processes = dict.fromkeys(one.thread.process for one in held)
    blocks = tuple(block for one in held for block in one.blocks)
    return Guilt(
        ("driver-kept",), ("driver",), why, blocks, held, why=why, kept=kept, processes=tuple(processes),
        drivers=(image.name,), threads=tuple(dict.fromkeys(one.thread for one in held)),
    )  # fmt: skip
