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
    result = list(findings)
    for each in list(result):
        callers = {frame.module for frame in names.frames(each.stack) if frame.module != each.driver}
        causes = [other for other in result if other.driver in callers and _go_together(each, other)]
        if causes and result.index(causes[0]) > result.index(each):
            result.remove(each)
            result.insert(result.index(causes[0]) + 1, each)
    return result


def _go_together(one: Finding, other: Finding) -> bool:
    alike = abs(one.count - other.count) <= _ALIKE * max(one.count, other.count)
    return alike and (one.process_id, one.thread_id) == (other.process_id, other.thread_id)
