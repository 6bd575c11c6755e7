"""Pool events drawn by chance, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import strategies as st

from tests.analyzers.plain_ledger import PoolEvent

_MULTIPLIER = 0x9E3779B97F4A7C15


def twin(address: int) -> int:
    """Another address with the same fingerprint: one that differs only in the bits the hash drops."""
    mixed = (address ^ (address >> 32)) * _MULTIPLIER % (1 << 64)
    other = (mixed ^ 1) * pow(_MULTIPLIER, -1, 1 << 64) % (1 << 64)
    return other ^ (other >> 32)


A, B = 0xFFFF9A8000001010, 0xFFFF9A8000002020
ADDRESSES = [0, (1 << 64) - 1, A, twin(A), B, 0x85001008]
TAGS = [0x20707249, 0xA0707249, 0x45646641, 0]
TYPES = [0, 1, 512, 0x10000201, 33]


@st.composite
def event_lists(draw: st.DrawFn) -> list[PoolEvent]:
    """Pool events in time order; many share a time, few addresses, so that everything meets everything."""
    time = 0
    events = []
    for _ in range(draw(st.integers(0, 60))):
        time += draw(st.sampled_from([0, 0, 1]))
        events.append(
            PoolEvent(
                time,
                draw(st.booleans()),
                draw(st.sampled_from(ADDRESSES)),
                draw(st.sampled_from([0, 1, 16, 4097, 1 << 40])),
                draw(st.sampled_from(TAGS)),
                draw(st.sampled_from(TYPES)),
                draw(st.integers(0, 2)),
                draw(st.integers(-1, 2)),
                draw(st.booleans()),
            )
        )
    return events


def batches(events: Sequence[PoolEvent], cuts: Sequence[int]) -> list[Sequence[PoolEvent]]:
    """The events cut into batches; no cut falls between events of one time."""
    allowed = [i for i in sorted(set(cuts)) if 0 < i < len(events) and events[i - 1].time < events[i].time]
    edges = [0, *allowed, len(events)]
    return [events[low:high] for low, high in pairwise(edges)]
