"""How old a completed request may be before it counts as not retired."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.activity import Activity, Since
from analyzers.activity.since import NEVER_RAN, RAN, WAITED
from analyzers.requests.tables import RequestCounts, RequestTable
from analyzers.trends.bins import EDGES

I64 = npt.NDArray[np.int64]

ENOUGH: Final = 20
"""Retired requests, or ready threads that got a CPU, from which the usual time is taken."""
_SHARE: Final = 0.999
_TIMES: Final = 4.0
_TIMES_OWN: Final = 2.0
"""Of the longest time that one of the same thread took: a thread that takes its user APCs now and then has that."""
_LEAST_NS: Final = 1_000_000
"""A running thread gets a special APC within microseconds: by an interrupt, once the DPC that queued it is through.
DPCs of some hundred microseconds do occur."""
_LEAST_KNOWN_NS: Final = 10_000_000
"""The same where few retired requests tell what is usual, and the thread is not seen to have had its chance."""
TURNS_NS: Final = 62_500_000
"""Two turns on a client, of two clock intervals of 15.625 ms each. A ready thread waits a turn for each before it."""
SETTLED_NS: Final = 100_000
"""A thread that has run for so long has had its chance to take APCs."""


def usual_ns(counts: RequestCounts) -> float | None:
    """The time in which all but one in a thousand retired, rounded up to a bin's edge; ``None`` where too few did."""
    total = int(counts.retire_latency.sum())
    if total < ENOUGH:
        return None
    place = int(np.searchsorted(np.cumsum(counts.retire_latency), _SHARE * total, "left"))
    return float(EDGES[place + 1])


def limits_ns(
    counts: RequestCounts, requests: RequestTable, user_mode: npt.NDArray[np.bool_], activity: Activity, since: Since
) -> npt.NDArray[np.float64]:
    """By request (``since`` is of its completion): age up to which it is recent.

    ``user_mode``: its thread was in user mode since, so that stage 2 has run.
    """
    usual = usual_ns(counts)
    if usual is None:
        limits = np.where(_had_its_chance(since), float(_LEAST_NS), float(_LEAST_KNOWN_NS))
    else:
        limits = np.full(len(since), max(_TIMES * usual, float(_LEAST_NS)))
    limits = np.where(user_mode, float(_LEAST_NS), limits)
    limits = np.maximum(limits, _TIMES_OWN * requests.longest_ns).astype(np.float64)
    least = _LEAST_KNOWN_NS if activity.ready_waits >= ENOUGH else TURNS_NS
    starved = max(_TIMES * activity.longest_ready_ns, float(least))
    waits_for_cpu = (since.what == NEVER_RAN) & (since.ready | np.bool_(not activity.seen_readies))
    result: npt.NDArray[np.float64] = np.where(waits_for_cpu, np.maximum(limits, starved), limits)
    return result


def _had_its_chance(since: Since) -> npt.NDArray[np.bool_]:
    """By row: whether the thread's latest turn on a CPU gave it the time to take APCs, after that moment."""
    until = np.where(since.last_out_ns > since.last_in_ns, since.last_out_ns, since.at_ns)
    turn = until - np.maximum(since.last_in_ns, since.time_ns)
    seen = (since.what == RAN) | (since.what == WAITED)
    took_turn = since.silent_cpu | ((turn >= SETTLED_NS) & (since.last_in_ns >= 0))
    return np.asarray(seen & took_turn, np.bool_)


def had_no_chance(since: Since) -> npt.NDArray[np.bool_]:
    """By row: whether the thread was off the CPU at that time and has only just come back to it."""
    returned = (since.last_in_ns > since.time_ns) & (since.last_in_ns > since.last_out_ns)
    return returned & (since.last_out_ns <= since.time_ns) & (since.at_ns - since.last_in_ns < SETTLED_NS)
