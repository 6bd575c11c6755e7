"""First in, first out: what was completed earlier on a thread is done with earlier."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tests.laws.events import Event
from tests.laws.law import before
from tests.laws.requests import Request

_OVERLAP_NS: Final = 5_000
"""What the clocks of two processors may be apart, with room."""


def overtaken(
    requests: Sequence[Request], done: Callable[[Request], Event | None]
) -> Iterator[tuple[Request, Request]]:
    """Pairs of an earlier request and a later one that is done with first. ``done``: ``None`` for never.

    Completions that overlap in time, or nearly, may be queued in either order.
    """
    begins: list[tuple[int, Request]] = []
    ends: list[tuple[int, Request]] = []
    for request in requests:
        at = done(request)
        begin, end = request.completed_before(at.order if at is not None else float("inf"))
        if begin is not None:
            begins.append((begin.at_ns - _OVERLAP_NS, request))
        if begin is not None and end is not None:
            ends.append((end.at_ns, request))
    ends.sort(key=lambda each: each[0])
    last: Request | None = None
    at_end = 0
    for begun, request in sorted(begins, key=lambda each: each[0]):
        while at_end < len(ends) and ends[at_end][0] < begun:
            other = ends[at_end][1]
            last = other if last is None or before(done(last), done(other)) else last
            at_end += 1
        at = done(request)
        if last is not None and at is not None and not before(done(last), at):
            yield last, request
