"""Traces of the simulated kernel (:mod:`fixtures.simulate`), on all sorts of machines and sessions."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from benchmarks.accuracy.spoilings import (
    CUT_AT,
    KEPT_OF_A_RING,
    LEAST_LOST,
    LOSSY,
    MOST_LOST,
    RING_BUFFER_SIZE,
    Lose,
    Spoiling,
    ring_of,
)
from benchmarks.accuracy.truth import Leak, Truth, plain
from fixtures.kernel.machine import START_TICKS
from fixtures.settings import Loss, Settings, StackMode
from fixtures.simulate import Simulation, simulate

_BESIDE_POOL: Final = (
    "free_stacks", "context_switches", "ready_threads", "irp_events", "afd_events", "kernel_queues"
)  # fmt: skip
_WHYS: Final = {
    "user": "user-apc",
    "special-kernel": "special-apc",
    "never-completed": "driver-kept",
    "completion-stopped": "completion-stopped",
}
UNENDED: Final = {
    "long-job": "late-leak",
    "cache-fills": "growth",
    "sessions-held-open": "groups-in-step",
    "freed-on-timer": "missing-free",
    "port-taken-late": "undrained-port",
    "routine-taken-late": "send-loop",
    "driver-answers-late": "driver-never-completes",
    "driver-keeps-its-irps": "irp-leak",
}
"""Kinds in which nothing leaks, by the scenario whose trace theirs is: what that keeps is let go after the trace's end.
These traces last a few seconds at most, and what is kept for a while is kept for as long
(:meth:`~benchmarks.accuracy.scripted.stage.Stage.spell`). So one that ends later has no other events."""
_IRP: Final = b"Irp ".hex()
_NEVER_FREED: Final = frozenset({"missing-free", "growth"})
_FEWEST_ROUNDS: Final = 60
_MOST_ROUNDS: Final = 260


def play(kind: str, seed: int, spoiling: Spoiling, *, lose: Lose | None = None) -> tuple[bytes, Truth]:
    """The same arguments give the same bytes. ``lose``: marks the lost records, instead of the spoiling's share.

    ``KeyError`` where there is no such scenario.
    """
    rng = random.Random(f"kernel {kind} {seed}")
    scenario = UNENDED.get(kind, kind)
    settings = _spoilt(_settings(rng), spoiling, rng)
    if lose is not None:
        settings = replace(settings, lost_events=0.0)
    simulation = simulate(scenario, seed, settings, lose=lose)
    if spoiling is Spoiling.WRAPPED:
        buffers = simulation.trace.buffers - 1  # the header's stays
        kept = ring_of(buffers, settings.cpus, rng.uniform(*KEPT_OF_A_RING))
        simulation = simulate(scenario, seed, replace(settings, circular=kept))
    if spoiling is Spoiling.CUT:
        last = simulation.records[-1].time - START_TICKS
        stop = int(last * rng.uniform(*CUT_AT) * 1_000_000_000 / settings.frequency)
        simulation = simulate(scenario, seed, settings, stop_ns=stop)
    truth = truth_of(simulation, spoiling)
    return simulation.data, replace(truth, leaks=()) if kind in UNENDED else truth


def truth_of(simulation: Simulation, spoiling: Spoiling) -> Truth:
    """What is true about a simulated trace."""
    owners = {thread: each["id"] for each in simulation.truth["processes"] for thread in each["threads"]}
    shown = frozenset(each["address"] for each in simulation.truth["outstanding"])
    leaks = tuple(_leak(document, owners, shown) for document in simulation.truth["leaks"])
    return Truth(leaks, spoiling in LOSSY, simulation.names)


def _settings(rng: random.Random) -> Settings:
    return Settings(
        cpus=rng.choice((1, 2, 2, 4, 4, 8, 16, 32)),
        pointer_size=rng.choice((8, 8, 8, 4)),
        iterations=rng.randrange(_FEWEST_ROUNDS, _MOST_ROUNDS),
        think_ns=int(60_000 * 100 ** rng.random()),
        compressed=rng.random() < 0.1,
        stacks=rng.choice((StackMode.PLAIN, StackMode.PLAIN, StackMode.KEYED)),
        user_stacks=rng.choice((0.1, 1.0)),
        session_share=rng.choice((0.0, 0.1, 0.4)),
        big_share=rng.choice((0.0, 0.05)),
        stray_frees=rng.choice((0, 40, 120)),
        varied=rng.random() < 0.8,
        buffer_size=rng.choice((0x1000, 0x2000, 0x4000)),
        frequency=rng.choice((10_000_000, 3_117_777, 14_318_180)),
    )


def _spoilt(settings: Settings, spoiling: Spoiling, rng: random.Random) -> Settings:
    share = LEAST_LOST * (MOST_LOST / LEAST_LOST) ** rng.random()
    changes: Mapping[Spoiling, Mapping[str, Any]] = {
        Spoiling.NO_STACKS: {"stacks": StackMode.NONE},
        Spoiling.NO_SWITCHES: {"context_switches": False, "ready_threads": False},
        Spoiling.NO_READY: {"ready_threads": False},
        Spoiling.NO_REQUESTS: {"irp_events": False},
        Spoiling.NO_SOCKETS: {"afd_events": False},
        Spoiling.NO_QUEUES: {"kernel_queues": False},
        Spoiling.ALLOCATIONS_ONLY: {**dict.fromkeys(_BESIDE_POOL, False), "stacks": StackMode.PLAIN},
        Spoiling.LOST_EVENTS: {"lost_events": share, "loss": rng.choice((Loss.POOL, Loss.ANY))},
        Spoiling.WRAPPED: {"buffer_size": RING_BUFFER_SIZE},
        Spoiling.SILENT_LOSS: {"lost_events": share, "tells_loss": False},
        Spoiling.LOST_BUFFERS: {"lost_buffers": rng.randrange(1, 4)},
    }
    return replace(settings, **changes.get(spoiling, {}))


def _leak(document: Mapping[str, Any], owners: Mapping[int, int], shown: frozenset[int]) -> Leak:
    """``owners``: process ids by thread id; ``shown``: blocks whose allocation the file has, and no free.

    Of objects of a program, and of IRPs that a driver made, both verdicts about what is never freed are right.
    """
    verdict, held = document["verdict"], document["held_requests"]
    why = "port" if verdict == "undrained-port" else _WHYS.get(document["apc"] or document["kept"], "")
    either = verdict in _NEVER_FREED and (document["accused"] == "process" or _IRP in document["tags"])
    irps = frozenset(one["irp"] for one in held)
    threads = {one["thread_id"] for one in held} | {document["thread_id"]} - {None}
    processes = {document["process_id"]} - {None} | {owners[thread] for thread in threads if thread in owners}
    return Leak(
        verdicts=(verdict, *sorted(_NEVER_FREED - {verdict})) if either else (verdict,),
        accused=frozenset({document["accused"]}),
        cause=why or "missing-free",
        tags=frozenset(int.from_bytes(bytes.fromhex(tag), "little") for tag in document["tags"]),
        count=document["count"],
        bytes=document["bytes"],
        processes=frozenset(processes),
        threads=frozenset(threads),
        drivers=frozenset({plain(document["driver"])} if document["driver"] else ()),
        apc=document["apc"] or "",
        kept=document["kept"] or "",
        why=why,
        held=irps & shown,
        unseen=irps - shown,
    )
