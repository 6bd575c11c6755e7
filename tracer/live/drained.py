"""The mark of a recording's drain, put into its file when the session has ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tracer.etl.appending import Classic, What, append_events
from tracer.etl.logfile import LogFile
from tracer.events.drain import DRAINED, PROVIDER

_SECOND_NS: Final = 1_000_000_000
_WHAT: Final = What(
    "drain-not-written",
    "where the drain began was not added to the recording",
    "record again; the recording itself can be read as it is, as one without a drain",
)


def append_drain(path: Path, began_ticks: int) -> int:
    """Say in a finished recording that its drain began at a reading of the performance counter; gives the bytes added.

    Raises as :func:`~tracer.etl.appending.append_events`; the code of its OutputError is ``drain-not-written``.
    """

    def event(head: LogFile, end_ticks: int) -> Sequence[Classic]:
        lasted = max(end_ticks - began_ticks, 0) * _SECOND_NS // head.clock.frequency
        return (Classic(PROVIDER, DRAINED, {"lasted_ns": lasted}),)

    return append_events(path, event, _WHAT)
