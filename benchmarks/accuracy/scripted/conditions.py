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

_FILE_OFFSETS: Final = {8: (0x30, 0x50, 0x60, 0x80), 4: (0x18, 0x28, 0x38)}
"""Optional headers of an object lie in front of it."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """One trace's circumstances. Times are nanoseconds, sizes bytes, shares fractions.

    ``events``: about how many pool events. ``user_stacks``: share of pool events whose user-mode stack is logged too,
    ``user_apart``: as a record of its own behind the kernel's, else as its last frames. ``request_header``,
    ``switch_header``: header types, with and without thread ids. ``afd_first``: AFD tells of an operation before the
    driver is called, else within. ``afd_completes_first``: and of its completion before the request's, else after.
    ``filtered``: a third party's filter lies above the socket driver. ``returns``: calls and completions are logged on
    their way back too. ``pool_offset``: from a pool event's address to what lies in the block, ``file_offset``: from
    there to the file object behind its headers, ``endpoint_offset``: the same for AFD's endpoint.
    ``locations``: stack locations of the IRPs on the three lists. ``list_depth``: IRPs that a list keeps, of each
    CPU and shared. ``list_filled``: what part of them is there already when the trace begins. ``lent``: IRPs that
    a CPU lends from its lists to asynchronous requests. ``tcp``: connections have a block of tcpip's own.
    ``same_cpu``: chance that a deferred procedure call completes on the issuer's CPU. ``waker_named``: an entry that is
    put in a port names the thread that takes it.
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
    user_apart: bool
    request_header: HeaderType
    switch_header: HeaderType
    ready_events: bool
    afd_first: bool
    afd_completes_first: bool
    filtered: bool
    returns: bool
    pool_offset: int
    file_offset: int
    endpoint_offset: int
    locations: tuple[int, int, int]
    list_depth: int
    list_filled: float
    lent: int
    tcp: bool
    same_cpu: float
    waker_named: bool
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
        user_stacks=rng.choice((0.05, 0.3, 1.0, 1.0)),
        user_apart=rng.random() < 0.6,
        request_header=rng.choice(_HEADERS[pointer_size]),
        switch_header=rng.choice(_HEADERS[pointer_size]),
        ready_events=rng.random() < 0.7,
        afd_first=rng.random() < 0.4,
        afd_completes_first=rng.random() < 0.6,
        filtered=rng.random() < 0.3,
        returns=rng.random() < 0.8,
        pool_offset=rng.choice((0, 0, 0x10)) if pointer_size == 8 else rng.choice((0, 0, 8)),
        file_offset=rng.choice(_FILE_OFFSETS[pointer_size]),
        endpoint_offset=rng.choice((0, 0, 0x10, 0x30)),
        locations=(1, rng.randrange(3, 7), rng.randrange(10, 17)),
        list_depth=rng.choice((0, 4, 8, 24)),
        list_filled=rng.choice((0.0, 0.5, 1.0)),
        lent=rng.choice((4, 16, 64)),
        tcp=rng.random() < 0.5,
        same_cpu=rng.choice((0.0, 0.3, 1.0)),
        waker_named=rng.random() < 0.3,
        tick_ns=SECOND / frequency,
    )
