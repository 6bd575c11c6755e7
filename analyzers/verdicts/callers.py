"""Cause before consequence: what a driver allocated because another accused one called it comes after that one's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from analyzers.findings import Finding
from analyzers.snapshot import Names

_ALIKE: Final = 0.1
"""Share by which the numbers of blocks that were allocated in one go may differ."""


def causes_first(findings: Iterable[Finding], names: Names) -> list[Finding]:
    """The findings in their order, but each after the one whose driver stands below its own in the allocating stack.

    A transport's endpoint is allocated when Winsock's driver calls the transport, and freed when that calls again: as
    many are kept as of the caller's own blocks, by the same thread, and the caller is who keeps them. The kernel's own
    image stands at the bottom of every stack and is no such caller.
    """
    flat = list(findings)
    kept: dict[tuple[str, int | None, int | None], list[int]] = {}
    for number, each in enumerate(flat):
        kept.setdefault((each.driver, each.process_id, each.thread_id), []).append(number)
    order = list(range(len(flat)))
    place = list(order)
    for number, each in enumerate(flat):
        callers = {frame.module for frame in names.frames(each.stack)} - {each.driver}
        causes = [
            place[other]
            for driver in callers
            for other in kept.get((driver, each.process_id, each.thread_id), ())
            if _as_many(each, flat[other])
        ]
        if causes and min(causes) > place[number]:
            order.insert(min(causes) + 1, number)
            del order[place[number]]
            for at, moved in enumerate(order):
                place[moved] = at
    return [flat[number] for number in order]


def _as_many(one: Finding, other: Finding) -> bool:
    return abs(one.count - other.count) <= _ALIKE * max(one.count, other.count)
