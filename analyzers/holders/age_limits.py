"""How old a completed request may be before it counts as not retired."""

from __future__ import annotations

import numpy as np

from analyzers.activity import Activity, ActivitySince
from analyzers.activity.thread_state import NEVER_RAN, RAN, WAITED
from analyzers.policy import AGES
from analyzers.requests.tables import RequestCounts, RequestTable
from analyzers.trends.bins import EDGES
from tracer.arrays import F64, Mask


def usual_ns(counts: RequestCounts) -> float | None:
    """Nanoseconds in which all but one in a thousand retired, rounded up to a bin's edge; ``None`` for too few."""
    total = int(counts.retire_latency.sum())
    if total < AGES.enough:
        return None
    place = int(np.searchsorted(np.cumsum(counts.retire_latency), AGES.share * total, "left"))
    return float(EDGES[place + 1])


def limits_ns(
    counts: RequestCounts, requests: RequestTable, user_mode: Mask, activity: Activity, since: ActivitySince
) -> F64:
    """Nanoseconds by request: up to this age after its completion it is too recent to judge.

    ``user_mode``: its thread was in user mode since, so that stage 2 has run.
    """
    usual = usual_ns(counts)
    if usual is None:
        limits = np.where(_had_its_chance(since), float(AGES.least_ns), float(AGES.least_known_ns))
    else:
        limits = np.full(len(since), max(AGES.times * usual, float(AGES.least_ns)))
    limits = np.where(user_mode, float(AGES.least_ns), limits)
    limits = np.maximum(limits, AGES.times_own * requests.longest_ns).astype(np.float64)
    least = AGES.least_known_ns if activity.ready_waits >= AGES.enough else AGES.turns_ns
    starved = max(AGES.times * activity.longest_ready_ns, float(least))
    waits_for_cpu = (since.what == NEVER_RAN) & (since.ready | np.bool_(not activity.seen_readies))
    result: F64 = np.where(waits_for_cpu, np.maximum(limits, starved), limits)
    return result


def _had_its_chance(since: ActivitySince) -> Mask:
    """By row: whether the thread's latest turn on a CPU gave it the time to take APCs, after that moment."""
    until = np.where(since.last_out_ns > since.last_in_ns, since.last_out_ns, since.at_ns)
    turn = until - np.maximum(since.last_in_ns, since.time_ns)
    seen = (since.what == RAN) | (since.what == WAITED)
    took_turn = since.silent_cpu | ((turn >= AGES.settled_ns) & (since.last_in_ns >= 0))
    return np.asarray(seen & took_turn, np.bool_)


def had_no_chance(since: ActivitySince) -> Mask:
    """By row: whether the thread was off the CPU at that time and has only just come back to it."""
    returned = (since.last_in_ns > since.time_ns) & (since.last_in_ns > since.last_out_ns)
    return returned & (since.last_out_ns <= since.time_ns) & (since.at_ns - since.last_in_ns < AGES.settled_ns)
