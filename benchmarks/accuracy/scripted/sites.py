"""Allocation sites: who allocates what from where, and how its blocks come and go."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.accuracy.scripted.machine import Image, Machine, Stack, Thread
from benchmarks.accuracy.scripted.names import fresh_tag
from benchmarks.accuracy.scripted.script import NONPAGED, PAGED, Block, Script

Lifetimes = Callable[[], float]
"""Draws how long one block lives, in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Site:
    """``stack``: of its allocations; ``frees``: of the ways in which its blocks are freed."""

    image: Image
    tag: int
    sizes: tuple[int, ...]
    type: int
    session: int
    stack: Stack
    frees: tuple[Stack, ...]
    threads: tuple[Thread, ...]


def site(machine: Machine, threads: Sequence[Thread], *, image: Image | None = None, paged: bool | None = None) -> Site:
    """A site of a driver (another third party's, where none is given)."""
    rng = machine.rng
    image = image or machine.driver()
    is_paged = rng.random() < 0.4 if paged is None else paged
    base = rng.choice((0x30, 0x48, 0x90, 0x150, 0x400, 0x9C0))
    sizes = tuple(base + 8 * rng.randrange(12) for _ in range(rng.choice((1, 1, 1, 3))))
    below = calls_below(machine)
    return Site(
        image=image,
        tag=fresh_tag(rng),
        sizes=sizes,
        type=PAGED if is_paged else rng.choice((NONPAGED, NONPAGED, 0)),
        session=-1,
        stack=driver_stack(machine, image, below),
        frees=tuple(driver_stack(machine, image, below) for _ in range(rng.choice((1, 1, 2)))),
        threads=tuple(threads),
    )


def same_driver(machine: Machine, of: Site) -> Site:
    """Another site of the same driver, with a tag of its own."""
    other = site(machine, of.threads, image=of.image, paged=bool(of.type & 1))
    return replace(other, type=of.type, session=of.session)


def calls_below(machine: Machine) -> Stack:
    """What called the driver: the kernel, sometimes through another driver."""
    rng = machine.rng
    between = [
        machine.drivers[rng.choice(("fltmgr.sys", "ndis.sys", "ntfs.sys"))].frame(rng) for _ in range(rng.randrange(3))
    ]
    return (*between, *(machine.kernel.frame(rng) for _ in range(rng.randrange(2, 6))))


def driver_stack(machine: Machine, image: Image, below: Stack) -> Stack:
    """The kernel's pool routine, frames of the driver, and what called it."""
    rng = machine.rng
    top = [machine.kernel.frame(rng) for _ in range(rng.choice((1, 1, 2)))]
    return (*top, *(image.frame(rng) for _ in range(rng.randrange(1, 5))), *below)


def block_of(site: Site, rng: random.Random) -> Block:
    """A block such as the site allocates, not yet allocated."""
    return Block(site.tag, rng.choice(site.sizes), site.type, site.session)


def one(script: Script, site: Site, at: float, lifetime: float, frees: Stack | None = None) -> Block:
    """Allocate a block and free it a while later, often on another thread of the site; infinite: never."""
    rng = script.rng
    thread = rng.choice(site.threads)
    block = script.allocate(at, thread, block_of(site, rng), site.stack)
    if lifetime < math.inf:
        freer = thread if rng.random() < 0.7 else rng.choice(site.threads)
        script.free(at + lifetime, freer, block, frees or rng.choice(site.frees))
    return block


def steady(
    script: Script, site: Site, count: int, lifetimes: Lifetimes, *, since: float = 0.0, until: float = 1.0
) -> None:
    """Allocations at random moments between two shares of the trace.

    Where ``since`` is 0 the load was the same before the trace: frees of what was there then come too.
    """
    rng, whole = script.rng, script.duration_ns
    span = (until - since) * whole
    rate = count / span
    for _ in range(count):
        one(script, site, since * whole + rng.random() * span, lifetimes())
    if since == 0.0:
        reach = float(whole)
        for _ in range(int(rate * reach)):
            one(script, site, -rng.random() * reach, lifetimes())


def lognormal(rng: random.Random, median: float, sigma: float, longest: float) -> Lifetimes:
    """Lifetimes with a long tail, cut at ``longest``."""
    return lambda: min(longest * (0.7 + 0.3 * rng.random()), median * math.exp(rng.gauss(0, sigma)))


def pareto(rng: random.Random, shortest: float, alpha: float, longest: float) -> Lifetimes:
    """Lifetimes with a heavy tail, cut at ``longest``."""
    return lambda: min(longest * (0.7 + 0.3 * rng.random()), shortest * rng.paretovariate(alpha))
