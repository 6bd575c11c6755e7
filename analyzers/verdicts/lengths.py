"""How far the length of a trace bears a verdict out.

A load that begins with the trace, or a program that has just started, fills up for about one usual lifetime of what it
allocates and then levels off: by Little's law as much is in use as is allocated in one mean lifetime. Until then it
looks like a leak. So the more usual lifetimes a trace shows, the less a start explains what stays.
"""

from __future__ import annotations

from math import log10

from analyzers.findings import Verdict
from analyzers.formatting import duration
from analyzers.policy import LENGTHS, LIFETIMES, PARTS, SURENESS
from analyzers.verdicts.confidence import Weight
from analyzers.verdicts.judgement import Judgement


def length_weight(judgement: Judgement, *, starting: bool, drained_ns: int = 0) -> Weight:
    """What the length of the trace takes from the confidence in an accusation, and its words where it is much.

    Few freed siblings tell of themselves alone: the fewer there are beside what stays, the more it counts as of a kind
    that is never freed (their Kaplan-Meier estimate would level off at the share that stays). ``starting``: the program
    has started shortly before the trace's end, and has not freed any. ``drained_ns``: of a drain at the trace's end, in
    which all that a start filled up is freed but for what lives longer.
    """
    seen, lived = judgement.seen_ns, judgement.survivors
    alone = _of_growth(seen)
    if judgement.verdict is Verdict.GROWTH or not lived.freed:
        alone = min(alone, SURENESS.starting) if starting else alone
        says = f"the trace shows {duration(seen)} of it and none freed, as when a program has just started"
        return _weight(alone, says)
    lifetimes = seen / max(lived.usual_ns, 1)
    drained = 1 - (1 - LIFETIMES.usual) ** (drained_ns / max(lived.usual_ns, 1))
    passed = max(lifetimes / (lifetimes + SURENESS.lifetimes), drained)
    known = _of_known(seen) * passed
    telling = min(lived.freed / (PARTS.most * (lived.freed + lived.count)), 1.0)
    factor = telling * known + (1 - telling) * min(known, alone)
    if passed < SURENESS.many_lifetimes:
        times = f"only {lifetimes:.1f} times as long as others usually live"
        return _weight(factor, f"the trace shows {duration(seen)} of it, {times}")
    if factor > SURENESS.starting and starting:
        return _weight(
            SURENESS.starting, f"the trace shows {duration(seen)} of it, and the program had only just started"
        )
    return _weight(factor, f"the trace shows {duration(seen)} of it, and blocks that live longer may yet be freed")


def held_weight(verdict: Verdict, seen_ns: int) -> Weight:
    """The same for an accusation over held requests, of which the oldest is held for so long.

    A thread may yet wait alertably, a port be read, and a driver complete them, once the trace is over.
    """
    factor = (_of_growth if verdict is Verdict.GROWTH else _of_known)(seen_ns)
    return _weight(factor, f"the trace shows {duration(seen_ns)} of it, and they may yet be released")


def _of_growth(seen_ns: int) -> float:
    return _by_length(seen_ns, LENGTHS.growth_from_ns, LENGTHS.growth_until_ns, LENGTHS.least)


def _of_known(seen_ns: int) -> float:
    return _by_length(seen_ns, LENGTHS.known_from_ns, LENGTHS.known_until_ns, LENGTHS.least_known)


def _by_length(seen_ns: int, start_ns: int, until_ns: int, least: float) -> float:
    """From the least up to 1 with the logarithm of the time seen."""
    share = log10(max(seen_ns, start_ns) / start_ns) / log10(until_ns / start_ns)
    return least + (1 - least) * min(share, 1.0)


def _weight(factor: float, says: str) -> Weight:
    return Weight(factor, says if factor < SURENESS.worth_saying else "")
