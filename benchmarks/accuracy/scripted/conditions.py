"""What is drawn once for a trace: the machine, the session, and what the documents leave open."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from tracer.etl.headers import HeaderType

SECOND: Final = 1_000_000_000
_SHORTEST_NS: Final = SECOND // 2
_LONGEST_OVER_SHORTEST: Final = 14_400.0
"""Traces last from half a second to two hours, spread evenly on a logarithmic scale."""
_FEWEST_EVENTS: Final = 2_000
_MOST_OVER_FEWEST: Final = 30.0
"""From 2,000 to 60,000 pool events, most traces near the lower end so that a corpus is played in minutes."""
_HEADERS: Final = {
    8: (HeaderType.PERFINFO64, HeaderType.PERFINFO64, HeaderType.COMPACT64, HeaderType.SYSTEM64),
    4: (HeaderType.PERFINFO32, HeaderType.PERFINFO32, HeaderType.COMPACT32, HeaderType.SYSTEM32),
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """One trace's circumstances. Times are nanoseconds, sizes bytes, shares fractions.

    ``events``: about how many pool events. ``request_header``, ``switch_header``: header types, with and without
    thread ids. ``id_per_call``: every call of a driver and every completion has a match id of its own, where it is
    else the request's. ``afd_first``: AFD tells of an operation before the driver is called, else within.
    ``afd_completes_first``: and of its completion before the request's, else after. ``layers``: drivers that a
    request passes. ``returns``: calls and completions are logged on their way back too. ``irp_offset``: from a pool
    block to the packet in it. ``endpoint_offset``: the same for AFD's endpoint. ``lookaside``: packets that a list of
    the I/O manager keeps. ``same_cpu``: chance that a deferred procedure call completes on the issuer's CPU.
    """

    pointer_size: int
    cpus: int
    duration_ns: int
    events: int
    frequency: int
    buffer_size: int
    compressed: bool
    keyed_stacks: bool
    user_stacks: float
    request_header: HeaderType
    switch_header: HeaderType
    ready_events: bool
    id_per_call: bool
    afd_first: bool
    afd_completes_first: bool
    layers: int
    returns: bool
    irp_offset: int
    endpoint_offset: int
    lookaside: int
    same_cpu: float
    tick_ns: float


def draw(rng: random.Random) -> Conditions:
    """Everything at random."""
    pointer_size = rng.choice((8, 8, 8, 4))
    frequency = rng.choice((10_000_000, 10_000_000, 3_579_545, 2_435_900, 24_000_000))
    return Conditions(
        pointer_size=pointer_size,
        cpus=rng.choice((1, 2, 2, 4, 4, 6, 8, 12, 16, 32)),
        duration_ns=int(_SHORTEST_NS * _LONGEST_OVER_SHORTEST ** rng.random()),
        events=int(_FEWEST_EVENTS * _MOST_OVER_FEWEST ** (rng.random() ** 5)),
        frequency=frequency,
        buffer_size=rng.choice((0x1000, 0x2000, 0x4000, 0x10000)),
        compressed=rng.random() < 0.1,
        keyed_stacks=rng.random() < 0.25,
        user_stacks=rng.choice((0.0, 0.05, 0.3)),
        request_header=rng.choice(_HEADERS[pointer_size]),
        switch_header=rng.choice(_HEADERS[pointer_size]),
        ready_events=rng.random() < 0.5,
        id_per_call=rng.random() < 0.4,
        afd_first=rng.random() < 0.4,
        afd_completes_first=rng.random() < 0.6,
        layers=rng.choice((1, 1, 1, 2)),
        returns=rng.random() < 0.7,
        irp_offset=rng.choice((0, 0, 0x10)) if pointer_size == 8 else rng.choice((0, 0, 8)),
        endpoint_offset=rng.choice((0, 0, 0x10, 0x30)),
        lookaside=rng.choice((0, 0, 8, 24)),
        same_cpu=rng.choice((0.0, 0.3, 1.0)),
        tick_ns=SECOND / frequency,
    )
