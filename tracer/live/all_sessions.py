"""All sessions that run, asked in an array of the length that this machine takes.

A machine has 64 places for sessions unless its registry says another number from 32 to 256 (EtwMaxLoggers).
QueryAllTraces refuses an array of more places than that with 87, and answers 234 with the number of sessions where an
array is too short (documentation of QueryAllTracesW, and of EVENT_TRACE_PROPERTIES).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tracer.live.api import Status
from tracer.live.structures import NamedProperties

FIRST_ROOM: Final = 64
LEAST_ROOM: Final = 32
MOST_ROOM: Final = 256
_TRIES: Final = 8
"""Sessions may start between two questions, a few times."""

Query = Callable[[Sequence[NamedProperties]], tuple[int, int]]
"""Fills structures: (status, sessions that there are)."""


def all_sessions(query: Query) -> tuple[int, Sequence[NamedProperties]]:
    """(status, sessions); 234 (MORE_DATA) where there were more of them at every try."""
    room, answer = FIRST_ROOM, (int(Status.MORE_DATA), list[NamedProperties]())
    for _ in range(_TRIES):
        found = [NamedProperties.empty() for _ in range(room)]
        status, count = query(found)
        if status == Status.INVALID_PARAMETER and answer[1]:
            break  # more sessions run than an array may have places
        answer = status, found[: min(count, room)] if status in (Status.SUCCESS, Status.MORE_DATA) else []
        if status == Status.INVALID_PARAMETER and room > LEAST_ROOM:
            room = LEAST_ROOM
        elif status == Status.MORE_DATA and count >= room:
            # By Microsoft's page of QueryAllTracesA the count is of what was told, by that of QueryAllTracesW of all.
            room = count if count > room else min(2 * room, MOST_ROOM)
        else:
            break
    return answer
